// Counting and writing.
#include "tests/conformance/report.h"

#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tidemark::expr {
namespace {

constexpr std::string_view kBegin = "<!-- conformance: generated, do not edit -->\n";
constexpr std::string_view kEnd = "<!-- end of conformance -->";

using Counts = std::array<size_t, 4>;  // by verdict

size_t of(const Counts& counts, Verdict verdict) { return counts[static_cast<size_t>(verdict)]; }

std::string row(std::string_view name, const Counts& counts) {
  const size_t run = of(counts, Verdict::kChecked) + of(counts, Verdict::kDynamicOnly) + of(counts, Verdict::kWrong);
  const auto percent = [&](size_t n) {
    if (run == 0) return std::string("-");
    return fmt::format("{:.1f} %", 100.0 * static_cast<double>(n) / static_cast<double>(run));
  };
  const size_t checked = of(counts, Verdict::kChecked);
  const size_t dynamic = of(counts, Verdict::kDynamicOnly);
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", name, run, checked, percent(checked), dynamic,
                     percent(checked + dynamic), of(counts, Verdict::kWrong), of(counts, Verdict::kLeftOut));
}

// The names of the cases with a verdict, by file and, where they are left out, by reason.
std::string list_of(const CaseResults& all, Verdict verdict) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> groups;
  for (const CaseResult& result : all.results) {
    if (result.verdict != verdict) continue;
    groups[{result.file, verdict == Verdict::kLeftOut ? result.detail : ""}].push_back("`" + result.name + "`");
  }
  std::string out;
  for (const auto& [key, names] : groups) {
    out += fmt::format("- **{}**{}: {}\n", key.first, key.second.empty() ? "" : ", " + key.second,
                       fmt::join(names, ", "));
  }
  return out.empty() ? "None.\n" : out;
}

}  // namespace

std::string report_of(const CaseResults& all) {
  std::map<std::string, Counts> files;
  Counts total{};
  for (const CaseResult& result : all.results) {
    ++files[result.file][static_cast<size_t>(result.verdict)];
    ++total[static_cast<size_t>(result.verdict)];
  }
  std::string out = fmt::format(
      "Cases of [google/cel-spec](https://github.com/google/cel-spec) at commit `{}`.\n\n"
      "| File | Run | Passed, types checked | | Passed only without | Passed in all | Failed | Left out |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|\n", all.commit.substr(0, 12));
  for (const auto& [name, counts] : files) out += row(name, counts);
  out += row("**all**", total);
  out += "\n### Passed only without checked types\n\n" + list_of(all, Verdict::kDynamicOnly);
  out += "\n### Failed\n\n" + list_of(all, Verdict::kWrong);
  out += "\n### Left out\n\n" + list_of(all, Verdict::kLeftOut);
  return out;
}

std::string with_report(const std::string& document, const std::string& report) {
  const size_t begin = document.find(kBegin);
  const size_t end = document.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) return document;
  return document.substr(0, begin + kBegin.size()) + "\n" + report + "\n" + document.substr(end);
}

}  // namespace tidemark::expr
