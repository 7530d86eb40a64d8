// docs/metrics.md is what the table of metrics says, word for word. `test_house "[.write]"` writes it anew.
#include <fstream>
#include <iterator>
#include <string>

#include "base/metric_names.h"
#include "base/metric_reference.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

const std::string kPath = std::string(TIDEMARK_SOURCE_DIR) + "/docs/metrics.md";

}  // namespace

TEST_CASE("docs/metrics.md is the generated table") {
  std::ifstream in(kPath);
  const std::string committed((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  INFO("to write it anew: test_house \"[.write]\"");
  CHECK((committed == metrics_markdown()));
}

TEST_CASE("every metric is in the reference, once") {
  const std::string text = metrics_markdown();
  for (const MetricSpec* spec : metric::all()) {
    const std::string row = "\n| `" + std::string(spec->name) + "` |";
    INFO(row);
    CHECK(text.find(row) != std::string::npos);
    CHECK(text.find(row) == text.rfind(row));
  }
}

TEST_CASE("write docs/metrics.md", "[.write]") {
  std::ofstream out(kPath, std::ios::trunc);
  out << metrics_markdown();
  out.close();
  REQUIRE(out.good());
}

}  // namespace tidemark
