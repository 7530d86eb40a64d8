// Every file of C++ opens by saying what it is: a comment stands in front of everything else. Whether it says enough, and
// is true, is for readers to judge.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/house/walls.h"

namespace tidemark::house {
namespace {

bool opens_with_words(std::string_view text) {
  if (!text.starts_with("// ")) return false;
  const std::string_view line = text.substr(3, text.find('\n') - 3);
  return std::ranges::count(line, ' ') >= 2;
}

std::vector<std::string> without_opening(const std::vector<SourceFile>& files) {
  std::vector<std::string> found;
  for (const SourceFile& file : files) {
    if (!opens_with_words(file.text)) found.push_back(file.path);
  }
  return found;
}

}  // namespace

TEST_CASE("every file of this tree opens with what it is") {
  const std::vector<SourceFile> files = read_sources(TIDEMARK_SOURCE_DIR);
  REQUIRE(files.size() > 100);
  CHECK(without_opening(files) == std::vector<std::string>{});
}

TEST_CASE("a file without an opening is noticed") {
  const std::vector<SourceFile> files = {
      {"base/good.h", "// Doors: what rooms are entered by.\n#pragma once\n"},
      {"base/bare.h", "#pragma once\n"},
      {"base/late.cc", "#include <string>\n// Doors: what rooms are entered by.\n"},
      {"base/blank.cc", "\n// Doors: what rooms are entered by.\n"},
      {"base/mark.cc", "//\n#include <string>\n// Doors: what rooms are entered by.\n"},
      {"base/word.cc", "// Doors.\n"},
      {"base/empty.cc", ""},
  };
  CHECK(without_opening(files) == std::vector<std::string>{"base/bare.h", "base/late.cc", "base/blank.cc", "base/mark.cc",
                                                           "base/word.cc", "base/empty.cc"});
}

}  // namespace tidemark::house
