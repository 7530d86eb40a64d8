// The tree that YAML text becomes: values, places, references; what is refused and what the refusal says.
#include "config/yaml.h"

#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

struct Parsed {
  std::optional<Node> root;
  std::string errors;
};

Parsed parse(std::string_view text, const Environment& environment = {}, const YamlLimits& limits = {}) {
  Diagnostics diagnostics;
  Parsed parsed;
  parsed.root = parse_yaml(text, "f.yaml", environment, diagnostics, limits);
  parsed.errors = errors_in(diagnostics);
  return parsed;
}

// The text of the value at `key`.
SourceText value(std::string_view text, const Environment& environment = {}, std::string_view key = "f") {
  const Parsed parsed = parse(text, environment);
  INFO(parsed.errors);
  REQUIRE(parsed.root);
  REQUIRE(parsed.root->find(key));
  return parsed.root->find(key)->text;
}

// "LINE:COL" of the first `needle` in the value.
std::string place_of(const SourceText& text, std::string_view needle) {
  const size_t offset = text.value.find(needle);
  REQUIRE(offset != std::string::npos);
  const Location where = locate(text, offset);
  return fmt::format("{}:{}", where.line, where.column);
}

std::string error(std::string_view text, const Environment& environment = {}) { return parse(text, environment).errors; }

}  // namespace

TEST_CASE("nodes keep their order, style and place") {
  const Parsed parsed = parse("# first\nb: [1, 'two']\na:\n  - x: |\n      y\n    n: null\nz:\n");
  REQUIRE(parsed.root);
  const Node& root = *parsed.root;
  REQUIRE(root.entries.size() == 3);
  CHECK(root.entries[0].key.value == "b");
  CHECK(root.entries[0].key.where.line == 2);
  const Node& list = root.entries[0].value;
  CHECK(list.flow);
  CHECK(list.items.at(0).style == Node::Style::kPlain);
  CHECK(list.items.at(1).style == Node::Style::kSingleQuoted);
  CHECK(list.items.at(1).text.value == "two");
  CHECK(list.items.at(1).where().column == 8);
  CHECK(list.items.at(1).where().file == "f.yaml");
  const Node& map = root.entries[1].value.items.at(0);
  CHECK_FALSE(map.flow);
  CHECK(map.find("x")->style == Node::Style::kBlock);
  CHECK(map.find("x")->text.value == "y\n");
  CHECK(map.find("n")->kind == Node::Kind::kNull);
  CHECK(map.find("n")->text.value == "null");
  CHECK(root.entries[2].value.kind == Node::Kind::kNull);
  CHECK(root.entries[2].value.text.value.empty());
  CHECK(root.entries[2].value.where().line == 7);
  CHECK_FALSE(root.find("y"));
}

TEST_CASE("every byte of a scalar is found in the file") {
  CHECK(place_of(value("f: abc def\n"), "def") == "1:8");
  CHECK(place_of(value("f: 'it''s here'\n"), "here") == "1:11");
  CHECK(place_of(value("f: \"a\\tb \\u00e9 c\"\n"), "c") == "1:17");
  CHECK(place_of(value("f: \"a\\tb\"\n"), "\t") == "1:6");
  CHECK(place_of(value("f: \"a\\\n   b\"\n"), "b") == "2:4");
  CHECK(place_of(value("f: one\n  two\n\n  three\n"), "two") == "2:3");
  CHECK(place_of(value("f: one\n  two\n\n  three\n"), "three") == "4:3");
  CHECK(place_of(value("f: 'one\n  two'\n"), "two") == "2:3");
  CHECK(place_of(value("f: |\n  one\n    two\n\n  three\n"), "two") == "3:5");
  CHECK(place_of(value("f: |\n  one\n    two\n\n  three\n"), "three") == "5:3");
  CHECK(place_of(value("f: >-\n  one\n  two\n\n  three four\n"), "two") == "3:3");
  CHECK(place_of(value("f: >-\n  one\n  two\n\n  three four\n"), "four") == "5:9");
  CHECK(place_of(value("f: >\r\n  one\r\n  two\r\n"), "two") == "3:3");
  CHECK(place_of(value("f: &a 'x y'\ng: *a\n"), "y") == "1:10");
  const SourceText plain = value("f: abc\n");
  CHECK(locate(plain, 3).column == 7);
}

