// CEL's extensions over columns: text, numbers, time zones. The values of constant expressions are the business of
// tests/conformance; here it is batches, errors by row, and what those cases leave out.
#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

using Rows = std::vector<std::string>;

Table texts() {
  Table table(3);
  table.strings("s", {"©αT taco", "", "a,b,,c"}).ints("i", {1, 0, 7});
  table.strings("zone", {"Europe/Stockholm", "+02:30", "Mars/Base"});
  table.timestamps("ts", {1'774'746'000'000'000, 0, 0});  // 2026-03-29T01:00:00Z: summer time begins in Europe
  return table;
}

Rows rows_of(const std::string& text) { return run(text, texts()).rows; }

TEST_CASE("text functions count code points and fail by row") {
  CHECK(rows_of("s.charAt(i)") == Rows{"'α'", "''", "error: index out of range: 7"});
  CHECK(rows_of("s.substring(i)") == Rows{"'αT taco'", "''", "error: index out of range: 7"});
  CHECK(rows_of("s.substring(0, i)") == Rows{"'©'", "''", "error: index out of range: 7"});
  CHECK(rows_of("s.substring(i, 0)")[0] == "error: invalid substring range: from 1 to 0");
  CHECK(rows_of("s.indexOf('a')") == Rows{"5", "-1", "0"});
  CHECK(rows_of("s.lastIndexOf('c')") == Rows{"6", "-1", "5"});
  CHECK(rows_of("s.upperAscii().lowerAscii()") == Rows{"'©αt taco'", "''", "'a,b,,c'"});
  CHECK(rows_of("s.reverse()") == Rows{"'ocat Tα©'", "''", "'c,,b,a'"});
  CHECK(rows_of("s.replace('a', 'oo')") == Rows{"'©αT tooco'", "''", "'oo,b,,c'"});
  CHECK(rows_of("s.replace('a', 'oo', 1)") == Rows{"'©αT tooco'", "''", "'oo,b,,c'"});
  CHECK(value_of("'ab'.replace('', '-')") == "'-a-b-'");
  CHECK(value_of("''.replace('', '-')") == "'-'");
  CHECK(value_of("'  a b\\n'.trim()") == "'a b'");
}

TEST_CASE("split and join") {
  CHECK(rows_of("s.split(',')") == Rows{R"(["©αT taco"])", R"([""])", R"(["a","b","","c"])"});
  CHECK(rows_of("s.split(',', 2)")[2] == R"(["a","b,,c"])");
  CHECK(rows_of("s.split('')")[0] == R"(["©","α","T"," ","t","a","c","o"])");
  CHECK(value_of("''.split('')") == "[]");
  CHECK(rows_of("s.split(',').join('+')") == Rows{"'©αT taco'", "''", "'a+b++c'"});
}

TEST_CASE("format writes values of every kind, and says what it cannot write") {
  CHECK(rows_of("'%s has %d, %.2f, %x'.format([s, i, double(i), i])")[0] == "'©αT taco has 1, 1.00, 1'");
  CHECK(value_of("'%s'.format([{'b': 1, 'a': [true, null]}])") == "'{a: [true, null], b: 1}'");
  CHECK(value_of("'%d'.format(['x'])") == "error: `format` cannot write a string as %d");
  CHECK(value_of("'%d'.format([])") == "error: `format` has no value for clause 1");
  CHECK(value_of("'100%'.format([])").starts_with("error: `format` does not know the clause"));
  CHECK(value_of("'%.200f'.format([1.0])").starts_with("error: `format` does not know the clause"));
  CHECK(value_of("'%x'.format([-255])") == "'-ff'");
}

TEST_CASE("calendar fields in time zones, by name and by offset") {
  CHECK(rows_of("ts.getHours(zone)") == Rows{"3", "2", "error: unknown time zone \"Mars/Base\""});
  CHECK(rows_of("ts.getMinutes('-00:45')") == Rows{"15", "15", "15"});
  CHECK(rows_of("(ts - duration('1s')).getHours('Europe/Stockholm')")[0] == "1");
  CHECK(rows_of("ts.getDate('America/New_York')") == Rows{"28", "31", "31"});
  CHECK(rows_of("ts.getFullYear('America/New_York')")[1] == "1969");
  CHECK(value_of("timestamp('0001-01-01T00:00:00Z').getFullYear('Asia/Tokyo')") == "1");
  CHECK(value_of("timestamp('9999-12-31T23:59:59Z').getFullYear('Asia/Tokyo')") == "10000");
  CHECK(refusal("timestamp(0).getHours(1)") == "13: no `getHours` for timestamp, int");
}

TEST_CASE("numbers: greatest and least run by columns where all are of one kind") {
  CHECK(rows_of("math.greatest(i, 2)") == Rows{"2", "2", "7"});
  CHECK(rows_of("math.least(i, 5, 3, 4)") == Rows{"1", "0", "3"});
  CHECK(rows_of("math.greatest(i, 2.5) == 2.5") == Rows{"true", "true", "false"});
  CHECK(rows_of("math.greatest([i, 3])") == Rows{"3", "3", "7"});
  CHECK(value_of("math.least([])").starts_with("error: `math.least` of an empty list"));
  CHECK(value_of("math.least(0.0 / 0.0, 1.0)") == "1");
  CHECK(refusal("math.greatest('a', 'b')") == "5: no `math.greatest` for string, string");
  CHECK(refusal("math.abz(1)").starts_with("5: unknown f"));
  CHECK(rows_of("math.bitShiftLeft(1, i)") == Rows{"2", "1", "128"});
  CHECK(value_of("math.bitShiftRight(-1, 63)") == "1");
  CHECK(value_of("math.bitShiftLeft(1, -1)") == "error: shift by a negative number of bits");
  CHECK(value_of("math.sqrt(16)") == "4");
  CHECK(value_of("math.abs(-9223372036854775807 - 1)") == "error: integer overflow in `math.abs`");
}

TEST_CASE("addresses") {
  Table table(3);
  table.strings("ip", {"10.1.2.3", "2001:db8::1", "nonsense"});
  CHECK(run("cidr('10.0.0.0/8').containsIP(ip)", table).rows ==
        Rows{"true", "false", "error: \"nonsense\" is no IP address"});
  CHECK(run("isIP(ip) && string(ip(ip)) == ip", table).rows == Rows{"true", "true", "false"});
  CHECK(refusal("ip('1.2.3.4').masked()") == "14: no `masked` for net.IP");
}

TEST_CASE("optionals end in plain values") {
  CHECK(value_of("{'a': 1}.?b.orValue(7)") == "7");
  CHECK(value_of("[1][?0].optMap(x, x + 1).value()") == "2");
  CHECK(value_of("{'a': {}}.?a.?b.hasValue()") == "false");
  CHECK(value_of("[?optional.none(), 1]") == "[1]");
  CHECK(value_of("optional.none().value()") == "error: `value` of an absent optional");
  CHECK(refusal("optional.of(1) + 1") == "15: no operator for optional<int> + int");
}

}  // namespace
}  // namespace tidemark::expr
