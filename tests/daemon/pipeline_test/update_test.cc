// --update writes the rows that came in place of those that were expected, and leaves everything else as it is.
#include "tests/catch.h"
#include "tests/daemon/pipeline_test/ran.h"

namespace tidemark {
namespace {

constexpr const char* kHead = R"yaml(# The file's own words.
name: p      # and more of them
sources:
  in:
    kafka: {brokers: "${BROKERS:-b}", topic: t}
    schema: {user: string, n: 'int?', ts: timestamp(ms)}
    event_time: {field: ts}
steps:
  - name: per_user
    window: {tumbling: 1m, by: [user], aggregates: {rows: count(), total: sum(n), best: "top_k(n, 2)"}}
sinks:
  - kafka: {topic: out}
tests:
  - name: two users
    input:
      in:
        - {user: a, n: 1, ts: 2026-01-01T00:00:01Z}   # the first
        - {user: b, n: 2, ts: 2026-01-01T00:00:02Z}
        - {user: a, n: 4, ts: 2026-01-01T00:00:03Z}
        - $raw: '{"user": "it''s: #1"}'
        - end
    expect:
)yaml";

// The expectations after --update, which then hold.
std::string updated(const std::string& expect) {
  const Ran first = ran(kHead + expect, true);
  INFO(first.out << first.err << first.text);
  CHECK(first.code == 0);
  REQUIRE(first.text.starts_with(kHead));
  const Ran second = ran(first.text);
  CHECK(second.code == 0);
  CHECK(second.text == first.text);
  return first.text.substr(std::string(kHead).size());
}

}  // namespace

TEST_CASE("a value that differs is replaced where it stands, in every style of YAML") {
  CHECK(updated("      per_user: [{user: a, rows: 3}]   # a comment\n      late: []\n") ==
        "      per_user: [{user: a, rows: 2}]   # a comment\n      late: []\n");
  CHECK(updated(R"(      per_user:
        # Of whom?
        - user: "a"          # ada
          rows: 2            # right
          total: 17          # wrong
          window_end: '2026-01-01T00:07:00Z'
          window_start: >-
            2026-01-01T00:00:07Z
        - {
            user: 'b',       # bob
            total: "none" ,
            rows : ~
          }
      dead_letter:
      - $reason: type
)") == R"(      per_user:
        # Of whom?
        - user: "a"          # ada
          rows: 2            # right
          total: 5          # wrong
          window_end: 2026-01-01T00:01:00Z
          window_start: 2026-01-01T00:00:00Z
        - {
            user: 'b',       # bob
            total: 2 ,
            rows : 1
          }
      dead_letter:
      - $reason: event_time
)");
  CHECK(updated("      per_user:\n        - user: a\n          total:\n          rows: |\n            many\n        - user: b\n          best:\n"
                "            - {value: 9, count: 9}\n          rows: 7\n") ==
        "      per_user:\n        - user: a\n          total: 5\n          rows: 2\n        - user: b\n          best:\n"
        "            [{value: 2, count: 1}]\n          rows: 1\n");
}

TEST_CASE("rows without a partner go, and those that were right stay as they stood") {
  CHECK(updated("      per_user: [{user: c}, {rows: 2, user: \"a\"}, {user: b}, {user: d}]\n") ==
        "      per_user: [{rows: 2, user: \"a\"}, {user: b}]\n");
  CHECK(updated("      per_user:\n        - {user: a}\n        - user: b\n          rows: 1\n        - {user: c}\n      late: []\n") ==
        "      per_user:\n        - {user: a}\n        - {user: b, rows: 1}\n      late: []\n");
  CHECK(updated("      late:\n        - {user: a}\n        - {user: b}\n") == "      late:\n        []\n");
}

TEST_CASE("exactly becomes all rows, with the fields that were named") {
  CHECK(updated("      per_user: {exactly: [{user: b, rows: 1}, {user: a, rows: 1}]}\n") ==
        "      per_user: {exactly: [{user: a, rows: 2}, {user: b, rows: 1}]}\n");
  CHECK(updated("      per_user: {exactly: [{user: a}]}   # all\n") == "      per_user: {exactly: [{user: a}, {user: b}]}   # all\n");
  CHECK(updated("      per_user:\n        exactly:\n          - {rows: 2, total: 4}\n      late: []\n") ==
        "      per_user:\n        exactly:\n          - {rows: 2, total: 5}\n          - {rows: 1, total: 2}\n      late: []\n");
}

TEST_CASE("an empty list becomes all that came") {
  CHECK(updated("      per_user: []\n      dead_letter: []\n") == R"(      per_user: [
        {user: a, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 2, total: 5, best: [{value: 1, count: 1}, {value: 4, count: 1}]},
        {user: b, window_start: 2026-01-01T00:00:00Z, window_end: 2026-01-01T00:01:00Z, rows: 1, total: 2, best: [{value: 2, count: 1}]}]
      dead_letter: [{user: 'it''s: #1', $reason: event_time}]
)");
}

TEST_CASE("a file that is right is not touched, and a byte-order mark and line ends stay") {
  const std::string right = std::string(kHead) + "      per_user: [{user: a, rows: 2}]\n";
  CHECK(ran(right, true).text == right);
  const std::string marked = "\xef\xbb\xbf" + std::string(kHead) + "      per_user: [{user: a, rows: 3}]";
  CHECK(ran(marked, true).text == "\xef\xbb\xbf" + std::string(kHead) + "      per_user: [{user: a, rows: 2}]");
  std::string crlf;
  for (const char c : std::string(kHead) + "      per_user:\n        - user: a\n          rows: 3\n") crlf += c == '\n' ? "\r\n" : std::string(1, c);
  std::string fixed = crlf;
  fixed.replace(fixed.rfind('3'), 1, "2");
  CHECK(ran(crlf, true).text == fixed);
}

TEST_CASE("several tests of one file are updated together") {
  const std::string more = "  - name: nobody\n    input: {in: []}\n    expect: {per_user: [{user: x}], late: []}   # empty\n";
  CHECK(updated("      per_user: [{user: a, rows: 3}]\n" + more) ==
        "      per_user: [{user: a, rows: 2}]\n  - name: nobody\n    input: {in: []}\n    expect: {per_user: [], late: []}   # empty\n");
}

TEST_CASE("what stands for something that is written elsewhere is not updated") {
  const Ran reference = ran(std::string(kHead) + "      per_user: [{user: a, rows: \"${ROWS:-3}\"}]\n", true);
  CHECK(reference.code == 2);
  CHECK(reference.err == "tidemark: --update: p.yaml:23:34: the value stands for something that is written elsewhere; write it out\n");
  CHECK(reference.text == std::string(kHead) + "      per_user: [{user: a, rows: \"${ROWS:-3}\"}]\n");
  const std::string shared = "      per_user: &rows [{rows: 7, user: a}, {rows: 8, user: b}]\n  - input: {in: [{user: b, n: 1, ts: 2026-01-01T00:00:01Z}, end]}\n"
                             "    expect: {per_user: *rows}\n";
  const Ran alias = ran(std::string(kHead) + shared, true);
  CHECK(alias.code == 2);
  CHECK(alias.text == std::string(kHead) + shared);
}

}  // namespace tidemark
