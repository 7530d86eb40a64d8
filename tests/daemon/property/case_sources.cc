// A second source is a copy of the first with other settings; what a pipeline's sources must share stays as it is.
#include "tests/daemon/property/case_sources.h"

#include <algorithm>
#include <utility>

#include "tests/daemon/property/case_csv.h"
#include "tests/daemon/property/cases.h"

namespace tidemark::property {
namespace {

using oracle::Field;
using oracle::FieldType;

const char* type_text(FieldType type) {
  switch (type) {
    case FieldType::kString: return "string";
    case FieldType::kInt: return "int";
    case FieldType::kDouble: return "double";
    case FieldType::kBool: return "bool";
    case FieldType::kBytes: return "bytes";
    case FieldType::kTimestampS: return "timestamp(s)";
    case FieldType::kTimestampMs: return "timestamp(ms)";
    case FieldType::kTimestampUs: return "timestamp(us)";
    case FieldType::kTimestampIso: return "timestamp(iso)";
  }
  return "";
}

FieldType time_form(Random& random) {
  return random.one_of({FieldType::kTimestampS, FieldType::kTimestampMs, FieldType::kTimestampUs, FieldType::kTimestampIso});
}

void settle(Random& random, oracle::Source& source) {
  source.event_time.max_delay_us = random.one_of<int64_t>({0, 500'000, 2'000'000});
  source.event_time.max_future_us = random.one_of<int64_t>({3'600'000'000, 60'000'000});
  source.skip_tombstones = random.percent(30);
  source.max_record_bytes = random.percent(20) ? kLowLimit : oracle::Source{}.max_record_bytes;
}

// The same fields, in all else another one.
void add_second(Random& random, oracle::Pipeline& pipeline) {
  oracle::Source other = pipeline.sources.front();
  other.name = "more";
  other.topics = {"also-in"};
  other.csv.reset();
  settle(random, other);
  if (random.percent(30)) other.event_time.field.clear();
  for (Field& field : other.schema) {
    if (field.name == "ts") field.type = time_form(random);
    if (field.name == "note") field.path = random.percent(50) ? std::vector<std::string>{"meta", "note"} : std::vector<std::string>{};
  }
  for (size_t i = other.schema.size(); i > 1; --i) {
    std::swap(other.schema[i - 1], other.schema[static_cast<size_t>(random.in(0, static_cast<int64_t>(i) - 1))]);
  }
  if (!has_lists(pipeline) && random.percent(30)) choose_csv(random, other);
  pipeline.sources.push_back(std::move(other));
  pipeline.union_step = "both";
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string source_yaml(Random& random, const oracle::Source& source, bool partitioned_by_user) {
  std::string out = "  " + source.name + ":\n    kafka:\n      brokers: fake:9092\n";
  const auto line = [&](const std::string& text) { out += text + "\n"; };
  line(source.topics.empty() ? "      topics: TOPICS" : "      topics: [" + listed(source.topics) + "]");
  if (partitioned_by_user) line("      partitioned_by: [user]");
  if (source.csv) line("    format: " + csv_format(*source.csv));
  line("    schema:");
  for (const Field& f : source.schema) {
    const std::string scalar = type_text(f.type);
    const std::string type = (f.list ? "list<" + scalar + ">" : scalar) + (f.optional ? "?" : "");
    line("      " + f.name + ": " + (f.path.empty() ? type : "{type: '" + type + "', path: meta.note}"));
  }
  line("    event_time:");
  if (!source.event_time.field.empty()) line("      field: ts");
  line("      max_delay: " + us_text(source.event_time.max_delay_us));
  line("      max_future: " + us_text(source.event_time.max_future_us));
  line("      idle_after: 7d");
  if (random.percent(30)) line("      max_drift: 2s");
  if (source.skip_tombstones) line("    tombstones: skip");
  if (source.max_record_bytes == kLowLimit) line("    max_record: " + std::to_string(kLowLimit) + "B");
  return out;
}

}  // namespace

std::string us_text(int64_t us) { return us == 0 ? "0s" : std::to_string(us / 1000) + "ms"; }

void choose_sources(Random& random, oracle::Pipeline& pipeline, bool ids) {
  oracle::Source& first = pipeline.sources.front();
  first.schema = {{"user", FieldType::kString, false, {}}, {"n", FieldType::kInt, false, {}},
                  {"x", FieldType::kDouble, true, {}},     {"flag", FieldType::kBool, true, {}},
                  {"region", FieldType::kString, true, {}}, {"note", FieldType::kString, true, {"meta", "note"}},
                  {"seen", FieldType::kTimestampMs, true, {}}};
  // Repeats lie in one partition.
  if (ids) first.schema.push_back({"id", FieldType::kString, false, {}});
  if (random.percent(80)) {
    first.event_time.field = "ts";
    first.schema.insert(first.schema.begin() + random.in(0, 7), {"ts", time_form(random), false, {}});
  }
  settle(random, first);
  if (random.percent(15)) choose_csv(random, first);
  const bool lists = !first.csv && random.percent(30);
  if (lists) first.schema.push_back({"tags", FieldType::kString, true, {}, true});
  if (lists) first.schema.push_back({"marks", FieldType::kTimestampMs, false, {}, true});
  if (random.percent(20)) add_second(random, pipeline);
}

bool has_lists(const oracle::Pipeline& pipeline) {
  return std::ranges::any_of(pipeline.sources.front().schema, &Field::list);
}

std::string sources_yaml(Random& random, const oracle::Pipeline& pipeline, bool partitioned_by_user) {
  std::string out = "sources:\n";
  for (const oracle::Source& source : pipeline.sources) out += source_yaml(random, source, partitioned_by_user);
  return out;
}

}  // namespace tidemark::property
