// What parses, what does not and where: offsets are exact, since people see them as columns.
#include <fmt/format.h>

#include "operators/expr/ast.h"
#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

// The tree as an s-expression: (+ 1 (* 2 x)).
std::string shape(const Node& node) {
  struct Visitor {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(uint64_t v) const { return std::to_string(v) + "u"; }
    std::string operator()(double v) const { return fmt::format("{:g}d", v); }
    std::string operator()(const std::string& v) const { return "'" + v + "'"; }
    std::string operator()(const Bytes& v) const { return "b'" + v.value + "'"; }
  };
  if (node.kind == NodeKind::kLiteral) return std::visit(Visitor{}, node.literal);
  std::string head = node.rooted ? "." + node.name : node.name;
  if (node.kind == NodeKind::kIdent) return head;
  if (node.kind == NodeKind::kSelect) head = "select:" + node.name;
  if (node.kind == NodeKind::kCall) head = (node.receiver ? "method:" : "call:") + head;
  if (node.kind == NodeKind::kList) head = "list";
  if (node.kind == NodeKind::kMap) head = "map";
  if (node.kind == NodeKind::kMessage) head = "message:" + node.name;
  std::string out = "(" + head;
  for (size_t i = 0; i < node.children.size(); ++i) {
    out += " ";
    if (node.kind == NodeKind::kMessage) out += node.fields[i] + "=";
    out += shape(*node.children[i]);
  }
  return out + ")";
}

std::string parsed(const std::string& text) {
  const auto ast = parse(text);
  return ast ? shape(*ast->root) : to_text(ast.error());
}

TEST_CASE("literals of every kind") {
  CHECK(parsed("42") == "42");
  CHECK(parsed("-42") == "-42");
  CHECK(parsed("0x1F") == "31");
  CHECK(parsed("-0x10") == "-16");
  CHECK(parsed("42u") == "42u");
  CHECK(parsed("0xffU") == "255u");
  CHECK(parsed("18446744073709551615u") == "18446744073709551615u");
  CHECK(parsed("9223372036854775807") == "9223372036854775807");
  CHECK(parsed("-9223372036854775808") == "-9223372036854775808");
  CHECK(parsed("1.5") == "1.5d");
  CHECK(parsed(".5") == "0.5d");
  CHECK(parsed("1e3") == "1000d");
  CHECK(parsed("-1.5E-1") == "-0.15d");
  CHECK(parsed("1e-400") == "0d");
  CHECK(parsed("true && !false") == "(&& true (! false))");
  CHECK(parsed("null") == "null");
}

TEST_CASE("strings and bytes with every quote and escape") {
  CHECK(parsed("'a'") == "'a'");
  CHECK(parsed("\"it's\"") == "'it's'");
  CHECK(parsed("'''a\n'b' ''c'''") == "'a\n'b' ''c'");
  CHECK(parsed("\"\"\"a\"b\"\"\"") == "'a\"b'");
  CHECK(parsed(R"(r'\d+')") == R"('\d+')");
  CHECK(parsed(R"(R"\n")") == R"('\n')");
  CHECK(parsed(R"('\n\t\\\'\"\?\`')") == "'\n\t\\'\"?`'");
  CHECK(parsed(R"('\x41\101\u00e9\U0001F600')") == "'AA\xc3\xa9\xf0\x9f\x98\x80'");
  CHECK(parsed(R"('\xff')") == "'\xc3\xbf'");
  CHECK(parsed(R"(b'\xff\377a')") == "b'\xff\xff" "a'");
  CHECK(parsed(R"(br'\x')") == R"(b'\x')");
  CHECK(parsed("b'''x'''") == "b'x'");
  CHECK(parsed("b") == "b");
  CHECK(parsed("r + br") == "(+ r br)");
  CHECK(parsed("'\xc3\xa9'") == "'\xc3\xa9'");
}

