// Plans for tests that need one and do not care which: three keys of a file, and whatever steps a test asks for.
#pragma once

#include <string>
#include <utility>

#include "daemon/service.h"
#include "tests/catch.h"

namespace tidemark {

// Reads the topic `events` and drops what `steps` give; without steps, what it reads. Called `copies`.
inline Plan small_plan(const std::string& steps = {}) {
  const std::string text = R"(
name: copies
sources:
  events:
    kafka: {brokers: nowhere:1, topic: events, start: latest}
    format: json
    schema: {user: string}
)" + steps + R"(
sinks:
  - drop: {}
)";
  Diagnostics diagnostics;
  auto made = load_plan(text, "copies.yaml", {}, diagnostics);
  for (const auto& one : diagnostics.all()) UNSCOPED_INFO(to_string(one));
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace tidemark
