// Random records: the decoder against a second, independent JSON reader; verdicts that do not depend on what came
// before; bytes that are never read behind a record's end.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "operators/formats/json_decoder.h"
#include "tests/operators/formats/decode_harness.h"

namespace tidemark {
namespace {

using Random = std::mt19937_64;
using Json = nlohmann::ordered_json;

// The last field rarely occurs, so that most records are judged to their end.
DecodeSpec shop_spec() {
  return spec_of({field("id", TypeKind::kString), field("n", TypeKind::kInt), field("x", TypeKind::kDouble, true),
                  field("ok", TypeKind::kBool, true), time_field("ts", TimestampUnit::kMillis),
                  field("city", TypeKind::kString, true, {"address", "city"}), field("raw", TypeKind::kBytes, true),
                  field("rare", TypeKind::kInt, true)},
                 4);
}

size_t below(Random& random, size_t n) { return random() % n; }

std::string pick(Random& random, const std::vector<std::string>& choices) {
  return choices[below(random, choices.size())];
}

std::string random_value(Random& random, int depth) {
  switch (below(random, depth > 3 ? 7 : 9)) {
    case 0: return pick(random, {"true", "false", "null"});
    case 1: return std::to_string(static_cast<int64_t>(random()) >> below(random, 64));
    case 2:
      return pick(random, {"0.5", "-1.25e3", "1e400", "1E-9", "-0", "-0.0", "123456789012345678901", "3.0",
                           "2.5e-400"});
    case 3:
      return pick(random, {"\"\"", "\"AAE=\"", "\"x\\ny\"", "\"\\u00e5\\ud83d\\ude00\"", "\"Stockholm\"",
                           "\"\xC3\xA5\""});
    case 4: return pick(random, {"1767225600000", "\"2026-01-01T00:00:00Z\"", "\"u-17\""});
    case 5: return std::to_string(below(random, 100));
    case 6: return "\"" + std::string(below(random, 90), 'w') + "\"";
    case 7: {
      std::string list = "[";
      for (size_t i = below(random, 4); i > 0; --i) list += random_value(random, depth + 1) + (i > 1 ? " , " : "");
      return list + "]";
    }
  }
  std::string object = "{";
  for (size_t i = below(random, 4); i > 0; --i) {
    object += pick(random, {"\"city\"", "\"zip\"", "\"id\"", "\"\\u0063ity\""}) + ":" + random_value(random, depth + 1);
    if (i > 1) object += ",";
  }
  return object + "}";
}

std::string good_value(Random& random, const std::string& key) {
  if (key == "\"id\"") return pick(random, {"\"u-1\"", "\"\"", "\"a\\tb\\u20ac\""});
  if (key == "\"n\"" || key == "\"rare\"") return std::to_string(static_cast<int64_t>(random()) >> below(random, 64));
  if (key == "\"x\"") return pick(random, {"1", "2.5", "-3e2", "null", "0.1", "123456789.123456789"});
  if (key == "\"ok\"") return pick(random, {"true", "false", "null"});
  if (key == "\"ts\"" || key == "\"t\\u0073\"") return std::to_string(1767225600000 + below(random, 1000000));
  if (key == "\"address\"")
    return pick(random, {"{\"city\":\"G\xC3\xB6teborg\",\"zip\":\"1\"}", "{}", "null", "{\"zip\":[1,{}]}"});
  if (key == "\"raw\"") return pick(random, {"\"AAE=\"", "\"\"", "null"});
  return random_value(random, 1);
}

std::string random_record(Random& random) {
  std::vector<std::string> keys = {"\"id\"", "\"n\"", "\"x\"", "\"ok\"", "\"ts\"", "\"address\"",
                                   "\"raw\"", "\"junk\"", "\"k\""};
  if (below(random, 4) == 0) keys.push_back(pick(random, keys));
  if (below(random, 8) == 0) keys.push_back("\"rare\"");
  if (below(random, 8) == 0) keys[4] = "\"t\\u0073\"";
  if (below(random, 2) == 0) std::shuffle(keys.begin(), keys.end(), random);
  if (below(random, 6) == 0) keys.resize(below(random, keys.size()));
  std::string record = "{";
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i > 0) record += pick(random, {",", ", ", " ,\n"});
    record += keys[i] + pick(random, {":", ": "});
    record += below(random, 12) == 0 ? random_value(random, 0) : good_value(random, keys[i]);
  }
  return record + "}";
}

