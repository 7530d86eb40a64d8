// docs/pipelines.md is what the specs say, word for word. `test_house "[.write]"` writes it anew.
#include <fstream>
#include <iterator>
#include <string>

#include "config/reference.h"
#include "operators/aggregates/reference.h"
#include "operators/record_fields.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

const std::string kPath = std::string(TIDEMARK_SOURCE_DIR) + "/docs/pipelines.md";

std::string generated() { return reference_markdown() + "\n" + record_fields_markdown() + "\n" + aggregates_markdown(); }

}  // namespace

TEST_CASE("docs/pipelines.md is the generated reference") {
  std::ifstream in(kPath);
  const std::string committed((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  INFO("to write it anew: test_house \"[.write]\"");
  CHECK((committed == generated()));
}

TEST_CASE("every aggregate function is in the reference") {
  for (const char* function : {"count", "sum", "avg", "variance", "stddev", "min", "max", "first", "last", "arg_min", "arg_max",
                               "list", "distinct", "approx_distinct", "top_k", "approx_top_k", "quantile", "histogram"}) {
    INFO(function);
    CHECK(generated().find(std::string("| `") + function + "(") != std::string::npos);
  }
}

TEST_CASE("write docs/pipelines.md", "[.write]") {
  std::ofstream out(kPath, std::ios::trunc);
  out << generated();
  out.close();
  REQUIRE(out.good());
}

}  // namespace tidemark
