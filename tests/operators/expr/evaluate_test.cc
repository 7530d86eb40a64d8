// What expressions answer: values at the edges of their types, nulls, errors and their absorption, and selections.
#include <limits>

#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

using Strings = std::vector<std::string>;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

bool fails(const std::string& text, const std::string& part) {
  const std::string value = value_of(text);
  INFO(text << " -> " << value);
  CHECK(value.starts_with("error: "));
  return value.find(part) != std::string::npos;
}

TEST_CASE("int arithmetic reports overflow at the very edge") {
  Table t(4);
  t.ints("a", {kMin, kMax, 0, 7}).ints("b", {-1, 1, 0, -2});
  CHECK(run("a + b", t).rows == Strings{"error: integer overflow in `+`", "error: integer overflow in `+`", "0", "5"});
  CHECK(run("a - b", t).rows == Strings{"-9223372036854775807", "9223372036854775806", "0", "9"});
  CHECK(run("a * b", t).rows == Strings{"error: integer overflow in `*`", "9223372036854775807", "0", "-14"});
  CHECK(run("a / b", t).rows == Strings{"error: integer overflow in `/`", "9223372036854775807",
                                        "error: division by zero", "-3"});
  CHECK(run("a % b", t).rows == Strings{"error: integer overflow in `%`", "0", "error: modulus by zero", "1"});
  CHECK(run("-a", t).rows == Strings{"error: integer overflow in `-`", "-9223372036854775807", "0", "-7"});
  CHECK(value_of("-9223372036854775808 + 9223372036854775807") == "-1");
  CHECK(value_of("-7 / 2") == "-3");
  CHECK(value_of("-7 % 2") == "-1");
}

TEST_CASE("uint arithmetic reports overflow both ways") {
  CHECK(fails("18446744073709551615u + 1u", "overflow"));
  CHECK(fails("0u - 1u", "overflow"));
  CHECK(fails("18446744073709551615u * 2u", "overflow"));
  CHECK(fails("1u / 0u", "division by zero"));
  CHECK(fails("1u % 0u", "modulus by zero"));
  CHECK(value_of("18446744073709551615u / 2u") == "9223372036854775807u");
}

TEST_CASE("doubles follow IEEE 754 and never fail") {
  CHECK(value_of("1.0 / 0.0") == "inf");
  CHECK(value_of("-1.0 / 0.0") == "-inf");
  CHECK(value_of("0.0 / 0.0 == 0.0 / 0.0") == "false");
  CHECK(value_of("0.0 / 0.0 != 0.0 / 0.0") == "true");
  CHECK(value_of("0.0 / 0.0 < 1.0 || 0.0 / 0.0 >= 1.0") == "false");
  CHECK(value_of("1e308 * 10.0") == "inf");
  CHECK(value_of("0.1 + 0.2 == 0.3") == "false");
}

TEST_CASE("numbers of different kinds compare by value, exactly but for the double next to the greatest integer") {
  CHECK(value_of("1 == 1.0 && 1u == 1 && 1.0 == 1u") == "true");
  CHECK(value_of("-1 < 0u && 0u > -1 && -1 != 18446744073709551615u") == "true");
  CHECK(value_of("9007199254740993 == 9007199254740992.0") == "false");
  CHECK(value_of("9007199254740993 > 9007199254740992.0") == "true");
  CHECK(value_of("9223372036854775806 < 9223372036854775808.0") == "true");
  CHECK(value_of("9223372036854775807 == 9223372036854775808.0") == "true");
  CHECK(value_of("9223372036854775807 < 9223372036854777856.0") == "true");
  CHECK(value_of("-9223372036854775808 == -9223372036854775808.0") == "true");
  CHECK(value_of("18446744073709551614u < 18446744073709551616.0") == "true");
  CHECK(value_of("18446744073709551615u >= 18446744073709551616.0") == "true");
  CHECK(value_of("1 < 1.5 && 2 > 1.5 && -1 > -1.5 && -2 < -1.5") == "true");
  CHECK(value_of("1.5 < 2 && 1.5 > 1u && -0.5 < 0u && 0u > -0.5") == "true");
  CHECK(value_of("1 < 0.0 / 0.0 || 1 >= 0.0 / 0.0 || 1u == 0.0 / 0.0") == "false");
  CHECK(value_of("1 < 1.0 / 0.0 && 1u > -1.0 / 0.0") == "true");
}

