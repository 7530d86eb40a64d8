// Loads pipeline texts and renders what was said about them, for the tests of config/.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "config/pipeline.h"

namespace tidemark {

// "LINE:COL: message; hint" a line, errors only.
inline std::string errors_in(const Diagnostics& diagnostics, Severity severity = Severity::kError) {
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity != severity) continue;
    out += fmt::format("{}:{}: {}{}{}\n", d.where.line, d.where.column, d.message, d.hint.empty() ? "" : "; ", d.hint);
  }
  return out;
}

inline std::string errors_of(std::string_view text, const Environment& environment = {}) {
  Diagnostics diagnostics;
  load_pipeline(text, "p.yaml", environment, diagnostics);
  return errors_in(diagnostics);
}

inline std::string warnings_of(std::string_view text) {
  Diagnostics diagnostics;
  load_pipeline(text, "p.yaml", {}, diagnostics);
  return errors_in(diagnostics, Severity::kWarning);
}

// Must load; the errors are thrown as text, so that the test shows them.
inline PipelineSpec loaded(std::string_view text, const Environment& environment = {}) {
  Diagnostics diagnostics;
  std::optional<PipelineSpec> pipeline = load_pipeline(text, "p.yaml", environment, diagnostics);
  if (!pipeline) throw std::runtime_error(errors_in(diagnostics));
  return std::move(*pipeline);
}

// The pipeline of the contract, with its tests.
std::string whole_pipeline();

}  // namespace tidemark
