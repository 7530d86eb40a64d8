// One suite a file. What XML cannot hold is written as a question mark.
#include "daemon/pipeline_test/junit.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/safe_text.h"

namespace tidemark {
namespace {

std::string escaped(const std::string& unsafe) {
  const std::string text = valid_utf8(unsafe);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&apos;";
    else if (c == '\n') out += "&#10;";
    else if (byte < 0x20 && c != '\t') out += '?';
    else out += c;
  }
  return out;
}

Duration total(const TestFileResult& file) {
  Duration sum;
  for (const TestCaseResult& one : file.cases) sum = sum + one.took;
  return sum;
}

size_t failures(const TestFileResult& file) {
  return static_cast<size_t>(std::ranges::count_if(file.cases,
                                                   [](const auto& one) { return one.failure.has_value(); }));
}

std::string case_xml(const TestFileResult& file, const TestCaseResult& one) {
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3f}\"",
                                escaped(file.file),
                                escaped(one.name), escaped(file.file), one.line, one.took.to_seconds());
  if (!one.failure) return out + "/>\n";
  const std::string text = escaped(*one.failure);
  const std::string first = escaped(one.failure->substr(0, one.failure->find('\n')));
  return out + fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", first, text);
}

}  // namespace

std::string junit_xml(const std::vector<TestFileResult>& files) {
  size_t tests = 0, failed = 0;
  Duration took;
  std::string suites;
  for (const TestFileResult& file : files) {
    suites += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" "
                          "time=\"{:.3f}\">\n",
                          escaped(file.file), file.cases.size(), failures(file), total(file).to_seconds());
    for (const TestCaseResult& one : file.cases) suites += case_xml(file, one);
    suites += "  </testsuite>\n";
    tests += file.cases.size();
    failed += failures(file);
    took = took + total(file);
  }
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<testsuites tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3f}\">\n{}</testsuites>\n",
                     tests, failed, took.to_seconds(), suites);
}

}  // namespace tidemark
