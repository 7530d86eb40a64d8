// Specs on a component made for the purpose: what each kind of value takes and refuses, defaults, groups, shorthands.
#include "config/spec.h"

#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

enum class Colour { kRed, kBlue };

struct Near {
  Duration within = Duration::minutes(1);
};
struct Far {
  std::vector<int64_t> marks;
};
struct Buoy {
  Location where;
  Located<std::string> label;
  bool lit = false;
  Located<int64_t> count{3, {}};
  double weight = 1.5;
  std::optional<Located<int64_t>> room;
  Colour colour = Colour::kBlue;
  std::optional<Time> since;
  std::variant<Near, Far> reach;
  SourceText rule;
};

Kind<Buoy> buoy() {
  return Spec<Buoy>("buoy", "Floats.")
      .required("label", &Buoy::label, kinds::text(), "what is painted on it")
      .field("lit", &Buoy::lit, kinds::boolean(), "Has a lamp.")
      .field("count", &Buoy::count, kinds::integer(1, 9), "How many.")
      .field("weight", &Buoy::weight, kinds::number(), "Tons.")
      .field("room", &Buoy::room, kinds::size(1024), "Space.")
      .field("colour", &Buoy::colour, kinds::words<Colour>({{"red", Colour::kRed}, {"blue", Colour::kBlue}}, {"green"}), "Paint.")
      .field("since", &Buoy::since, kinds::time(), "Age.")
      .field("rule", &Buoy::rule, kinds::expression(), "Law.")
      .choice("reach", "near", &Buoy::reach,
              Spec<Near>("near", "Close.").field("within", &Near::within, kinds::duration(), "Time.").shorthand("within").kind(), "Close.")
      .choice("reach", "far", &Buoy::reach,
              Spec<Far>("far", "Away.").field("marks", &Far::marks, kinds::list(kinds::integer(), true), "Marks.").kind(), "Away.")
      .refused("deep", "Below.", "reach")
      .refused("horn", "Noise.")
      .place(&Buoy::where)
      .check([](const Buoy& b, Diagnostics& diagnostics) {
        if (b.lit && b.colour == Colour::kRed) diagnostics.error(b.where, "red buoys have no lamp");
      })
      .kind();
}

// Reads the map in `text` as a buoy; the errors it caused.
std::string read(std::string_view text, Buoy* out = nullptr) {
  Diagnostics diagnostics;
  const std::optional<Node> root = parse_yaml(text, "b.yaml", {}, diagnostics);
  REQUIRE(root);
  Buoy own;
  const bool ok = buoy().read(*root, "the buoy", out ? *out : own, diagnostics);
  CHECK(ok == !diagnostics.has_errors());
  return errors_in(diagnostics);
}

}  // namespace

TEST_CASE("a spec fills the struct and leaves its defaults") {
  Buoy b;
  CHECK(read("label: one\nnear: {}\n", &b).empty());
  CHECK(b.label.value == "one");
  CHECK(b.label.where.column == 8);
  CHECK(b.where.line == 1);
  CHECK_FALSE(b.lit);
  CHECK(b.count.value == 3);
  CHECK(b.weight == 1.5);
  CHECK_FALSE(b.room);
  CHECK(b.colour == Colour::kBlue);
  CHECK(std::get<Near>(b.reach).within == Duration::minutes(1));

  CHECK(read("label: '2'\nlit: true\ncount: 9\nweight: -2e3\nroom: 2KiB\ncolour: blue\nsince: 2026-01-01T00:00:00Z\nrule: null\nfar: {marks: [4, 5]}\n", &b).empty());
  CHECK(b.lit);
  CHECK(b.count.value == 9);
  CHECK(b.count.where.line == 3);
  CHECK(b.weight == -2000);
  CHECK(b.room->value == 2048);
  CHECK(b.since == parse_rfc3339("2026-01-01T00:00:00Z"));
  CHECK(b.rule.value == "null");
  CHECK(std::get<Far>(b.reach).marks == std::vector<int64_t>{4, 5});
}