TEST_CASE("references are replaced in values, and places stay true") {
  const Environment environment = {{"A", "alpha"}, {"EMPTY", ""}, {"HARD", "x: [1, '2'] # no\n- y"}};
  CHECK(value("f: ${A}\n", environment).value == "alpha");
  CHECK(value("f: '${A}-${A}'\n", environment).value == "alpha-alpha");
  CHECK(value("f: ${NONE:-de fault}\n", environment).value == "de fault");
  CHECK(value("f: ${NONE:-}\n", environment).value.empty());
  CHECK(value("f: ${EMPTY}\n", environment).value.empty());
  CHECK(value("f: ${EMPTY:-x}\n", environment).value == "x");
  CHECK(value("f: ${A:-x}\n", environment).value == "alpha");
  CHECK(value("f: $${A} $A $ 5$\n", environment).value == "${A} $A $ 5$");
  CHECK(value("f: $$${A}\n", environment).value == "$${A}");
  CHECK(value("f: ${HARD}\n", environment).value == environment.at("HARD"));
  CHECK(place_of(value("f: ${A} == tail\n", environment), "tail") == "1:12");
  CHECK(place_of(value("f: ${A} == tail\n", environment), "pha") == "1:4");
  CHECK(place_of(value("f: 'it''s ${A} tail'\n", environment), "tail") == "1:16");
  CHECK(place_of(value("f: |\n  ${A}\n  tail\n", environment), "tail") == "3:3");
  CHECK(value("f: a${A}\n", environment).where.column == 4);
}

TEST_CASE("references that cannot be replaced are refused") {
  CHECK(error("f: a ${NOPE} b\n") == "1:6: `NOPE` is not set in the environment; set it, or give a default with ${NOPE:-default}\n");
  const std::string forms = "write ${NAME}, ${NAME:-default}, or $${ for a literal ${\n";
  CHECK(error("f: ${A\n") == "1:4: the reference `${` is not closed with `}`; " + forms);
  CHECK(error("f: ${}\n") == "1:4: `${}` is not a reference; " + forms);
  CHECK(error("f: ${1A}\n") == "1:4: `${1A}` is not a reference; " + forms);
  CHECK(error("f: ${A-x}\n") == "1:4: `${A-x}` is not a reference; " + forms);
  CHECK(error("f: ${A:-${B}}\n") == "1:4: `${A:-${B}` is not a reference; " + forms);
  CHECK(error("f: 'it''s ${A b}'\n") == "1:11: `${A b}` is not a reference; " + forms);
  CHECK(error("${A}: 1\n", {{"A", "f"}}) == "1:1: a reference stands in a key; references are replaced in values only\n");
  CHECK(error("a: ${X}\nb: [1, '${Y}']\n") ==
        "1:4: `X` is not set in the environment; set it, or give a default with ${X:-default}\n"
        "2:9: `Y` is not set in the environment; set it, or give a default with ${Y:-default}\n");
}