std::string mutated(Random& random, std::string record) {
  static const std::string kBytes = "{}[]:,\"\\tfn019.-+eE \x01\x80\xFF\xC3/ua";
  for (size_t edits = 1 + below(random, 3); edits > 0 && !record.empty(); --edits) {
    const size_t at = below(random, record.size());
    switch (below(random, 4)) {
      case 0: record[at] = kBytes[below(random, kBytes.size())]; break;
      case 1: record.erase(at, 1 + below(random, 5)); break;
      case 2: record.insert(at, 1, kBytes[below(random, kBytes.size())]); break;
      case 3: record.insert(at, record.substr(below(random, record.size()), below(random, 12))); break;
    }
  }
  return record;
}

enum class OracleVerdict { kJson, kNotJson, kNumberTooLarge };

// Reads the whole record with nlohmann's reader, and of duplicate keys keeps the first.
OracleVerdict parse_first_keys(const std::string& text, Json& parsed) {
  std::vector<std::vector<std::string>> seen_by_level(1);
  const auto keep = [&](int depth, Json::parse_event_t event, Json& element) {
    const auto level = static_cast<size_t>(depth);
    if (event == Json::parse_event_t::object_start) {
      if (seen_by_level.size() <= level + 1) seen_by_level.resize(level + 2);
      seen_by_level[level + 1].clear();
      return true;
    }
    if (event != Json::parse_event_t::key) return true;
    auto& seen = seen_by_level[level];
    const auto key = element.get<std::string>();
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) return false;
    seen.push_back(key);
    return true;
  };
  try {
    parsed = Json::parse(text, keep);
  } catch (const Json::out_of_range&) {
    return OracleVerdict::kNumberTooLarge;  // it refuses numbers that no double holds, which are JSON, as a whole
  } catch (const Json::parse_error&) {
    return OracleVerdict::kNotJson;
  }
  return OracleVerdict::kJson;
}

// It reads `-0` as the integer 0, without a sign.
bool has_negative_zero(const std::string& record) { return record.find("-0") != std::string::npos; }

const Json* find(const Json& object, const std::vector<std::string>& path) {
  const Json* at = &object;
  for (const std::string& key : path) {
    if (!at->is_object() || !at->contains(key)) return nullptr;
    at = &at->at(key);
  }
  return at;
}

// What the field's cell should be; nothing where its type is wrong. Text of numbers follows the harness.
std::optional<std::string> expected_cell(const DeclaredField& f, const Json& value) {
  switch (f.type.kind) {
    case TypeKind::kString: return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
    case TypeKind::kBool:
      if (!value.is_boolean()) return std::nullopt;
      return value.get<bool>() ? "true" : "false";
    case TypeKind::kDouble: {
      if (!value.is_number()) return std::nullopt;
      std::string text;
      append_json_double(value.get<double>(), text);
      return text;
    }
    case TypeKind::kBytes: {
      std::string bytes;
      if (!value.is_string() || !append_decoded_base64(value.get<std::string>(), bytes)) return std::nullopt;
      return bytes;
    }
    default: break;
  }
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return std::nullopt;
  int64_t number = value.get<int64_t>();
  if (f.type.kind == TypeKind::kTimestamp && __builtin_mul_overflow(number, 1000, &number)) return std::nullopt;
  return std::to_string(number);
}

std::string oracle(const DecodeSpec& spec, const Json& record) {
  std::string row = "ok ";
  std::optional<Reason> missing;
  std::optional<Reason> type;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const DeclaredField& f = spec.fields[i];
    const Json* value = find(record, f.path.empty() ? std::vector<std::string>{f.name} : f.path);
    const bool null = value == nullptr || value->is_null();
    const auto cell = null ? std::nullopt : expected_cell(f, *value);
    if (spec.event_time == i && !cell) return "event_time";
    if (null && !f.nullable) missing = Reason::kMissingField;
    if (!null && !cell) type = Reason::kType;
    row += (i == 0 ? "" : "|") + (null ? std::string("null") : cell.value_or("?"));
  }
  if (missing) return "missing_field";
  return type ? "type" : row;
}

}  // namespace

