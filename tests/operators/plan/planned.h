// The plan of a pipeline file that is right; one that is not fails the test, with what is said of it.
#pragma once

#include <string>
#include <utility>

#include "config/pipeline.h"
#include "operators/plan/plan.h"
#include "tests/catch.h"

namespace tidemark {

inline Plan planned(const std::string& text) {
  Diagnostics diagnostics;
  const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics);
  std::optional<Plan> plan = spec ? make_plan(*spec, diagnostics) : std::nullopt;
  for (const Diagnostic& d : diagnostics.all()) UNSCOPED_INFO(to_string(d));
  REQUIRE(plan);
  return std::move(*plan);
}

}  // namespace tidemark
