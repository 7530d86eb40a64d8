// Which records a shape reads and which surprise it; whatever it reads, the full walk reads alike.
#include "operators/formats/json_shape.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "operators/formats/byte_block.h"
#include "operators/formats/json_shapes.h"
#include "operators/formats/json_tokens.h"
#include "tests/operators/formats/decode_harness.h"

namespace tidemark {
namespace {

using Random = std::mt19937_64;

DecodeSpec shop_spec() {
  return spec_of({field("id", TypeKind::kString), field("n", TypeKind::kInt, true), field("x", TypeKind::kDouble, true),
                  field("ok", TypeKind::kBool, true), time_field("ts", TimestampUnit::kMillis),
                  field("city", TypeKind::kString, true, {"address", "city"}), field("raw", TypeKind::kBytes, true),
                  time_field("sec", TimestampUnit::kSeconds, true), time_field("us", TimestampUnit::kMicros, true),
                  time_field("iso", TimestampUnit::kIso, true), field("far", TypeKind::kInt, true)},
                 4);
}

struct Learned {
  DecodeSpec spec = shop_spec();
  JsonFields fields{spec.fields};
  std::optional<JsonShape> shape;
  std::vector<StagedField> staged{spec.fields.size()};
  std::string scratch;

  explicit Learned(const std::string& record) {
    JsonTokens tokens;
    REQUIRE(tokens.index(record) == nullptr);
    shape = JsonShape::learn(record, JsonCursor(record, tokens, record.find('\\') != std::string::npos), fields, spec);
  }
  bool reads(const std::string& record) {
    scratch.clear();
    scratch.reserve(2 * record.size());
    return shape->read(record, scratch, staged);
  }
};

// A record whose brackets, keys and spaces are those of every record with the same numbers.
struct Skeleton {
  std::vector<std::string> before;  // the fixed bytes before each value, and those behind the last
};

size_t below(Random& random, size_t n) { return random() % n; }

std::string pick(Random& random, const std::vector<std::string>& choices) {
  return choices[below(random, choices.size())];
}

Skeleton random_skeleton(Random& random) {
  std::vector<std::string> keys = {"id", "n", "x", "ok", "ts", "raw", "sec", "us", "iso", "junk", "k\xC3\xA5", "id"};
  std::shuffle(keys.begin(), keys.end(), random);
  for (size_t cut = below(random, 5); cut > 0; --cut) keys.pop_back();
  Skeleton out;
  std::string fixed = pick(random, {"{", "{ ", "\n{", "{\"empty\":{},"});
  const std::string colon = pick(random, {":", ": ", " : "});
  const std::string comma = pick(random, {",", ", ", " ,\n\t"});
  for (const std::string& key : keys) {
    if (below(random, 6) == 0) {
      out.before.push_back(fixed + "\"address\"" + colon + "{\"zip\"" + colon);
      out.before.push_back(comma + "\"city\"" + colon);
      fixed = "}" + comma;
    }
    out.before.push_back(fixed + "\"" + key + "\"" + colon);
    fixed = comma;
  }
  out.before.push_back(pick(random, {"}", " }", "}\n", "\n}  "}));
  return out;
}

std::string random_number(Random& random) {
  std::string digits;
  for (size_t n = 1 + below(random, 22); n > 0; --n) digits += static_cast<char>('0' + below(random, 10));
  std::string number = below(random, 4) == 0 ? "-" : "";
  number += below(random, 6) == 0 || digits[0] != '0' ? digits : "0";
  if (below(random, 2) == 0) number += "." + digits.substr(0, 1 + below(random, digits.size()));
  if (below(random, 6) == 0) number += pick(random, {"e", "E", "e+", "E-"}) + std::to_string(below(random, 400));
  return number;
}

std::string random_string(Random& random) {
  std::string text;
  for (size_t n = below(random, 4) == 0 ? below(random, 70) : below(random, 8); n > 0; --n) {
    text += below(random, 12) == 0 ? pick(random, {"\xC3\xA5", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x7F"}) : "w";
  }
  if (below(random, 10) != 0) return "\"" + text + "\"";
  text += pick(random, {"\\n", "\\u00e5", "\\", "\\x", "\xC3", "\x80", "\x01", "\xED\xA0\x80", "\""});
  return "\"" + text + "\"";
}

std::string random_value(Random& random) {
  switch (below(random, 10)) {
    case 0:
      return pick(random, {"true", "false", "null", "truth", "nul", "-", "", "[]", "{}", "[1,\"a\"]", "01", "1.",
                           ".5", "+1"});
    case 1: return pick(random, {"true", "false", "null"});
    case 2:
      return pick(random, {"\"AAE=\"", "\"AAEC/w==\"", "\"2026-01-01T00:00:00Z\"",
                           "\"1999-12-31T23:59:59.9999999+01:00\""});
    case 3:
      return pick(random, {"0", "-0", "-0.0", "0.0", "9223372036854775807", "9223372036854775808",
                           "-9223372036854775808", "9007199254740993", "123456789012345", "1234567890123456", "0.1",
                           "999999999999999.9", "1e400"});
    case 4:
    case 5: return random_string(random);
    case 6: return std::to_string(1767225600000 + below(random, 1000000));
  }
  return random_number(random);
}

// What a good stream has there, so that records get as far as their end.
std::string likely_value(Random& random, const std::string& before) {
  const auto about = [&](const char* key) { return before.find("\"" + std::string(key) + "\"") != std::string::npos; };
  if (about("id") || about("city")) return below(random, 20) == 0 ? "null" : random_string(random);
  if (about("n")) return std::to_string(static_cast<int64_t>(random()) >> below(random, 64));
  if (about("x")) return below(random, 8) == 0 ? "null" : random_number(random);
  if (about("ok")) return pick(random, {"true", "false", "null"});
  if (about("ts") || about("us") || about("sec")) return std::to_string(1767225600 + below(random, 1000000));
  if (about("iso")) return pick(random, {"\"2026-01-01T00:00:00.123Z\"", "null"});
  if (about("raw")) return pick(random, {"\"AAE=\"", "\"\"", "null"});
  return random_value(random);
}

std::string fill(Random& random, const Skeleton& skeleton, size_t surprises) {
  std::string record;
  for (size_t i = 0; i + 1 < skeleton.before.size(); ++i) {
    record += skeleton.before[i];
    record += below(random, 100) < surprises ? random_value(random) : likely_value(random, skeleton.before[i]);
  }
  return record + skeleton.before.back();
}

std::string edited(Random& random, std::string record) {
  static const std::string kBytes = "{}[]:,\"\\tfn019.-+eE \x01\x80\xFF\xC3/ua";
  const size_t at = below(random, record.size());
  switch (below(random, 4)) {
    case 0: record[at] = kBytes[below(random, kBytes.size())]; break;
    case 1: record.erase(at, 1 + below(random, 5)); break;
    case 2: record.insert(at, 1, kBytes[below(random, kBytes.size())]); break;
    case 3: record.resize(at); break;
  }
  return record;
}

// Everything that a decoder says of a record.
std::string full_outcome(JsonDecoder& decoder, const std::string& record) {
  const std::string verdict = outcome(decoder, record);
  const DecodeResult result = decoder.decode(record);
  const std::string time = result.event_time ? std::to_string(result.event_time->us) : "none";
  return verdict + " at " + time + (result.ok() ? "" : ": " + decoder.message());
}

}  // namespace

TEST_CASE("A shape reads other values between the same bytes") {
  Learned shop(R"({"id":"a","x":1.5,"ts":1000,"address":{"city":"Lund","zip":"1"},"tail":true})");
  REQUIRE(shop.shape);
  const std::string record =
      R"({"id":"a longer id than a block","x":-22.75,"ts":176722560000,"address":{"city":null,"zip":1e9},"tail":"å"})";
  REQUIRE(shop.reads(record));
  CHECK(shop.staged[0].value.text == "a longer id than a block");
  CHECK(shop.staged[2].value.number == -22.75);
  CHECK(shop.staged[4].value.integer == 176722560000000);
  CHECK(shop.staged[5].found == StagedField::Found::kNull);
  CHECK(shop.staged[1].found == StagedField::Found::kAbsent);
  const std::string escaped = R"({"id":"a\u00e5\n","x":3,"ts":0,"address":{"city":"\"","zip":"\\"},"tail":"\/"})";
  REQUIRE(shop.reads(escaped));
  CHECK(shop.staged[0].value.text == "a\xC3\xA5\n");
  CHECK(shop.staged[5].value.text == "\"");
  CHECK(shop.reads(R"({"id":"","x":3,"ts":0,"address":{"city":"","zip":null},"tail":-0.0})"));
}

