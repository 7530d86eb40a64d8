// What the contract says about JSON in, line by line: which records are good, what they become, and else which reason.
#include "operators/formats/json_decoder.h"

#include <string>
#include <vector>

#include "tests/operators/formats/decode_harness.h"

namespace tidemark {
namespace {

struct Case {
  std::string record;
  std::string expected;
};

void check(DecodeSpec spec, const std::vector<Case>& cases) {
  JsonDecoder decoder = json_decoder(std::move(spec));
  for (const Case& c : cases) {
    INFO(c.record.substr(0, 200));
    CHECK(outcome(decoder, c.record) == c.expected);
  }
}

DecodeSpec one(Type type) { return spec_of({field("a", std::move(type))}); }

std::string nested(size_t levels, char open, char close) {
  return std::string(levels, open) + std::string(levels, close);
}

}  // namespace

TEST_CASE("A record is one JSON object and nothing else") {
  check(one(TypeKind::kInt), {
      {R"({"a":1})", "ok 1"},
      {" \t\r\n{ \"a\" :\n1 } \r\n", "ok 1"},
      {"", "decode"},
      {"   ", "decode"},
      {"null", "decode"},
      {"1", "decode"},
      {R"("a")", "decode"},
      {"[]", "decode"},
      {R"([{"a":1}])", "decode"},
      {"{", "decode"},
      {"}", "decode"},
      {"{}", "missing_field"},
      {"{ }", "missing_field"},
      {R"({"a":1)", "decode"},
      {R"({"a":1]})", "decode"},
      {R"({"a":1]", )", "decode"},
      {R"({"a":1}})", "decode"},
      {R"({"a":1}{})", "decode"},
      {R"({"a":1} {"a":2})", "decode"},
      {R"({"a":1} x)", "decode"},
      {R"({"a":1} x})", "decode"},
      {R"({"a":1},)", "decode"},
      {R"({"b":1}{"a":1})", "decode"},
      {R"({,"a":1})", "decode"},
      {R"({"a" 1})", "decode"},
      {R"({"a"::1})", "decode"},
      {R"({"a":})", "decode"},
      {R"({"a":,})", "decode"},
      {R"({"a"})", "decode"},
      {R"({a:1})", "decode"},
      {R"({1:1})", "decode"},
      {R"({'a':1})", "decode"},
      {R"({"a":1 2})", "decode"},
      {R"({"a":1,})", "ok 1"},  // what lies behind the last declared field is not judged
      {"{\"a\":1}\x0b", "decode"},
      {"{\"a\":1}\0", "ok 1"},  // the literal ends at the NUL
      {std::string("{\"a\":1}\0", 8), "decode"},
      {std::string("{\"a\":\0", 6) + "1}", "decode"},
  });
}

TEST_CASE("Encoding is judged in the whole record") {
  check(one(TypeKind::kInt), {
      {"\xEF\xBB\xBF{\"a\":1}", "decode"},
      {"{\"a\":1}\xEF\xBB\xBF", "decode"},
      {"{\"x\":\"\xFF\",\"a\":1}", "decode"},
      {"{\"a\":1,\"x\":\"\xFF\"}", "decode"},
      {"{\"a\":1,\"x\":\"\xC3\"}", "decode"},
      {"{\"a\":1,\"x\":\"\xC0\x80\"}", "decode"},        // overlong
      {"{\"a\":1,\"x\":\"\xED\xA0\x80\"}", "decode"},    // a surrogate
      {"{\"a\":1,\"x\":\"\xF4\x90\x80\x80\"}", "decode"},  // beyond U+10FFFF
      {"{\"a\":1,\"x\":\"\xF0\x9F\x98\x80 \xC3\xA5\"}", "ok 1"},
      {std::string("{\0\"\0a\0", 6), "decode"},
  });
}

TEST_CASE("Everything up to the last declared field is judged, what lies behind is not") {
  check(spec_of({field("a", TypeKind::kInt), field("b", TypeKind::kInt)}), {
      {R"({"x":[1,,2],"a":1,"b":2})", "decode"},
      {R"({"x":tru,"a":1,"b":2})", "decode"},
      {R"({"x":nul,"a":1,"b":2})", "decode"},
      {R"({"x":nulll,"a":1,"b":2})", "decode"},
      {R"({"x":01,"a":1,"b":2})", "decode"},
      {R"({"x":{"y" 1},"a":1,"b":2})", "decode"},
      {R"({"x":{"y":1,},"a":1,"b":2})", "decode"},
      {R"({"x":{,},"a":1,"b":2})", "decode"},
      {R"({"x":[1},"a":1,"b":2})", "decode"},
      {R"({"x":[1,],"a":1,"b":2})", "decode"},
      {R"({"x":[[[]]],"y":{"z":{}},"a":1,"b":2})", "ok 1|2"},
      {R"({"x":[{"y":[1,"s",null,true,false,-0.5e+3]},[]],"a":1,"b":2})", "ok 1|2"},
      {R"({"x":"\q","a":1,"b":2})", "decode"},
      {R"({"\q":1,"a":1,"b":2})", "decode"},
      {R"({"x":{"\q":1},"a":1,"b":2})", "decode"},
      {R"({"x":"\ud800","a":1,"b":2})", "decode"},
      {R"({"a":1,"x":tru,"b":2})", "decode"},
      {R"({"a":"wrong","x":tru,"b":2})", "decode"},
      {R"({"a":1,"b":2,"x":tru})", "ok 1|2"},
      {R"({"a":1,"b":2,"x":[1,,2],"y":01})", "ok 1|2"},
      {R"({"a":1,"b":2,"x":[}})", "ok 1|2"},
      {R"({"a":1,"b":2]})", "decode"},
      {R"({"a":1,"b":2,"x":[})", "decode"},
      {R"({"a":1,"b":2}})", "decode"},
      {R"({"a":1,"b":2,"x":"})", "decode"},
      {R"({"a":1,"x":tru})", "decode"},  // `b` never comes, so all is judged
  });
  check(spec_of({}), {{"{}", "ok "}, {R"({"x":tru})", "ok "}, {"{}}", "decode"}, {"[]", "decode"}});
}

