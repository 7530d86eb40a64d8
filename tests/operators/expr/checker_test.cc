// What is refused before anything runs, with the words a person needs; and what is only warned about.
#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

Scope shop() {
  return {{{"amount", TypeKind::kDouble, true, 0},
           {"n", TypeKind::kInt, false, 1},
           {"u", TypeKind::kUint, false, 2},
           {"name", TypeKind::kString, false, 3},
           {"flag", TypeKind::kBool, false, 4},
           {"ts", TypeKind::kTimestamp, false, 5},
           {"tags", Type::list_of(TypeKind::kString), false, 6},
           {"type", TypeKind::kString, false, 7},
           {"maybe", TypeKind::kBool, true, 8},
           {"city", TypeKind::kString, true, 9}}};
}

std::string refused(const std::string& text) { return refusal(text, shop()); }

std::string warnings(const std::string& text) {
  const auto compiled = compile(*parse(text), shop());
  REQUIRE(compiled.has_value());
  return to_text(compiled->warnings);
}

bool fallible(const std::string& text) { return compile(*parse(text), shop())->program->fallible(); }
bool nullable(const std::string& text) { return compile(*parse(text), shop())->program->nullable(); }
std::string type(const std::string& text) { return to_string(compile(*parse(text), shop())->program->type()); }

TEST_CASE("kinds of numbers are not mixed in arithmetic, and the error says what to write") {
  CHECK(refused("n + amount") == "2: no operator for int + double; write `double(n) + amount`");
  CHECK(refused("amount * n") == "7: no operator for double * int; write `amount * double(n)`");
  CHECK(refused("amount + 1") == "7: no operator for double + int; write `amount + 1.0`");
  CHECK(refused("n - u") == "2: no operator for int - uint; write `n - int(u)`");
  CHECK(refused("u + 1") == "2: no operator for uint + int; write `int(u) + 1`");
  CHECK(refused("u / amount") == "2: no operator for uint / double; write `double(u) / amount`");
  CHECK(refused("(n + 1) * amount") == "8: no operator for int * double; write `double((n + 1)) * amount`");
  CHECK(refused("name + n") == "5: no operator for string + int; write `name + string(n)`");
  CHECK(refused("amount % amount") == "7: no operator for double % double");
  CHECK(refused("-u") == "0: no `-` for uint");
  CHECK(refused("n < amount").empty());
  CHECK(refused("u == 1 && n != u && amount >= u").empty());
}

TEST_CASE("what cannot be compared is refused") {
  CHECK(refused("name == 1") == "5: no operator for string == int; write `int(name) == 1`");
  CHECK(refused("flag < 1") == "5: no operator for bool < int");
  CHECK(refused("ts > '2026-01-01T00:00:00Z'") ==
        "3: no operator for timestamp > string; write `ts > timestamp('2026-01-01T00:00:00Z')`");
  CHECK(refused("n < null") == "2: no operator for int < null");
  CHECK(refused("n == null || name != null").empty());
  CHECK(refused("n in ['a']") == "6: `n` is int, but the list has string");
  CHECK(refused("'a' in name") == "7: `in` needs a list on its right, not string; write `name.contains('a')`");
}

TEST_CASE("logic needs bools") {
  CHECK(refused("n && flag") == "0: `&&` needs a bool, but `n` is int; compare it, as in `x > 0`");
  CHECK(refused("n || name") == "0: `||` needs a bool, but `n` is int; compare it, as in `x > 0`\n5: `||` needs a bool, but `name` is string; `+` joins text");
  CHECK(refused("null ? 1 : 2") == "0: `?:` needs a bool, but `null` is null; compare it, as in `x > 0`");
  CHECK(refused("n ? 1 : 2") == "0: `?:` needs a bool, but `n` is int; compare it, as in `x > 0`");
  CHECK(refused("flag ? 1 : 2.0").starts_with("5: `?:` has to be of one type, but is int or double"));
  CHECK(refused("!n") == "0: no `!` for int");
  CHECK(refused("coalesce(amount, 0)").starts_with("0: `coalesce` has to be of one type, but is double or int"));
}

TEST_CASE("unknown names come with the nearest right word") {
  CHECK(refused("amuont > 1.0") == "0: unknown field `amuont`; did you mean `amount`?");
  CHECK(refused("zzzzzz") ==
        "0: unknown field `zzzzzz`; there are: amount, n, u, name, flag, ts, tags, type, maybe, city");
  CHECK(refused("name.startWith('a')") == "5: unknown function `startWith`; did you mean `startsWith`?");
  CHECK(refused("hass(name)") == "0: unknown function `hass`; did you mean `has`?");
  CHECK(refused("frobnicate(n)") == "0: unknown function `frobnicate`");
  CHECK(refused("contains(name, 'a')") == "0: `contains` is not called this way; write `x.contains(y)`");
  CHECK(refused("n.int()") == "2: `int` is not called this way; write `int(x)`");
  CHECK(refused("name.contains()") == "5: `contains` takes 1 argument, not 0");
  CHECK(refused("size(n)") == "0: no `size` for int");
  CHECK(refused("has(1)") == "4: `has` takes a field, not `1`");
  CHECK(refused("has(amuont)") == "4: unknown field `amuont`; did you mean `amount`?");
}

