// `tidemark eval`: one expression over variables from JSON, through the very parser, checker and nodes that pipelines
// use: the variables become a batch of one row, their types come from their values. Knows no command line.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/safe_text.h"
#include "operators/expr/conversions.h"
#include "operators/expr/expr.h"
#include "operators/expr/program.h"
#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

void append_base64(std::string_view bytes, std::string& out) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](size_t k) { return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U; };
    const unsigned group = at(0) << 16 | at(1) << 8 | at(2);
    out.push_back(kDigits[group >> 18 & 63]);
    out.push_back(kDigits[group >> 12 & 63]);
    out.push_back(i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=');
    out.push_back(i + 2 < bytes.size() ? kDigits[group & 63] : '=');
  }
}

// Always with a `.` or an exponent, so that it reads back as a double; JSON has no NaN and no infinities.
void append_json_double(double value, std::string& out) {
  std::string text;
  append_double(value, text);
  const bool finite = text.find_first_of("NI") == std::string::npos;
  if (!finite) return append_quoted(text, out);
  out += text;
  if (text.find_first_of(".e") == std::string::npos) out += ".0";
}

void append_value(const Constant& value, TypeKind kind, std::string& out) {
  std::string text;
  switch (kind) {
    case TypeKind::kNull:
    case TypeKind::kDyn: out += "null"; return;
    case TypeKind::kBool: out += std::get<bool>(value) ? "true" : "false"; return;
    case TypeKind::kInt: out += std::to_string(std::get<int64_t>(value)); return;
    case TypeKind::kUint: out += std::to_string(std::get<uint64_t>(value)); return;
    case TypeKind::kDouble: return append_json_double(std::get<double>(value), out);
    case TypeKind::kString: return append_quoted(std::get<std::string>(value), out);
    case TypeKind::kBytes: append_base64(std::get<std::string>(value), text); break;
    case TypeKind::kTimestamp: append_timestamp(std::get<Nanos>(value), text); break;
    case TypeKind::kDuration: append_duration(std::get<int64_t>(value), text); break;
    case TypeKind::kList:
    case TypeKind::kMap: out += std::get<std::string>(value); return;
  }
  append_quoted(text, out);
}

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

// The variables as fields of a batch with one row.
struct Variables {
  Scope scope;
  Batch batch;
};

// Adds a column with the value; answers what is wrong, or nothing.
std::string add_variable(std::string_view name, simdjson::dom::element value, Variables& out) {
  using simdjson::dom::element_type;
  Column column;
  TypeKind kind = TypeKind::kNull;
  switch (value.type()) {
    case element_type::NULL_VALUE: break;
    case element_type::BOOL: kind = TypeKind::kBool; break;
    case element_type::INT64: kind = TypeKind::kInt; break;
    case element_type::DOUBLE: kind = TypeKind::kDouble; break;
    case element_type::STRING: kind = TypeKind::kString; break;
    case element_type::ARRAY: kind = TypeKind::kList; break;
    case element_type::OBJECT: kind = TypeKind::kMap; break;
    default: return fmt::format("variable `{}` does not fit an int", name);
  }
  column.reset(kind, 1);
  column.valid[0] = kind != TypeKind::kNull;
  if (kind == TypeKind::kBool) column.bools[0] = value.get_bool().value_unsafe() ? 1 : 0;
  if (kind == TypeKind::kInt) column.ints[0] = value.get_int64().value_unsafe();
  if (kind == TypeKind::kDouble) column.doubles[0] = value.get_double().value_unsafe();
  if (kind == TypeKind::kString) column.strings[0] = out.batch.arena.copy(value.get_string().value_unsafe());
  if (kind == TypeKind::kList || kind == TypeKind::kMap) {
    column.strings[0] = out.batch.arena.copy(simdjson::minify(value));
  }
  const auto slot = static_cast<uint32_t>(out.batch.columns.size());
  out.scope.fields.push_back({std::string(name), kind, kind == TypeKind::kNull, slot});
  out.batch.columns.push_back(std::move(column));
  return {};
}

std::string read_variables(std::string_view json, Variables& out) {
  out.batch.rows = 1;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(simdjson::padded_string(json)).get(root)) {
    return fmt::format("variables are no JSON: {}", simdjson::error_message(error));
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return "variables are no JSON object";
  for (const auto& [name, value] : object) {
    if (out.scope.find(name) != nullptr) continue;  // the first of duplicates counts
    if (std::string wrong = add_variable(name, value, out); !wrong.empty()) return wrong;
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
  const auto checked = check(*ast, variables.scope);
  if (!checked) return problems_json(checked.error());
  constexpr uint32_t kRow[] = {0};
  Arena arena;
  Context context(variables.batch, arena);
  const Vec vec = checked->root.node->eval(context, kRow);
  if (vec.status_of(0) == kError) return error_json(context.message_of(0));
  const TypeKind kind = vec.status_of(0) == kNull ? TypeKind::kNull : checked->root.type.kind;
  std::string name = to_string(Type(kind));
  name.resize(std::min(name.find('<'), name.size()));  // "list", whatever its elements
  std::string out = fmt::format("{{\"type\":\"{}\",\"value\":", name);
  append_value(constant_of(vec, 0, kind), kind, out);
  out.push_back('}');
  return out;
}

}  // namespace tidemark::expr
