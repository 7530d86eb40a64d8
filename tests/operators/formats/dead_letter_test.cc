// Dead letters and late records: the original untouched, the headers of the contract, and what happens to large values.
#include "operators/formats/dead_letter.h"

#include <string>

#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr size_t kPlenty = 1 << 20;

std::string header(const OutgoingRecord& record, std::string_view name) {
  std::string found = "(none)";
  for (const OutgoingHeader& h : record.headers) {
    if (h.name == name) found = h.value.value_or("(null)");
  }
  return found;
}

RecordRefusal refusal() {
  RecordRefusal r;
  r.reason = Reason::kMissingField;
  r.error = "field `ts` is missing";
  r.pipeline = "p";
  r.step = "events";
  r.topic = "shop.events";
  r.partition = 3;
  r.offset = 1234567890123;
  return r;
}

RawRecord raw(std::string_view key, std::string_view value) {
  RawRecord r;
  r.key = key;
  r.value = value;
  r.key_is_null = false;
  r.value_is_null = false;
  return r;
}

}  // namespace

TEST_CASE("A dead letter is the original and what happened") {
  const std::string value("\x00\xFF{", 3);
  RawRecord original = raw("k", value);
  original.headers = {{"trace", "\xFF"}, {"trace", std::nullopt}, {"tidemark.reason", "type"}, {"", ""}};
  const auto record = build_dead_letter(original, refusal(), kPlenty);
  CHECK(record.key == "k");
  CHECK(record.value == value);
  REQUIRE(record.headers.size() == 11);
  CHECK(record.headers[0].name == "trace");
  CHECK(record.headers[0].value == "\xFF");
  CHECK(record.headers[1].value == std::nullopt);
  CHECK(record.headers[2].value == "type");
  CHECK(record.headers[3].value == "");
  CHECK(record.headers[4].name == "tidemark.reason");
  CHECK(header(record, "tidemark.reason") == "missing_field");
  CHECK(header(record, "tidemark.error") == "field `ts` is missing");
  CHECK(header(record, "tidemark.pipeline") == "p");
  CHECK(header(record, "tidemark.step") == "events");
  CHECK(header(record, "tidemark.topic") == "shop.events");
  CHECK(header(record, "tidemark.partition") == "3");
  CHECK(header(record, "tidemark.offset") == "1234567890123");
  CHECK(header(record, "tidemark.watermark") == "(none)");
  CHECK(header(record, "tidemark.truncated") == "(none)");
}

TEST_CASE("Null and empty keys and values stay what they are") {
  const auto nulls = build_dead_letter(RawRecord{}, refusal(), kPlenty);
  CHECK_FALSE(nulls.key);
  CHECK_FALSE(nulls.value);
  const auto empty = build_dead_letter(raw("", ""), refusal(), 10);
  CHECK(empty.key == "");
  CHECK(empty.value == "");
}

TEST_CASE("A late record tells the watermark") {
  RecordRefusal late = refusal();
  late.reason = Reason::kLate;
  late.watermark = Time::from_millis(61'500);
  const auto record = build_dead_letter(raw("k", "v"), late, kPlenty);
  CHECK(header(record, "tidemark.reason") == "late");
  CHECK(header(record, "tidemark.watermark") == "1970-01-01T00:01:01.500Z");
}

TEST_CASE("A result that was too large tells its window and has no place") {
  RecordRefusal oversize;
  oversize.reason = Reason::kOversize;
  oversize.window_start = Time{0};
  oversize.window_end = Time::from_millis(60'000);
  const auto record = build_dead_letter(raw("k", "{}"), oversize, kPlenty);
  CHECK(header(record, "tidemark.window_start") == "1970-01-01T00:00:00Z");
  CHECK(header(record, "tidemark.window_end") == "1970-01-01T00:01:00Z");
  for (const char* absent : {"tidemark.topic", "tidemark.partition", "tidemark.offset"}) {
    CHECK(header(record, absent) == "(none)");
  }
}

TEST_CASE("A too large value is cut to the limit and says so") {
  const std::string value(5000, 'v');
  const RawRecord original = raw("key", value);
  const size_t whole = kafka_bytes(build_dead_letter(original, refusal(), kPlenty));
  CHECK(kafka_bytes(build_dead_letter(original, refusal(), whole)) == whole);
  for (size_t limit : {whole - 1, size_t{3000}, size_t{1000}}) {
    const auto record = build_dead_letter(original, refusal(), limit);
    CHECK(kafka_bytes(record) == limit);
    CHECK(header(record, "tidemark.truncated") == "5000");
    CHECK(record.key == "key");
    CHECK(value.starts_with(*record.value));
  }
  const auto hopeless = build_dead_letter(original, refusal(), 10);
  CHECK(hopeless.value == "");
  CHECK(kafka_bytes(hopeless) > 10);
}

TEST_CASE("A long error is cut between characters") {
  std::string error = "x";
  while (error.size() < 4 * kMaxErrorBytes) error += "\xC3\xA5";
  RecordRefusal r = refusal();
  r.error = error;
  const std::string told = header(build_dead_letter(raw("k", "v"), r, kPlenty), "tidemark.error");
  CHECK(told == error.substr(0, kMaxErrorBytes - 1));
}

TEST_CASE("Reasons have the contract's words") {
  const std::pair<Reason, std::string_view> words[] = {
      {Reason::kOversize, "oversize"}, {Reason::kDecode, "decode"},     {Reason::kEventTime, "event_time"},
      {Reason::kFuture, "future"},     {Reason::kMissingField, "missing_field"}, {Reason::kType, "type"},
      {Reason::kExpression, "expression"}, {Reason::kLate, "late"},     {Reason::kIdle, "idle"},
      {Reason::kDedupe, "dedupe"}};
  for (const auto& [reason, word] : words) CHECK(to_string(reason) == word);
}

}  // namespace tidemark
