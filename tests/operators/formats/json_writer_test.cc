// What rows and keys look like: exact text for each type, and what comes back when it is read again.
#include "operators/formats/json_writer.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include "operators/formats/json_text.h"
#include "tests/operators/formats/decode_harness.h"

namespace tidemark {
namespace {

// A batch of one row with one column for each push.
struct OneRow {
  Batch batch;
  std::vector<OutputField> fields;

  Column& add(const std::string& name, const Type& type) {
    const auto slot = static_cast<uint32_t>(batch.columns.size());
    fields.push_back({name, type, slot});
    Column& column = batch.columns.emplace_back();
    column.reset(type, 0);
    column.push_null();
    return column;
  }
  OneRow& null(const std::string& name, TypeKind kind) { return add(name, kind), *this; }
  OneRow& integer(const std::string& name, TypeKind kind, int64_t value) {
    Column& c = add(name, kind);
    c.valid[0] = 1;
    if (kind == TypeKind::kBool) {
      c.bools[0] = static_cast<uint8_t>(value);
    } else {
      c.ints[0] = value;
    }
    return *this;
  }
  OneRow& number(const std::string& name, double value) {
    Column& c = add(name, TypeKind::kDouble);
    c.valid[0] = 1;
    c.doubles[0] = value;
    return *this;
  }
  OneRow& text(const std::string& name, const Type& type, std::string_view value) {
    Column& c = add(name, type);
    c.valid[0] = 1;
    c.strings[0] = batch.arena.copy(value);
    return *this;
  }
  std::string row(TimestampFormat timestamps = TimestampFormat::kRfc3339) const {
    std::string out;
    JsonWriter::RecentTimes recent;
    JsonWriter(fields, timestamps).append_row(batch, 0, recent, out);
    return out;
  }
  std::optional<std::string> key() const {
    std::string out;
    if (!KeyWriter(fields).append_key(batch, 0, out)) return std::nullopt;
    return out;
  }
};

std::string of(double value) {
  std::string out;
  append_json_double(value, out);
  return out;
}

}  // namespace

TEST_CASE("A row is a compact object, its fields in order, nulls written out") {
  OneRow r;
  r.text("user", TypeKind::kString, "u\"1").null("city", TypeKind::kString);
  r.integer("n", TypeKind::kInt, -5).integer("u", TypeKind::kUint, -1).number("d", 3);
  r.integer("yes", TypeKind::kBool, 1).integer("no", TypeKind::kBool, 0);
  r.text("raw", TypeKind::kBytes, std::string_view("\0\1", 2)).text("top", Type::list_of(TypeKind::kInt), "[1,2]");
  r.integer("window_end", TypeKind::kTimestamp, 1'767'225'660'000'000);
  r.integer("took", TypeKind::kDuration, 90'000'000'000);
  CHECK(r.row() ==
        R"({"user":"u\"1","city":null,"n":-5,"u":18446744073709551615,"d":3.0,"yes":true,"no":false,"raw":"AAE=",)"
        R"("top":[1,2],"window_end":"2026-01-01T00:01:00Z","took":"90s"})");
  CHECK(OneRow().row() == "{}");
  CHECK(OneRow().integer("a \"\n", TypeKind::kInt, 1).row() == R"({"a \"\n":1})");
}

TEST_CASE("Timestamps in RFC 3339 or in milliseconds") {
  const auto at = [](int64_t us, TimestampFormat format = TimestampFormat::kRfc3339) {
    return OneRow().integer("t", TypeKind::kTimestamp, us).row(format);
  };
  CHECK(at(1'500'000) == R"({"t":"1970-01-01T00:00:01.500Z"})");
  CHECK(at(1'500'001) == R"({"t":"1970-01-01T00:00:01.500001Z"})");
  CHECK(at(1'500'001, TimestampFormat::kMillis) == R"({"t":1500})");
  CHECK(at(-1, TimestampFormat::kMillis) == R"({"t":-1})");
}

TEST_CASE("Doubles: shortest digits, always a point or an exponent") {
  CHECK(of(0) == "0.0");
  CHECK(of(-0.0) == "-0.0");
  CHECK(of(5) == "5.0");
  CHECK(of(0.1) == "0.1");
  CHECK(of(0.1 + 0.2) == "0.30000000000000004");
  CHECK(of(100000) == "100000.0");
  CHECK(of(1e15) == "1000000000000000.0");
  CHECK(of(1e16) == "1e+16");
  CHECK(of(1e22) == "1e+22");
  CHECK(of(0.0001) == "0.0001");
  CHECK(of(0.00001) == "1e-05");
  CHECK(of(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
  CHECK(of(std::numeric_limits<double>::denorm_min()) == "5e-324");
  CHECK(of(NAN) == "null");
  CHECK(of(INFINITY) == "null");
  CHECK(of(-INFINITY) == "null");
}

TEST_CASE("Every double reads back as itself") {
  JsonDecoder decoder = json_decoder(spec_of({field("d", TypeKind::kDouble)}));
  std::mt19937_64 random(11);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    if (round % 2 == 0) value = std::round(std::fmod(value, 1e9)) / 100;
    const std::string text = OneRow().number("d", value).row();
    INFO(text);
    Batch batch;
    decoder.prepare(batch);
    REQUIRE(decoder.decode(text).ok());
    decoder.push(batch);
    CHECK(std::memcmp(&batch.columns[0].doubles[0], &value, sizeof value) == 0);
    CHECK(nlohmann::json::parse(text)["d"].get<double>() == value);
    CHECK(text.find_first_of(".e") != std::string::npos);
  }
}

TEST_CASE("Strings are escaped where JSON requires it and nowhere else") {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all.push_back(static_cast<char>(c));
  all += "\xC3\xA5\xE2\x80\xA8\xF0\x9F\x98\x80";
  std::string out;
  append_json_string(all, out);
  CHECK(nlohmann::json::parse(out).get<std::string>() == all);
  CHECK(out.find("\xC3\xA5\xE2\x80\xA8\xF0\x9F\x98\x80") != std::string::npos);
  CHECK(out.find("\\u0000\\u0001") != std::string::npos);
  CHECK(out.find("\\b\\t\\n\\u000b\\f\\r") != std::string::npos);
  CHECK(out.find('/') != std::string::npos);
  CHECK(out.find("\\/") == std::string::npos);
  CHECK(out.find('\x7f') != std::string::npos);
}

TEST_CASE("Durations in seconds") {
  const auto text = [](int64_t ns) {
    std::string out;
    append_duration_seconds(ns, out);
    return out;
  };
  CHECK(text(0) == "0s");
  CHECK(text(90'000'000'000) == "90s");
  CHECK(text(1'500'000'000) == "1.5s");
  CHECK(text(-500'000'000) == "-0.5s");
  CHECK(text(1) == "0.000000001s");
  CHECK(text(std::numeric_limits<int64_t>::min()) == "-9223372036.854775808s");
}

TEST_CASE("Keys: a single string is its bytes, anything else is compact JSON") {
  CHECK(OneRow().key() == std::nullopt);
  CHECK(OneRow().text("k", TypeKind::kString, "g\xC3\xB6\"").key() == "g\xC3\xB6\"");
  CHECK(OneRow().text("k", TypeKind::kString, "").key() == "");
  CHECK(OneRow().null("k", TypeKind::kString).key() == std::nullopt);
  CHECK(OneRow().null("k", TypeKind::kInt).key() == std::nullopt);
  CHECK(OneRow().integer("k", TypeKind::kInt, 42).key() == "42");
  CHECK(OneRow().integer("k", TypeKind::kBool, 1).key() == "true");
  CHECK(OneRow().number("k", 3).key() == "3.0");
  CHECK(OneRow().integer("k", TypeKind::kTimestamp, 0).key() == R"("1970-01-01T00:00:00Z")");
  CHECK(OneRow().text("k", TypeKind::kBytes, "foo").key() == R"("Zm9v")");
  CHECK(OneRow().text("a", TypeKind::kString, "x\xC3\xA5").integer("b", TypeKind::kInt, 1).key() ==
        "[\"x\xC3\xA5\",1]");
  CHECK(OneRow().null("a", TypeKind::kString).text("b", TypeKind::kString, "x").key() == R"([null,"x"])");
  CHECK(OneRow().null("a", TypeKind::kString).null("b", TypeKind::kString).key() == "[null,null]");
}

TEST_CASE("times that rows have in common are rendered once, each for its field") {
  Batch batch;
  batch.rows = 5;
  batch.columns.resize(2);
  const int64_t kTimes[2][5] = {{0, 0, 1'000, 0, 0}, {1'000, 0, 0, 0, 0}};
  std::vector<OutputField> fields;
  for (uint32_t slot = 0; slot < 2; ++slot) {
    Column& column = batch.columns[slot];
    column.reset(TypeKind::kTimestamp, batch.rows);
    for (uint32_t row = 0; row < batch.rows; ++row) column.ints[row] = kTimes[slot][row], column.valid[row] = row != 3;
    fields.push_back({slot == 0 ? "a" : "b", TypeKind::kTimestamp, slot});
  }
  for (const bool millis : {false, true}) {
    const JsonWriter writer(fields, millis ? TimestampFormat::kMillis : TimestampFormat::kRfc3339);
    JsonWriter::RecentTimes recent;
    std::string out;
    for (uint32_t row = 0; row < batch.rows; ++row) writer.append_row(batch, row, recent, out);
    const std::string zero = millis ? "0" : R"("1970-01-01T00:00:00Z")";
    const std::string one = millis ? "1" : R"("1970-01-01T00:00:00.001Z")";
    const auto row = [](const std::string& a, const std::string& b) { return R"({"a":)" + a + R"(,"b":)" + b + "}"; };
    CHECK(out == row(zero, one) + row(zero, zero) + row(one, zero) + row("null", "null") + row(zero, zero));
  }
}

}  // namespace tidemark
