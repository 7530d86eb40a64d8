// CEL's own test cases pass, and docs/cel.md says how they come out. `test_cel "[.write]"` writes that there.
#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/report.h"

namespace tidemark::expr {
namespace {

const std::string kCases = TIDEMARK_SOURCE_DIR "/tests/conformance/cases.jsonl";
const std::string kDocument = TIDEMARK_SOURCE_DIR "/docs/cel.md";

std::string document() {
  std::ifstream file(kDocument);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("CEL's own test cases pass") {
  const CaseResults all = run_cases(kCases);
  CHECK(all.results.size() > 2'000);
  for (const CaseResult& result : all.results) {
    INFO(result.file << ": " << result.name << ": " << result.detail);
    CHECK(result.verdict != Verdict::kWrong);
  }
}

TEST_CASE("the document says how CEL's own test cases come out") {
  const std::string text = document();
  INFO("docs/cel.md is behind: run test_cel \"[.write]\"");
  CHECK(text == with_report(text, report_of(run_cases(kCases))));
  CHECK(with_report(text, "changed") != text);
}

TEST_CASE("write docs/cel.md", "[.write]") {
  const std::string text = with_report(document(), report_of(run_cases(kCases)));
  std::ofstream(kDocument) << text;
}

}  // namespace
}  // namespace tidemark::expr