TEST_CASE("all problems are reported at once, in their order") {
  CHECK(refused("x1 + y1 > 0 && n + amount > 1.0") ==
        "0: unknown field `x1`; there are: amount, n, u, name, flag, ts, tags, type, maybe, city\n"
        "5: unknown field `y1`; there are: amount, n, u, name, flag, ts, tags, type, maybe, city\n"
        "17: no operator for int + double; write `double(n) + amount`");
}

TEST_CASE("what pipelines have not is refused by name") {
  CHECK(refused("Foo{a: 1}") == "0: the message `Foo{...}` is not supported; write a map: `{'field': value}`");
  CHECK(refused("address.city == 'x'") ==
        "8: unknown field `address.city`; declare it in the schema: `city: {type: ..., path: address.city}`");
  CHECK(refused("has(address.city)").starts_with("12: unknown field `address.city`; declare it"));
}

TEST_CASE("lists and maps are checked through and through") {
  CHECK(refused("tags + [1] == tags").empty());
  CHECK(refused("tags[0] + n") == "8: no operator for string + int; write `tags[0] + string(n)`");
  CHECK(refused("tags[flag]") == "5: `flag` is bool, but list<string> is indexed by int");
  CHECK(refused("n[0]") == "1: no `[]` for int");
  CHECK(refused("name[0]") == "4: no `[]` for string; write `name.charAt(0)`");
  CHECK(refused("{'a': 1}['a'] + name") == "14: no operator for int + string; write `string({'a': 1}['a']) + name`");
  CHECK(refused("{'a': 1}[2]") == "9: `2` is int, but map<string, int> is indexed by string");
  CHECK(refused("{1: 2}.a") == "7: no `.a` for map<int, int>; only keys that are strings can be selected by name");
  CHECK(refused("{1.5: 2}") == "1: a map's key is a bool, an int, a uint or a string, not double");
  CHECK(refused("n in tags") == "5: `n` is int, but the list has string");
  CHECK(refused("n in {'a': 1}") == "5: `n` is int, but the map has string");
  CHECK(refused("tags == [1]") == "5: no operator for list<string> == list<int>");
  CHECK(refused("tags < tags") == "5: no operator for list<string> < list<string>");
  CHECK(refused("size(tags) == '1'") == "11: no operator for int == string; write `size(tags) == int('1')`");
  CHECK(refused("[1, 2].join()") == "7: no `join` for list<int>");
}

TEST_CASE("macros check what they walk through and what they bind") {
  CHECK(refused("tags.exists(t, t == 1)") == "17: no operator for string == int; write `int(t) == 1`");
  CHECK(refused("tags.exists(t, size(t))") == "15: `exists` needs a bool, but `size(t)` is int; compare it, as in `x > 0`");
  CHECK(refused("n.exists(x, true)") == "2: `exists` walks through a list or a map, but `n` is int");
  CHECK(refused("tags.exists(1, true)") == "12: `exists` needs a plain name here, not `1`; write `list.exists(x, ...)`");
  CHECK(refused("tags.exists(i, i, true)") == "15: `exists` gives one name to two things");
  CHECK(refused("tags.map(label, labl)") == "16: unknown field `labl`; did you mean `label`?");
  CHECK(refused("tags.map(label, label) == tags && label == ''").starts_with("34: unknown field `label`"));
  CHECK(refused("tags.map(n, n + 'x') == ['ax'] && n > 1").empty());
  CHECK(refused("tags.exsts(t, true)").starts_with("5: unknown function `exsts`; did you mean `exists`?"));
  CHECK(refused("cel.bind(x, n, x + 1.0)") == "17: no operator for int + double; write `double(x) + 1.0`");
}

TEST_CASE("types follow through lists, maps and macros") {
  CHECK(type("[1, 2]") == "list<int>");
  CHECK(type("[1, 'a']") == "list<dyn>");
  CHECK(type("[[], [1]]") == "list<list<int>>");
  CHECK(type("{'a': [1.5]}") == "map<string, list<double>>");
  CHECK(type("tags.map(t, size(t))") == "list<int>");
  CHECK(type("tags.filter(t, t != '')") == "list<string>");
  CHECK(type("{'a': 1}.transformMap(k, v, k + string(v))") == "map<string, string>");
  CHECK(type("name.split(',')[0]") == "string");
  CHECK(type("{'a': 1}.a + n") == "int");
  CHECK(type("[amount][0]") == "dyn");
  CHECK(type("dyn(n)") == "dyn");
  CHECK(type("ts.getHours('Europe/Stockholm')") == "int");
}

TEST_CASE("what is known only when the program runs is let through, and may fail") {
  CHECK(refused("dyn(n) + 1 > 2 && dyn(name).contains('a')").empty());
  CHECK(fallible("dyn(n) == 1 || dyn(n) > 1"));
  CHECK(refused("dyn(n) - dyn(1) == 2 ? dyn(flag) : false").empty());
  CHECK(refused("dyn(n).contains(1)") == "7: no `contains` for dyn, int");
}