TEST_CASE("What is not the same, or not good, surprises a shape") {
  Learned shop(R"({"id":"a","x":1.5,"ts":1000,"tail":true})");
  REQUIRE(shop.shape);
  const std::vector<std::string> surprises = {
      R"({"id":"a","x":1.5,"ts":1000,"tail":true} )",   // bytes behind the end
      R"({"id":"a","x":1.5,"ts":1000,"tail":true)",     // bytes missing
      R"({"id":"a","x":1.5,"ts":1000,"tale":true})",    // another key
      R"({"id":"a", "x":1.5,"ts":1000,"tail":true})",   // another space
      R"({"id":"a\q","x":1.5,"ts":1000,"tail":true})",  // a broken escape
      R"({"id":"a","x":1.5,"ts":1000,"tail":"\ud800"})", R"({"id":"a\","x":1.5,"ts":1000,"tail":true})",
      "{\"id\":\"\xC3\",\"x\":1.5,\"ts\":1000,\"tail\":true}", "{\"id\":\"\x1f\",\"x\":1.5,\"ts\":1000,\"tail\":true}",
      R"({"id":null,"x":1.5,"ts":1000,"tail":true})",   // a required field
      R"({"id":"a","x":1.5,"ts":null,"tail":true})",    // the event time
      R"({"id":"a","x":"1.5","ts":1000,"tail":true})", R"({"id":"a","x":1.5,"ts":1000.0,"tail":true})",
      R"({"id":"a","x":1.5,"ts":1000,"tail":[]})", R"({"id":"a","x":1.5,"ts":1000,"tail":truth})",
      R"({"id":"a","x":01.5,"ts":1000,"tail":true})", R"({"id":"a","x":1.,"ts":1000,"tail":true})",
      R"({"id":"a","x":1e999,"ts":1000,"tail":true})", R"({"id":"a","x":-,"ts":1000,"tail":true})", "{}", ""};
  for (const std::string& record : surprises) {
    INFO(record);
    CHECK_FALSE(shop.reads(record));
  }
}

