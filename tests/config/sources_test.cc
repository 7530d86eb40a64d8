// What the sources of one pipeline must share, and how a union takes them; with the exact text and place of what is
// refused.
#include "config/pipeline.h"
#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

// Two sources, and the rest of a file behind them.
std::string two_sources(const std::string& a, const std::string& b, const std::string& rest = "steps:\n  - union: [a, b]\nsinks:\n  - drop: {}\n") {
  return "name: p\nsources:\n  a: " + a + "\n  b: " + b + "\n" + rest;
}
constexpr const char* kOne = "{kafka: {brokers: b, topic: t}, schema: {n: int}}";
constexpr const char* kOther = "{kafka: {brokers: b, topic: u}, schema: {n: int}}";

}  // namespace

TEST_CASE("a union takes several sources by their names") {
  const PipelineSpec p = loaded(two_sources(kOne, kOther, "steps:\n  - union: [b, a]\n  - filter: n > 1\n  - {from: b, filter: n > 2}\n"
                                                          "sinks:\n  - drop: {}\n  - {from: filter-2, drop: {}}\n"));
  CHECK(p.steps[0].name.value == "union-1");
  CHECK(std::get<UnionSpec>(p.steps[0].what).sources == std::vector<size_t>{1, 0});
  CHECK(p.steps[1].input == InputRef{InputRef::Kind::kStep, 0});
  CHECK(p.steps[2].input == InputRef{InputRef::Kind::kSource, 1});
}

TEST_CASE("what a union takes is refused at its place when it is no two sources") {
  const auto with = [](const std::string& steps) { return errors_of(two_sources(kOne, kOther, "steps:\n" + steps + "sinks:\n  - drop: {}\n")); };
  CHECK(with("  - union: [a, web]\n") == "6:16: there is no source called `web`\n");
  CHECK(with("  - union: [a]\n") == "6:12: `union` brings several sources together, and names one; write at least two, such as [web, app]\n");
  CHECK(with("  - union: [a, a]\n") == "6:16: `union` names `a` twice\n");
  CHECK(with("  - {name: big, from: a, filter: n > 1}\n  - union: [big, b]\n") ==
        "7:13: `big` is a step, and a union takes sources; let the union come first, and the steps behind it\n");
  CHECK(with("  - {from: a, union: [a, b]}\n") == "6:12: a union has no `from`; it takes the sources that it names\n");
  CHECK(with("  - {from: [a, b], filter: n > 1}\n") ==
        "6:12: `from` must be one name, not a list; a step `- union: [web, app]` before it brings sources together\n");
  CHECK(with("  - filter: n > 1\n") ==
        "6:5: it is not said which of the sources this step takes; begin the steps with `- union: [a, b]`, or write `from: a` here\n");
  CHECK(errors_of(two_sources(kOne, kOther, "sinks:\n  - drop: {}\n")) ==
        "6:5: it is not said which of the sources this sink takes; begin the steps with `- union: [a, b]`, or write `from: a` here\n");
}

TEST_CASE("sources of one pipeline have one reader") {
  const std::string hint = "; one consumer reads all sources of a pipeline, and one commit takes their offsets: write the same for all\n";
  const auto with = [](const std::string& kafka) { return errors_of(two_sources(kOne, "{kafka: {" + kafka + "}, schema: {n: int}}")); };
  CHECK(with("brokers: c, topic: u") == "4:24: the sources `a` and `b` differ in `brokers`" + hint);
  CHECK(with("brokers: b, topic: u, group: g") == "4:44: the sources `a` and `b` differ in `group`" + hint);
  CHECK(with("brokers: b, topic: u, fetch: librdkafka") == "4:14: the sources `a` and `b` differ in `fetch`" + hint);
  CHECK(with("brokers: b, topic: u, properties: {client.id: x}") == "4:14: the sources `a` and `b` differ in `properties`" + hint);
  CHECK(with("brokers: b, topics: [u, t]") == "4:39: the source `a` reads `t`, too; a record is of one source; several steps may say `from: a`\n");
  CHECK(with("brokers: b, topic_pattern: '^u'") == "");
  const std::string pattern = "{kafka: {brokers: b, topic_pattern: '^u'}, schema: {n: int}}";
  CHECK(errors_of(two_sources(pattern, pattern)) ==
        "4:42: the source `a` has a `topic_pattern`, too; write `topics` in one of them, so that it is plain which source a new topic is of\n");
}

TEST_CASE("sources of one pipeline have one schema") {
  const std::string hint = "; the sources of a pipeline have one schema; a field's `path` and how its timestamp is written may differ\n";
  const auto with = [](const std::string& schema) {
    return errors_of(two_sources("{kafka: {brokers: b, topic: t}, schema: {n: int, at: timestamp(ms)}}",
                                 "{kafka: {brokers: b, topic: u}, schema: {" + schema + "}}"));
  };
  CHECK(with("at: timestamp(iso), n: {type: int, path: deep.n}") == "");
  CHECK(with("n: int") == "4:6: the source `b` lacks the field `at` of `a`" + hint);
  CHECK(with("n: 'int?', at: timestamp(ms)") == "4:50: `n` is int? here and int in `a`" + hint);
  CHECK(with("n: double, at: timestamp(ms)") == "4:50: `n` is double here and int in `a`" + hint);
  CHECK(with("n: int, at: timestamp(ms), x: int") == "4:74: `x` is no field of `a`" + hint);
}

TEST_CASE("sources that differ in their promise, or that nobody takes, are warned of") {
  CHECK_THAT(warnings_of(two_sources(kOne, "{kafka: {brokers: b, topic: u, partitioned_by: n}, schema: {n: int}}")),
             Contains("4:14: the sources `a` and `b` differ in `partitioned_by`; only a promise that all sources make saves the exchange"));
  CHECK_THAT(warnings_of(two_sources(kOne, kOther, "steps:\n  - {from: a, filter: n > 1}\nsinks:\n  - drop: {}\n")),
             Contains("4:3: nothing takes the records of `b`; name it in a `union`, or leave it out"));
}

}  // namespace tidemark