TEST_CASE("logic absorbs errors on either side") {
  Table t(4);
  t.ints("z", {0, 1, 0, 1}).bools("b", {false, false, true, true});
  const std::string error = "error: division by zero";
  CHECK(run("1 / z > 0 && b", t).rows == Strings{"false", "false", error, "true"});
  CHECK(run("b && 1 / z > 0", t).rows == Strings{"false", "false", error, "true"});
  CHECK(run("1 / z > 1 || b", t).rows == Strings{error, "false", "true", "true"});
  CHECK(run("b || 1 / z > 1", t).rows == Strings{error, "false", "true", "true"});
  CHECK(run("!(1 / z > 0) || b", t).rows == Strings{error, "false", "true", "true"});
  CHECK(run("(1 / z > 0 && b) || !b", t).rows == Strings{"true", "true", error, "true"});
}

TEST_CASE("a row's message is that of the error that decided it") {
  Table t(1);
  t.ints("z", {0});
  CHECK(run("1 / z > 0 && (1 % z > 0 || true)", t).rows == Strings{"error: division by zero"});
  CHECK(run("1 / z > 0 && 1 % z > 0", t).rows == Strings{"error: division by zero"});
  CHECK(run("(1 / z > 0 || true) && 1 % z > 0", t).rows == Strings{"error: modulus by zero"});
  CHECK(run("1 / z + 1 % z", t).rows == Strings{"error: division by zero"});
  CHECK(run("1 / z == 1 % z", t).rows == Strings{"error: division by zero"});
  CHECK(run("1 / z in [1 % z]", t).rows == Strings{"error: division by zero"});
}

TEST_CASE("null is no value: logic, order and arithmetic fail on it, equality does not") {
  Table t(3);
  t.ints("x", {1, std::nullopt, 3}).ints("y", {1, std::nullopt, std::nullopt}).bools("b", {true, std::nullopt, false});
  const std::string in_plus = "error: `x` is null, which `+` cannot take";
  CHECK(run("x + 1", t).rows == Strings{"2", in_plus, "4"});
  CHECK(run("x < 2", t).rows == Strings{"true", "error: `x` is null, which `<` cannot take", "false"});
  CHECK(run("-x", t).rows == Strings{"-1", "error: `x` is null, which `-` cannot take", "-3"});
  CHECK(run("x == y", t).rows == Strings{"true", "true", "false"});
  CHECK(run("x != y", t).rows == Strings{"false", "false", "true"});
  CHECK(run("x == 1", t).rows == Strings{"true", "false", "false"});
  CHECK(run("x != 1", t).rows == Strings{"false", "true", "true"});
  CHECK(run("x == null", t).rows == Strings{"false", "true", "false"});
  CHECK(run("null != x", t).rows == Strings{"true", "false", "true"});
  CHECK(run("null == null", t).rows == Strings{"true", "true", "true"});
  CHECK(run("b && true", t).rows == Strings{"true", "error: `b` is null, which `&&` cannot take", "false"});
  CHECK(run("false && b", t).rows == Strings{"false", "false", "false"});
  CHECK(run("b || true", t).rows == Strings{"true", "true", "true"});
  CHECK(run("b ? 1 : 2", t).rows == Strings{"1", "error: `b` is null, which `?:` cannot take", "2"});
  CHECK(run("x", t).rows == Strings{"1", "null", "3"});
  CHECK(run("has(x) && x > 2", t).rows == Strings{"false", "false", "true"});
  CHECK(run("x > 2 && has(x)", t).rows == Strings{"false", "false", "true"});
  CHECK(run("has(x) ? x : null", t).rows == Strings{"1", "null", "3"});
  CHECK(run("coalesce(x, 0)", t).rows == Strings{"1", "0", "3"});
  CHECK(run("coalesce(y, x, 7)", t).rows == Strings{"1", "7", "3"});
  CHECK(run("coalesce(null, y)", t).rows == Strings{"1", "null", "null"});
  CHECK(run("coalesce(x, 1 / 0)", t).rows == Strings{"1", "error: division by zero", "3"});
}

TEST_CASE("errors pass through what has no say in them") {
  Table t(2);
  t.ints("z", {0, 1});
  const std::string error = "error: division by zero";
  CHECK(run("1 / z == 1", t).rows == Strings{error, "true"});
  CHECK(run("1 == 1 / z", t).rows == Strings{error, "true"});
  CHECK(run("1 / z == null", t).rows == Strings{error, "false"});
  CHECK(run("1 / z in [1, 2]", t).rows == Strings{error, "true"});
  CHECK(run("1 in [1, 1 / z]", t).rows == Strings{error, "true"});
  CHECK(run("coalesce(1 / z, 5)", t).rows == Strings{error, "1"});
  CHECK(run("1 / z > 0 ? 'a' : 'b'", t).rows == Strings{error, "'a'"});
  CHECK(run("z == 0 ? 7 : 1 / z", t).rows == Strings{"7", "1"});
  CHECK(run("string(1 / z) + '!'", t).rows == Strings{error, "'1!'"});
}