TEST_CASE("operators bind as CEL has it") {
  CHECK(parsed("1 + 2 * 3") == "(+ 1 (* 2 3))");
  CHECK(parsed("(1 + 2) * 3") == "(* (+ 1 2) 3)");
  CHECK(parsed("1 - 2 - 3") == "(- (- 1 2) 3)");
  CHECK(parsed("a / b % c") == "(% (/ a b) c)");
  CHECK(parsed("a + b < c - d") == "(< (+ a b) (- c d))");
  CHECK(parsed("a < b == c") == "(== (< a b) c)");
  CHECK(parsed("a in b && c || d") == "(|| (&& (in a b) c) d)");
  CHECK(parsed("a || b && c") == "(|| a (&& b c))");
  CHECK(parsed("a ? b : c ? d : e") == "(?: a b (?: c d e))");
  CHECK(parsed("a || b ? c : d") == "(?: (|| a b) c d)");
  CHECK(parsed("!a == b") == "(== (! a) b)");
  CHECK(parsed("-a.b") == "(- (select:b a))");
  CHECK(parsed("--a") == "(- (- a))");
  CHECK(parsed("!!a") == "(! (! a))");
  CHECK(parsed("a - -1") == "(- a -1)");
  CHECK(parsed("a -1") == "(- a 1)");
  CHECK(parsed("a && b && c && d") == "(&& (&& a b) (&& c d))");
}

TEST_CASE("members, calls, indexing and constructors") {
  CHECK(parsed("a.b.c") == "(select:c (select:b a))");
  CHECK(parsed(".a.b") == "(select:b .a)");
  CHECK(parsed("f(1, x)") == "(call:f 1 x)");
  CHECK(parsed("f()") == "(call:f)");
  CHECK(parsed("x.f().g(1)") == "(method:g (method:f x) 1)");
  CHECK(parsed("x[0].y") == "(select:y ([] x 0))");
  CHECK(parsed("'a'.size()") == "(method:size 'a')");
  CHECK(parsed("[]") == "(list)");
  CHECK(parsed("[1, 2,]") == "(list 1 2)");
  CHECK(parsed("[,]") == "(list)");
  CHECK(parsed("{}") == "(map)");
  CHECK(parsed("{'a': 1, b: 2,}") == "(map 'a' 1 b 2)");
  CHECK(parsed("a.b.C{x: 1, package: 2,}") == "(message:a.b.C x=1 package=2)");
  CHECK(parsed(".C{}") == "(message:.C)");
  CHECK(parsed("package.name.C{}") == "(message:package.name.C)");
  CHECK(parsed("[1].exists(x, x > 0)") == "(method:exists (list 1) x (> x 0))");
  CHECK(parsed("a.namespace") == "(select:namespace a)");
  CHECK(parsed("a.package()") == "(method:package a)");
}

TEST_CASE("what SQL says is answered with what CEL says") {
  const auto hint_of = [](const std::string& text) { return parse(text).error().at(0).hint; };
  CHECK(hint_of("a > 1 AND b > 2") == "write `&&`");
  CHECK(hint_of("a or b") == "write `||`");
  CHECK(hint_of("a is not null") == "write `has(x)`, `x == null` or `x != null`");
  CHECK(hint_of("sum(x) where x > 1") == "write `.where(condition)` behind an aggregate");
  CHECK(hint_of("a b").empty());
  CHECK(hint_of("count(*)") == "`count()` counts rows");
  CHECK(hint_of("count( * )") == "`count()` counts rows");
  CHECK(hint_of("count(distinct x)") == "write `distinct(x)`, an aggregate of its own");
  CHECK(hint_of("sum(x) filter (where y)") == "write `.where(condition)` behind an aggregate");
  CHECK(hint_of("sum(x) OVER w") == "the window says over what: write the aggregate alone");
  CHECK(hint_of("a <> b") == "write `!=`");
  CHECK(hint_of("a < > b").empty());
  CHECK(hint_of("a IN (1, 2)") == "write `in`, in small letters");
  CHECK(hint_of("a in (1, 2)") == "write a list in brackets: `[a, b]`");
  CHECK(hint_of("a NOT IN [1]") == "write `!`, as in `!(x in [1, 2])`");
  CHECK(hint_of("NOT a") == "write `!`, as in `!x`");
  CHECK(hint_of("interval '1' minute") == "write `duration('60s')`");
  CHECK(hint_of("TIMESTAMP '2026-01-01'") == "write `timestamp('2026-01-01T00:00:00Z')`");
  CHECK(hint_of("CASE WHEN a THEN b END") == "write `condition ? a : b`");
  CHECK(hint_of("if(a, b, c)") == "write `condition ? a : b`");
  CHECK(hint_of("cast(x as double)") == "a result's name stands before its `:`; types are converted as in `double(x)`");
  CHECK(hint_of("x::double") == "types are converted as in `double(x)`");
  CHECK(hint_of("a ?? b") == "write `coalesce(x, y)`");
  CHECK(hint_of("a ** 2") == "write `x * x`; there are no powers");
  CHECK(hint_of("`amount` > 1") == "write amount without backticks");
  CHECK(hint_of("'it''s'") == "a quote inside of quotes is written `\\'` or `\\\"`");
  CHECK(hint_of("a =~ 'x'") == "write `x.matches('...')`");
  CHECK(hint_of("$.amount") == "a field is written by its name alone");
  CHECK(hint_of("now() - ts > 5m") == "write `duration('5m')`");
  CHECK(hint_of("a == b;") == "an expression has no end mark");
}

