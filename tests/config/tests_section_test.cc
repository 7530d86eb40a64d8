// The `tests:` of a file as they are read: records, control words and expectations, and what is said of those that are
// wrong.
#include "config/pipeline.h"
#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

constexpr const char* kHead = R"(name: p
sources:
  in:
    kafka: {brokers: b, topics: [t, u]}
    schema: {user: string, ts: timestamp(ms)}
steps:
  - name: w
    window: {tumbling: 1m, aggregates: {n: count()}}
  - filter: n > 1
sinks:
  - drop: {}
)";

// Errors in tests that begin at line 12.
std::string wrong(const std::string& tests) { return errors_of(kHead + tests); }

const TestRecordSpec& record(const TestSpec& test, size_t n) { return std::get<TestRecordSpec>(test.input[0].actions[n].what); }

}  // namespace

TEST_CASE("records, their words and the control words are read") {
  const PipelineSpec p = loaded(std::string(kHead) + R"(tests:
  - name: all of it
    input:
      in:
        - {user: a, ts: 2026-01-01T00:00:01Z, more: [1, 2], $partition: 3, $topic: u, $key: k, $headers: {h: v, empty: null}}
        - {$raw: null, $key: null, $timestamp: 2026-01-01T00:00:01Z}
        - {$raw: '', $timestamp: 1500}
        - checkpoint
        - crash
        - advance: 5m
        - end
    expect:
      w: [{n: 1}]
      filter-2: {exactly: [{n: 2}, {n: 3}]}
      in: []
      late: []
      dead_letter:
        - $reason: decode
  - input: {in: []}
    expect: {}
)");
  REQUIRE(p.tests.size() == 2);
  const TestSpec& test = p.tests[0];
  CHECK(test.name.value == "all of it");
  CHECK(p.tests[1].name.value == "test 2");
  REQUIRE(test.input.size() == 1);
  CHECK(test.input[0].source.value == "in");
  REQUIRE(test.input[0].actions.size() == 7);
  const TestRecordSpec& full = record(test, 0);
  CHECK(full.where.line == 16);
  REQUIRE(full.fields.size() == 3);
  CHECK(full.fields[2].key.value == "more");
  CHECK(full.partition->value == 3);
  CHECK(full.topic->value == "u");
  CHECK(full.key == std::optional(std::optional<std::string>("k")));
  CHECK(full.headers == std::vector<std::pair<std::string, std::optional<std::string>>>{{"h", "v"}, {"empty", std::nullopt}});
  CHECK_FALSE(full.raw);
  REQUIRE((record(test, 1).raw && record(test, 1).key));
  CHECK_FALSE(*record(test, 1).raw);
  CHECK_FALSE(*record(test, 1).key);
  CHECK(record(test, 1).timestamp->value == *parse_rfc3339("2026-01-01T00:00:01Z"));
  CHECK(record(test, 2).raw == std::optional(std::optional<std::string>("")));
  CHECK(record(test, 2).timestamp->value == Time::from_millis(1500));
  CHECK_FALSE(record(test, 2).key);
  CHECK(std::get<TestWord>(test.input[0].actions[3].what) == TestWord::kCheckpoint);
  CHECK(std::get<TestWord>(test.input[0].actions[4].what) == TestWord::kCrash);
  CHECK(std::get<TestAdvance>(test.input[0].actions[5].what).by == Duration::minutes(5));
  CHECK(std::get<TestWord>(test.input[0].actions[6].what) == TestWord::kEnd);
  REQUIRE(test.expect.size() == 5);
  CHECK_FALSE(test.expect[0].exactly);
  CHECK(test.expect[1].exactly);
  CHECK(test.expect[1].rows.items.size() == 2);
  CHECK(test.expect[4].rows.items[0].entries[0].key.value == "$reason");
}

TEST_CASE("a field may be called advance") {
  const PipelineSpec p = loaded(std::string(kHead) + "tests:\n  - input: {in: [{advance: 5m, user: a}]}\n    expect: {w: []}\n");
  CHECK(record(p.tests[0], 0).fields.size() == 2);
}