TEST_CASE("membership in lists") {
  Table t(3);
  t.strings("s", {"a", std::nullopt, "zz"}).ints("n", {1, 2, std::nullopt}).doubles("d", {1.0, 2.5, 3.0});
  CHECK(run("s in ['a', 'b']", t).rows == Strings{"true", "false", "false"});
  CHECK(run("s in ['a', null]", t).rows == Strings{"true", "true", "false"});
  CHECK(run("s in ['p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'zz']", t).rows == Strings{"false", "false", "true"});
  CHECK(run("!(s in [])", t).rows == Strings{"true", "true", "true"});
  CHECK(run("n in [1, 3]", t).rows == Strings{"true", "false", "false"});
  CHECK(run("n in [9, 8, 7, 6, 5, 4, 3, 2, null]", t).rows == Strings{"false", "true", "true"});
  CHECK(run("n in [1.0, 2u]", t).rows == Strings{"true", "true", "false"});
  CHECK(run("d in [1, n, 3.0]", t).rows == Strings{"true", "false", "true"});
  CHECK(run("null in [n]", t).rows == Strings{"false", "false", "true"});
  CHECK(value_of("1u in [1u, 2u]") == "true");
  CHECK(value_of("b'a' in [b'a']") == "true");
  CHECK(value_of("true in [false]") == "false");
}

TEST_CASE("text functions") {
  Table t(3);
  t.strings("s", {"purchase", "p\xc3\xa9" "re", ""});
  CHECK(run("s == 'purchase'", t).rows == Strings{"true", "false", "false"});
  CHECK(run("'purchase' != s", t).rows == Strings{"false", "true", "true"});
  CHECK(run("s == ''", t).rows == Strings{"false", "false", "true"});
  CHECK(run("s == s", t).rows == Strings{"true", "true", "true"});
  CHECK(run("s < 'pv'", t).rows == Strings{"true", "false", "true"});
  CHECK(run("size(s)", t).rows == Strings{"8", "4", "0"});
  CHECK(run("bytes(s).size()", t).rows == Strings{"8", "5", "0"});
  CHECK(run("s.contains('r')", t).rows == Strings{"true", "true", "false"});
  CHECK(run("s.contains('')", t).rows == Strings{"true", "true", "true"});
  CHECK(run("s.startsWith('pur')", t).rows == Strings{"true", "false", "false"});
  CHECK(run("s.endsWith('re')", t).rows == Strings{"false", "true", "false"});
  CHECK(run("s.matches('^p.r')", t).rows == Strings{"true", "true", "false"});
  CHECK(run("matches(s, 'cha')", t).rows == Strings{"true", "false", "false"});
  CHECK(run("'purchase'.matches(s)", t).rows == Strings{"true", "false", "true"});
  CHECK(run("s.matches('[' + s)", t).rows[0].starts_with("error: bad pattern for `matches`: missing ]"));
  CHECK(run("s + '!' + s", t).rows == Strings{"'purchase!purchase'", "'p\xc3\xa9re!p\xc3\xa9re'", "'!'"});
  CHECK(value_of("b'ab' + b'c'") == "b'abc'");
}

TEST_CASE("conversions to numbers") {
  CHECK(value_of("int(1.9)") == "1");
  CHECK(value_of("int(-7.9)") == "-7");
  CHECK(value_of("int('-42')") == "-42");
  CHECK(value_of("int('+42')") == "42");
  CHECK(value_of("int(42u)") == "42");
  CHECK(value_of("int(timestamp('1969-12-31T23:59:59.5Z'))") == "-1");
  CHECK(value_of("int(9223372036854774784.0)") == "9223372036854774784");
  CHECK(fails("int(9223372036854775808.0)", "out of range"));
  CHECK(fails("int(-9223372036854775808.0)", "out of range"));
  CHECK(fails("int(0.0 / 0.0)", "out of range"));
  CHECK(fails("int(9223372036854775808u)", "out of range"));
  CHECK(fails("int('9223372036854775808')", "9223372036854775808"));
  CHECK(fails("int('1.0')", "1.0"));
  CHECK(fails("int('')", "conversion failed"));
  CHECK(fails("int(' 1')", "conversion failed"));
  CHECK(value_of("uint(3.14)") == "3u");
  CHECK(value_of("uint('18446744073709551615')") == "18446744073709551615u");
  CHECK(fails("uint(-1)", "out of range"));
  CHECK(fails("uint(-1.0)", "out of range"));
  CHECK(fails("uint(18446744073709551616.0)", "out of range"));
  CHECK(fails("uint('-1')", "-1"));
  CHECK(value_of("double('1.5e3')") == run("1500.0", Table(1)).rows[0]);
  CHECK(value_of("double('-Infinity')") == "-inf");
  CHECK(value_of("double('1e999')") == "inf");
  CHECK(value_of("double(18446744073709551615u) == 18446744073709551616.0") == "true");
  CHECK(fails("double('1x')", "1x"));
}

