// What tests of a pipeline can say and see: each case is a pipeline file with tests that hold, on the real engine.
#include <chrono>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/config/loading.h"
#include "tests/daemon/pipeline_test/ran.h"

namespace tidemark {
namespace {

// A window over one topic; `more` goes into its source, its window and its sinks.
struct Parts {
  std::string kafka = "topic: t";
  std::string source;
  std::string window = "tumbling: 1m";
  std::string more_window;
  std::string sinks = "  - kafka: {topic: out}\n";
};

std::string pipeline(const std::string& tests, const Parts& parts = {}) {
  return fmt::format(R"(name: p
sources:
  in:
    kafka: {{brokers: b, {}}}
    schema: {{user: string, n: 'int?', ts: timestamp(ms)}}
    event_time: {{field: ts, max_delay: 1s}}
{}steps:
  - name: per_user
    window:
      {}
      by: [user]
{}      aggregates: {{rows: count(), total: sum(n)}}
sinks:
{}tests:
{})", parts.kafka, parts.source, parts.window, parts.more_window, parts.sinks, tests);
}

void passes(const std::string& text) {
  const Ran result = ran(text);
  INFO(text << result.out << result.err);
  CHECK(result.code == 0);
  CHECK(result.out.find("FAIL") == std::string::npos);
}

const std::string kA = "        - {user: a, n: 1, ts: 2026-01-01T00:00:01Z}\n";
const std::string kB = "        - {user: b, n: 2, ts: 2026-01-01T00:00:02Z}\n";
const std::string kA2 = "        - {user: a, n: 4, ts: 2026-01-01T00:00:03Z}\n";
const std::string kNext = "        - {user: a, n: 8, ts: 2026-01-01T00:01:02Z}\n";
const std::string kHead = "  - input:\n      in:\n";

}  // namespace

TEST_CASE("the pipeline of the contract passes its test") { passes(whole_pipeline()); }

TEST_CASE("windows close when the data says so, and what stays open says nothing") {
  passes(pipeline(kHead + kA + kB + kA2 + kNext + R"(    expect:
      per_user:
        exactly:
          - {user: a, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 2, total: 5}
          - {user: b, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 1, total: 2}
      late: []
      dead_letter: []
)"));
}

TEST_CASE("wherever it crashes and checkpoints, a test sees the same rows") {
  const std::vector<std::string> records{kA, kB, kA2, kNext, "        - {user: a, n: 16, ts: 2026-01-01T00:00:04Z}\n"};
  const std::string expect = R"(    expect:
      per_user:
        exactly:
          - {user: a, window_end: 2026-01-01T00:01:00Z, rows: 2, total: 5}
          - {user: b, window_end: 2026-01-01T00:01:00Z, rows: 1, total: 2}
          - {user: a, window_end: 2026-01-01T00:02:00Z, rows: 1, total: 8}
      late: {exactly: [{user: a, n: 16, $reason: late}]}
)";
  std::string tests;
  for (size_t crash = 0; crash <= records.size(); ++crash) {
    for (size_t checkpoint = 0; checkpoint <= records.size(); ++checkpoint) {
      tests += kHead;
      for (size_t i = 0; i <= records.size(); ++i) {
        if (i == checkpoint) tests += "        - checkpoint\n";
        if (i == crash) tests += "        - crash\n";
        if (i < records.size()) tests += records[i];
      }
      tests += "        - end\n" + expect;
    }
  }
  for (const char* delivery : {"exactly_once", "at_least_once"}) {
    Parts parts;
    parts.sinks = fmt::format("  - kafka: {{topic: out}}\n    delivery: {}\n", delivery);
    passes(pipeline(tests, parts));
  }
}

TEST_CASE("a window that speaks on each change speaks once a record") {
  Parts parts;
  parts.more_window = "      emit: on_change\n";
  passes(pipeline(kHead + kA + kA2 + "        - end\n" + R"(    expect:
      per_user:
        exactly:
          - {user: a, rows: 1, total: 1, is_final: false}
          - {user: a, rows: 2, total: 5, is_final: false}
          - {user: a, rows: 2, total: 5, is_final: true}
)", parts));
}

TEST_CASE("a quiet stream goes on with the clock, to the second") {
  // The watermark is at 00:00:00 and the window ends a minute later; idle after 30 s, and the clock goes on a minute after.
  const auto with = [](const std::string& words, const std::string& rows) {
    return pipeline(kHead + kA + words + "    expect:\n      per_user: " + rows + "\n");
  };
  passes(with("        - advance: 2m29s\n", "[]"));
  passes(with("        - advance: 2m30s\n", "[{user: a, rows: 1}]"));
  passes(with("        - advance: 1m\n        - advance: 1m29s\n", "[]"));
  passes(with("        - advance: 1m\n        - advance: 1m30s\n", "[{user: a}]"));
  passes(with("        - advance: 29s\n" + kA2 + "        - advance: 2m27s\n", "[]"));
  passes(with("        - advance: 29s\n" + kA2 + "        - advance: 2m28s\n", "[{user: a, rows: 2}]"));
  passes(with("        - advance: 7d\n", "[{user: a}]"));
}

TEST_CASE("what an idle partition sends when the lane has gone on without it is late as idle") {
  passes(pipeline(kHead + "        - {user: a, ts: 2026-01-01T00:00:01Z, $partition: 0}\n"
                          "        - {user: b, ts: 2026-01-01T00:00:01Z, $partition: 1}\n"
                          "        - advance: 31s\n"
                          "        - {user: a, ts: 2026-01-01T00:05:00Z, $partition: 0}\n"
                          "        - {user: b, ts: 2026-01-01T00:00:02Z, $partition: 1}\n"
                          R"(    expect:
      per_user:
        - {user: a, window_end: 2026-01-01T00:01:00Z, rows: 1}
        - {user: b, window_end: 2026-01-01T00:01:00Z, rows: 1}
      late: {exactly: [{user: b, ts: 2026-01-01T00:00:02Z, $reason: idle, $partition: 1}]}
)"));
}

TEST_CASE("a partition that is behind holds windows open") {
  const std::string records = "        - {user: a, ts: 2026-01-01T00:00:01Z, $partition: 1}\n"
                              "        - {user: a, ts: 2026-01-01T00:05:00Z}\n";
  passes(pipeline(kHead + records + "    expect:\n      per_user: []\n"));
  passes(pipeline(kHead + records + "        - {user: b, ts: 2026-01-01T00:01:01Z, $partition: 1}\n" +
                  "    expect:\n      per_user: {exactly: [{user: a, window_end: 2026-01-01T00:01:00Z}]}\n"));
}

TEST_CASE("late records and dead letters show what they were and why") {
  passes(pipeline(kHead + R"(        - {user: a, n: 1, ts: 2026-01-01T00:05:00Z, $key: k, $headers: {trace: abc}}
        - {user: b, n: 2, ts: 2026-01-01T00:00:02Z, $key: k, $headers: {trace: def}, $timestamp: 2026-01-01T00:05:01Z}
        - {user: a, n: many, ts: 2026-01-01T00:05:01Z, other: [1, {deep: true}]}
        - {user: a, ts: 2026-01-01T00:05:02Z, n: 1.5}
        - {ts: 2026-01-01T00:05:02Z}
        - {user: a, ts: not a time}
        - {user: a, ts: 2026-01-01T09:00:00Z, $timestamp: 2026-01-01T00:05:00Z}
        - $raw: 'not json'
        - $raw: null
    expect:
      late:
        exactly:
          - {user: b, n: 2, ts: 2026-01-01T00:00:02Z, $reason: late, $key: k, $timestamp: 2026-01-01T00:05:01Z,
             $headers: {trace: def, tidemark.step: per_user}}
      dead_letter:
        exactly:
          - {user: a, n: many, $reason: type, $raw: '{"user":"a","n":"many","ts":1767225901000,"other":[1,{"deep":true}]}'}
          - {user: a, n: 1.5, $reason: type, $key: null}
          - {$reason: missing_field}
          - {$reason: event_time, ts: not a time}
          - {$reason: future, $partition: 0}
          - {$raw: 'not json', $reason: decode, $headers: {tidemark.offset: 7}}
          - {$raw: null, $reason: decode}
)"));
}

TEST_CASE("values are written as the schema says") {
  const std::string text = R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    schema:
      s: timestamp(s)
      us: timestamp(us)
      iso: timestamp(iso)
      text: string
      flag: bool
      bytes: bytes
      deep: {type: int, path: a.b.c}
      beside: {type: int, path: a.b.d}
sinks:
  - stdout: {}
tests:
  - input:
      in:
        - {s: 2026-01-01T00:00:00.5Z, us: 2026-01-01T01:00:00.000001+01:00, iso: 2026-01-01T01:00:00+01:00, text: 5, flag: true,
           bytes: aGk=, deep: 1, a: {b: {d: 2}}}
        - {s: 1767225600, us: 1767225600000001, iso: "2026-01-01T00:00:00Z", text: "true", flag: false, bytes: '', deep: -1,
           beside: 9223372036854775807}
    expect:
      in:
        exactly:
          - {s: 2026-01-01T00:00:00.5Z, us: 2026-01-01T00:00:00.000001Z, iso: 2026-01-01T00:00:00Z, text: '5', flag: true, bytes: aGk=,
             deep: 1, beside: 2}
          - {s: 2026-01-01T00:00:00Z, text: 'true', flag: false, bytes: '', deep: -1, beside: 9223372036854775807}
      dead_letter: []
)";
  passes(text);
}

TEST_CASE("records of format raw are their value") {
  passes(R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    format: raw
    schema: {line: string}
steps:
  - filter: line.contains('ERROR')
sinks:
  - stdout: {}
tests:
  - input: {in: [{line: an ERROR}, $raw: 'another ERROR', {line: fine}, {line: null}]}
    expect:
      filter-1: {exactly: [{line: an ERROR}, {line: another ERROR}]}
      dead_letter: {exactly: [{$reason: decode}]}
)");
}

TEST_CASE("a pipeline that starts at the end of its topics reads the test, and so do patterns and several topics") {
  for (const char* kafka : {"topic: t, start: latest", "topic_pattern: '^logs\\.[a-z]+'", "topics: [t, u]",
                            "topics: [t, u], partitioned_by: [user]"}) {
    Parts parts;
    parts.kafka = kafka;
    passes(pipeline(kHead + kA + "        - {user: b, ts: 2026-01-01T00:00:02Z, $partition: 2}\n        - end\n" +
                    "    expect:\n      per_user: {exactly: [{user: a}, {user: b}]}\n", parts));
  }
  Parts parts;
  parts.kafka = "topics: [t, u]";
  passes(pipeline(kHead + "        - {user: '', ts: 2026-01-01T00:00:02Z, $topic: u}\n        - {$raw: x, $topic: u}\n" +
                  "    expect:\n      dead_letter: [{$headers: {tidemark.topic: u}}]\n", parts));
}

TEST_CASE("rows too large for their sink are dead letters") {
  Parts parts;
  passes(pipeline(kHead + fmt::format("        - {{user: {}, ts: 2026-01-01T00:00:02Z}}\n        - end\n", std::string(600'000, 'x')) +
                  "    expect:\n      per_user: [{rows: 1}]\n      dead_letter: [{$reason: oversize, window_end: 2026-01-01T00:01:00Z}]\n",
                  parts));
}

TEST_CASE("time passes checkpoints as it does in life") {
  // The checkpoint that the minute brought is what the crash goes back to; either way no row is there twice.
  passes(pipeline(kHead + kA + "        - advance: 1m\n" + kB + "        - crash\n        - end\n" +
                  "    expect:\n      per_user: {exactly: [{user: a}, {user: b}]}\n"));
}

TEST_CASE("sessions grow over a crash") {
  Parts parts;
  parts.window = "session: {gap: 10s}";
  passes(pipeline(kHead + kA + "        - checkpoint\n" + kA2 + "        - crash\n" +
                  "        - {user: a, n: 8, ts: 2026-01-01T00:00:12Z}\n        - end\n" +
                  "    expect:\n      per_user: {exactly: [{user: a, window_start: 2026-01-01T00:00:01Z, "
                  "window_end: 2026-01-01T00:00:22Z, rows: 3, total: 13}]}\n", parts));
}

TEST_CASE("records of a CSV source are written by their fields, and read again where they were refused") {
  passes(R"yaml(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    format: {csv: {delimiter: ";", columns: [n, other, user, ts], null_text: "-"}}
    schema: {user: string, n: 'int?', ts: timestamp(ms)}
    event_time: {field: ts}
steps:
  - name: sent
    map: {by: "coalesce(kafka.key, 'nobody')", trace: kafka.headers.trace, where: kafka.partition, tags: "user.split(' ')"}
  - name: per_tag_count
    window: {tumbling: 1m, by: [by], aggregates: {rows: count(), last_tags: last(tags)}}
sinks:
  - kafka: {topic: out}
  - {from: late, kafka: {topic: late}}
  - {from: dead_letter, kafka: {topic: dead}}
tests:
  - input:
      in:
        - {user: "a \"b\";c", n: 1, ts: 2026-01-01T00:00:01Z, $key: k, $headers: {trace: t1}}
        - {user: "", ts: 2026-01-01T00:02:02Z, $partition: 1}
        - {user: late, n: 2, ts: 2026-01-01T00:00:03Z, $partition: 1}
        - {user: d, n: x, ts: 2026-01-01T00:02:02Z}
        - $raw: '1;2;3'
        - end
    expect:
      sent:
        - {user: "a \"b\";c", n: 1, by: k, trace: t1, where: 0, tags: [a, "\"b\";c"]}
        - {user: "", n: null, by: nobody, trace: null, where: 1, tags: [""]}
      per_tag_count:
        - {by: k, rows: 1, last_tags: [a, "\"b\";c"]}
      late: [{user: late, n: 2, ts: 2026-01-01T00:00:03Z}]
      dead_letter: [{$reason: type, user: d, n: x}, {$reason: decode, $raw: '1;2;3'}]
)yaml");
}

TEST_CASE("a case takes milliseconds") {
  std::string tests;
  for (int i = 0; i < 10; ++i) tests += kHead + kA + "        - checkpoint\n" + kB + "        - crash\n        - end\n    expect: {per_user: [{user: a}]}\n";
  const auto begin = std::chrono::steady_clock::now();
  passes(pipeline(tests));
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took < std::chrono::seconds(20));  // ten times what it takes on a machine that has other work to do, too
}

TEST_CASE("repeats are told by their first record, over partitions and a crash, and what is left is totalled by key") {
  passes(R"(name: p
sources:
  events:
    kafka: {brokers: b, topic: t}
    schema: {event_id: string, user_id: string, n: int, ts: timestamp(ms)}
    event_time: {field: ts, max_delay: 2s}
steps:
  - {name: once, dedupe: {by: [event_id], within: 10m}}
  - {name: per, map: {share: 100 / n}}
  - {name: total, window: {running: 30d, by: [user_id], emit: on_change, aggregates: {c: count(), s: sum(share)}}}
sinks:
  - drop: {}
  - {from: late, drop: {}}
  - {from: dead_letter, drop: {}}
tests:
  - name: repeats
    input:
      events:
        - {event_id: a, user_id: u, n: 5, ts: 2026-01-01T00:00:01Z}
        - {event_id: a, user_id: u, n: 0, ts: 2026-01-01T00:00:02Z, $partition: 1}
        - checkpoint
        - {event_id: b, user_id: u, n: 10, ts: 2026-01-01T00:00:03Z}
        - crash
        - {event_id: b, user_id: u, n: 10, ts: 2026-01-01T00:00:03Z}
        - {event_id: c, user_id: u, n: 0, ts: 2026-01-01T00:20:03Z}
        - {event_id: d, user_id: u, n: 1, ts: 2026-01-01T00:00:03Z}
        - {event_id: a, user_id: u, n: 4, ts: 2026-01-01T00:20:02Z}
        - end
    expect:
      late: [{event_id: d, $reason: dedupe}]
      dead_letter: {exactly: [{event_id: c, $reason: expression}]}
      total: [{user_id: u, c: 3, s: 55, is_final: true}]
)");
}

TEST_CASE("a union reads several sources, each in its own way") {
  passes(R"(name: p
sources:
  web:
    kafka: {brokers: b, topic: w}
    schema: {user: string, n: int, ts: timestamp(ms)}
    event_time: {field: ts}
  lines:
    kafka: {brokers: b, topic_pattern: '^logs\.[0-9]+$'}
    format: {csv: {delimiter: ';', columns: [n, ts, user]}}
    schema: {ts: timestamp(iso), user: string, n: int}
    event_time: {field: ts, max_delay: 10s}
steps:
  - union: [lines, web]
  - name: counted
    window: {tumbling: 1m, by: [user], aggregates: {rows: count(), total: sum(n)}}
  - {name: big, from: lines, filter: n > 5}
sinks:
  - {from: counted, drop: {}}
  - {from: big, drop: {}}
tests:
  - input:
      web:
        - {user: a, n: 1, ts: 2026-01-01T00:00:01Z}
        - {user: a, n: 7, ts: 2026-01-01T00:01:00Z, $partition: 1}
        - {user: a, n: 8, ts: 2026-01-01T00:01:00Z}
        - {user: a, n: 9, ts: 2026-01-01T00:00:59Z}
      lines:
        - {user: a, n: 2, ts: 2026-01-01T00:01:05Z}
        - {user: a, n: 16, ts: 2026-01-01T00:00:55Z}
        - checkpoint
        - $raw: 'three;2026-01-01T00:00:55Z;a'
        - crash
        - {user: b, n: 3, ts: 2026-01-01T00:01:11Z}
    expect:
      counted: {exactly: [{user: a, window_end: 2026-01-01T00:01:00Z, rows: 2, total: 17}]}
      late: {exactly: [{n: 9, $reason: late, $headers: {tidemark.step: counted}}]}
      dead_letter: {exactly: [{n: three, user: a, $reason: type, $headers: {tidemark.step: lines}}]}
      big: {exactly: [{user: a, n: 16, ts: 2026-01-01T00:00:55Z}]}
      web: [{n: 1}, {n: 7}]
)");
}

TEST_CASE("a pattern's records do not go to a source that names the topic they would be thought of in") {
  passes(R"(name: p
sources:
  shop: {kafka: {brokers: b, topic_pattern: '^logs\.'}, schema: {user: string}}
  named: {kafka: {brokers: b, topics: [logs.shop, logs.shop-1]}, schema: {user: string}}
steps:
  - union: [shop, named]
sinks:
  - drop: {}
tests:
  - input:
      shop:
        - {user: a, $timestamp: 2026-01-01T00:00:01Z}
        - {user: b, $topic: logs.other, $timestamp: 2026-01-01T00:00:01Z}
      named:
        - {user: c, $timestamp: 2026-01-01T00:00:01Z}
    expect:
      shop: {exactly: [{user: a}, {user: b}]}
      named: {exactly: [{user: c}]}
)");
}

TEST_CASE("sources with one promise have one lane a partition number") {
  passes(R"(name: p
sources:
  web: {kafka: {brokers: b, topic: w, partitioned_by: user}, schema: {user: string}}
  app: {kafka: {brokers: b, topic: a, partitioned_by: user}, schema: {user: string}}
steps:
  - union: [web, app]
  - {name: counted, window: {tumbling: 1m, by: [user], aggregates: {rows: count()}}}
sinks:
  - drop: {}
tests:
  - input:
      web:
        - {user: a, $partition: 1, $timestamp: 2026-01-01T00:00:01Z}
        - {user: a, $partition: 1, $timestamp: 2026-01-01T00:01:01Z}
      app:
        - {user: a, $partition: 1, $timestamp: 2026-01-01T00:01:01Z}
    expect:
      counted: {exactly: [{user: a, rows: 1}]}
)");
}

}  // namespace tidemark
