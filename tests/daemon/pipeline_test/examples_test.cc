// Every example holds tests, and passes them.
#include <algorithm>

#include "config/pipeline.h"
#include "tests/catch.h"
#include "tests/daemon/pipeline_test/ran.h"

namespace tidemark {

TEST_CASE("every example passes its tests, and has some that look at its rows") {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TIDEMARK_SOURCE_DIR) + "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string text = file_text(entry.path());
    const Ran result = ran(text);
    INFO(entry.path().string() << "\n" << result.out << result.err);
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    Diagnostics diagnostics;
    const auto spec = load_pipeline(text, entry.path(), {}, diagnostics);
    REQUIRE(spec);
    const auto looks = [](const TestSpec& test) {
      return std::ranges::any_of(test.expect, [](const TestExpectSpec& expect) { return !expect.rows.items.empty(); });
    };
    CHECK(std::ranges::any_of(spec->tests, looks));
    ++files;
  }
  CHECK(files >= 7);
}

TEST_CASE("the tests of pipelines in the documents pass") {
  size_t found = 0;
  const std::string begin = "```yaml\nname:", end = "\n```";
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TIDEMARK_SOURCE_DIR) + "/docs")) {
    if (entry.path().extension() != ".md") continue;
    const std::string text = file_text(entry.path());
    for (size_t at = 0; (at = text.find(begin, at)) != std::string::npos; ++at) {
      const size_t from = at + begin.size() - 5;
      const std::string block = text.substr(from, text.find(end, from) + 1 - from);
      if (block.find("\ntests:") == std::string::npos) continue;
      const Ran result = ran(block);
      INFO(block << result.out << result.err);
      CHECK(result.code == 0);
      ++found;
    }
  }
  CHECK(found > 0);
}

}  // namespace tidemark