TEST_CASE("blanks and comments mean nothing") {
  CHECK(parsed(" \t\n\f\r 1 // one\n + 2 // end") == "(+ 1 2)");
  CHECK(parsed("'// no comment'") == "'// no comment'");
}

TEST_CASE("what does not parse is refused where it stands") {
  CHECK(parsed("") == "0: the end of the expression where a value should be");
  CHECK(parsed("1 +") == "3: the end of the expression where a value should be");
  CHECK(parsed("1 + * 2") == "4: `*` where a value should be");
  CHECK(parsed("a b") == "2: `b` where an operator or the end should be");
  CHECK(parsed("(a") == "2: the end of the expression where `)` should be");
  CHECK(parsed("[a b]") == "3: `b` where `,` or `]` should be");
  CHECK(parsed("f(a,)") == "4: `)` where a value should be");
  CHECK(parsed("a ? b") == "5: the end of the expression where the `:` of `? :` should be");
  CHECK(parsed("a = b") == "2: `=` is no operator; write `==` to compare");
  CHECK(parsed("a & b") == "2: `&` is no operator; write `&&`");
  CHECK(parsed("a # b") == "2: `#` has no meaning in an expression; a comment begins with `//`");
  CHECK(parsed("'abc") == "0: string is not closed; close it with '");
  CHECK(parsed("x + 'a\nb'") == "4: string is not closed on its line; write three quotes around text of several lines");
  CHECK(parsed(R"('ab\q')") == "3: unknown escape in a string; double the backslash, or write r'...'");
  CHECK(parsed(R"('\ud800')") == "1: escape names no Unicode code point");
  CHECK(parsed(R"('\x4')") == "1: escape needs 2 digits");
  CHECK(parsed(R"('\400')") == "1: unknown escape in a string; double the backslash, or write r'...'");
  CHECK(parsed(R"(b'\u0041')") == "2: `\\u` has no meaning in bytes; write `\\x..`");
  CHECK(parsed("'\xff'") == "0: string is not valid UTF-8; write bytes as b'...'");
  CHECK(parsed("9223372036854775808").starts_with("0: number does not fit an int"));
  CHECK(parsed("-9223372036854775809").starts_with("0: number does not fit an int"));
  CHECK(parsed("18446744073709551616u").starts_with("0: number does not fit 64 bits"));
  CHECK(parsed("1e999") == "0: number does not fit a double");
  CHECK(parsed("-1u") == "0: a uint cannot be negative");
  CHECK(parsed("12ab").starts_with("2: a number and a name"));
  CHECK(parsed("a.in") == "2: `in` is a keyword and names no field");
  CHECK(parsed("in") == "0: `in` where a value should be");
  CHECK(parsed("!-a") == "1: `-` where an operand should be");
  CHECK(parsed("a.1") == "1: `.1` where an operator or the end should be");
  CHECK(parsed("a \x01") == "2: byte 0x01 has no meaning outside of a string");
}

TEST_CASE("a reserved name says how to rename the field") {
  CHECK(parsed("1 == namespace") ==
        "5: `namespace` is a word that CEL reserves; rename the field in the schema: `ns: {type: string, path: namespace}`");
  CHECK(parsed("package == 'x'").find("`pkg: {type: string, path: package}`") != std::string::npos);
  CHECK(parsed("while") ==
      "0: `while` is a word that CEL reserves; rename the field in the schema: `while_: {type: string, path: while}`");
  CHECK(parsed("function(1)") == "0: `function` is a word that CEL reserves");
}

