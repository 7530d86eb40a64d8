// What people who come from other systems write, and the answer that each gets: where it stands, and what is meant.
#include <string>
#include <string_view>

#include "config/foreign_values.h"
#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

// The errors of a pipeline with one part replaced: `kafka` from 4:12 on, `more` in the source from line 6 on, `step` from
// 8:5 on, `sink` from 10:5 on, `top` from line 11 on.
struct Parts {
  std::string kafka = "{brokers: b, topic: t}";
  std::string more = "format: json";
  std::string step = "filter: n > 1";
  std::string sink = "stdout: {}";
  std::string top = "lanes: 1";
};

std::string said_of(const Parts& p) {
  return errors_of("name: p\nsources:\n  in:\n    kafka: " + p.kafka + "\n    schema: {a: string, n: int, ts: timestamp(ms)}\n    " +
                   p.more + "\nsteps:\n  - " + p.step + "\nsinks:\n  - " + p.sink + "\n" + p.top + "\n");
}

void check_all(std::string Parts::*part, std::initializer_list<std::pair<const char*, const char*>> cases) {
  for (const auto& [written, wanted] : cases) {
    Parts parts;
    parts.*part = written;
    const std::string said = said_of(parts);
    INFO(written << "\n" << said);
    CHECK(said == std::string(wanted) + "\n");
  }
}

}  // namespace

TEST_CASE("what Kafka's clients call their settings is answered with our keys") {
  check_all(&Parts::kafka,
            {{"{bootstrap.servers: b, topic: t}", "4:13: unknown key `bootstrap.servers`; write `brokers`"},
             {"{bootstrap_servers: b, topic: t}", "4:13: unknown key `bootstrap_servers`; write `brokers`"},
             {"{seed_brokers: [b], topics: [t]}", "4:13: unknown key `seed_brokers`; write `brokers`"},
             {"{brokers: b, topic: t, group.id: g}", "4:35: unknown key `group.id`; write `group`"},
             {"{brokers: b, topic: t, auto.offset.reset: earliest}",
              "4:35: unknown key `auto.offset.reset`; write `start: earliest`, `start: latest` or `start: {timestamp: ...}`"},
             {"{brokers: b, topic: t, security.protocol: SSL}",
              "4:35: unknown key `security.protocol`; write it inside of `properties`, under its librdkafka name"},
             {"{brokers: b, topic: t, tls: {}}", "4:35: unknown key `tls`; write it inside of `properties`, under its librdkafka name"},
             {"{brokers: b, topic: [t, u]}", "4:32: `topic` must be one topic, not a list; write `topics: [a, b]` for several"},
             {"{brokers: b, topic: 't,u'}", "4:32: `topic` must be one topic, not 't,u'; write `topics: [a, b]` for several"},
             {"{brokers: b, topic: shop.*}",
              "4:32: `topic` must be one topic, not 'shop.*'; write `topic_pattern: '^shop\\.'` for all that match"},
             {"{brokers: b, topics: t}", "4:33: `topics` must be a list, not 't'; write `[t]`"},
             {"{brokers: b, topic: t, start: beginning}", "4:42: unknown word `beginning`; write `earliest`"},
             {"{brokers: b, topic: t, start: {time: x}}", "4:43: unknown key `time`; write `timestamp: 2026-01-01T00:00:00Z`"}});
}

TEST_CASE("what sources are written like elsewhere is answered with ours") {
  check_all(&Parts::more,
            {{"watermark: 5s", "6:5: unknown key `watermark`; write `event_time: {field: ts, max_delay: 2s}`"},
             {"topic: t", "6:5: unknown key `topic`; it stands inside of `kafka: {brokers: localhost:9092, topic: shop.events}`"},
             {"connector: kafka", "6:5: unknown key `connector`; write `kafka: {brokers: localhost:9092, topic: shop.events}`"},
             {"dlq: t", "6:5: unknown key `dlq`; such records leave in a sink: `- from: dead_letter` or `- from: late`"},
             {"event_time: ts", "6:17: `event_time` must be a map, not 'ts'; as in `event_time: {field: ts, max_delay: 2s}`"},
             {"event_time: {field: ts, max_out_of_orderness: 5s}", "6:29: unknown key `max_out_of_orderness`; write `max_delay`"},
             {"event_time: {column: ts}", "6:18: unknown key `column`; write `field`"}});
}