TEST_CASE("At most 1,024 levels, wherever they are") {
  check(one(TypeKind::kInt), {
      {R"({"a":1,"x":)" + nested(1023, '[', ']') + "}", "ok 1"},
      {R"({"a":1,"x":)" + nested(1024, '[', ']') + "}", "decode"},
      {R"({"x":)" + nested(1023, '[', ']') + R"(,"a":1})", "ok 1"},
      {R"({"x":)" + nested(1024, '[', ']') + R"(,"a":1})", "decode"},
      {R"({"a":)" + nested(1023, '[', ']') + "}", "type"},
      {R"({"a":)" + nested(1024, '[', ']') + "}", "decode"},
      {R"({"a":)" + nested(200000, '[', ']') + "}", "decode"},
      {std::string(200000, '{') + "}", "decode"},
  });
}

TEST_CASE("Of duplicate keys the first counts, on every level") {
  check(spec_of({field("a", TypeKind::kInt), field("city", TypeKind::kString, true, {"address", "city"})}), {
      {R"({"a":1,"a":2,"address":{"city":"x"}})", "ok 1|x"},
      {R"({"a":"x","a":2})", "type"},
      {R"({"a":null,"a":2})", "missing_field"},
      {R"({"a":1,"address":{"city":"x","city":"y"}})", "ok 1|x"},
      {R"({"a":1,"address":{"zip":1},"address":{"city":"y"}})", "ok 1|null"},
      {R"({"a":1,"address":7,"address":{"city":"y"}})", "ok 1|null"},
      {R"({"a":1,"address":null,"address":{"city":"y"}})", "ok 1|null"},
      {R"({"\u0061":1,"a":2})", "ok 1|null"},
  });
}

TEST_CASE("Keys are compared with their escapes undone") {
  check(spec_of({field("event", TypeKind::kInt), field("tab", TypeKind::kInt, true, {"a\tb"}),
                 field("slash", TypeKind::kInt, true, {"a\\tb"}), field("quote", TypeKind::kInt, true, {"\""}),
                 field("empty", TypeKind::kInt, true, {""}),
                 field("smile", TypeKind::kInt, true, {"\xF0\x9F\x98\x80"})}),
        {
            {R"({"ev\u0065nt":1})", "ok 1|null|null|null|null|null"},
            {R"({"event":1,"a\tb":2})", "ok 1|2|null|null|null|null"},
            {R"({"event":1,"a\\tb":2})", "ok 1|null|2|null|null|null"},
            {R"({"event":1,"\"":2,"":3})", "ok 1|null|null|2|3|null"},
            {R"({"event":1,"\uD83D\uDE00":4})", "ok 1|null|null|null|null|4"},
            {"{\"event\":1,\"\xF0\x9F\x98\x80\":4}", "ok 1|null|null|null|null|4"},
            {R"({"Event":1})", "missing_field"},
            {R"({"even":1})", "missing_field"},
            {R"({"events":1})", "missing_field"},
        });
}

