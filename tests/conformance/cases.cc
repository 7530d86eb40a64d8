// Each case is tried with types checked first, and without only where that did not do.
#include "tests/conformance/cases.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "operators/expr/expr.h"
#include "operators/expr/program.h"
#include "operators/expr/value_json.h"
#include "operators/expr/variables.h"

namespace tidemark::expr {
namespace {

using Json = nlohmann::json;

// Values in the file are {"kind": payload}.
Value to_value(const Json& json, Arena& arena) {
  const std::string& kind = json.begin().key();
  const Json& payload = json.begin().value();
  const auto text = [&] { return payload.is_string() ? payload.get<std::string>() : std::string(); };
  if (kind == "null") return {};
  if (kind == "bool") return Value::of_bool(payload.get<bool>());
  if (kind == "int") return Value::of_int(std::stoll(text()));
  if (kind == "uint") return Value::of_uint(std::stoull(text()));
  if (kind == "double") return Value::of_double(std::stod(text()));
  if (kind == "string") return Value::of_string(arena.copy(text()));
  if (kind == "type") return Value::of_text(Kind::kType, arena.copy(text()));
  if (kind == "duration") return Value::of_duration(std::stoll(text()));
  if (kind == "timestamp") {
    const Nanos seconds = std::stoll(payload[0].get<std::string>());
    return Value::of_timestamp(seconds * 1'000'000'000 + payload[1].get<int64_t>());
  }
  if (kind == "bytes") {
    std::string bytes;
    CHECK_OR_DIE(read_base64(text(), bytes), "the file holds base64");
    return Value::of_text(Kind::kBytes, arena.copy(bytes));
  }
  if (kind == "list") {
    const auto list = allocate<Value>(arena, payload.size());
    for (size_t i = 0; i < list.size(); ++i) list[i] = to_value(payload[i], arena);
    return Value::of_list(list);
  }
  CHECK_OR_DIE(kind == "map", "the file holds no other kinds");
  const auto entries = allocate<Entry>(arena, payload.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i] = {to_value(payload[i][0], arena), to_value(payload[i][1], arena)};
  }
  return make_map(arena, entries);
}

// The shape that `text` writes from `at` on, as to_string() would.
Shape to_shape(const std::string& text, size_t& at) {
  const size_t end = text.find_first_of("<>,", at);
  const std::string name = text.substr(at, end == std::string::npos ? end : end - at);
  at += name.size();
  if (name == "list" || name == "optional" || name == "map") {
    Shape first = to_shape(text, ++at);
    if (name == "map") {
      at += 2;  // ", "
      Shape second = to_shape(text, at);
      ++at;
      return Shape::map_of(std::move(first), std::move(second));
    }
    ++at;
    return name == "list" ? Shape::list_of(std::move(first)) : Shape::optional_of(std::move(first));
  }
  if (name == "dyn") return Kind::kDyn;
  if (name == "null") return Kind::kNull;
  if (name == "timestamp") return Kind::kTimestamp;
  if (name == "duration") return Kind::kDuration;
  const auto kind = kind_named(name);
  CHECK_OR_DIE(kind.has_value(), "the file names types that exist");
  return *kind;
}

// The very same value: kinds, signs of zeros and NaN included; maps in any order.
bool identical(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Kind::kDouble) {
    const double x = a.as_double();
    const double y = b.as_double();
    return (std::isnan(x) && std::isnan(y)) || (x == y && std::signbit(x) == std::signbit(y));
  }
  if (a.kind() == Kind::kList) return std::ranges::equal(a.list(), b.list(), identical);
  if (a.kind() != Kind::kMap) return equal(a, b);
  return a.map().entries.size() == b.map().entries.size() &&
         std::ranges::all_of(a.map().entries, [&](const Entry& entry) {
           const Value* other = b.map().find(entry.key);
           return other != nullptr && identical(entry.value, *other);
         });
}

std::string shown(const Value& value) {
  std::string text;
  append_json(value, text);
  return fmt::format("{} {}", value.is_error() ? "error" : type_name(value.kind()), text);
}

void declare(const Json& json, Variables& variables) {
  if (!json.contains("variables")) return;
  for (const auto& [name, variable] : json["variables"].items()) {
    size_t at = 0;
    const Shape shape = to_shape(variable["type"].get<std::string>(), at);
    const Value value = variable.contains("value") ? to_value(variable["value"], variables.arena()) : Value();
    variables.add(name, shape, value);
  }
}

// What is wrong, or nothing.
std::optional<std::string> judge(const Json& json, bool dynamic) {
  const bool wants_error = json.contains("error");
  const auto ast = parse(json["expr"].get<std::string>());
  if (!ast) return wants_error ? std::nullopt : std::optional("does not parse: " + ast.error()[0].message);
  Variables variables;
  declare(json, variables);
  const auto checked = check(*ast, variables.scope(), {dynamic, json.value("container", "")});
  if (!checked) {
    // Where the types were not to be checked, it is evaluation that must fail.
    if (wants_error && !json.value("disable_check", false)) return std::nullopt;
    return "refused: " + checked.error()[0].message;
  }
  if (json.contains("type") && to_string(checked->root.shape) != json["type"].get<std::string>()) {
    return fmt::format("is of type {}, not {}", to_string(checked->root.shape), json["type"].get<std::string>());
  }
  if (json.value("check_only", false) || (json.contains("type") && !json.contains("value"))) return std::nullopt;
  Arena arena;
  const Value got = variables.evaluate(checked->root, arena);
  if (wants_error) return got.is_error() ? std::nullopt : std::optional("is " + shown(got) + ", not an error");
  const Value wanted = to_value(json["value"], arena);
  if (identical(got, wanted)) return std::nullopt;
  return fmt::format("is {}, not {}", shown(got), shown(wanted));
}

CaseResult run_case(const Json& json) {
  const std::string name = json["section"].get<std::string>() + "/" + json["name"].get<std::string>();
  CaseResult result{json["file"], name, Verdict::kChecked, {}};
  if (json.contains("left_out")) {
    result.verdict = Verdict::kLeftOut;
    result.detail = json["left_out"];
    return result;
  }
  const auto wrong = judge(json, false);
  if (!wrong) return result;
  result.verdict = judge(json, true) ? Verdict::kWrong : Verdict::kDynamicOnly;
  result.detail = fmt::format("`{}` {}", json["expr"].get<std::string>(), *wrong);
  return result;
}

}  // namespace

CaseResults run_cases(const std::string& path) {
  std::ifstream file(path);
  CHECK_OR_DIE(file.is_open(), "the cases are there");
  CaseResults all;
  std::string line;
  while (std::getline(file, line)) {
    const Json json = Json::parse(line);
    if (json.contains("commit")) {
      all.commit = json["commit"];
    } else {
      all.results.push_back(run_case(json));
    }
  }
  return all;
}

}  // namespace tidemark::expr