TEST_CASE("schemas of other systems are answered with ours") {
  const auto check = [](std::string_view schema, std::string_view wanted) {
    INFO(schema);
    CHECK(errors_of(fmt::format("name: p\nsources:\n  in:\n    kafka: {{brokers: b, topic: t}}\n    schema:\n{}sinks:\n  - drop: {{}}\n", schema)) == wanted);
  };
  check("      a: VARCHAR(20)\n", "6:10: there is no type `VARCHAR(20)`; did you mean `string`?\n");
  check("      a: bigint?\n", "6:10: there is no type `bigint`; did you mean `int`?\n");
  check("      a: timestamp_ltz(3)\n",
        "6:10: there is no type `timestamp_ltz(3)`; write timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)\n");
  check("      a: object\n",
        "6:10: there is no type `object`; declare the fields inside of it, each with its path, as in `city: {type: string, path: address.city}`\n");
  check("      a: {type: int, nullable: true}\n",
        "6:22: unknown key `nullable`; a field that may be missing or null has a `?` behind its type, as in `type: 'double?'`\n");
  check("      address: {city: string}\n",
        "6:17: unknown key `city`; a field inside of an object is declared with its path, as in `city: {type: string, path: address.city}`\n");
  check("      - a: int\n", "6:7: `schema` must be a map, not a list; write `NAME: ...` for each, without `- `\n");
}

TEST_CASE("steps of SQL and of mapping languages are answered with ours") {
  check_all(&Parts::step,
            {{"where: n > 1", "8:5: unknown key `where`; write `filter: condition`"},
             {"mapping: root.x = this.n", "8:5: unknown key `mapping`; write `map: {field: expression}`"},
             {"group_by: a",
              "8:5: unknown key `group_by`; it stands inside of a window: `window: {tumbling: 1m, by: user_id, aggregates: {n: count()}}`"},
             {"type: filter", "8:5: unknown key `type`; the kind of step is a key: `filter`, `map`, `select`, `dedupe`, `union` or `window`"},
             {"map: [x]", "8:10: `map` must be a map, not a list; write `NAME: ...` for each, without `- `"},
             {"select: a, n", "8:13: `select` is more than one name; write several as a list: `[a, b]`"},
             {"window: 1m",
              "8:13: `window` must be a map, not '1m'; as in `window: {tumbling: 1m, by: user_id, aggregates: {n: count()}}`"},
             {"filter:\n      expr: n > 1", "9:7: `filter` must be an expression, not a map; write the expression alone, as text"}});
}

TEST_CASE("windows of other systems are answered with ours") {
  const std::string kind = "the kind of window is a key: write `tumbling: 1m` or `sliding: {size: 5m, step: 1m}`\n";
  const auto check = [](std::string_view window, const std::string& wanted) {
    Parts parts;
    parts.step = "window: {" + std::string(window) + ", aggregates: {c: count()}}";
    INFO(window);
    CHECK(said_of(parts) == wanted);
  };
  check("type: tumbling", "8:14: unknown key `type`; " + kind);
  check("type: tumbling, size: 1m", "8:14: unknown key `type`; " + kind + "8:30: unknown key `size`; " + kind);
  check("hopping: {size: 5m, advance: 1m}", "8:14: unknown key `hopping`; write `sliding: {size: 5m, step: 1m}`\n");
  check("HOP: 1m", "8:14: unknown key `HOP`; write `sliding: {size: 5m, step: 1m}`\n");
  check("tumble: 1m", "8:14: unknown key `tumble`; write `tumbling: 1m`\n");
  check("sliding: {size: 5m, slide: 1m}", "8:34: unknown key `slide`; write `step`\n");
  check("sliding: {size: 5m, advance_by: 1m}", "8:34: unknown key `advance_by`; write `step`\n");
  check("sliding: 5m", "8:23: `sliding` must be a map, not '5m'; as in `sliding: {size: 5m, step: 1m}`\n");
  check("cumulate: {size: 1d, step: 1h}", "8:14: unknown key `cumulate`; write `cumulative: {size: 1d, step: 1h}`\n");
  check("daily: UTC", "8:14: unknown key `daily`; write `calendar: {unit: day, timezone: Europe/Stockholm}`\n");
  check("tumbling: 1m, group_by: [a]", "8:28: unknown key `group_by`; write `by`\n");
  check("tumbling: 1m, key: a", "8:28: unknown key `key`; write `by`\n");
  check("tumbling: 1m, grace: 5s", "8:28: unknown key `grace`; write `allowed_lateness`\n");
  check("tumbling: 1m, having: c > 1", "8:28: unknown key `having`; write a `filter` step behind the window\n");
  check("tumbling: 1m, by: 'a, n'", "8:32: `by` is more than one name; write several as a list: `[a, b]`\n");
  check("tumbling: 1m, by: ['a.lowerAscii()']",
        "8:33: an item of `by` is no name but an expression; a `map` step before makes a field of it\n");
}

