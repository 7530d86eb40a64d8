// The part of docs/cel.md that says how CEL's own test cases come out. Knows no expressions.
#pragma once

#include <string>

#include "tests/conformance/cases.h"

namespace tidemark::expr {

// Markdown: a table by file, what only passes without types, what fails, and what was left out and why.
std::string report_of(const CaseResults& all);
// `document` with `report` between the marks; nothing changes where there are none.
std::string with_report(const std::string& document, const std::string& report);

}  // namespace tidemark::expr
