// CEL's own test cases, as convert.py leaves them, and how one of them is run: through the parser, the checker and the
// nodes that pipelines use. Knows nothing of reports.
#pragma once

#include <string>
#include <vector>

namespace tidemark::expr {

enum class Verdict {
  kChecked,      // right, with types checked as pipelines check them
  kDynamicOnly,  // right only where types that do not fit fail when they are reached
  kWrong,
  kLeftOut,      // not run; `detail` says why
};

struct CaseResult {
  std::string file;
  std::string name;  // section/name
  Verdict verdict = Verdict::kWrong;
  std::string detail;  // why it was left out, or what came instead
};

// The commit that the cases are of, and what became of each. `path` is a file that convert.py wrote.
struct CaseResults {
  std::string commit;
  std::vector<CaseResult> results;
};
CaseResults run_cases(const std::string& path);

}  // namespace tidemark::expr