TEST_CASE("sinks of other systems are answered with ours") {
  check_all(&Parts::sink,
            {{"print: {}", "10:5: unknown key `print`; write `stdout: {}`"},
             {"topic: t", "10:5: unknown key `topic`; it stands inside of `kafka: {topic: features.purchases}`"},
             {"kafka: {topic: o, acks: all}", "10:23: unknown key `acks`; write it inside of `properties`, under its librdkafka name"},
             {"kafka: {topic: o, partition_key: a}", "10:23: unknown key `partition_key`; write `key`"},
             {"kafka: {topic: o, exactly_once: true}",
              "10:23: unknown key `exactly_once`; `delivery` stands beside `kafka`; it is exactly_once unless it says at_least_once"},
             {"kafka: {topic: o}\n    delivery_guarantee: exactly-once",
              "11:5: unknown key `delivery_guarantee`; write `delivery: exactly_once` or `delivery: at_least_once`"},
             {"kafka: {topic: o}\n    delivery: EXACTLY_ONCE",
              "11:15: `delivery` must be `exactly_once` or `at_least_once`, not 'EXACTLY_ONCE'; did you mean `exactly_once`?"}});
}

TEST_CASE("the top of other systems' files is answered with ours") {
  check_all(&Parts::top,
            {{"checkpoint: 5s", "11:13: `checkpoint` must be a map, not '5s'; as in `checkpoint: {every: 5s}`"},
             {"checkpoint: {interval: 5s}", "11:14: unknown key `interval`; write `every`"},
             {"parallelism: 4",
              "11:1: unknown key `parallelism`; `lanes` are the units of parallelism, and `tidemark run --threads N` says how many threads run them"},
             {"apiVersion: v1", "11:1: unknown key `apiVersion`; a pipeline file is no Kubernetes resource: it begins with `name:` and `sources:`"},
             {"description: x", "11:1: unknown key `description`; write it as a comment behind `#`"}});
  CHECK(errors_of("name: p\ninput:\n  in: {kafka: {brokers: b, topic: t}}\noutput:\n  stdout: {}\n") ==
        "2:1: unknown key `input`; write `sources: {NAME: {kafka: ...}}`\n4:1: unknown key `output`; write `sinks: [...]`, a list\n");
  CHECK(errors_of("name: p\nsources:\n  in: {kafka: {brokers: b, topic: t}}\nsinks:\n  stdout: {}\n") ==
        "5:3: `sinks` must be a list, not a map; begin each item with `- `\n");
}

TEST_CASE("durations of other systems are answered with ours") {
  const auto check = [](std::string_view written, std::string_view wanted) {
    INFO(written);
    CHECK(duration_hint(written) == (wanted.empty() ? "" : fmt::format("did you mean `{}`?", wanted)));
  };
  check("1 minute", "1m");
  check("5 MINUTES", "5m");
  check("INTERVAL '1' MINUTE", "1m");
  check("interval '1 hour 30 minutes'", "1h30m");
  check("PT1M", "1m");
  check("PT1H30M", "1h30m");
  check("P1D", "1d");
  check("P1DT12H", "1d12h");
  check("P1M", "");  // a month
  check("1.5h", "1h30m");
  check("2 weeks", "14d");
  check("1w", "7d");
  check("500 msecs", "500ms");
  check("10 sec", "10s");
  check("1min", "1m");
  check("1 fortnight", "");
  check("soon", "");
  check("-5s", "");
  check("", "");
  check("1e300 h", "");
  CHECK(duration_hint("60") == "a number needs its unit, as in `60s` or `60ms`");
}

TEST_CASE("sizes of other systems are answered with ours") {
  CHECK(size_hint("512M") == "did you mean `512MiB`?");
  CHECK(size_hint("512mb") == "did you mean `512MiB`?");
  CHECK(size_hint("1 gigabytes") == "did you mean `1GiB`?");
  CHECK(size_hint("big").empty());
  CHECK(size_hint("M").empty());
  CHECK(size_hint("5m/s").empty());
}

}  // namespace tidemark
