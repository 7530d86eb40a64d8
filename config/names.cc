// Each rule twice: as a pattern for the schema, and as a function that says what is wrong with a name and what to write
// instead. Whether a name is already taken is asked in config/resolve.cc.
#include "config/names.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tidemark {
namespace {

constexpr std::array<std::string_view, 21> kReserved = {
    "true", "false",    "null",   "in",   "as",  "break",     "const",   "continue", "else", "for",  "function",
    "if",   "import",   "let",    "loop", "package", "namespace", "return", "var",  "void", "while"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_kafka_safe(std::string_view name) {
  return std::ranges::all_of(name,
                             [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

std::string check_kafka_safe(std::string_view name) {
  if (!is_kafka_safe(name)) return "may hold only letters, digits, `.`, `_` and `-`";
  if (name == "." || name == "..") return "may not be `.` or `..`";
  return {};
}

std::string check_field(std::string_view name) {
  if (name.find(',') != name.npos) return "is more than one name; write several as a list: `[a, b]`";
  if (name.find('(') != name.npos) {
    return "is no name but an expression; a `map` step before makes a field of it";
  }
  const bool identifier = (is_letter(name[0]) || name[0] == '_') &&
                          std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!identifier) {
    return "may hold only letters, digits and `_`, and may not begin with a digit; a schema renames it: "
           "`other_name: {type: ..., path: " + std::string(name) + "}`";
  }
  if (std::ranges::find(kReserved, name) == kReserved.end()) return {};
  return fmt::format("is a reserved word of expressions; a schema renames it: `{0}_: {{type: ..., path: {0}}}`", name);
}

}  // namespace

kinds::TextRules name_rules() { return {"^[A-Za-z0-9._-]{1,200}$", 200, false, check_kafka_safe}; }

kinds::TextRules field_rules() { return {"^[A-Za-z_][A-Za-z0-9_]*$", 200, false, check_field}; }

kinds::TextRules topic_rules() { return {"^[A-Za-z0-9._-]{1,249}$", 249, false, check_kafka_safe}; }

}  // namespace tidemark