TEST_CASE("conversions to text, bytes and bool") {
  CHECK(value_of("string(-5)") == "'-5'");
  CHECK(value_of("string(5u)") == "'5'");
  CHECK(value_of("string(true)") == "'true'");
  CHECK(value_of("string(123.456)") == "'123.456'");
  CHECK(value_of("string(-4.5e-3)") == "'-0.0045'");
  CHECK(value_of("string(3.0)") == "'3'");
  CHECK(value_of("string(100000.0)") == "'100000'");
  CHECK(value_of("string(1e21)") == "'1e+21'");
  CHECK(value_of("string(b'abc')") == "'abc'");
  CHECK(fails("string(b'\\xff')", "conversion failed"));
  CHECK(value_of("bytes('\xc3\xbf') == b'\\303\\277'") == "true");
  CHECK(value_of("string(duration('1h30m'))") == "'5400s'");
  CHECK(value_of("string(duration('-1.5s'))") == "'-1.500s'");
  CHECK(value_of("string(timestamp('2009-02-13T23:31:30+02:00'))") == "'2009-02-13T21:31:30Z'");
  CHECK(value_of("string(timestamp('9999-12-31T23:59:59.999999999Z'))") == "'9999-12-31T23:59:59.999999999Z'");
  CHECK(value_of("bool('t') && bool('TRUE') && bool('1') && !bool('False') && !bool('f')") == "true");
  CHECK(fails("bool('TrUe')", "TrUe"));
}