TEST_CASE("Arrays, escapes in keys and values within a declared one have no shape") {
  for (const char* record : {R"({"id":"a","ts":1,"list":[1]})", R"({"\u0069d":"a","ts":1})", R"({"id":{"a":1},"ts":1})",
                             R"({"id":"a","ts":1,,})", R"({"id":"a","ts":1} 2)"}) {
    INFO(record);
    CHECK_FALSE(Learned(record).shape);
  }
}

TEST_CASE("Several shapes are known at once; where they rarely fit they rest for a while") {
  const DecodeSpec spec = spec_of({field("id", TypeKind::kString)});
  const JsonFields fields(spec.fields);
  JsonShapes shapes;
  std::vector<StagedField> staged(1);
  std::string scratch;
  const auto record = [](size_t i) { return R"({"id":"a","key)" + std::to_string(i) + R"(":"other"})"; };
  const auto reads = [&](const std::string& text) { return shapes.read(text, scratch, staged); };
  for (size_t i = 0; i < JsonShapes::kKept; ++i) {
    const std::string text = record(i);
    JsonTokens tokens;
    REQUIRE(tokens.index(text) == nullptr);
    CHECK_FALSE(reads(text));
    shapes.learn(text, JsonCursor(text, tokens, false), fields, spec);
  }
  for (size_t i = 0; i < JsonShapes::kKept; ++i) CHECK(reads(record(i)));
  size_t misses = 0;
  while (reads(record(0)) && misses < 10'000) misses += reads(record(99)) ? 0 : 1;
  CHECK(misses < 10'000);
  size_t rested = 1;
  while (!reads(record(0)) && rested < 10'000) ++rested;
  CHECK(rested > 100);
  CHECK(rested < 10'000);
}

TEST_CASE("A decoder that knows shapes says what a fresh one says") {
  Random random(20260101);
  size_t good = 0;
  for (int round = 0; round < 400; ++round) {
    const Skeleton skeleton = random_skeleton(random);
    JsonDecoder used = json_decoder(shop_spec());
    for (int i = 0; i < 60; ++i) {
      std::string record = fill(random, skeleton, i % 3 == 0 ? 20 : 1);
      if (i % 5 == 4) record = edited(random, record);
      JsonDecoder fresh = json_decoder(shop_spec());
      const std::string expected = full_outcome(fresh, record);
      INFO(record);
      REQUIRE(full_outcome(used, record) == expected);
      good += expected.starts_with("ok") ? 1 : 0;
    }
  }
  CHECK(good > 2000);
}

TEST_CASE("What a shape reads of random records is what the full walk finds good") {
  Random random(7);
  size_t read = 0;
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const Skeleton skeleton = random_skeleton(random);
    const std::string first = fill(random, skeleton, 0);
    JsonDecoder judge = json_decoder(shop_spec());
    if (!judge.decode(first).ok()) continue;
    Learned learned(first);
    if (!learned.shape) continue;
    for (int i = 0; i < 20; ++i) {
      std::string record = fill(random, skeleton, 5);
      if (i % 4 == 3) record = edited(random, record);
      JsonDecoder fresh = json_decoder(shop_spec());
      const bool ok = fresh.decode(record).ok();
      const bool accepted = learned.reads(record);
      INFO(record);
      REQUIRE((ok || !accepted));
      (accepted ? read : refused) += 1;
    }
  }
  CHECK(read > 500);
  CHECK(refused > 500);
}

TEST_CASE("A block's masks name the bytes one by one") {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    char bytes[ByteBlock::kBytes];
    char others[ByteBlock::kBytes];
    for (size_t i = 0; i < ByteBlock::kBytes; ++i) {
      bytes[i] = below(random, 3) == 0 ? "\"\\09/:\x1f \x80\xff"[below(random, 11)] : static_cast<char>(random());
      others[i] = below(random, 2) == 0 ? bytes[i] : static_cast<char>(random());
    }
    const ByteBlock block(bytes);
    for (size_t i = 0; i < ByteBlock::kBytes; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      CHECK((block.digits() >> i & 1) == (byte >= '0' && byte <= '9' ? 1U : 0U));
      CHECK((block.string_stops() >> i & 1) == (byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80 ? 1U : 0U));
      CHECK((block.equals(ByteBlock(others)) >> i & 1) == (bytes[i] == others[i] ? 1U : 0U));
    }
  }
}

}  // namespace tidemark