TEST_CASE("what YAML allows and nobody means is refused") {
  CHECK(error("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") ==
        "4:3: the key `c` is repeated; it was first written in line 3\n5:1: the key `a` is repeated; it was first written in line 1\n");
  CHECK(error("{a: 1, 'a': 2}\n") == "1:8: the key `a` is repeated; it was first written in line 1\n");
  CHECK(error("a: 1\n---\nb: 2\n") == "2:1: a second document begins here; write one pipeline a file\n");
  CHECK(error("a: 1\n...\nb: 2\n") == "3:1: a second document begins here; write one pipeline a file\n");
  CHECK(error("  a: 1\nb: 2\n") == "2:1: this does not belong to what stands above it; check the indentation and the kind (`- ` or `key:`)\n");
  CHECK(error("[a]: b\n") == "1:1: a key must be a word, not a list; quote the key if it is text that begins with a bracket\n");
  CHECK(error("a: {~: b}\n") == "1:5: a key must be a word; inside {} and [], quote text that contains any of , [ ] { } ? or begins with a quote\n");
  CHECK(error("a:\n\tb: 1\n") == "2:1: a tab may not indent; use spaces\n");
  CHECK(error("a:\n\t- b: 1\n") == "2:1: a tab may not indent; use spaces\n");
  CHECK(error("a: !!str b\n") == "1:4: `!` at the beginning of a value is a YAML tag, and tags mean nothing here; quote the whole value, for example with '...'\n");
  CHECK(error("a: {<<: b}\n") == "1:5: merge keys `<<` are not supported; write the keys out\n");
  CHECK(error("") == "1:1: the file is empty; a pipeline is a map that begins with `name:`\n");
  CHECK(error("# nothing\n") == "1:1: the file is empty; a pipeline is a map that begins with `name:`\n");
  CHECK(error("- a\n") == "1:1: the file must hold a map, not a list; a pipeline is a map that begins with `name:`\n");
  CHECK(error("a b\n") == "1:1: the file must hold a map, not 'a b'; a pipeline is a map that begins with `name:`\n");
}

TEST_CASE("quoting mistakes are told as such") {
  const std::string quote = "; quote the whole value, for example with '...' (a ' inside is written '')\n";
  const std::string flow = "; inside {} and [], quote text that contains any of , [ ] { } ? or begins with a quote\n";
  CHECK(error("f: a ? b : c\n") == "1:10: a plain value may not contain `: `" + quote);
  CHECK(error("f: 'a' == b\n") == "1:8: text stands behind a quoted value" + quote);
  CHECK(error("f: \"a\" == b\n") == "1:8: text stands behind a quoted value" + quote);
  CHECK(error("f: [1, 2].size() > 1\n") == "1:10: text stands behind a list" + quote);
  CHECK(error("f: {a: 1}.a\n") == "1:10: text stands behind a map in braces" + quote);
  CHECK(error("f: - x\n") == "1:4: a plain value may not begin with `- `" + quote);
  CHECK(error("- f: ? x\n") == "1:6: a plain value may not begin with `? `" + quote);
  CHECK(error("f: > 3\n") == "1:4: a plain value may not begin with `>`" + quote);
  CHECK(error("f: | 3\n") == "1:4: a plain value may not begin with `|`" + quote);
  CHECK(error("f: @x\n") == "1:4: a plain value may not begin with `@`" + quote);
  CHECK(error("f: `x`\n") == "1:4: a plain value may not begin with ```" + quote);
  CHECK(error("f: %x\n") == "1:4: a plain value may not begin with `%`" + quote);
  CHECK(error("f: *x\n") == "1:4: `*` at the beginning of a value refers to an anchor, and there is none of this name" + quote);
  CHECK(error("f: &x y\n") == "1:7: `&` before this value makes it an anchor that nothing refers to; quote the whole value if `&` belongs to it, for example with '...'\n");
  CHECK(error("f: !x && y\n") == "1:4: `!` at the beginning of a value is a YAML tag, and tags mean nothing here; quote the whole value, for example with '...'\n");
  CHECK(error("f: {city: string?}\n") == "1:17: `?` may not stand here inside {} or []" + flow);
  CHECK(error("f: {spent: sum(a, b)}\n") == "1:19: `b)` stands inside braces without a value; write `key: value`" + flow);
  CHECK(error("f: {a:1}\n") == "1:5: `a:1` stands inside braces without a value; write `key: value`" + flow);
  CHECK(error("f: {x: a[0]}\n") == "1:9: unexpected text inside the `{` opened at 1:4" + flow);
  CHECK(error("f: {x: 'a' == b}\n") == "1:12: unexpected text inside the `{` opened at 1:4" + flow);
  CHECK(error("f: {x: ${A}}\n") == "1:8: a reference inside {} and [] needs quotes; quote the whole value: '${NAME}'\n");
  CHECK(error("f: [a, , b]\n") == "1:8: the list has an empty place here" + flow);
}