TEST_CASE("what is wrong with the structure of tests is said with its place and the nearest right word") {
  CHECK(wrong("tests: [{}]\n") == "12:9: an item of `tests` needs `input`; a map from sources to lists of records and control words\n"
                                  "12:9: an item of `tests` needs `expect`; a map from steps, sources, `late` and `dead_letter` to the rows "
                                  "that are expected of them\n");
  CHECK(wrong("tests:\n  - given: {in: []}\n    then: {w: []}\n") ==
        "13:5: unknown key `given`; write `input`\n14:5: unknown key `then`; write `expect`\n");
  CHECK(wrong("tests:\n  - input: {on: []}\n    expect: {v: []}\n") ==
        "13:13: there is no source called `on`; did you mean `in`?\n14:14: there is no step or stream called `v`; did you mean `w`?\n");
  CHECK(wrong("tests:\n  - input: {in: [chekpoint]}\n    expect: {w: []}\n") ==
        "13:18: a word of the input must be `checkpoint`, `crash` or `end`, not 'chekpoint'; did you mean `checkpoint`?\n");
  CHECK(wrong("tests:\n  - input: {in: [{advance: soon}]}\n    expect: {w: []}\n") ==
        "13:28: `advance` must be a duration such as 250ms, 5s or 1m, not 'soon'\n");
  CHECK(wrong("tests:\n  - input: {in: [{user: a, $partion: 1}]}\n    expect: {w: []}\n") ==
        "13:28: unknown key `$partion`; did you mean `$partition`?\n");
  CHECK(wrong("tests:\n  - input: {in: [{user: a, $partition: -1}]}\n    expect: {w: []}\n").starts_with("13:40: `$partition` must be at least 0"));
  CHECK(wrong("tests:\n  - input: {in: [{user: a, $raw: x}]}\n    expect: {w: []}\n") ==
        "13:19: `$raw` is the whole value, and a field stands beside it; write the field into the text, or leave `$raw` out\n");
  CHECK(wrong("tests:\n  - input: {in: [{user: a, $topic: v}]}\n    expect: {w: []}\n") ==
        "13:36: there is no topic of `in` called `v`; did you mean `t`?\n");
  CHECK(wrong("tests:\n  - input: {in: [end, {user: a}]}\n    expect: {w: []}\n") ==
        "13:23: this stands behind `end`, which closes every window of the pipeline; let `end` in line 13 be the last word of the input\n");
  CHECK(wrong("tests:\n  - input: {in: []}\n    expect: {w: {all: []}}\n")==
        "14:17: `w` needs `exactly`; all rows, in their order\n14:18: unknown key `all`; known here: `exactly`\n");
  CHECK(wrong("tests:\n  - input: {in: []}\n    expect: {w: [1]}\n").starts_with("14:18: an item of `w` must be a map of fields, not '1'"));
  CHECK(wrong("tests:\n  - input: {in: []}\n    expect: {w: [{$raeson: x}]}\n") ==
        "14:19: unknown key `$raeson`; did you mean `$reason`?\n");
}

TEST_CASE("a topic that a source names is not among those of a pattern") {
  const std::string head = "name: p\nsources:\n  a: {kafka: {brokers: b, topic_pattern: '^l'}, schema: {user: string}}\n"
                           "  b: {kafka: {brokers: b, topic: log}, schema: {user: string}}\nsteps:\n  - union: [a, b]\n"
                           "sinks:\n  - drop: {}\ntests:\n";
  CHECK(errors_of(head + "  - input: {a: [{user: x, $topic: log}]}\n    expect: {a: []}\n") ==
        "10:35: `log` is a topic of `b`, which names it; write the record in the input of `b`\n");
  CHECK(loaded(head + "  - input: {a: [{user: x, $topic: logs}]}\n    expect: {a: []}\n").tests.size() == 1);
}

}  // namespace tidemark
