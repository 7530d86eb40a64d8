// The comparison of topics with the oracle. Rows are compared as canonical JSON, so that only a difference in value, type
// or field order counts; refused records byte for byte.
#include "tests/integration/testkit/verify.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "tests/integration/testkit/kafka.h"

namespace tidemark::testkit {
namespace {

using oracle::Header;
using oracle::Json;
using oracle::PartitionLog;
using oracle::Record;
using oracle::RefusedRecord;
using oracle::ResultRow;

constexpr std::chrono::seconds kTransactionEnds(100);  // the longest transaction timeout of a test's job, and some more

std::string shown(const std::optional<std::string>& bytes) {
  if (!bytes) return "null";
  const std::string text = oracle::is_utf8(*bytes) ? oracle::quote_json(*bytes) : fmt::format("<{} bytes>", bytes->size());
  return text.size() > 300 ? text.substr(0, 300) + "..." : text;
}

struct ActualRow {
  std::string where;
  const Record* record = nullptr;
  int32_t partition = 0;
  int32_t partitions = 0;
};

// The row without `withdrawn`, `revision` and `is_final`; none for a row that is not final or was withdrawn, or is no JSON
// object.
std::optional<std::string> final_row(const std::optional<std::string>& value, bool& readable) {
  auto json = value ? oracle::parse_json(*value) : std::nullopt;
  readable = json && json->kind == Json::Kind::kObject;
  if (!readable) return std::nullopt;
  const Json* is_final = json->find("is_final");
  if (is_final != nullptr && !is_final->boolean) return std::nullopt;
  const Json* withdrawn = json->find("withdrawn");
  if (withdrawn != nullptr && withdrawn->boolean) return std::nullopt;
  std::erase_if(json->members, [](const auto& member) {
    return member.first == "revision" || member.first == "is_final" || member.first == "withdrawn";
  });
  return oracle::render_json(*json);
}

// Up to the end of the window: what names a row among rows.
std::string name_of(const std::string& json) {
  const size_t at = json.find("\"window_end\":");
  if (at == std::string::npos) return json;
  return json.substr(0, json.find('"', at + 14));
}

class Results {
 public:
  Results(const oracle::Outcome& expected, bool repeats_allowed, std::vector<std::string>& differences)
      : repeats_allowed_(repeats_allowed), differences_(differences) {
    for (const ResultRow& row : expected.rows) (row.closed ? expected_ : open_)[row.json].push_back(&row);
  }

  void take(const PartitionLog& log, const Record& record, int32_t partitions) {
    const std::string where = fmt::format("{}[{}]@{}", log.topic, log.partition, record.offset);
    bool readable = false;
    const auto json = final_row(record.value, readable);
    if (!readable) differences_.push_back(where + " is no JSON object: " + shown(record.value));
    if (json) actual_[*json].push_back({where, &record, log.partition, partitions});
  }

  void compare() {
    std::map<std::string, std::string> unexpected;  // by name
    for (const auto& [json, rows] : actual_) {
      const auto found = expected_.find(json);
      if (found == expected_.end()) {
        unexpected[name_of(json)] = json;
        continue;
      }
      const size_t wanted = found->second.size();
      if (rows.size() > wanted && !repeats_allowed_) {
        differences_.push_back(fmt::format("{} times instead of {}: {} ({} and {})", rows.size(), wanted, json, rows[0].where,
                                           rows[1].where));
      }
      for (const ActualRow& row : rows) check_record(row, *found->second[0]);
    }
    for (const auto& [json, rows] : expected_) {
      const auto found = actual_.find(json);
      const size_t times = found == actual_.end() ? 0 : found->second.size();
      if (times >= rows.size()) continue;
      const auto other = unexpected.find(name_of(json));
      if (times == 0 && other != unexpected.end()) {
        differences_.push_back("wrong: " + other->second + "\n instead: " + json);
        unexpected.erase(other);
      } else {
        differences_.push_back(fmt::format("missing ({} of {}): {}", rows.size() - times, rows.size(), json));
      }
    }
    for (const auto& [name, json] : unexpected) {
      const std::string first = actual_.at(json).front().where;
      differences_.push_back((open_.contains(json) ? "too early: " : "unexpected: ") + json + " at " + first);
    }
  }

 private:
  void check_record(const ActualRow& row, const ResultRow& expected) {
    const Record& record = *row.record;
    if (record.key != expected.key) {
      differences_.push_back(row.where + " has the key " + shown(record.key) + " instead of " + shown(expected.key));
    } else if (record.key && row.partition != oracle::java_partition(*record.key, row.partitions)) {
      differences_.push_back(row.where + " lies in another partition than a Java client's: key " + shown(record.key));
    }
    // Of the lane's other keys a newer timestamp may have come, up to the last instant of the window.
    const bool windowed = expected.window_end_us != 0;
    const int64_t last = windowed ? std::max<int64_t>(expected.window_end_us / 1000 - 1, 0) : expected.newest_timestamp_ms;
    const int64_t first = std::min(last, expected.newest_timestamp_ms);
    if (record.timestamp_ms < first || record.timestamp_ms > last) {
      differences_.push_back(fmt::format("{} has the timestamp {}, not in {}..{}", row.where, record.timestamp_ms, first, last));
    }
  }

  bool repeats_allowed_;
  std::vector<std::string>& differences_;
  std::map<std::string, std::vector<const ResultRow*>> expected_;
  std::map<std::string, std::vector<const ResultRow*>> open_;
  std::map<std::string, std::vector<ActualRow>> actual_;
};

// Late records or dead letters.
class Refused {
 public:
  Refused(std::string kind, const Job& job, const std::vector<PartitionLog>& inputs, std::vector<std::string>& differences)
      : kind_(std::move(kind)), job_(job), differences_(differences) {
    for (const PartitionLog& log : inputs) {
      for (const Record& record : log.records) inputs_[{log.topic, log.partition, record.offset}] = &record;
    }
  }

