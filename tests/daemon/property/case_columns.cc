// As in cases.cc, a line of YAML and the oracle's counterpart stand side by side.
#include "tests/daemon/property/case_columns.h"

#include <algorithm>

namespace tidemark::property {
namespace {

using oracle::AggregateKind;
using oracle::Expression;
using oracle::Json;
using oracle::Row;
using oracle::Value;

// ---- Parts of records

// Nothing where it is no text.
std::optional<Value> text_of(const std::optional<std::string>& bytes) {
  if (!bytes) return Value();
  return oracle::is_utf8(*bytes) ? std::optional<Value>(*bytes) : std::nullopt;
}
std::optional<Value> offset_of(const Row& row) { return Value(row.origin->record.offset); }
std::optional<Value> partition_of(const Row& row) { return Value(int64_t{row.origin->partition}); }
std::optional<Value> topic_of(const Row& row) { return Value(row.origin->topic); }
std::optional<Value> key_text(const Row& row) { return text_of(row.origin->record.key); }
std::optional<Value> key_bytes(const Row& row) {
  const auto& key = row.origin->record.key;
  return key ? Value(oracle::Bytes{*key}) : Value();
}
std::optional<Value> timestamp_of(const Row& row) {
  const int64_t ms = row.origin->record.timestamp_ms;
  return ms < 0 ? Value() : Value(oracle::Timestamp{ms * 1000});
}
Expression header_text(const std::string& name) {
  return [name](const Row& row) { return text_of(row.origin->header(name)); };
}

std::optional<Value> any_header(const Row& row) {
  for (const char* name : {"h", "trace"}) {
    const auto text = text_of(row.origin->header(name));
    if (!text || !oracle::is_null(*text)) return text;
  }
  return Value("none");
}

std::optional<bool> key_ends_or_header(const Row& row) {
  if (row.origin->header("h")) return true;
  const auto key = key_text(row);
  const auto* text = key ? std::get_if<std::string>(&*key) : nullptr;
  return text ? std::optional(text->ends_with('1')) : std::nullopt;
}

// ---- Lists, which the oracle holds as their JSON

std::optional<std::vector<Json>> items_of(const Row& row, const std::string& name) {
  const auto* list = std::get_if<oracle::Rendered>(&row.at(name));
  if (list == nullptr) return std::nullopt;
  return oracle::parse_json(list->json)->items;
}

Value texts(const std::vector<std::string>& items) {
  std::string json;
  for (const std::string& item : items) json += (json.empty() ? "" : ",") + oracle::quote_json(item);
  return oracle::Rendered{"[" + json + "]"};
}

std::optional<Value> shouted(const Row& row) {
  const auto tags = items_of(row, "tags");
  if (!tags) return std::nullopt;
  std::vector<std::string> out;
  for (const Json& tag : *tags) out.push_back(tag.text + "!");
  return texts(out);
}

std::optional<Value> without_b(const Row& row) {
  const auto tags = items_of(row, "tags");
  if (!tags) return texts({"none"});
  std::vector<std::string> out;
  for (const Json& tag : *tags) {
    if (tag.text != "b") out.push_back(tag.text);
  }
  return texts(out);
}

std::optional<Value> count_of(const Row& row) {
  const auto tags = items_of(row, "tags");
  return Value(static_cast<int64_t>(tags ? tags->size() : 2));
}

bool has_a(const Row& row) {
  const auto tags = items_of(row, "tags");
  return tags && std::ranges::any_of(*tags, [](const Json& tag) { return tag.text == "a"; });
}

std::optional<Value> quotients(const Row& row) {
  const int64_t n = std::get<int64_t>(row.at("n"));
  if (n == 0) return std::nullopt;
  return Value(oracle::Rendered{"[" + std::to_string(n) + "," + std::to_string(100 / n) + "]"});
}

std::optional<Value> first_mark(const Row& row) {
  const auto marks = items_of(row, "marks");
  if (marks->empty()) return std::nullopt;
  return Value(oracle::Timestamp{*oracle::parse_rfc3339(marks->front().text)});
}

Expression field(const std::string& name) {
  return [name](const Row& row) { return std::optional<Value>(row.at(name)); };
}

}  // namespace

WrittenStep record_step(Random& random) {
  switch (random.in(0, 4)) {
    case 0:
      return {"map: {at: kafka.offset, part: kafka.partition, topic: kafka.topic}", nullptr,
              {{"at", offset_of}, {"part", partition_of}, {"topic", topic_of}}};
    case 1:
      return {"filter: 'kafka.offset % 3 != 1'", [](const Row& r) { return std::optional(r.origin->record.offset % 3 != 1); }, {}};
    case 2:
      return {"map: {h: \"coalesce(kafka.headers['h'], kafka.headers['trace'], 'none')\"}", nullptr, {{"h", any_header}}};
    case 3: return {"filter: \"kafka.key.endsWith('1') || 'h' in kafka.headers\"", key_ends_or_header, {}};
    default:
      return {"map: {key: kafka.key, bare: bytes(kafka.key), read: kafka.timestamp, t: kafka.headers.trace}", nullptr,
              {{"key", key_text}, {"bare", key_bytes}, {"read", timestamp_of}, {"t", header_text("trace")}}};
  }
}

WrittenStep list_step(Random& random) {
  switch (random.in(0, 3)) {
    case 0:
      return {"filter: \"has(tags) && tags.exists(t, t == 'a')\"", [](const Row& r) { return std::optional(has_a(r)); }, {}};
    case 1: return {"map: {shouted: \"tags.map(t, t + '!')\"}", nullptr, {{"shouted", shouted}}};
    case 2:
      return {"map: {few: \"coalesce(tags, ['none']).filter(t, t != 'b')\", many: \"size(coalesce(tags, ['x', 'y']))\"}", nullptr,
              {{"few", without_b}, {"many", count_of}}};
    default:
      return {"map: {pair: '[n, 100 / n]', mark: 'marks[0]', same: tags}", nullptr,
              {{"pair", quotients}, {"mark", first_mark}, {"same", field("tags")}}};
  }
}

Argument record_argument(Random& random) {
  using K = AggregateKind;
  return random.one_of<Argument>({{K::kMax, "kafka.offset", offset_of},
                                  {K::kSum, "kafka.offset", offset_of},
                                  {K::kDistinct, "kafka.partition", partition_of},
                                  {K::kCount, "kafka.key", key_text},
                                  {K::kFirst, "kafka.key", key_text},
                                  {K::kMin, "bytes(kafka.key)", key_bytes},
                                  {K::kMin, "kafka.timestamp", timestamp_of},
                                  {K::kLast, "kafka.headers.h", header_text("h")}});
}

Argument list_argument(Random& random) {
  using K = AggregateKind;
  return random.one_of<Argument>({{K::kCount, "tags", field("tags")},
                                  {K::kFirst, "tags", field("tags")},
                                  {K::kLast, "tags.map(t, t + '!')", shouted},
                                  {K::kLast, "marks", field("marks")},
                                  {K::kArgMax, "tags, n", field("tags")},
                                  {K::kSum, "size(coalesce(tags, ['x', 'y']))", count_of}});
}

}  // namespace tidemark::property
