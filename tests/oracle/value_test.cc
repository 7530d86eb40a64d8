// The oracle's reading and writing of single values, against values worked out by hand.
#include "tests/oracle/value.h"

#include "tests/catch.h"
#include "tests/oracle/accumulate.h"

using namespace tidemark::oracle;

namespace {

std::string reads(FieldType type, const std::string& json) {
  Value value;
  const auto record = parse_json("{\"f\":" + json + "}");
  REQUIRE(record.has_value());
  switch (read_field(*record, Field{"f", type, false, {}}, value)) {
    case Reading::kMissing: return "missing";
    case Reading::kWrongType: return "type";
    case Reading::kValue: return render_value(value);
  }
  return "";
}

}  // namespace

TEST_CASE("types are strict about tokens") {
  CHECK(reads(FieldType::kInt, "7") == "7");
  CHECK(reads(FieldType::kInt, "7.0") == "type");
  CHECK(reads(FieldType::kInt, "9223372036854775808") == "type");
  CHECK(reads(FieldType::kInt, "\"7\"") == "type");
  CHECK(reads(FieldType::kDouble, "7") == "7.0");
  CHECK(reads(FieldType::kDouble, "0.1") == "0.1");
  CHECK(reads(FieldType::kDouble, "1e300") == "1e+300");
  CHECK(reads(FieldType::kString, "7") == "type");
  CHECK(reads(FieldType::kBool, "true") == "true");
  CHECK(reads(FieldType::kBool, "null") == "missing");
  CHECK(reads(FieldType::kBytes, "\"AQI=\"") == "\"AQI=\"");
  CHECK(reads(FieldType::kBytes, "\"AQI\"") == "type");
}

TEST_CASE("timestamps are read in their unit and written with as many digits as needed") {
  CHECK(reads(FieldType::kTimestampMs, "0") == "\"1970-01-01T00:00:00Z\"");
  CHECK(reads(FieldType::kTimestampMs, "1767225600123") == "\"2026-01-01T00:00:00.123Z\"");
  CHECK(reads(FieldType::kTimestampUs, "-1") == "\"1969-12-31T23:59:59.999999Z\"");
  CHECK(reads(FieldType::kTimestampMs, "1.5") == "type");
  CHECK(reads(FieldType::kTimestampS, "-0.0000015") == "\"1969-12-31T23:59:59.999998Z\"");
  CHECK(reads(FieldType::kTimestampIso, "\"2026-01-01T01:00:00.1234567+01:00\"") == "\"2026-01-01T00:00:00.123456Z\"");
  CHECK(reads(FieldType::kTimestampIso, "\"2026-02-29T00:00:00Z\"") == "type");
}

TEST_CASE("a path through something that is no object finds nothing") {
  const auto record = parse_json(R"({"a":{"b":1},"c":5,"a":{"b":2}})");
  Value value;
  CHECK(read_field(*record, Field{"x", FieldType::kInt, false, {"a", "b"}}, value) == Reading::kValue);
  CHECK(value == Value(int64_t{1}));
  CHECK(read_field(*record, Field{"x", FieldType::kInt, false, {"c", "b"}}, value) == Reading::kMissing);
}

TEST_CASE("the reader refuses what is not JSON") {
  for (const char* bad : {"", "{", "{\"a\":}", "{\"a\":01}", "{'a':1}", "{} x", "\xEF\xBB\xBF{}", "\"\xC3\"", "\"\\ud800\"",
                          "{\"a\":1,}", "nul", "1.", "\"a\nb\""}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_json(bad).has_value());
  }
  CHECK(parse_json(std::string(1024, '[') + std::string(1024, ']')).has_value());
  CHECK_FALSE(parse_json(std::string(1025, '[') + std::string(1025, ']')).has_value());
}

TEST_CASE("rendering keeps integers apart from doubles") {
  CHECK(render_json(*parse_json(R"( { "b" : 5.00, "a":[5, "\u00e9\n", null] } )")) ==
        "{\"b\":5.0,\"a\":[5,\"\xC3\xA9\\u000a\",null]}");
}

TEST_CASE("exact sums are rounded once") {
  const auto sum = [](std::initializer_list<double> values) {
    boost::multiprecision::cpp_int units;
    for (const double value : values) units += exact_units(value);
    return round_to_double(units);
  };
  CHECK(sum({1e308, 1.0, -1e308}) == 1.0);
  CHECK(sum({0.1, 0.2, 0.3}) == 0.6);  // left to right it would be 0.6000000000000001
  CHECK(sum({1e16, 1.0, 1.0}) == 1e16 + 2.0);
  CHECK(sum({9007199254740992.0, 1.0}) == 9007199254740992.0);          // a tie, to even
  CHECK(sum({9007199254740992.0, 1.0, 5e-324}) == 9007199254740994.0);  // no tie any more
  CHECK(sum({5e-324, 5e-324}) == 1e-323);
  CHECK(sum({-2.5, 1.0}) == -1.5);
}
