// Random pipelines and logs: one description from which both the YAML for the engine and the lambdas for the oracle come.
// It deliberately knows neither the engine's classes nor how a pipeline is run.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

// One field of a result row: how the file writes it, what the oracle keeps for it, and how these become its JSON.
struct ResultField {
  std::string name;
  std::string expression;
  std::vector<oracle::Aggregate> parts;  // without names
  std::function<std::string(const std::vector<oracle::Json>&)> combine;  // absent: the one part as it is
  std::string type = {};  // where another window may take it: int, double, string or timestamp
};

struct Case {
  uint64_t seed = 0;
  // For the engine: everything but `lanes:` and `checkpoint:`.
  std::string yaml;
  // For the oracle. The window's aggregates are the parts of all result fields, named `FIELD.NUMBER`.
  oracle::Pipeline pipeline;
  std::vector<ResultField> results;
  bool doubled = false;  // a map behind the window adds `twice`
  bool revised = false;  // windows may speak more than once
  std::vector<std::string> sink_key;  // explicit key of the rows' sink; empty: the default
  std::string rows_topic = "rows";
  // Other ways through the same pipeline, each with the steps before it and a sink of its own; without logs and file.
  std::vector<Case> branches;

  std::vector<oracle::PartitionLog> logs;
  std::vector<int64_t> log_ends;
  int32_t sink_partitions = 1;
  bool at_least_once = false;
  bool refused_sinks = true;  // `late` and `dead_letter` are written

  std::string describe() const;  // one line
};

// What must have come out of a case: rows as the engine writes them.
struct ExpectedRow {
  std::string json;
  std::optional<std::string> key;
  int64_t newest_timestamp_ms = 0;  // of the records counted for this key
  int64_t window_end_us = 0;        // 0: no window, so the timestamp is the record's
};
struct Expected {
  std::vector<ExpectedRow> rows;
  oracle::Outcome outcome;  // late, dead letters and the ledger, over all branches
  std::vector<Expected> branches;
};

constexpr int64_t kBaseUs = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
constexpr int64_t kWallMs = kBaseUs / 1000 + 86'400'000;

constexpr int64_t kLowLimit = 512;                  // of `max_record`, where a case sets one

Case make_case(uint64_t seed);
Expected expect(const Case& one);

}  // namespace tidemark::property
