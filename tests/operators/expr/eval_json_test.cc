// The answers of `tidemark eval`, as a person or a script sees them.
#include "operators/expr/expr.h"
#include "tests/catch.h"

namespace tidemark::expr {
namespace {

// The answer, when `part` is not in it; so that a failed check shows it.
std::string without(const std::string& answer, const std::string& part) {
  return answer.find(part) == std::string::npos ? answer : "";
}

TEST_CASE("eval answers type and value") {
  CHECK(eval_to_json("1 + 2", "") == R"({"type":"int","value":3})");
  CHECK(eval_to_json("1u + 2u", "{}") == R"({"type":"uint","value":3})");
  CHECK(eval_to_json("3.0", "{}") == R"({"type":"double","value":3.0})");
  CHECK(eval_to_json("1e300 * 10.0", "{}") == R"({"type":"double","value":1e+301})");
  CHECK(eval_to_json("0.1", "{}") == R"({"type":"double","value":0.1})");
  CHECK(eval_to_json("'a\\n\"' + 'b'", "{}") == R"({"type":"string","value":"a\n\"b"})");
  CHECK(eval_to_json("b'\\x00\\xff'", "{}") == R"({"type":"bytes","value":"AP8="})");
  CHECK(eval_to_json("null", "{}") == R"({"type":"null","value":null})");
  CHECK(eval_to_json("duration('1m30s')", "{}") == R"({"type":"duration","value":"90s"})");
  CHECK(eval_to_json("timestamp('2026-01-01T01:00:00.123456789+01:00')", "{}") ==
        R"({"type":"timestamp","value":"2026-01-01T00:00:00.123456789Z"})");
  CHECK(eval_to_json("0.0 / 0.0", "{}") == R"({"type":"double","value":"NaN"})");
  CHECK(eval_to_json("-1.0 / 0.0", "{}") == R"({"type":"double","value":"-Infinity"})");
}

TEST_CASE("eval takes types from the JSON of its variables") {
  CHECK(eval_to_json("x", R"({"x": 3})") == R"({"type":"int","value":3})");
  CHECK(eval_to_json("x", R"({"x": 3.0})") == R"({"type":"double","value":3.0})");
  CHECK(eval_to_json("x + '!'", R"({"x": "hi"})") == R"({"type":"string","value":"hi!"})");
  CHECK(eval_to_json("!x", R"({"x": false})") == R"({"type":"bool","value":true})");
  CHECK(eval_to_json("has(x)", R"({"x": null})") == R"({"type":"bool","value":false})");
  CHECK(eval_to_json("coalesce(x, 7)", R"({"x": null})") == R"({"type":"int","value":7})");
  CHECK(eval_to_json("x && false", R"({"x": null})") == R"({"type":"bool","value":false})");
  CHECK(eval_to_json("null || true", "{}") == R"({"type":"bool","value":true})");
  CHECK_THAT(eval_to_json("null && true", "{}"), Contains("`null` is null"));
  CHECK(eval_to_json("x == null", R"({"x": null})") == R"({"type":"bool","value":true})");
  CHECK(eval_to_json("x", R"({"x": [1, {"a": "b"}]})") == R"({"type":"list","value":[1,{"a":"b"}]})");
}

TEST_CASE("eval reaches into lists and objects, whose parts are typed when they are reached") {
  const std::string vars = R"({"o": {"tags": ["a", "b"], "n": 2, "deep": {"x": 1.5}}, "xs": [1, 2.5, "s", null]})";
  CHECK(eval_to_json("o.tags[1] + '!'", vars) == R"({"type":"string","value":"b!"})");
  CHECK(eval_to_json("o.deep.x + 1.0", vars) == R"({"type":"double","value":2.5})");
  CHECK(eval_to_json("has(o.gone) || !has(o.deep.y)", vars) == R"({"type":"bool","value":true})");
  CHECK(eval_to_json("o.gone", vars) == R"({"error":"no such key: \"gone\""})");
  CHECK(eval_to_json("xs.map(x, type(x))", vars) == R"({"type":"list","value":["int","double","string","null_type"]})");
  CHECK(eval_to_json("o.n + 'a'", vars) == R"({"error":"no such overload: `+` of int, string"})");
  CHECK(eval_to_json("{1: b'a', true: [2u]}", "") == R"({"type":"map","value":{"1":"YQ==","true":[2]}})");
  CHECK(eval_to_json("optional.of(3)", "") == R"({"type":"optional_type","value":3})");
  CHECK(eval_to_json("type(1u)", "") == R"({"type":"type","value":"uint"})");
  CHECK(eval_to_json("xs", vars) == R"({"type":"list","value":[1,2.5,"s",null]})");
}

TEST_CASE("eval answers errors in JSON") {
  CHECK(eval_to_json("1 / 0", "{}") == R"({"error":"division by zero"})");
  CHECK(without(eval_to_json("1 +", "{}"), R"({"error":"column 4: )") == "");
  CHECK(without(eval_to_json("x + 1.0", R"({"x": 1})"), "double(x) + 1.0") == "");
  CHECK(without(eval_to_json("amuont", R"({"amount": 1})"), "did you mean `amount`?") == "");
  CHECK(without(eval_to_json("1", "{"), "no JSON") == "");
  CHECK(without(eval_to_json("1", "[]"), "no JSON object") == "");
  CHECK(without(eval_to_json("x", R"({"x": 9223372036854775808})"), "does not fit an int") == "");
}

TEST_CASE("an answer is JSON whatever bytes the expression holds") {
  CHECK(without(eval_to_json("1 b'a\xc3'", "{}"), "`b'a\xef\xbf\xbd'`") == "");
}

}  // namespace
}  // namespace tidemark::expr