TEST_CASE("shorthands fill what they stand for") {
  Buoy b;
  CHECK(read("label: x\nnear: 5s\n", &b).empty());
  CHECK(std::get<Near>(b.reach).within == Duration::seconds(5));
  CHECK(read("label: x\nfar: {marks: 7}\n", &b).empty());
  CHECK(std::get<Far>(b.reach).marks == std::vector<int64_t>{7});
  CHECK(read("label: x\nnear:\n", &b).empty());
  CHECK(std::get<Near>(b.reach).within == Duration::minutes(1));
}

TEST_CASE("wrong values are refused where they stand") {
  const auto check = [](std::string_view line, std::string_view wanted) { CHECK(read(fmt::format("label: x\nnear: 1s\n{}\n", line)) == wanted); };
  check("lit: yes", "3:6: `lit` must be true or false, not 'yes'\n");
  check("count: 0", "3:8: `count` must be at least 1, not 0\n");
  check("count: 10", "3:8: `count` must be at most 9, not 10\n");
  check("count: 1.5", "3:8: `count` must be a whole number, not '1.5'\n");
  check("count: 99999999999999999999", "3:8: `count` must be a whole number, not '99999999999999999999'\n");
  check("count: [1]", "3:8: `count` must be a whole number, not a list\n");
  check("count:", "3:1: `count` has no value; write a whole number\n");
  check("weight: heavy", "3:9: `weight` must be a number, not 'heavy'\n");
  check("weight: nan", "3:9: `weight` must be a number, not 'nan'\n");
  check("room: 1023B", "3:7: `room` must be at least 1KiB, not 1023B\n");
  check("room: big", "3:7: `room` must be a size such as 512KiB or 64MiB, not 'big'\n");
  check("colour: rde", "3:9: `colour` must be `red` or `blue`, not 'rde'; did you mean `red`?\n");
  check("colour: green", "3:9: `colour` `green` is not supported yet; use `red` or `blue`\n");
  check("since: today", "3:8: `since` must be a time such as 2026-01-01T00:00:00Z, not 'today'\n");
  check("rule: ''", "3:7: `rule` is an empty expression\n");
  check("horn: loud", "3:1: `horn` is not supported yet; remove it\n");
  check("lti: true", "3:1: unknown key `lti`; did you mean `lit`?\n");
  check("lit: true\ncolour: red", "1:1: red buoys have no lamp\n");
}

TEST_CASE("groups and required keys are refused where the map begins") {
  CHECK(read("near: 1s\n") == "1:1: the buoy needs `label`; what is painted on it\n");
  CHECK(read("labl: x\nnear: 1s\n") == "1:1: unknown key `labl`; did you mean `label`?\n");
  CHECK(read("label: x\n") == "1:1: the buoy does not say which reach; write exactly one of `near` or `far`\n");
  CHECK(read("label: x\nnear: 1s\nfar: {}\n") == "3:1: `near` and `far` exclude each other; write exactly one of `near` or `far`\n");
  CHECK(read("label: x\ndeep: 1\n") == "2:1: `deep` is not supported yet; use `near` or `far`\n");
  CHECK(read("label: x\nfar: {marks: [1, x, y]}\n") ==
        "2:18: an item of `marks` must be a whole number, not 'x'\n2:21: an item of `marks` must be a whole number, not 'y'\n");
}

TEST_CASE("a spec describes itself") {
  const Kind<Buoy> kind = buoy();
  const Shape& shape = *kind.shape;
  CHECK(shape.name == "buoy");
  REQUIRE(shape.fields.size() == 12);
  CHECK(shape.fields[0].required);
  CHECK(shape.fields[1].default_text == "false");
  CHECK(shape.fields[2].default_text == "3");
  CHECK(shape.fields[2].shape->max == 9);
  CHECK(shape.fields[5].default_text == "blue");
  CHECK(shape.fields[5].shape->words == std::vector<std::string>{"red", "blue"});
  CHECK(shape.fields[8].group == "reach");
  CHECK(shape.fields[8].shape->fields[0].default_text == "1m");
  CHECK_FALSE(shape.fields[11].supported);
}

}  // namespace tidemark