TEST_CASE("A path through something that is no object finds nothing") {
  check(spec_of({field("x", TypeKind::kString, true, {"a", "b", "c"}),
                 field("y", TypeKind::kInt, false, {"a", "n"})}), {
      {R"({"a":{"b":{"c":"x"},"n":1}})", "ok x|1"},
      {R"({"a":{"n":1,"b":{"c":"x"}}})", "ok x|1"},
      {R"({"a":{"n":1,"b":[{"c":"x"}]}})", "ok null|1"},
      {R"({"a":{"n":1,"b":"c"}})", "ok null|1"},
      {R"({"a":{"n":1,"b":null}})", "ok null|1"},
      {R"({"a":{"n":1,"b":{}}})", "ok null|1"},
      {R"({"a":[1]})", "missing_field"},
      {R"({"a":null})", "missing_field"},
      {R"({"a":"x"})", "missing_field"},
      {R"({"a.b.c":"x","n":1})", "missing_field"},
      {R"({"a":{"n":1,"b":{"c":5}}})", "type"},
      {R"({"n":5,"b":{"c":"q"},"a":{"n":1}})", "ok null|1"},
  });
  check(spec_of({field("whole", TypeKind::kString, true, {"a"}), field("part", TypeKind::kInt, true, {"a", "b"})}), {
      {R"({"a":"s"})", "ok s|null"},
      {R"({"a":{"b":1}})", "type"},
  });
  check(spec_of({field("p", TypeKind::kInt, false, {"t"}), field("q", TypeKind::kDouble, false, {"t"})}), {
      {R"({"t":3})", "ok 3|3.0"},
      {R"({"t":3.5})", "type"},
  });
}

TEST_CASE("Ints take integer tokens in range only") {
  check(one(TypeKind::kInt), {
      {R"({"a":0})", "ok 0"},
      {R"({"a":-0})", "ok 0"},
      {R"({"a":9223372036854775807})", "ok 9223372036854775807"},
      {R"({"a":-9223372036854775808})", "ok -9223372036854775808"},
      {R"({"a":9223372036854775808})", "type"},
      {R"({"a":-9223372036854775809})", "type"},
      {R"({"a":18446744073709551616})", "type"},
      {R"({"a":123456789012345678901234567890})", "type"},
      {R"({"a":1.0})", "type"},
      {R"({"a":1e3})", "type"},
      {R"({"a":"1"})", "type"},
      {R"({"a":true})", "type"},
      {R"({"a":[1]})", "type"},
      {R"({"a":{"a":1}})", "type"},
      {R"({"a":null})", "missing_field"},
      {R"({"a":01})", "decode"},
      {R"({"a":-})", "decode"},
      {R"({"a":+1})", "decode"},
      {R"({"a":.5})", "decode"},
      {R"({"a":1.})", "decode"},
      {R"({"a":1.e3})", "decode"},
      {R"({"a":1e})", "decode"},
      {R"({"a":1e+})", "decode"},
      {R"({"a":0x1})", "decode"},
      {R"({"a":1a})", "decode"},
      {R"({"a":1-})", "decode"},
      {R"({"a":NaN})", "decode"},
      {R"({"a":Infinity})", "decode"},
      {"{\"a\":1\x0b}", "decode"},
      {"{\"a\":1\x0c}", "decode"},
  });
}