TEST_CASE("syntax errors have a place and a meaning") {
  CHECK(error("a: \"x\nb: c\n") == "1:4: the quote \" is never closed; close it at the end of the value\n");
  CHECK(error("a: 'x\nb: c") == "1:4: the quote ' is never closed; close it at the end of the value\n");
  CHECK(error("a: 'x\nb: 'c'\n") == "2:5: text stands behind the quoted value that began at 1:4; close that quote where its value ends\n");
  CHECK(error("a: [1, 2") == "1:4: the `[` is never closed; close it, and quote brackets that belong to text\n");
  CHECK(error("a: {b: [1, 2], c: {d: e}\n") == "1:4: the `{` is never closed; close it, and quote brackets that belong to text\n");
  CHECK(error("a: ]\n") == "1:4: this bracket closes nothing; quote the whole value, for example with '...' (a ' inside is written '')\n");
  CHECK(error("a: \"\\q\"\n") == "1:7: unknown escape character: q in a double-quoted text; write \\\\ for a backslash, or use single quotes\n");
  CHECK(error("a:\n  b: 1\n c: 2\n") == "3:2: this line does not line up with the lines above; check its indentation\n");
  CHECK(error("a: 1\n  b: 2\n") == "2:4: a key cannot stand here; check the indentation of this line and of the one above\n");
  CHECK(error(std::string("a: \x04\n")) == "1:4: the control character 0x04 may not stand in YAML\n");
  CHECK(error("a: \xff\xfe\n") == "1:4: the file is not UTF-8 here; save it as UTF-8\n");
  CHECK(error("a: \xed\xa0\x80\n") == "1:4: the file is not UTF-8 here; save it as UTF-8\n");
  CHECK(value("\xef\xbb\xbf" "f: bom\n").where.column == 4);
}

TEST_CASE("hostile files are bounded") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  CHECK(error(bomb).find("more than 200000 values, with its aliases written out") != std::string::npos);
  CHECK(error("a: &a [*a]\n").find("1:8: ") == 0);
  for (const size_t depth : {64, 200, 100'000}) {
    const std::string text = "a: " + std::string(depth, '[') + std::string(depth, ']') + "\n";
    CHECK(error(text) == "1:67: values are nested more than 64 deep\n");
  }
  CHECK(error("a: " + std::string(63, '[') + std::string(63, ']') + "\n").empty());
  CHECK_FALSE(error("a: " + std::string(100'000, '[')).empty());
  CHECK_FALSE(error("a: " + std::string(100'000, '{')).empty());
  std::string indented;
  for (int i = 0; i < 200; ++i) indented += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  CHECK(error(indented).find("nested more than 64 deep") != std::string::npos);
  CHECK(error(std::string((1 << 20) + 1, ' ')) == "1:1: the file is larger than 1048576 bytes\n");
  CHECK(parse("a: [1, 2]\n", {}, {1 << 20, 4, 64}).errors == "1:8: the file has more than 4 values, with its aliases written out\n");
}

TEST_CASE("aliases stand for their anchors") {
  const Parsed parsed = parse("a: &x {b: 1}\nc: *x\nd: [*x]\n");
  REQUIRE(parsed.root);
  CHECK(parsed.root->find("c")->find("b")->text.value == "1");
  CHECK(parsed.root->find("d")->items.at(0).find("b")->where().line == 1);
}

}  // namespace tidemark