std::string repeat(const std::string& what, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += what;
  return out;
}

TEST_CASE("depth has a limit and a message instead of a stack overflow") {
  const std::string deep = "nested deeper than 250 levels";
  const auto refused = [&](const std::string& text) { return parsed(text).find(deep) != std::string::npos; };
  CHECK(refused(repeat("(", 100'000)));
  CHECK(refused(repeat("[", 100'000)));
  CHECK(refused(repeat("{", 100'000)));
  CHECK(refused(repeat("!", 100'000) + "a"));
  CHECK(refused(repeat("-", 100'000) + "a"));
  CHECK(refused("a" + repeat(".b", 100'000)));
  CHECK(refused("a" + repeat("[0]", 100'000)));
  CHECK(refused("1" + repeat(" + 1", 100'000)));
  CHECK(refused(repeat("a ? b : ", 100'000) + "c"));
  CHECK(refused(repeat("f(", 100'000)));
  CHECK_FALSE(refused(repeat("(", 200) + "a" + repeat(")", 200)));
  CHECK_FALSE(refused("1" + repeat(" + 1", 200)));
  // Chains of && and || become balanced trees, so that their length is no depth.
  CHECK_FALSE(refused("a" + repeat(" || a", 10'000)));
  CHECK_FALSE(refused("a" + repeat(" && a", 10'000)));
}

TEST_CASE("fields_of lists what is read, once each") {
  CHECK(fields_of(*parse("a + b * a > size(c) && d.e == 'f'")) == std::vector<std::string>{"a", "b", "c", "d.e", "d"});
  CHECK(fields_of(*parse("1 + 2")).empty());
}

bool is_aggregate(std::string_view name) { return name == "count" || name == "sum" || name == "quantile"; }

TEST_CASE("aggregates are taken out of the expression around them") {
  const auto split = split_aggregates(*parse("double(count().where(big)) / double(count())"), "$", is_aggregate);
  REQUIRE(split.has_value());
  REQUIRE(split->calls.size() == 2);
  CHECK(split->calls[0].name == "count");
  CHECK(split->calls[0].text == "count().where(big)");
  CHECK(split->calls[0].offset == 7);
  CHECK(shape(*split->calls[0].where->root) == "big");
  CHECK(split->calls[1].text == "count()");
  CHECK_FALSE(split->calls[1].where.has_value());
  CHECK(shape(*split->rest.root) == "(/ (call:double $0) (call:double $1))");
}

TEST_CASE("equal aggregate calls share one field") {
  const auto split = split_aggregates(*parse("sum(x) / double(count()) + sum(x) * quantile(y + 1.0, 0.5)"), "a",
                                      is_aggregate);
  REQUIRE(split.has_value());
  REQUIRE(split->calls.size() == 3);
  CHECK(shape(*split->rest.root) == "(+ (/ a0 (call:double a1)) (* a0 a2))");
  REQUIRE(split->calls[2].args.size() == 2);
  CHECK(shape(*split->calls[2].args[0].root) == "(+ y 1d)");
  CHECK(shape(*split->calls[2].args[1].root) == "0.5d");
}

TEST_CASE("aggregates in aggregates and stray conditions are refused") {
  const auto problems = [](const std::string& text) {
    return to_text(split_aggregates(*parse(text), "$", is_aggregate).error());
  };
  CHECK(problems("sum(1 + count())").starts_with("8: aggregate `count` stands inside of aggregate `sum`"));
  CHECK(problems("count().where(sum(x) > 1)").starts_with("14: aggregate `sum` stands inside of aggregate `count`"));
  CHECK(problems("x.where(y)").starts_with("2: `.where` stands behind something that is no aggregate"));
  CHECK(problems("count().where()").starts_with("8: `.where` takes one condition"));
}

TEST_CASE("problems in parts of a split expression keep their place in the whole") {
  const auto split = split_aggregates(*parse("1 + sum(x + 1.0)"), "$", is_aggregate);
  Scope scope{{{"x", TypeKind::kInt, false, 0}}};
  const auto compiled = compile(split->calls[0].args[0], scope);
  REQUIRE_FALSE(compiled.has_value());
  CHECK(to_text(compiled.error()) == "10: no operator for int + double; write `double(x) + 1.0`");
}

}  // namespace
}  // namespace tidemark::expr