TEST_CASE("Doubles take integer and fractional tokens") {
  check(one(TypeKind::kDouble), {
      {R"({"a":1})", "ok 1.0"},
      {R"({"a":-0})", "ok -0.0"},
      {R"({"a":-0.0})", "ok -0.0"},
      {R"({"a":0.1})", "ok 0.1"},
      {R"({"a":1E3})", "ok 1000.0"},
      {R"({"a":1.5e-3})", "ok 0.0015"},
      {R"({"a":9007199254740993})", "ok 9007199254740992.0"},
      {R"({"a":9007199254740993.0000000000000000000001})", "ok 9007199254740994.0"},
      {R"({"a":123456789012345678901234567890})", "ok 1.2345678901234568e+29"},
      {R"({"a":1.7976931348623157e308})", "ok 1.7976931348623157e+308"},
      {R"({"a":1.7976931348623159e308})", "type"},
      {R"({"a":1e309})", "type"},
      {R"({"a":1e999999999999999999999})", "type"},
      {R"({"a":-1e999999999999999999999})", "type"},
      {R"({"a":1e-999999999999999999999})", "ok 0.0"},
      {R"({"a":-1e-999})", "ok -0.0"},
      {R"({"a":0e999999999999999999999})", "ok 0.0"},
      {R"({"a":5e-324})", "ok 5e-324"},
      {R"({"a":2e-324})", "ok 0.0"},
      {R"({"a":3e-324})", "ok 5e-324"},
      {R"({"a":2.2250738585072011e-308})", "ok 2.225073858507201e-308"},
      {R"({"a":0.)" + std::string(400, '0') + R"(1e401})", "ok 1.0"},
      {R"({"a":1)" + std::string(400, '0') + R"(e-400})", "ok 1.0"},
      {R"({"a":"1.5"})", "type"},
      {R"({"a":false})", "type"},
  });
}

TEST_CASE("Strings, bytes and bools are strict") {
  check(one(TypeKind::kString), {
      {R"({"a":"x"})", "ok x"},
      {R"({"a":""})", "ok "},
      {R"({"a":"\"\\\/\b\f\n\r\t\u0041\u00e5\u20ac\ud83d\ude00"})",
       "ok \"\\/\b\f\n\r\tA\xC3\xA5\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {R"({"a":" x "  })", "ok  x "},
      {R"({"a":"\\"})", "ok \\"},
      {R"({"a":"\u0000"})", "ok " + std::string(1, '\0')},
      {R"({"a":"\ud800"})", "decode"},
      {R"({"a":"\udc00"})", "decode"},
      {R"({"a":"\ud800\u0041"})", "decode"},
      {R"({"a":"\ud800x"})", "decode"},
      {R"({"a":"\u12"})", "decode"},
      {R"({"a":"\u12G4"})", "decode"},
      {R"({"a":"\U0041"})", "decode"},
      {R"({"a":"\x41"})", "decode"},
      {"{\"a\":\"\n\"}", "decode"},
      {"{\"a\":\"\x01\"}", "decode"},
      {"{\"a\":\"\x7f\"}", "ok \x7f"},
      {R"({"a":"x"y})", "decode"},
      {R"({"a":"x""y"})", "decode"},
      {R"({"a":1})", "type"},
      {R"({"a":true})", "type"},
      {R"({"a":{}})", "type"},
  });
  check(one(TypeKind::kBytes), {
      {R"({"a":""})", "ok "},
      {R"({"a":"AAE="})", "ok " + std::string("\0\1", 2)},
      {R"({"a":"AA\u0045="})", "ok " + std::string("\0\1", 2)},
      {R"({"a":"ab\/+"})", "ok \x69\xbf\xfe"},
      {R"({"a":"AAE"})", "type"},
      {R"({"a":"AAF="})", "type"},
      {R"({"a":"AA_-"})", "type"},
      {R"({"a":"AA =" })", "type"},
      {R"({"a":1})", "type"},
      {R"({"a":"\q"})", "decode"},
  });
  check(one(TypeKind::kBool), {
      {R"({"a":true})", "ok true"},
      {R"({"a":false})", "ok false"},
      {R"({"a": false })", "ok false"},
      {R"({"a":0})", "type"},
      {R"({"a":"true"})", "type"},
      {R"({"a":True})", "decode"},
      {R"({"a":tru})", "decode"},
      {R"({"a":truee})", "decode"},
      {R"({"a":fals})", "decode"},
      {R"({"a":null})", "missing_field"},
      {R"({"a":nul})", "decode"},
  });
}

