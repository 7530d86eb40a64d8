// Text to value and back, the slow and obvious way: exact decimals for fractional seconds, the calendar from <chrono>.
#include "tests/oracle/value.h"

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace tidemark::oracle {
namespace {

using boost::multiprecision::cpp_int;
using Decimal = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<200>>;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

bool is_integer_token(const std::string& token) { return token.find_first_of(".eE") == std::string::npos; }

std::optional<int64_t> to_int64(const std::string& token) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> scaled(const std::string& token, int64_t scale) {
  if (!is_integer_token(token)) return std::nullopt;
  const cpp_int wide = cpp_int(token) * scale;
  if (wide > std::numeric_limits<int64_t>::max() || wide < std::numeric_limits<int64_t>::min()) return std::nullopt;
  return static_cast<int64_t>(wide);
}

std::optional<int64_t> seconds(const std::string& token) {
  if (is_integer_token(token)) return scaled(token, kSecond);
  const Decimal us = boost::multiprecision::floor(Decimal(token) * kSecond);
  if (us > Decimal(std::numeric_limits<int64_t>::max()) || us < Decimal(std::numeric_limits<int64_t>::min())) {
    return std::nullopt;
  }
  return static_cast<int64_t>(us.convert_to<cpp_int>());
}

std::optional<std::string> base64(const std::string& text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    int pads = 0;
    uint32_t bits = 0;
    for (size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      if (c == '=' && last && (j == 3 || (j == 2 && text[i + 3] == '='))) {
        ++pads;
        bits <<= 6;
        continue;
      }
      const size_t digit = kAlphabet.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      bits = (bits << 6) | static_cast<uint32_t>(digit);
    }
    for (int j = 0; j < 3 - pads; ++j) out += static_cast<char>(bits >> (16 - 8 * j));
  }
  return out;
}

std::string to_base64(const std::string& data) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < data.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = (bits << 8) | (i + j < data.size() ? static_cast<uint8_t>(data[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j <= data.size() || j < 2 ? kAlphabet[(bits >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

// `count` digits at `at`, or -1.
int digits(std::string_view text, size_t at, size_t count) {
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// The zone of an RFC 3339 text as microseconds to take off.
std::optional<int64_t> parse_zone(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const int hours = digits(zone, 1, 2);
  const int minutes = digits(zone, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60 * kSecond;
}

bool number_value(const Json& json, const Field& field, Value& out) {
  std::optional<int64_t> integer;
  switch (field.type) {
    case FieldType::kInt:
      integer = is_integer_token(json.text) ? to_int64(json.text) : std::nullopt;
      if (integer) out = *integer;
      return integer.has_value();
    case FieldType::kDouble:
      out = std::strtod(json.text.c_str(), nullptr);
      return std::isfinite(std::get<double>(out));
    case FieldType::kTimestampS: integer = seconds(json.text); break;
    case FieldType::kTimestampMs: integer = scaled(json.text, 1000); break;
    case FieldType::kTimestampUs: integer = scaled(json.text, 1); break;
    case FieldType::kString:
    case FieldType::kBool:
    case FieldType::kBytes:
    case FieldType::kTimestampIso: return false;
  }
  if (integer) out = Timestamp{*integer};
  return integer.has_value();
}

bool string_value(const Json& json, const Field& field, Value& out) {
  if (field.type == FieldType::kString) {
    out = json.text;
    return true;
  }
  if (field.type == FieldType::kBytes) {
    const auto data = base64(json.text);
    if (data) out = Bytes{*data};
    return data.has_value();
  }
  if (field.type == FieldType::kTimestampIso) {
    const auto us = parse_rfc3339(json.text);
    if (us) out = Timestamp{*us};
    return us.has_value();
  }
  return false;
}

bool scalar_value(const Json& json, const Field& field, Value& out) {
  if (json.kind == Json::Kind::kBool && field.type == FieldType::kBool) {
    out = json.boolean;
    return true;
  }
  if (json.kind == Json::Kind::kNumber) return number_value(json, field, out);
  return json.kind == Json::Kind::kString && string_value(json, field, out);
}

bool list_value(const Json& json, const Field& field, Value& out) {
  if (json.kind != Json::Kind::kArray) return false;
  std::string text;
  for (const Json& item : json.items) {
    Value element;
    if (!scalar_value(item, field, element)) return false;
    text += (text.empty() ? "" : ",") + render_value(element);
  }
  out = Rendered{"[" + text + "]"};
  return true;
}

}  // namespace

std::string rfc3339(int64_t us) {
  using namespace std::chrono;
  const int64_t day = us >= 0 ? us / kDay : -((-(us + 1)) / kDay) - 1;
  const year_month_day date{sys_days{days{day}}};
  const int64_t rest = us - day * kDay;
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(rest / (3600 * kSecond)), static_cast<int>(rest / (60 * kSecond) % 60),
                static_cast<int>(rest / kSecond % 60));
  std::string out = text;
  const int64_t fraction = rest % kSecond;
  if (fraction % 1000 != 0) {
    std::snprintf(text, sizeof text, ".%06d", static_cast<int>(fraction));
    out += text;
  } else if (fraction != 0) {
    std::snprintf(text, sizeof text, ".%03d", static_cast<int>(fraction / 1000));
    out += text;
  }
  return out + "Z";
}

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (text[10] != 'T' && text[10] != 't') return std::nullopt;
  const int y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
  const int h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59) return std::nullopt;
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok()) return std::nullopt;
  size_t at = 19;
  int64_t fraction = 0;
  if (text[at] == '.') {
    const size_t start = ++at;
    for (int64_t unit = kSecond / 10; at < text.size() && digits(text, at, 1) >= 0; ++at, unit /= 10) {
      fraction += unit * digits(text, at, 1);
    }
    if (at == start) return std::nullopt;
  }
  const auto zone = parse_zone(text.substr(at));
  if (!zone) return std::nullopt;
  const int64_t day_number = sys_days{date}.time_since_epoch().count();
  return day_number * kDay + ((h * 60 + mi) * 60 + s) * kSecond + fraction - *zone;
}

std::string render_value(const Value& value) {
  struct Render {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return render_double(v); }
    std::string operator()(const std::string& v) const { return quote_json(v); }
    std::string operator()(const Bytes& v) const { return quote_json(to_base64(v.data)); }
    std::string operator()(Timestamp v) const { return quote_json(rfc3339(v.us)); }
    std::string operator()(const Rendered& v) const { return v.json; }
  };
  return std::visit(Render{}, value);
}

Reading read_field(const Json& record, const Field& field, Value& out) {
  out = std::monostate{};
  const Json* at = &record;
  const std::vector<std::string> plain{field.name};
  for (const std::string& name : field.path.empty() ? plain : field.path) {
    at = at->kind == Json::Kind::kObject ? at->find(name) : nullptr;
    if (at == nullptr) return Reading::kMissing;
  }
  if (at->kind == Json::Kind::kNull) return Reading::kMissing;
  const bool read = field.list ? list_value(*at, field, out) : scalar_value(*at, field, out);
  if (read) return Reading::kValue;
  out = std::monostate{};
  return Reading::kWrongType;
}

Reading read_cell(const std::optional<std::string>& cell, const Field& field, Value& out) {
  out = std::monostate{};
  if (!cell) return Reading::kMissing;
  Json json;
  json.kind = Json::Kind::kString;
  json.text = *cell;
  const bool text = field.type == FieldType::kString || field.type == FieldType::kBytes || field.type == FieldType::kTimestampIso;
  if (!text) {
    const auto parsed = parse_json(*cell);
    const bool blank = cell->find_first_of(" \t\r\n") != std::string::npos;
    if (!parsed || blank || parsed->kind == Json::Kind::kString) return Reading::kWrongType;
    json = *parsed;
  }
  if (!field.list && scalar_value(json, field, out)) return Reading::kValue;
  out = std::monostate{};
  return Reading::kWrongType;
}

}  // namespace tidemark::oracle
