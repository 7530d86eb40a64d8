// Judges what a run has left on the fake Kafka, and its ledger, by what the oracle says. Knows nothing of how it ran.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "daemon/trace.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/fake_kafka.h"

namespace tidemark::property {

// What is wrong, for people; empty when all is right. `repeats`: at_least_once rows may have come again after a crash.
std::vector<std::string> compare_output(const Case& one, const Expected& expected, const std::vector<Written>& rows, bool repeats);

// The ledger of a pipeline that did all of the work itself, figure by figure.
std::vector<std::string> compare_ledger(const Case& one, const Expected& expected, const nlohmann::json& ledger);
// Whether each checkpoint's trace is a tree in time, and all of them tell of as many records as the ledger.
std::vector<std::string> compare_traces(const std::vector<Trace>& traces, const nlohmann::json& ledger);
// Whether the text of the metrics tells the same of every account as the API, and none is open.
std::vector<std::string> compare_ledger_metrics(const nlohmann::json& status, const std::string& metrics);

}  // namespace tidemark::property