TEST_CASE("timestamps and durations keep nanoseconds and their ranges") {
  CHECK(value_of("timestamp('0001-01-01T00:00:01.000000001Z') + duration('-999999999ns') == timestamp('0001-01-01T00:00:00.000000002Z')") == "true");
  CHECK(value_of("timestamp(0)") == "1970-01-01T00:00:00Z");
  CHECK(value_of("timestamp('1969-12-31T23:59:59.9999999Z')") == "1969-12-31T23:59:59.999999Z");
  CHECK(value_of("timestamp(253402300799)") == "9999-12-31T23:59:59Z");
  CHECK(fails("timestamp(253402300800)", "out of range"));
  CHECK(fails("timestamp(-62135596801)", "out of range"));
  CHECK(fails("timestamp('0000-01-01T00:00:00Z')", "out of range"));
  CHECK(fails("timestamp('yesterday')", "yesterday"));
  CHECK(fails("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp out of range"));
  CHECK(fails("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "timestamp out of range"));
  CHECK(fails("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "duration out of range"));
  CHECK(fails("duration('9223372036854775807ns') + duration('1ns')", "duration out of range"));
  CHECK(fails("duration('320000000000s')", "conversion failed"));
  CHECK(fails("duration('1')", "conversion failed"));
  CHECK(fails("duration('')", "conversion failed"));
  CHECK(value_of("duration('1h1m1s1ms1us1ns')") == "3661001001001ns");
  CHECK(value_of("duration('-9223372036854775808ns') < duration('0')") == "true");
  CHECK(value_of("duration('1.5h') == duration('90m') && duration('7d') == duration('168h')") == "true");
}

TEST_CASE("timestamps of columns are in microseconds, durations in nanoseconds") {
  Table t(3);
  t.timestamps("ts", {1'000'000, std::nullopt, -1}).durations("d", {1, 2, 999});
  CHECK(run("ts", t).rows == Strings{"1970-01-01T00:00:01Z", "null", "1969-12-31T23:59:59.999999Z"});
  CHECK(run("has(ts) && ts > timestamp(0)", t).rows == Strings{"true", "false", "false"});
  CHECK(run("coalesce(ts, timestamp(7))", t).rows ==
        Strings{"1970-01-01T00:00:01Z", "1970-01-01T00:00:07Z", "1969-12-31T23:59:59.999999Z"});
  CHECK(run("d + duration('1us')", t).rows == Strings{"1001ns", "1002ns", "1999ns"});
  CHECK(run("coalesce(ts, timestamp(0)) + d == timestamp('1969-12-31T23:59:59.999999999Z')", t).rows ==
        Strings{"false", "false", "true"});
  CHECK(run("coalesce(ts, timestamp(0)) - timestamp(0)", t).rows == Strings{"1000000000ns", "0ns", "-1000ns"});
}

TEST_CASE("calendar fields, in UTC") {
  const std::string t = "timestamp('2009-02-13T23:31:20.123456789Z')";
  CHECK(value_of(t + ".getFullYear()") == "2009");
  CHECK(value_of(t + ".getMonth()") == "1");
  CHECK(value_of(t + ".getDate()") == "13");
  CHECK(value_of(t + ".getDayOfMonth()") == "12");
  CHECK(value_of(t + ".getDayOfYear()") == "43");
  CHECK(value_of(t + ".getDayOfWeek()") == "5");
  CHECK(value_of(t + ".getHours()") == "23");
  CHECK(value_of(t + ".getMinutes()") == "31");
  CHECK(value_of(t + ".getSeconds()") == "20");
  CHECK(value_of(t + ".getMilliseconds()") == "123");
  CHECK(value_of("timestamp('1969-12-31T23:59:59.5Z').getSeconds()") == "59");
  CHECK(value_of("timestamp('1969-12-31T23:59:59.5Z').getMilliseconds()") == "500");
  CHECK(value_of("timestamp('2024-12-31T00:00:00Z').getDayOfYear()") == "365");
  CHECK(value_of("timestamp('2024-03-01T00:00:00Z').getDayOfYear()") == "60");
  CHECK(value_of("timestamp('2023-03-01T00:00:00Z').getDayOfYear()") == "59");
  CHECK(value_of("timestamp('0001-01-01T00:00:00Z').getDayOfWeek()") == "1");
  CHECK(value_of("duration('3730s').getMinutes()") == "62");
  CHECK(value_of("duration('10000s').getHours()") == "2");
  CHECK(value_of("duration('-61.5s').getSeconds()") == "-61");
  CHECK(value_of("duration('1.234s').getMilliseconds()") == "234");
}

TEST_CASE("only selected rows are evaluated") {
  Table t(5);
  t.ints("z", {0, 1, 0, 2, 0}).strings("s", {"a", "b", "c", "d", "e"});
  const Outcome some = run("10 / z", t, {1, 3});
  CHECK(some.rows == Strings{"-", "10", "-", "5", "-"});
  CHECK(some.errors.empty());
  const Outcome failing = run("10 / z", t, {0, 3, 4});
  CHECK(failing.rows == Strings{"error: division by zero", "-", "-", "5", "error: division by zero"});
  REQUIRE(failing.errors.size() == 2);
  CHECK(failing.errors[0].row == 0);
  CHECK(failing.errors[1].row == 4);
  CHECK(run("s + s", t, {2}).rows == Strings{"-", "-", "'cc'", "-", "-"});
  CHECK(run("10 / z > 0 && s == 'd'", t, {}).errors.empty());
  // The condition keeps the division away from zeros.
  CHECK_FALSE(run("z != 0 && 10 / z > 5", t).errors.size() > 0);
  CHECK(run("z == 0 ? -1 : 10 / z", t, {0, 1, 4}).rows == Strings{"-1", "10", "-", "-", "-1"});
}

TEST_CASE("rows outside of the selection may hold anything") {
  Table t(3);
  t.ints("n", {1, 2, 3});
  Batch empty;
  Arena arena;
  Column out;
  std::vector<RowError> errors;
  const auto compiled = compile(*parse("n + 1 > 2 && n in [2, 5]"), t.scope());
  // A batch without rows has columns without values.
  compiled->program->evaluate(empty, {}, arena, out, errors);
  CHECK(out.valid.empty());
  CHECK(errors.empty());
}

TEST_CASE("a null in a field that is said to have none is an error, not a guess") {
  Table t(2);
  t.ints("n", {1, std::nullopt});
  t.scope().fields[0].nullable = false;
  CHECK(run("n + 1", t).rows == Strings{"2", "error: `n` is null, which `+` cannot take"});
}

TEST_CASE("results do not point into scratch memory") {
  Table t(2);
  t.ints("n", {1, 2});
  const auto compiled = compile(*parse("n == 1 ? 'one' : string(n) + '?'"), t.scope());
  Arena arena;
  Column first;
  Column second;
  std::vector<RowError> errors;
  const auto rows = all_rows(2);
  compiled->program->evaluate(t.batch(), rows, arena, first, errors);
  compiled->program->evaluate(t.batch(), rows, arena, second, errors);
  CHECK(first.strings == std::vector<std::string_view>{"one", "2?"});
  CHECK(second.strings == first.strings);
}

}  // namespace
}  // namespace tidemark::expr
