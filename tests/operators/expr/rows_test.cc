// Lists, maps, macros and whatever is typed when it runs, over batches: that the way row by row and the way by columns
// go together, row selections, nulls and errors included.
#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

using Rows = std::vector<std::string>;

// Lists lie in columns as JSON text.
Table shop() {
  Table table(4);
  table.ints("n", {1, 2, 0, 4}).strings("name", {"ann", "bob", "", "dan"});
  table.doubles("amount", {1.5, std::nullopt, 3.0, 4.0});
  table.add<std::string>("tags", TypeKind::kList, {R"(["a","b"])", R"([])", R"(["bob"])", R"(["x","dan","y"])"});
  for (Field& field : table.scope().fields) {
    if (field.name == "tags") field.type = Type::list_of(TypeKind::kString);
  }
  return table;
}

Rows rows_of(const std::string& text) { return run(text, shop()).rows; }

TEST_CASE("list columns are read row by row") {
  CHECK(rows_of("size(tags)") == Rows{"2", "0", "1", "3"});
  CHECK(rows_of("name in tags") == Rows{"false", "false", "false", "true"});
  CHECK(rows_of("tags + [name]") ==
        Rows{R"(["a","b","ann"])", R"(["bob"])", R"(["bob",""])", R"(["x","dan","y","dan"])"});
  CHECK(rows_of("tags[0]") == Rows{"'a'", "error: index out of range: 0", "'bob'", "'x'"});
  CHECK(rows_of("tags == ['bob']") == Rows{"false", "false", "true", "false"});
  CHECK(rows_of("tags") == Rows{R"(["a","b"])", "[]", R"(["bob"])", R"(["x","dan","y"])"});
}

TEST_CASE("macros read columns and what they bind") {
  CHECK(rows_of("tags.exists(t, t == name)") == Rows{"false", "false", "false", "true"});
  CHECK(rows_of("tags.all(t, size(t) == 1)") == Rows{"true", "true", "false", "false"});
  CHECK(rows_of("tags.exists_one(t, size(t) == 1)") == Rows{"false", "false", "false", "false"});
  CHECK(rows_of("tags.filter(t, size(t) > n)") == Rows{"[]", "[]", R"(["bob"])", "[]"});
  CHECK(rows_of("tags.map(t, t + string(n))") == Rows{R"(["a1","b1"])", "[]", R"(["bob0"])", R"(["x4","dan4","y4"])"});
  CHECK(rows_of("tags.transformList(i, t, i > 0, t)") == Rows{R"(["b"])", "[]", "[]", R"(["dan","y"])"});
  CHECK(rows_of("tags.map(t, tags.filter(u, u < t).size())") == Rows{"[0,1]", "[]", "[0]", "[1,0,2]"});
  CHECK(rows_of("cel.bind(t, tags, size(t) + size(t))") == Rows{"4", "0", "2", "6"});
}

TEST_CASE("a name that a macro binds hides the field, and only inside") {
  CHECK(rows_of("[10].exists(n, n == 10) && n > 0") == Rows{"true", "true", "false", "true"});
  CHECK(rows_of("[10].map(n, [n + 1].map(n, n * 2))[0][0] + n") == Rows{"23", "24", "22", "26"});
}

TEST_CASE("columns and rows take turns in one expression") {
  CHECK(rows_of("n > 1 && 'dan' in tags || size(name) == 0") == Rows{"false", "false", "true", "true"});
  CHECK(rows_of("(size(tags) > 0 ? tags[0] : 'none') + '-' + name") ==
        Rows{"'a-ann'", "'none-bob'", "'bob-'", "'x-dan'"});
  CHECK(rows_of("double(size(tags)) * coalesce(amount, 0.0)") == Rows{"3", "0", "3", "12"});
  CHECK(rows_of("name.split('a').size() + [n, 2, 3][0]") == Rows{"3", "3", "1", "6"});
}

TEST_CASE("errors are absorbed and nulls refused as by columns") {
  CHECK(rows_of("tags.exists(t, 1 / n == 0) || n == 0") == Rows{"false", "false", "true", "true"});
  CHECK(rows_of("[1, 0].exists(x, 4 / x == 4)") == Rows{"true", "true", "true", "true"});
  CHECK(rows_of("[0, 1].all(x, 4 / x == 5)") == Rows{"false", "false", "false", "false"});
  CHECK(rows_of("[0].all(x, n / x == 5)") == Rows(4, "error: division by zero"));
  CHECK(rows_of("[1.0].map(x, x + amount)[0]") ==
        Rows{"2.5", "error: `amount` is null, which `+` cannot take", "4", "5"});
  CHECK(rows_of("[amount].exists(a, a == null)") == Rows{"false", "true", "false", "false"});
  CHECK(rows_of("[1].map(x, has(amount))[0]") == Rows{"true", "false", "true", "true"});
}

