// The pipeline that the contract shows, word for word: it must load as it is written.
#include "tests/config/loading.h"

namespace tidemark {

std::string whole_pipeline() {
  return R"yaml(name: purchases-5m                       # unique; also the default consumer group and the prefix of all that it owns

sources:
  events:
    kafka:
      brokers: ${KAFKA_BROKERS:-localhost:9092}   # references are replaced after parsing, in scalars only; unset and no default = error
      topic: shop.events                 # or topics: [a, b], or topic_pattern: '^shop\.'
      group: purchases-5m                # default: the pipeline's name
      start: earliest                    # at the very first start: earliest (default) | latest | {timestamp: 2026-01-01T00:00:00Z}
      partitioned_by: [user_id]          # optional promise, see Words; saves the exchange
      properties: {security.protocol: PLAINTEXT}  # anything else goes to librdkafka
    format: json                         # json | raw | csv | avro | protobuf (each with its own options as a map)
    schema:                              # the data contract; only these fields are decoded
      event_id: string
      user_id: string
      event_type: string
      amount: double?                    # ? = may be missing or null
      ts: timestamp(ms)                  # timestamp(s|ms|us|iso)
      city: {type: 'string?', path: address.city}   # quoted: `?` may not end a plain scalar inside braces
    event_time: {field: ts, max_delay: 2s, max_future: 5m, idle_after: 30s, close_after_idle: 1m}   # defaults: the Kafka timestamp, 0s, 1h, 30s, 1m

steps:                                   # a list; each takes the one before it, unless it says `from: NAME`; any may have a `name`
  - filter: event_type == 'purchase'
  - map: {big: has(amount) && amount > 100.0}   # adds or replaces fields; `select:` keeps only the fields that it lists
  - name: per_user
    window:
      sliding: {size: 5m, step: 1m}
      by: [user_id]                      # [] or absent = one global key
      allowed_lateness: 0s
      emit: on_close
      aggregates:
        purchases: count()
        spent: sum(amount)
        big_share: double(count().where(big)) / double(count())
        p95: quantile(amount, 0.95)
  - filter: purchases >= 3               # steps after a window see its result rows

sinks:
  - kafka: {topic: features.purchases, key: [user_id]}   # takes the last step, unless it says `from: NAME`; brokers: the source's by default
    format: json
    delivery: exactly_once               # default for kafka; or at_least_once. `stdout` is at_least_once, `drop` has none
  - from: late                           # two built-in streams: `late` and `dead_letter`
    kafka: {topic: shop.events.late}
  - from: dead_letter
    kafka: {topic: shop.events.dead}
  # also: `stdout: {}` and `drop: {}` (counts its rows, writes none)

checkpoint: {every: 5s}
lanes: 32                                # fixed once state exists; a change is refused with the way out
exchange: memory                         # or topic, for several instances

tests:
  - name: a late purchase is sent aside
    input:
      events:
        - {event_id: a, user_id: u1, event_type: purchase, amount: 5.0, ts: 2026-01-01T00:00:01Z}
        - {event_id: b, user_id: u1, event_type: purchase, amount: 7.0, ts: 2026-01-01T00:09:00Z, $partition: 0}
        - crash                        # the process dies here and comes back from its last checkpoint
        - {event_id: c, user_id: u1, event_type: purchase, amount: 9.0, ts: 2026-01-01T00:00:02Z}
        - $raw: 'not json'
        - end                          # closes every window
    expect:
      per_user: [{user_id: u1, window_end: 2026-01-01T00:01:00Z, purchases: 1}]   # named fields only, any order; `{exactly: [...]}` for all rows in order
      late: [{event_id: c}]
      dead_letter: [{$reason: decode}]
)yaml";
}

}  // namespace tidemark
