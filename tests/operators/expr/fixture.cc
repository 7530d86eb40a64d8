// Runs expressions and renders their results for the tests.
#include "tests/operators/expr/fixture.h"

#include <fmt/format.h>

#include "base/time.h"
#include "tests/catch.h"

namespace tidemark::expr {
namespace {

std::string render(const Column& column, uint32_t row) {
  if (column.valid[row] == 0) return "null";
  switch (column.type.kind) {
    case TypeKind::kBool: return column.bools[row] != 0 ? "true" : "false";
    case TypeKind::kInt: return std::to_string(column.ints[row]);
    case TypeKind::kUint: return std::to_string(static_cast<uint64_t>(column.ints[row])) + "u";
    case TypeKind::kDouble: return fmt::format("{}", column.doubles[row]);
    case TypeKind::kString: return fmt::format("'{}'", column.strings[row]);
    case TypeKind::kBytes: return fmt::format("b'{}'", column.strings[row]);
    case TypeKind::kTimestamp: return format_rfc3339({column.ints[row]});
    case TypeKind::kDuration: return fmt::format("{}ns", column.ints[row]);
    case TypeKind::kList:
    case TypeKind::kMap: return std::string(column.strings[row]);
    case TypeKind::kNull:
    case TypeKind::kDyn: return "a value of no type";
  }
  return "?";
}

}  // namespace

std::string to_text(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& p : problems) {
    if (!out.empty()) out += "\n";
    out += fmt::format("{}: {}", p.offset, p.message);
    if (!p.hint.empty()) out += "; " + p.hint;
  }
  return out;
}

std::string refusal(const std::string& text, const Scope& scope) {
  const auto ast = parse(text);
  if (!ast) return to_text(ast.error());
  const auto compiled = compile(*ast, scope);
  return compiled ? "" : to_text(compiled.error());
}

Outcome run(const std::string& text, const Table& table, const std::vector<uint32_t>& rows) {
  INFO(text);
  const auto ast = parse(text);
  if (!ast) FAIL(to_text(ast.error()));
  const auto compiled = compile(*ast, table.scope());
  if (!compiled) FAIL(to_text(compiled.error()));
  const Program& program = *compiled->program;
  Outcome outcome{program.type(), std::vector<std::string>(table.batch().rows, "-"), {}, compiled->warnings,
                  program.nullable(), program.fallible()};
  Arena arena;
  Column out;
  program.evaluate(table.batch(), rows, arena, out, outcome.errors);
  REQUIRE(out.valid.size() == table.batch().rows);
  for (const uint32_t row : rows) outcome.rows[row] = render(out, row);
  for (const RowError& error : outcome.errors) {
    CHECK(outcome.rows[error.row] == "null");
    outcome.rows[error.row] = "error: " + error.message;
  }
  if (!outcome.nullable && outcome.errors.empty()) {
    for (const uint32_t row : rows) CHECK(outcome.rows[row] != "null");
  }
  return outcome;
}

Outcome run(const std::string& text, const Table& table) { return run(text, table, all_rows(table.batch().rows)); }

std::string value_of(const std::string& text) { return run(text, Table(1)).rows[0]; }

}  // namespace tidemark::expr