TEST_CASE("only selected rows are evaluated row by row") {
  const Outcome outcome = run("tags[0] + name", shop(), {0, 2});
  CHECK(outcome.rows == Rows{"'aann'", "-", "'bob'", "-"});
  CHECK(outcome.errors.empty());
}

TEST_CASE("a null list is refused where it is needed, and can be replaced") {
  Table table(2);
  table.add<std::string>("xs", TypeKind::kList, {R"([1,2])", std::nullopt});
  table.scope().fields[0].type = Type::list_of(TypeKind::kInt);
  CHECK(run("size(xs)", table).rows == Rows{"2", "error: `xs` is null, which `size` cannot take"});
  CHECK(run("xs.exists(x, x == 2)", table).rows == Rows{"true", "error: `xs` is null, which `exists` cannot take"});
  CHECK(run("coalesce(xs, [7])[0]", table).rows == Rows{"1", "7"});
  CHECK(run("has(xs) ? xs[1] : 0", table).rows == Rows{"2", "0"});
  CHECK(run("size(xs)", table).warnings.size() == 1);
  CHECK(run("has(xs) && size(xs) > 0", table).warnings.empty());
}

TEST_CASE("maps find keys by value, and refuse doubles and repetitions") {
  CHECK(rows_of("{'ann': 1, 'bob': 2, '': 3, 'dan': 4}[name]") == Rows{"1", "2", "3", "4"});
  CHECK(rows_of("name in {'bob': true}") == Rows{"false", "true", "false", "false"});
  CHECK(rows_of("{1: 'one', 2u: 'two'}[n]") ==
        Rows{"'one'", "'two'", "error: no such key: 0", "error: no such key: 4"});
  CHECK(value_of("{1: 2}[1.0]") == "2");
  CHECK(value_of("{true: 'yes'}[true]") == "'yes'");
  CHECK(value_of("{'a': {'b': [1, 2]}}.a.b[1]") == "2");
  CHECK(value_of("{'content-type': 1}.`content-type`") == "1");
  CHECK(value_of("{dyn(1.5): 2}[1]").starts_with("error: a map's key is a bool"));
  CHECK(rows_of("{n: 1, 2: 2}[2]")[1] == "error: a map has a key twice");
  CHECK(value_of("{'a': 1, 'b': 2}.map(k, k)") == R"(["a","b"])");
  CHECK(value_of("{'a': 1} == {'a': 1.0}") == "true");
}

TEST_CASE("a macro's cost for one record is bounded") {
  std::string ten = "[0,1,2,3,4,5,6,7,8,9]";
  std::string text = "true";
  for (const char name : std::string("abcdefg")) text = ten + ".all(" + name + ", " + text + ")";
  CHECK(rows_of(text)[0] == "error: `all` takes more than one record may cost");
  std::string doubled = "a.size()";
  for (int i = 0; i < 40; ++i) doubled = "cel.bind(a, a + a, " + doubled + ")";
  CHECK(run("cel.bind(a, name + '0123456789', " + doubled + ")", shop()).rows[0] ==
        "error: the expression needs more memory for one record than it may have");
  Table large(1);
  const std::string spaces(4'000'000, ' ');
  large.strings("text", {spaces}).strings("other", {spaces});
  CHECK(run("'12345678901234567890123456789012345678901234567890123456789012345678'.split('').exists(c, text != other)",
            large).rows[0] == "error: `exists` takes more than one record may cost");
  CHECK(value_of("'" + std::string(5000, 'x') + "'.replace('', '" + std::string(5000, 'y') + "').size()") ==
        "error: the text would be longer than 16 MiB");
}

TEST_CASE("what is typed when it runs says what it cannot do") {
  CHECK(value_of("dyn(1) + 2") == "3");
  CHECK(rows_of("(dyn(n) + 1) * 2 == 4") == Rows{"true", "false", "false", "false"});
  CHECK(rows_of("dyn(name) + 1 == 2")[0] == "error: no such overload: `+` of string, int");
  CHECK(value_of("[1, 'a'][1].size()") == "1");
  CHECK(value_of("[1, 2.5, 3u].filter(x, x > 2)") == "[2.5,3]");
  CHECK(value_of("dyn('a') ? 1 : 2").starts_with("error: no such overload: `?:` of string"));
  CHECK(value_of("type(dyn(1u)) == uint && type([]) == list && type(type(1)) == type") == "true");
}

}  // namespace
}  // namespace tidemark::expr
