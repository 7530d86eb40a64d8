// What random steps and aggregates read of a record and of a row of the oracle's.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>

#include "tests/oracle/oracle.h"

namespace tidemark::property {

inline oracle::Expression field(const std::string& name) {
  return [name](const oracle::Row& row) { return std::optional<oracle::Value>(row.at(name)); };
}
inline int64_t n_of(const oracle::Row& row) { return std::get<int64_t>(row.at("n")); }

inline std::optional<oracle::Value> checked(bool overflow, int64_t value) {
  return overflow ? std::nullopt : std::optional<oracle::Value>(value);
}
inline std::optional<oracle::Value> times(const oracle::Row& row, int64_t factor) {
  int64_t out = 0;
  const bool overflow = __builtin_mul_overflow(n_of(row), factor, &out);
  return checked(overflow, out);
}
inline std::optional<bool> flag_of(const oracle::Row& row) {
  const auto* flag = std::get_if<bool>(&row.at("flag"));
  return flag ? std::optional(*flag) : std::nullopt;
}

inline std::optional<oracle::Value> thousand_by_n(const oracle::Row& row) {
  return n_of(row) == 0 ? std::nullopt : std::optional<oracle::Value>(1000 / n_of(row));
}

inline int64_t int_of(const oracle::Json& json) { return std::strtoll(json.text.c_str(), nullptr, 10); }
inline double double_of(const oracle::Json& json) { return std::strtod(json.text.c_str(), nullptr); }
inline bool is_null(const oracle::Json& json) { return json.kind == oracle::Json::Kind::kNull; }

}  // namespace tidemark::property
