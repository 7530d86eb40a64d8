// `tidemark eval`: one expression over variables from JSON, through the very parser, checker and nodes that pipelines
// use: the variables become a batch of one row, their types come from their values; what is inside of lists and objects
// is typed when it is reached. Knows no command line.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "operators/expr/expr.h"
#include "operators/expr/program.h"
#include "operators/expr/variables.h"

namespace tidemark::expr {
namespace {

std::string error_json(std::string_view message) {
  std::string out = "{\"error\":";
  append_quoted(message, out);
  out.push_back('}');
  return out;
}

std::string problems_json(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& p : problems) {
    if (!text.empty()) text += "; ";
    text += fmt::format("column {}: {}", p.offset + 1, p.message);
    if (!p.hint.empty()) text += fmt::format("; {}", p.hint);
  }
  return error_json(text);
}

std::string_view name_of(Kind kind) {
  if (kind == Kind::kNull) return "null";
  if (kind == Kind::kTimestamp) return "timestamp";
  if (kind == Kind::kDuration) return "duration";
  return type_name(kind);
}

// Adds what `json`, an object, holds; answers what is wrong, or nothing.
std::string read_variables(std::string_view json, Variables& out) {
  JsonReader reader;
  const auto root = reader.read(json, Kind::kDyn, out.arena());
  if (!root) return "variables are no JSON";
  if (root->kind() != Kind::kMap) return "variables are no JSON object";
  for (const Entry& entry : root->map().entries) {
    const Kind kind = entry.value.kind();
    if (kind == Kind::kUint) return fmt::format("variable `{}` does not fit an int", entry.key.text());
    Shape shape = kind;
    if (kind == Kind::kList) shape = Shape::list_of(Kind::kDyn);
    if (kind == Kind::kMap) shape = Shape::map_of(Kind::kString, Kind::kDyn);
    out.add(std::string(entry.key.text()), shape, entry.value);
  }
  return {};
}

}  // namespace

std::string eval_to_json(std::string_view expression, std::string_view vars_json) {
  Variables variables;
  const bool none = vars_json.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (const std::string wrong = read_variables(none ? "{}" : vars_json, variables); !wrong.empty()) {
    return error_json(wrong);
  }
  const auto ast = parse(expression);
  if (!ast) return problems_json(ast.error());
  const auto checked = check(*ast, variables.scope());
  if (!checked) return problems_json(checked.error());
  Arena arena;
  const Value value = variables.evaluate(checked->root, arena);
  if (value.is_error()) return error_json(value.text());
  std::string out = fmt::format("{{\"type\":\"{}\",\"value\":", name_of(value.kind()));
  append_json(value, out);
  out.push_back('}');
  return out;
}

}  // namespace tidemark::expr