  void expect(const std::vector<RefusedRecord>& all) {
    for (const RefusedRecord& one : all) expected_[name(one.topic, one.partition, one.offset, one.step)] = &one;
  }

  void take(const PartitionLog& log, const Record& record) {
    std::map<std::string, std::string> told;
    std::vector<Header> original;
    for (const Header& header : record.headers) {
      if (header.name.starts_with("tidemark.")) {
        told[header.name.substr(9)] = header.value.value_or("");
      } else {
        original.push_back(header);
      }
    }
    const std::string where = fmt::format("{} {}[{}]@{}", kind_, log.topic, log.partition, record.offset);
    const std::string id = told["topic"] + "[" + told["partition"] + "]@" + told["offset"] + " " + told["step"];
    const auto found = expected_.find(id);
    if (found == expected_.end()) {
      differences_.push_back(where + " is unexpected: " + id + " reason " + told["reason"]);
      return;
    }
    if (!seen_.insert(id).second && !job_.repeats_allowed) differences_.push_back(where + " repeats " + id);
    check_headers(where + " (" + id + ")", *found->second, told);
    check_original(where + " (" + id + ")", *found->second, record, original, told);
  }

  void compare() {
    for (const auto& [id, one] : expected_) {
      if (!seen_.contains(id)) differences_.push_back(kind_ + " is missing: " + id + " reason " + one->reason);
    }
  }

 private:
  static std::string name(const std::string& topic, int32_t partition, int64_t offset, const std::string& step) {
    return fmt::format("{}[{}]@{} {}", topic, partition, offset, step);
  }

  void check_headers(const std::string& where, const RefusedRecord& one, std::map<std::string, std::string> told) {
    const auto must_be = [&](const std::string& header, const std::string& value) {
      if (told[header] != value) {
        differences_.push_back(where + ": tidemark." + header + " is '" + told[header] + "' instead of '" + value + "'");
      }
      told.erase(header);
    };
    must_be("reason", one.reason);
    must_be("pipeline", job_.pipeline.name);
    if (one.watermark) must_be("watermark", *one.watermark);
    for (const char* already : {"topic", "partition", "offset", "step", "truncated"}) told.erase(already);
    if (!one.watermark && told["error"].empty()) differences_.push_back(where + ": tidemark.error says nothing");
    told.erase("error");
    for (const auto& [header, value] : told) differences_.push_back(where + ": unknown header tidemark." + header);
  }

  void check_original(const std::string& where, const RefusedRecord& one, const Record& record,
                      const std::vector<Header>& headers, const std::map<std::string, std::string>& told) {
    const Record& input = *inputs_.at({one.topic, one.partition, one.offset});
    if (record.key != input.key) {
      differences_.push_back(where + ": key " + shown(record.key) + " instead of " + shown(input.key));
    }
    const bool cut = told.contains("truncated") && record.value && input.value && input.value->starts_with(*record.value);
    if (record.value != input.value && !cut) {
      differences_.push_back(where + ": value " + shown(record.value) + " instead of " + shown(input.value));
    }
    if (headers != input.headers) differences_.push_back(where + ": the original headers are not the same");
  }

  std::string kind_;
  const Job& job_;
  std::vector<std::string>& differences_;
  std::map<std::tuple<std::string, int32_t, int64_t>, const Record*> inputs_;
  std::map<std::string, const RefusedRecord*> expected_;
  std::set<std::string> seen_;
};

size_t judge_refused(const std::string& brokers, const std::string& topic, const std::vector<RefusedRecord>& expected,
                     Refused refused) {
  const auto logs = load_topic(brokers, topic, true);
  refused.expect(expected);
  size_t count = 0;
  for (const PartitionLog& log : logs) {
    count += log.records.size();
    for (const Record& record : log.records) refused.take(log, record);
  }
  refused.compare();
  return count;
}

}  // namespace

std::vector<PartitionLog> load_inputs(const std::string& brokers, const Job& job) {
  std::vector<PartitionLog> inputs;
  for (const std::string& topic : job.topics) {
    for (PartitionLog& log : load_topic(brokers, topic, true)) inputs.push_back(std::move(log));
  }
  return inputs;
}

Verdict verify(const std::string& brokers, const Job& job) {
  for (const std::string* topic : {&job.results, &job.late, &job.dead_letters}) {
    if (!topic->empty()) wait_until_stable(brokers, *topic, kTransactionEnds);
  }
  Verdict verdict;
  const auto inputs = load_inputs(brokers, job);
  verdict.expected = oracle::run_oracle(job.pipeline, inputs);
  if (!job.results.empty()) {
    Results results(verdict.expected, job.repeats_allowed, verdict.differences);
    const auto logs = load_topic(brokers, job.results, true);
    for (const PartitionLog& log : logs) {
      verdict.results += log.records.size();
      for (const Record& record : log.records) results.take(log, record, static_cast<int32_t>(logs.size()));
    }
    results.compare();
  }
  if (!job.late.empty()) {
    verdict.late = judge_refused(brokers, job.late, verdict.expected.late, {"late", job, inputs, verdict.differences});
  }
  if (!job.dead_letters.empty()) {
    verdict.dead_letters = judge_refused(brokers, job.dead_letters, verdict.expected.dead_letters,
                                         {"dead letter", job, inputs, verdict.differences});
  }
  return verdict;
}

}  // namespace tidemark::testkit
