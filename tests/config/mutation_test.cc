// Whatever is done to a pipeline file, loading it ends, and a refusal says where. Seeds are fixed, so that a failure can
// be repeated; ran under the sanitizers this is the check that no input reaches memory that it should not.
#include <random>

#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

std::string mutate(std::string text, std::mt19937_64& random) {
  static constexpr std::string_view kSpecial = "{}[]:,?-&*!|>'\"%@`#$~ \n\t\\<=0a\x04\xff\xc3";
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (size_t n = 1 + below(6); n > 0 && !text.empty(); --n) {
    const size_t at = below(text.size());
    const size_t length = std::min(below(40), text.size() - at);
    switch (below(6)) {
      case 0: text[at] = kSpecial[below(kSpecial.size())]; break;
      case 1: text.insert(at, 1, kSpecial[below(kSpecial.size())]); break;
      case 2: text.erase(at, length); break;
      case 3: text.insert(below(text.size()), text.substr(at, length)); break;
      case 4: text[at] = static_cast<char>(random()); break;
      default: text.resize(at); break;
    }
  }
  return text;
}

void check_load(const std::string& text) {
  Diagnostics diagnostics;
  const std::optional<PipelineSpec> pipeline = load_pipeline(text, "m.yaml", {}, diagnostics);
  INFO(text);
  REQUIRE(pipeline.has_value() == !diagnostics.has_errors());
  const auto lines = std::ranges::count(text, '\n') + 1;
  for (const Diagnostic& d : diagnostics.all()) {
    INFO(to_string(d));
    REQUIRE(d.where.file == "m.yaml");
    REQUIRE(d.where.line >= 1);
    REQUIRE(d.where.line <= lines);
    REQUIRE(d.where.column >= 1);
    REQUIRE_FALSE(d.message.empty());
  }
}

}  // namespace

TEST_CASE("mutated files are loaded or refused with a place, and never crash") {
  const std::string whole = whole_pipeline();
  std::mt19937_64 random(20260101);
  int refused = 0;
  for (int i = 0; i < 4'000; ++i) {
    const std::string text = mutate(whole, random);
    check_load(text);
    Diagnostics diagnostics;
    refused += !load_pipeline(text, "m.yaml", {}, diagnostics);
  }
  CHECK(refused > 1'000);  // otherwise the mutations do not reach anything
  CHECK(refused < 4'000);
}

TEST_CASE("every prefix of a file is loaded or refused with a place") {
  const std::string whole = whole_pipeline();
  for (size_t length = 0; length <= whole.size(); length += 3) check_load(whole.substr(0, length));
}

TEST_CASE("runs of one character are refused in good time") {
  for (const std::string_view unit : {"[", "{", "]", "}", "- ", "? ", ": ", ", ", "&a ", "*a ", "! ", "'", "\"", "|\n", ">\n", "a: ", "a:\n",
                                      "--- ", "---\n", "%a\n", "\n", " ", "\\", "#", "{a: ", "[a, ", "a ", "''", "${", "$", "\t", "\r", "!a ", "? a\n", "\xc3\xa9"}) {
    std::string text;
    while (text.size() < 40'000) text += unit;
    check_load(text);
    check_load("name: " + text);
    check_load("a: [" + text);
  }
}

}  // namespace tidemark
