// Keys were kept as the bytes by which state is found; here they become fields again.
#include "daemon/hot_key_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "operators/formats/json_writer.h"
#include "operators/key_codec.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kEnoughSamples = 100;
constexpr double kHotRatio = 0.05;
constexpr size_t kMostHotKeys = 10;  // of a step

// The fields of a key; null where the bytes are none of this step's.
Json fields_of(const PlannedStep& step, std::string_view key) {
  const std::vector<Type>& types = step.window()->window.key_types;
  Batch batch;
  batch.rows = 1;
  batch.columns.resize(types.size());
  std::vector<OutputField> fields;
  for (uint32_t i = 0; i < types.size(); ++i) {
    batch.columns[i].reset(types[i], 1);
    fields.push_back({std::string(step.output.fields[i].name), types[i], i});
  }
  if (!decode_key(key, types, batch.columns, 0)) return nullptr;
  JsonWriter::RecentTimes recent;
  std::string text;
  JsonWriter(std::move(fields)).append_row(batch, 0, recent, text);
  Json told = Json::parse(text, nullptr, false);
  return told.is_discarded() ? Json() : told;
}

void add(const PlannedStep& step, const char* by, const HotKeys& keys, Json& out) {
  if (!tells_shares(keys)) return;
  for (const HotKeys::Key& key : hot_enough(keys)) {
    Json& one = out.emplace_back(Json{{"step", step.name}, {"by", by}, {"hash", hot_key_name(key.hash)}, {"share", key.ratio}});
    if (!key.key.empty()) one["key"] = fields_of(step, key.key);
  }
}

}  // namespace

bool tells_shares(const HotKeys& keys) { return keys.total() >= kEnoughSamples; }

std::vector<HotKeys::Key> hot_enough(const HotKeys& keys) {
  std::vector<HotKeys::Key> hot = keys.above(kHotRatio);
  hot.resize(std::min(hot.size(), kMostHotKeys));
  return hot;
}

std::string hot_key_name(uint64_t hash) { return fmt::format("{:016x}", hash); }

Json hot_keys_json(const Plan& plan, const HotKeysOfSteps& keys) {
  Json out = Json::array();
  for (size_t ordinal = 0; ordinal < keys.by_rows.size(); ++ordinal) {
    add(plan.window_step(ordinal), "rows", keys.by_rows[ordinal], out);
    add(plan.window_step(ordinal), "state", keys.by_state[ordinal], out);
  }
  return out;
}

}  // namespace tidemark