TEST_CASE("fields shadow the names of types") {
  CHECK(refused("type == 'a'").empty());
  CHECK(refused("int(n) == 1").empty());
  Scope scope{{{"list", TypeKind::kInt, false, 0}, {"int", TypeKind::kInt, false, 1}}};
  CHECK(refusal("list + int(int) > 0", scope).empty());
}

TEST_CASE("a bad pattern is found before anything runs") {
  CHECK(refused("name.matches('a(')").starts_with("13: bad pattern: missing )"));
  CHECK(refused("matches(name, 'a' + '*')").empty());
  CHECK_FALSE(fallible("name.matches('a')"));
  CHECK(fallible("name.matches(city)"));
}

TEST_CASE("an optional field in an operator that null breaks is warned about") {
  CHECK(warnings("amount > 100.0") ==
        "0: `amount` may be null, which `>` cannot take; write `coalesce(amount, 0.0)`, or guard it: `has(amount) && ...`");
  CHECK(warnings("1.0 + amount").starts_with("6: `amount` may be null, which `+` cannot take"));
  CHECK(warnings("city.contains('a')").starts_with("0: `city` may be null, which `contains` cannot take; write `coalesce(city, '')`"));
  CHECK(warnings("city.matches('a')").starts_with("0: `city` may be null"));
  CHECK(warnings("maybe && flag").starts_with("0: `maybe` may be null, which `&&` cannot take"));
  CHECK(warnings("maybe ? 1 : 2").starts_with("0: `maybe` may be null"));
  CHECK(warnings("(flag ? amount : 1.0) + 1.0").starts_with("1: `flag ? amount : 1.0` may be null, which `+` cannot take"));
}

TEST_CASE("guards silence the warning, and only where they hold") {
  CHECK(warnings("has(amount) && amount > 100.0").empty());
  CHECK(warnings("amount > 100.0 && has(amount)").empty());
  CHECK(warnings("flag && has(amount) && n > 0 && amount > 100.0").empty());
  CHECK(warnings("!has(amount) || amount > 100.0").empty());
  CHECK(warnings("has(amount) ? amount + 1.0 : 0.0").empty());
  CHECK(warnings("!has(amount) ? 0.0 : amount + 1.0").empty());
  CHECK(warnings("amount != null && amount > 1.0").empty());
  CHECK(warnings("amount == null || amount > 1.0").empty());
  CHECK(warnings("!(has(amount) && flag) || amount > 1.0").empty());
  CHECK(warnings("coalesce(amount, 0.0) > 1.0").empty());
  CHECK(warnings("amount == 1.0 || city == 'x' || amount in [1.0]").empty());
  CHECK_FALSE(warnings("has(amount) || amount > 100.0").empty());
  CHECK_FALSE(warnings("has(city) && amount > 100.0").empty());
  CHECK_FALSE(warnings("has(amount) ? 0.0 : amount + 1.0").empty());
  CHECK_FALSE(warnings("(has(amount) || flag) && amount > 1.0").empty());
  CHECK_FALSE(warnings("!(has(amount) && flag) && amount > 1.0").empty());
  CHECK_FALSE(warnings("coalesce(amount, amount) > 1.0").empty());
}

TEST_CASE("a program knows whether it can fail or be null") {
  CHECK_FALSE(fallible("name == 'a' && n > 3"));
  CHECK(fallible("n + 1 > 3"));
  CHECK_FALSE(fallible("double(n) / 2.0 > 1.0"));
  CHECK(fallible("amount > 1.0"));
  CHECK_FALSE(fallible("has(amount) && amount > 1.0"));
  CHECK_FALSE(fallible("2 + 3 == 5"));
  CHECK(fallible("1 / 0 == 1"));
  CHECK(fallible("maybe && flag"));
  CHECK_FALSE(fallible("maybe"));
  CHECK(nullable("maybe"));
  CHECK(nullable("flag ? amount : 0.0"));
  CHECK(nullable("flag ? null : 0.0"));
  CHECK_FALSE(nullable("has(amount) ? amount : 0.0"));
  CHECK_FALSE(nullable("coalesce(amount, 0.0)"));
  CHECK_FALSE(nullable("amount == null"));
}

TEST_CASE("a program knows its type, and when it is nothing but a field") {
  CHECK(type("n + 1") == "int");
  CHECK(type("ts - ts") == "duration");
  CHECK(type("flag ? null : 0.0") == "double");
  CHECK(type("coalesce(null, 'a')") == "string");
  CHECK(type("tags") == "list<string>");
  CHECK(type("null") == "null");
  CHECK(compile(*parse("(amount)"), shop())->program->field_slot() == 0);
  CHECK(compile(*parse(".ts"), shop())->program->field_slot() == 5);
  CHECK_FALSE(compile(*parse("amount + 1.0"), shop())->program->field_slot().has_value());
}

}  // namespace
}  // namespace tidemark::expr
