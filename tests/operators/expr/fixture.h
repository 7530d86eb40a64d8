// What the tests of expressions share: a batch built from written-out columns, and one call that parses, checks and
// runs.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operators/expr/expr.h"

namespace tidemark::expr {

// Columns of a batch with their scope. A row without a value is null, and makes the field nullable.
class Table {
 public:
  explicit Table(uint32_t rows) { batch_.rows = rows; }

  template <class T>
  Table& add(const std::string& name, TypeKind kind, const std::vector<std::optional<T>>& values,
             bool nullable = false) {
    const auto slot = static_cast<uint32_t>(batch_.columns.size());
    Column column;
    column.reset(kind, batch_.rows);
    for (size_t row = 0; row < values.size(); ++row) {
      if (!values[row]) {
        nullable = true;
        continue;
      }
      column.valid[row] = 1;
      set(column, row, *values[row]);
    }
    batch_.columns.push_back(std::move(column));
    scope_.fields.push_back({name, kind, nullable, slot});
    return *this;
  }
  Table& ints(const std::string& name, const std::vector<std::optional<int64_t>>& v) {
    return add(name, TypeKind::kInt, v);
  }
  Table& uints(const std::string& name, const std::vector<std::optional<uint64_t>>& v) {
    return add(name, TypeKind::kUint, v);
  }
  Table& doubles(const std::string& name, const std::vector<std::optional<double>>& v) {
    return add(name, TypeKind::kDouble, v);
  }
  Table& bools(const std::string& name, const std::vector<std::optional<bool>>& v) {
    return add(name, TypeKind::kBool, v);
  }
  Table& strings(const std::string& name, const std::vector<std::optional<std::string>>& v) {
    return add(name, TypeKind::kString, v);
  }
  Table& timestamps(const std::string& name, const std::vector<std::optional<int64_t>>& us) {
    return add(name, TypeKind::kTimestamp, us);
  }
  Table& durations(const std::string& name, const std::vector<std::optional<int64_t>>& ns) {
    return add(name, TypeKind::kDuration, ns);
  }

  const Scope& scope() const { return scope_; }
  Scope& scope() { return scope_; }
  const Batch& batch() const { return batch_; }

 private:
  void set(Column& c, size_t row, bool v) { c.bools[row] = v ? 1 : 0; }
  void set(Column& c, size_t row, int64_t v) { c.ints[row] = v; }
  void set(Column& c, size_t row, uint64_t v) { c.ints[row] = static_cast<int64_t>(v); }
  void set(Column& c, size_t row, double v) { c.doubles[row] = v; }
  void set(Column& c, size_t row, const std::string& v) { c.strings[row] = batch_.arena.copy(v); }

  Scope scope_;
  Batch batch_;
};

// One row of a result as text: "3", "2.5", "true", "'abc'", "null" or "error: why".
struct Outcome {
  Type type;
  std::vector<std::string> rows;       // of the batch; "-" for rows not asked for
  std::vector<RowError> errors;
  std::vector<Problem> warnings;
  bool nullable = false;
  bool fallible = false;
};

inline std::vector<uint32_t> all_rows(uint32_t n) {
  std::vector<uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// "offset: message; hint" of each problem, in lines.
std::string to_text(const std::vector<Problem>& problems);
// Everything that parse() and compile() refuse, or "" when they accept.
std::string refusal(const std::string& text, const Scope& scope = {});
// Fails the test when the expression is refused.
Outcome run(const std::string& text, const Table& table, const std::vector<uint32_t>& rows);
Outcome run(const std::string& text, const Table& table);
// The only row of an expression without fields.
std::string value_of(const std::string& text);

}  // namespace tidemark::expr