TEST_CASE("Timestamps in their four units") {
  check(spec_of({time_field("a", TimestampUnit::kMillis)}), {
      {R"({"a":1767225600000})", "ok 1767225600000000"},
      {R"({"a":-1})", "ok -1000"},
      {R"({"a":1.0})", "type"},
      {R"({"a":1e3})", "type"},
      {R"({"a":9223372036854775})", "ok 9223372036854775000"},
      {R"({"a":9223372036854776})", "type"},
      {R"({"a":"2026-01-01T00:00:00Z"})", "type"},
  });
  check(spec_of({time_field("a", TimestampUnit::kMicros)}), {
      {R"({"a":1767225600000001})", "ok 1767225600000001"},
      {R"({"a":0.5})", "type"},
      {R"({"a":9223372036854775808})", "type"},
  });
  check(spec_of({time_field("a", TimestampUnit::kSeconds)}), {
      {R"({"a":1767225600})", "ok 1767225600000000"},
      {R"({"a":1767225600.25})", "ok 1767225600250000"},
      {R"({"a":1.0000019})", "ok 1000001"},
      {R"({"a":-1.0000019})", "ok -1000002"},
      {R"({"a":-0.0000001})", "ok -1"},
      {R"({"a":-0.0})", "ok 0"},
      {R"({"a":0.0000009})", "ok 0"},
      {R"({"a":-1.5})", "ok -1500000"},
      {R"({"a":1.7672256e9})", "ok 1767225600000000"},
      {R"({"a":1767225600.999999999999999999999999999})", "ok 1767225600999999"},
      {R"({"a":17672256000000000000000000000000e-22})", "ok 1767225600000000"},
      {R"({"a":9223372036854.775807})", "ok 9223372036854775807"},
      {R"({"a":9223372036854.7758079})", "ok 9223372036854775807"},
      {R"({"a":9223372036854.775808})", "type"},
      {R"({"a":-9223372036854.775808})", "ok -9223372036854775808"},
      {R"({"a":-9223372036854.7758081})", "type"},
      {R"({"a":9223372036855})", "type"},
      {R"({"a":1e999999999999})", "type"},
      {R"({"a":1e-999999999999})", "ok 0"},
      {R"({"a":-1e-999999999999})", "ok -1"},
      {R"({"a":"1"})", "type"},
  });
  check(spec_of({time_field("a", TimestampUnit::kIso)}), {
      {R"({"a":"2026-01-01T00:00:00Z"})", "ok 1767225600000000"},
      {R"({"a":"2026-01-01T01:00:00.1234569+01:00"})", "ok 1767225600123456"},
      {R"({"a":"1969-12-31T23:59:59.9999999Z"})", "ok -1"},
      {R"({"a":"2026-01-01T00:00:00\u005a"})", "ok 1767225600000000"},
      {R"({"a":"2026-01-01"})", "type"},
      {R"({"a":"2026-02-30T00:00:00Z"})", "type"},
      {R"({"a":""})", "type"},
      {R"({"a":1767225600})", "type"},
  });
}

TEST_CASE("Lists become compact JSON of their type") {
  check(one(Type::list_of(TypeKind::kInt)), {
      {R"({"a":[]})", "ok []"},
      {R"({"a":[ 1 , -2,3 ]})", "ok [1,-2,3]"},
      {R"({"a":[1.0]})", "type"},
      {R"({"a":[null]})", "type"},
      {R"({"a":[[1]]})", "type"},
      {R"({"a":1})", "type"},
      {R"({"a":{}})", "type"},
      {R"({"a":null})", "missing_field"},
      {R"({"a":[1,]})", "decode"},
      {R"({"a":["x",tru]})", "decode"},
  });
  check(one(Type::list_of(Type::list_of(TypeKind::kString))), {
      {R"({"a":[["x","\u0041\n"],[]]})", R"(ok [["x","A\n"],[]])"},
      {R"({"a":["x"]})", "type"},
  });
  check(one(Type::list_of(TypeKind::kDouble)), {{R"({"a":[1,2.50]})", "ok [1.0,2.5]"}});
  check(one(Type::list_of(TypeKind::kBytes)), {{R"({"a":["AAE="]})", R"(ok ["AAE="])"}, {R"({"a":["A"]})", "type"}});
  check(one(Type::list_of(TypeKind::kTimestamp)), {{R"({"a":[1500,0]})", R"(ok ["1970-01-01T00:00:01.500Z","1970-01-01T00:00:00Z"])"},
                                                   {R"({"a":["1970-01-01T00:00:00Z"]})", "type"}});
  check(one(Type::list_of(TypeKind::kBool)), {{R"({"a":[true,false]})", "ok [true,false]"}});
}

