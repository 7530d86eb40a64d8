// What records are beside their values, read by expressions: `kafka.key` and its like in every kind of step.
#include "tests/catch.h"
#include "tests/operators/transforms/stage_kit.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

const std::string kSource = "schema: {n: int}";
const std::string kOne = R"({"n":1})";

TEST_CASE("a record's topic, partition, offset and timestamp are fields of no schema") {
  CHECK(rows_of(kSource, "- select: {t: kafka.topic, p: kafka.partition, o: kafka.offset, at: kafka.timestamp}", {{kOne}, {kOne}}) ==
        Lines{R"({"t":"in","p":3,"o":7,"at":"2026-01-01T00:00:00Z"})", R"({"t":"in","p":3,"o":8,"at":"2026-01-01T00:00:00Z"})"});
  CHECK(rows_of(kSource, "- filter: kafka.offset % 2 == 0 && kafka.timestamp > timestamp(n)", {{kOne}, {kOne}}) ==
        Lines{"filtered", kOne});
}

TEST_CASE("a record without a Kafka timestamp has a null one") {
  const std::string source = "schema: {n: int, ts: timestamp(ms)}, event_time: {field: ts}";
  CHECK(rows_of(source, "- select: {at: kafka.timestamp}", {{R"({"n":1,"ts":5})", {}, {}, -1}}) == Lines{R"({"at":null})"});
  CHECK(said_of_file(source, "- map: {d: kafka.timestamp - ts}").find("`kafka.timestamp` may be null") != std::string::npos);
  CHECK(said_of_file(kSource, "- map: {d: kafka.timestamp - timestamp(n)}").empty());
}

TEST_CASE("a key is text, null where there is none, and an expression error where it is no text") {
  const std::vector<Sent> records{{kOne, "k1"}, {kOne}, {kOne, ""}, {kOne, "\xff"}};
  const std::string no_text = "`kafka.key` is not UTF-8; `bytes(kafka.key)` reads whatever there is";
  CHECK(rows_of(kSource, "- select: {k: kafka.key}", records) ==
        Lines{R"({"k":"k1"})", R"({"k":null})", R"({"k":""})", "expression select-1: " + no_text});
  CHECK(rows_of(kSource, "- filter: \"has(kafka.key) && kafka.key.startsWith('k')\"", records) ==
        Lines{kOne, "filtered", "filtered", "expression filter-1: " + no_text});
  CHECK(rows_of(kSource, "- select: {k: bytes(kafka.key), there: has(kafka.key)}", records) ==
        Lines{R"({"k":"azE=","there":true})", R"({"k":null,"there":false})", R"({"k":"","there":true})", R"({"k":"/w==","there":true})"});
  // The same row by row.
  CHECK(rows_of(kSource, "- select: {k: \"[n].exists(x, x == 1 && kafka.key == 'k1')\"}", records) ==
        Lines{R"({"k":true})", R"({"k":false})", R"({"k":false})", "expression select-1: " + no_text});
}

TEST_CASE("headers are read by name: the last of a name counts, one that is not there is null") {
  const std::vector<Sent> records{{kOne, {}, {{"a", "first"}, {"b", "x"}, {"a", "last"}}},
                                  {kOne, {}, {{"a", "text"}, {"a", std::nullopt}}},
                                  {kOne}};
  for (const char* a : {"\"kafka.headers['a']\"", "kafka.headers.a"}) {
    CHECK(rows_of(kSource, std::string("- select: {a: ") + a + "}", records) ==
          Lines{R"({"a":"last"})", R"({"a":null})", R"({"a":null})"});
  }
  CHECK(rows_of(kSource, "- filter: \"'b' in kafka.headers && kafka.headers.b == 'x'\"", records) ==
        Lines{kOne, "filtered", "filtered"});
  CHECK(rows_of(kSource, "- select: {a: \"coalesce(kafka.headers.a, kafka.headers['b'], 'none')\"}", records) ==
        Lines{R"({"a":"last"})", R"({"a":"none"})", R"({"a":"none"})"});
  CHECK(rows_of(kSource, "- select: {s: 'size(kafka.headers.a)'}", records)[2].starts_with("expression select-1: "));
}

TEST_CASE("headers are there beside raw records too") {
  // An expression that can fail keeps records for dead letters.
  CHECK(rows_of(kSource, "- select: {q: 10 / n, a: kafka.headers.a, k: kafka.key}",
                {{kOne, "k", {{"a", "x"}}}, {R"({"n":0})", "k", {{"a", "y"}}}}) ==
        Lines{R"({"q":10,"a":"x","k":"k"})", "expression select-1: division by zero"});
}

TEST_CASE("what records do not have is refused with what they have") {
  const auto said = [](const std::string& expression) { return said_of_file(kSource, "- select: {x: \"" + expression + "\"}"); };
  CHECK_THAT(said("kafka.ofset"), Contains("6:18: error: a record has no `kafka.ofset`; did you mean `kafka.offset`?"));
  CHECK_THAT(said("1 + kafka.schema"), Contains("6:22: error: a record has no `kafka.schema`; there are kafka.key, kafka.headers['name']"));
  CHECK_THAT(said("kafka"), Contains("`kafka` stands for a record, which is no value"));
  CHECK_THAT(said("kafka.headers"), Contains("headers are read one by one, each by a name that is written out"));
  CHECK_THAT(said("kafka.headers[string(n)]"), Contains("headers are read one by one"));
  CHECK_THAT(said("kafka.headers.size()"), Contains("headers are read one by one"));
  CHECK_THAT(said("kafka.key + 1"), Contains("no operator for string + int"));
  CHECK_THAT(said("meta('x')"), Contains("a record's header is written `kafka.headers['name']`"));
  CHECK_THAT(said("[[1]].map(kafka, kafka[0] + n)[0]"), !Contains("error"));
}

TEST_CASE("a field named kafka hides the record's own, with a warning") {
  const std::string source = "schema: {kafka: string, n: int}";
  CHECK_THAT(said_of_file(source, "- filter: kafka == 'x'"),
             Contains("4:47: warning: the field `kafka` hides what records have beside their value, such as `kafka.key`"));
  CHECK_THAT(said_of_file(source, "- filter: kafka.key == 'x'"), Contains("error"));
  CHECK(rows_of(source, "- select: {k: kafka + '!'}", {{R"({"kafka":"x","n":1})", "key"}}) == Lines{R"({"k":"x!"})"});
}

TEST_CASE("behind a window there are no records to read from") {
  const std::string window = "- window: {tumbling: 1m, aggregates: {c: count(), k: last(kafka.key).where(kafka.partition > 0)}}\n  ";
  CHECK_THAT(said_of_file(kSource, window), !Contains("error"));
  CHECK_THAT(said_of_file(kSource, window + "- filter: c > kafka.offset"),
             Contains("7:17: error: `kafka.offset` is of one record, and a window's row stands for many; gather it in the window, as in "
                      "`last(kafka.offset)`, or make it a field in a `map` before"));
  CHECK_THAT(said_of_file(kSource, "- window: {tumbling: 1m, aggregates: {c: count() + kafka.offset}}"),
             Contains("6:54: error: `kafka.offset` is of one record"));
}

}  // namespace
}  // namespace tidemark
