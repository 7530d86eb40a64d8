// The results of tests as JUnit's XML, which build servers read. Knows no pipelines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace tidemark {

struct TestCaseResult {
  std::string name;
  int line = 0;
  Duration took;
  std::optional<std::string> failure;  // what is shown of it; the first line says it in short
};
struct TestFileResult {
  std::string file;
  std::vector<TestCaseResult> cases;
};

std::string junit_xml(const std::vector<TestFileResult>& files);

}  // namespace tidemark