TEST_CASE("Random records decode as an independent JSON reader has them") {
  const DecodeSpec spec = shop_spec();
  JsonDecoder decoder = json_decoder(spec);
  Random random(20260101);
  int good = 0;
  int compared = 0;
  int malformed = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string record = random_record(random);
    if (round % 2 == 1) record = mutated(random, record);
    const std::string verdict = outcome(decoder, record);
    Json parsed;
    const OracleVerdict judged = parse_first_keys(record, parsed);
    INFO(record);
    if (judged == OracleVerdict::kNotJson) {
      // Where the rare field does not occur, everything is judged.
      if (record.find("rare") == std::string::npos) CHECK(verdict == "decode");
      ++malformed;
    } else if (judged == OracleVerdict::kJson && !has_negative_zero(record)) {
      CHECK(verdict == (parsed.is_object() ? oracle(spec, parsed) : "decode"));
      ++compared;
      good += verdict.starts_with("ok") ? 1 : 0;
    }
  }
  CHECK(malformed > 5000);
  CHECK(compared > 15000);
  CHECK(good > 5000);
}

TEST_CASE("A verdict does not depend on the records before it") {
  Random random(77);
  std::vector<std::string> records;
  for (int i = 0; i < 1500; ++i) {
    records.push_back(i % 3 == 0 ? mutated(random, random_record(random)) : random_record(random));
  }
  records.push_back(R"({"junk":")" + std::string(3 << 20, 'j') + "\"}");  // makes the decoder grow, and shrink again
  std::vector<std::string> alone;
  for (const std::string& record : records) {
    JsonDecoder fresh = json_decoder(shop_spec());
    alone.push_back(outcome(fresh, record));
  }
  JsonDecoder decoder = json_decoder(shop_spec());
  std::vector<size_t> order(records.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < 10; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    size_t differing = 0;
    for (const size_t i : order) differing += outcome(decoder, records[i]) == alone[i] ? 0 : 1;
    CHECK(differing == 0);
  }
}

TEST_CASE("Rows of one batch keep their own values") {
  JsonDecoder decoder = json_decoder(shop_spec());
  Random random(5);
  Batch batch;
  decoder.prepare(batch);
  std::vector<std::string> rows;
  for (int i = 0; i < 3000; ++i) {
    std::string record = mutated(random, random_record(random));
    const std::string expected = outcome(decoder, record);
    if (!expected.starts_with("ok ")) continue;
    REQUIRE(decoder.decode(record).ok());
    decoder.push(batch);
    rows.push_back(expected);
    record.assign(record.size(), '#');
  }
  REQUIRE(rows.size() > 100);
  for (size_t row = 0; row < rows.size(); ++row) {
    std::string text = "ok ";
    for (size_t i = 0; i < batch.columns.size(); ++i) text += (i == 0 ? "" : "|") + cell(batch.columns[i], row);
    REQUIRE(text == rows[row]);
  }
}

TEST_CASE("Nothing is read behind the end of a record") {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const mapped = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapped != MAP_FAILED);
  char* const memory = static_cast<char*>(mapped);
  REQUIRE(mprotect(memory + page, page, PROT_NONE) == 0);
  JsonDecoder decoder = json_decoder(shop_spec());
  Random random(9);
  for (int i = 0; i < 5000; ++i) {
    std::string record = mutated(random, random_record(random));
    record.resize(std::min(record.size(), page - below(random, 100)));
    char* const start = memory + page - record.size();
    std::memcpy(start, record.data(), record.size());
    const std::string_view at_the_edge(start, record.size());
    REQUIRE(outcome(decoder, at_the_edge) == outcome(decoder, record));
  }
  munmap(memory, 2 * page);
}

}  // namespace tidemark
