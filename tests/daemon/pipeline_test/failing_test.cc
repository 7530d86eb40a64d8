// A test whose expectation does not hold fails, and says where, what was expected, what came and what differs; and what
// is wrong in a file is refused before anything runs.
#include "tests/catch.h"
#include "tests/daemon/pipeline_test/ran.h"

namespace tidemark {
namespace {

constexpr const char* kHead = R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    schema: {user: string, n: 'int?', ts: timestamp(ms)}
    event_time: {field: ts}
steps:
  - name: per_user
    window: {tumbling: 1m, by: [user], aggregates: {rows: count(), total: sum(n)}}
sinks:
  - kafka: {topic: out}
tests:
  - name: two users
    input:
      in:
        - {user: a, n: 1, ts: 2026-01-01T00:00:01Z}
        - {user: b, n: 2, ts: 2026-01-01T00:00:02Z}
        - {user: a, n: 4, ts: 2026-01-01T00:00:03Z}
        - end
    expect:
)";

const std::string kA = "{user: a, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 2, total: 5}";
const std::string kB = "{user: b, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 1, total: 2}";

// What is printed of the one test, between the line that says that it failed and the sum.
std::string failure(const std::string& expect) {
  const Ran result = ran(kHead + expect);
  CHECK(result.code == 1);
  CHECK(result.err.empty());
  const std::string begin = "FAIL   p.yaml: two users (0 ms)\n", end = "1 test: 0 passed, 1 failed\n";
  REQUIRE(result.out.starts_with(begin));
  REQUIRE(result.out.ends_with(end));
  return result.out.substr(begin.size(), result.out.size() - begin.size() - end.size());
}

std::string refusal(const std::string& expect) {
  const Ran result = ran(kHead + expect);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  return result.err;
}

}  // namespace

TEST_CASE("the first field that differs is named, beside the row that is nearest") {
  CHECK(failure("      per_user: [{user: a, rows: 3, total: 6}]\n") ==
        "    p.yaml:21:18: per_user: no row is like this\n"
        "      expected  {user: a, rows: 3, total: 6}\n"
        "      got       " + kA + "\n"
        "      differs   rows: expected 3, got 2\n");
  CHECK(failure("      per_user:\n        - user: c\n          rows: 1\n") ==
        "    p.yaml:22:11: per_user: no row is like this\n"
        "      expected  {user: c, rows: 1}\n"
        "      got       " + kB + "\n"
        "      differs   user: expected c, got b\n");
}

TEST_CASE("each expected row takes one of its own") {
  CHECK(failure("      per_user: [{user: a}, {user: a}]\n") ==
        "    p.yaml:21:29: per_user: no row is like this\n"
        "      expected  {user: a}\n"
        "      got       " + kB + "\n"
        "      differs   user: expected a, got b\n");
  CHECK(failure("      per_user: [{user: a}, {user: b}, {rows: 1}]\n") ==
        "    p.yaml:21:40: per_user: no row is left for this\n"
        "      expected  {rows: 1}\n");
  // The first could take either; the second only the one.
  CHECK(ran(std::string(kHead) + "      per_user: [{window_end: 2026-01-01T00:01:00Z}, {user: a}]\n").code == 0);
}

TEST_CASE("rows in order") {
  CHECK(failure("      per_user: {exactly: [{user: b}, {user: a}]}\n") ==
        "    p.yaml:21:28: per_user: row 1 is another\n"
        "      expected  {user: b}\n"
        "      got       " + kA + "\n"
        "      differs   user: expected b, got a\n"
        "    p.yaml:21:39: per_user: row 2 is another\n"
        "      expected  {user: a}\n"
        "      got       " + kB + "\n"
        "      differs   user: expected a, got b\n");
  CHECK(failure("      per_user: {exactly: [{user: a}]}\n") ==
        "    p.yaml:21:27: per_user: 1 more row came\n"
        "      got       " + kB + "\n");
  CHECK(failure("      per_user: {exactly: [{user: a}, {user: b}, {user: c}]}\n") ==
        "    p.yaml:21:50: per_user: there is no row 3: 2 came\n"
        "      expected  {user: c}\n");
}

TEST_CASE("an empty list says that there is nothing") {
  CHECK(failure("      per_user: []\n") ==
        "    p.yaml:21:17: per_user: no row was expected, and 2 came\n"
        "      got       " + kA + "\n"
        "      got       " + kB + "\n");
  CHECK(failure("      late: [{user: a}]\n") ==
        "    p.yaml:21:14: late: no row came\n"
        "      expected  {user: a}\n");
}