TEST_CASE("The reason told is the first that applies") {
  const auto spec = [] {
    return spec_of({field("need", TypeKind::kInt), field("opt", TypeKind::kString, true),
                    time_field("ts", TimestampUnit::kMillis)}, 2);
  };
  check(spec(), {
      {R"({"need":1,"opt":"x","ts":5})", "ok 1|x|5000"},
      {R"({"need":1,"opt":null,"ts":5})", "ok 1|null|5000"},
      {R"({"need":1,"ts":5})", "ok 1|null|5000"},
      {R"({"need":1,"opt":"x"})", "event_time"},
      {R"({"need":1,"opt":"x","ts":null})", "event_time"},
      {R"({"need":1,"opt":"x","ts":"5"})", "event_time"},
      {R"({"need":1,"opt":"x","ts":5.5})", "event_time"},
      {R"({"ts":"x"})", "event_time"},
      {R"({"opt":1,"ts":5})", "missing_field"},
      {R"({"need":null,"opt":1,"ts":5})", "missing_field"},
      {R"({"opt":1,"need":1,"ts":5})", "type"},
      {R"({"need":1,"opt":"x","x":tru,"ts":"wrong"})", "decode"},
      {R"({"ts":"wrong","need":tru})", "decode"},
  });
  JsonDecoder decoder = json_decoder(spec());
  const auto missing = decoder.decode(R"({"ts":7})");
  CHECK(missing.reason == Reason::kMissingField);
  CHECK(missing.event_time == Time::from_millis(7));
  CHECK(decoder.message() == "field `need` is missing");
  const auto type = decoder.decode(R"({"ts":8,"need":"x"})");
  CHECK(type.reason == Reason::kType);
  CHECK(type.event_time == Time::from_millis(8));
  CHECK(decoder.message() == "field `need` is a string, not int");
  CHECK_FALSE(decoder.decode(R"({"ts":"8","need":1})").event_time);
  CHECK(decoder.message() == "event time: field `ts` is a string, not timestamp(ms)");
  CHECK_FALSE(decoder.decode(R"({"ts":8,"need":tru})").event_time);
  CHECK(decoder.message() == "not JSON at byte 15: expected a JSON value");
}

TEST_CASE("A nullable event time must be there all the same") {
  check(spec_of({time_field("ts", TimestampUnit::kIso, true)}, 0), {
      {R"({"ts":"2026-01-01T00:00:00Z"})", "ok 1767225600000000"},
      {R"({"ts":null})", "event_time"},
      {"{}", "event_time"},
  });
}

TEST_CASE("Fields without a slot are judged and become no column") {
  DecodeSpec spec{.fields = {field("a", TypeKind::kInt), field("b", TypeKind::kString)}, .event_time = std::nullopt};
  spec.fields[1].slot = 2;
  JsonDecoder decoder = json_decoder(spec);
  Batch batch;
  decoder.prepare(batch);
  REQUIRE(batch.columns.size() == 3);
  CHECK(decoder.decode(R"({"a":"x","b":"y"})").reason == Reason::kType);
  CHECK(batch.columns[2].valid.empty());
  std::string record = R"({"a":1,"b":"y"})";
  REQUIRE(decoder.decode(record).ok());
  decoder.push(batch);
  record.assign(record.size(), '#');
  CHECK(batch.columns[0].valid.empty());
  REQUIRE(batch.columns[2].valid.size() == 1);
  CHECK(batch.columns[2].strings[0] == "y");  // copied into the arena
}

TEST_CASE("Types without a JSON form, and event times that are none, are refused") {
  for (const Type& type : {Type(TypeKind::kUint), Type(TypeKind::kDuration), Type(TypeKind::kMap), Type(TypeKind::kDyn),
                           Type::list_of(TypeKind::kDuration), Type::list_of(TypeKind::kMap)}) {
    const auto decoder = JsonDecoder::create(one(type));
    REQUIRE_FALSE(decoder);
    CHECK(decoder.error().fault == Fault::kUser);
  }
  CHECK_FALSE(JsonDecoder::create(spec_of({field("a", TypeKind::kInt)}, 0)));
}

TEST_CASE("Formats are found by their word") {
  CHECK(Decoder::create("json", one(TypeKind::kInt)));
  CHECK(Decoder::create("raw", one(TypeKind::kBytes)));
  CHECK(Decoder::create("csv", one(TypeKind::kBytes)));
  for (const char* word : {"avro", "protobuf", "xml"}) {
    const auto decoder = Decoder::create(word, one(TypeKind::kBytes));
    REQUIRE_FALSE(decoder);
    CHECK(decoder.error().message.find(word) != std::string::npos);
  }
}

}  // namespace tidemark