TEST_CASE("a value is what its type makes of it") {
  const auto code = [](const std::string& row) { return ran(std::string(kHead) + "      per_user: [" + row + "]\n").code; };
  CHECK(code("{user: a, rows: 2}") == 0);
  CHECK(code("{user: 'a', rows: 2.0}") == 0);
  CHECK(code("{rows: '2'}") == 1);
  CHECK(code("{rows: null}") == 1);
  CHECK(code("{rows: two}") == 1);
  CHECK(code("{rows: 2, user: b}") == 1);
  CHECK(code("{window_end: 2026-01-01T01:01:00+01:00}") == 0);
  CHECK(code("{window_end: 1767225660000}") == 0);
  CHECK(code("{window_end: 1767225660}") == 1);
  CHECK(code("{window_end: 2026-01-01}") == 1);
  CHECK(code("{$key: a}") == 0);
  CHECK(code("{$key: c}") == 1);
  CHECK(code("{$timestamp: 2026-01-01T00:00:03Z}") == 0);
  CHECK(code("{$headers: {x: y}}") == 1);
  CHECK(code("{}") == 0);
}

TEST_CASE("what a test names and is not there is refused, with the nearest right word") {
  CHECK(refusal("      per_usr: [{user: a}]\n") ==
        "p.yaml:21:7: error: there is no step or stream called `per_usr`; did you mean `per_user`?\n");
  CHECK(refusal("      per_user: [{usr: a}, {totals: 1}]\n") ==
        "p.yaml:21:19: error: rows of `per_user` have no field `usr`; did you mean `user`?\n"
        "p.yaml:21:29: error: rows of `per_user` have no field `totals`; did you mean `total`?\n");
  CHECK(refusal("      per_user: [{$reason: late}]\n") ==
        "p.yaml:21:19: error: rows of `per_user` have no field `$reason`; only `late` and `dead_letter` have it\n");
  CHECK(refusal("      late: [{rows: 1}]\n") == "p.yaml:21:15: error: rows of `late` have no field `rows`\n");
  CHECK(refusal("      in: [{user: a, rows: 1}]\n") == "p.yaml:21:22: error: rows of `in` have no field `rows`\n");
}

TEST_CASE("a file that is wrong is refused, and one without tests is told of") {
  const Ran wrong = ran("name: p\nsources: {}\nsinks: []\n");
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("p.yaml:2:10: error: `sources` is empty") != std::string::npos);
  const Ran none = ran("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {a: int}\nsinks:\n  - stdout: {}\n");
  CHECK(none.code == 0);
  CHECK(none.err == "p.yaml: has no tests\n");
  CHECK(none.out == "0 tests: 0 passed, 0 failed\n");
}

TEST_CASE("a record that cannot be written is refused") {
  const Ran result = ran(R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    format: raw
    schema: {line: bytes}
sinks:
  - stdout: {}
tests:
  - input: {in: [{line: not base64!}]}
    expect: {in: []}
)");
  CHECK(result.code == 2);
  CHECK(result.err == "p.yaml:10:25: error: `line` must be bytes in base64; or write the value as it is, as `$raw: '...'`\n");
}

TEST_CASE("results as JUnit's XML") {
  const Ran result = ran(std::string(kHead) + "      per_user: [{user: \"<a> & b\"}]\n  - name: says \"yes\"\n    input: {in: []}\n    expect: {late: []}\n");
  const auto has = [&](const std::string& text) {
    INFO(result.junit);
    CHECK(result.junit.find(text) != std::string::npos);
  };
  CHECK(result.code == 1);
  CHECK(result.junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"2\" failures=\"1\" errors=\"0\" time=\""));
  has("  <testsuite name=\"p.yaml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"");
  has("    <testcase classname=\"p.yaml\" name=\"two users\" file=\"p.yaml\" line=\"13\" time=\"");
  has("      <failure message=\"p.yaml:21:18: per_user: no row is like this\">p.yaml:21:18: per_user: no row is like this&#10;"
      "  expected  {user: &apos;&lt;a&gt; &amp; b&apos;}");
  has("name=\"says &quot;yes&quot;\" file=\"p.yaml\" line=\"22\" time=\"");
  CHECK(result.junit.ends_with("  </testsuite>\n</testsuites>\n"));
}

}  // namespace tidemark
