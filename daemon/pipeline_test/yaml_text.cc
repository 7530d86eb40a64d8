// Plain where plain is safe, single quotes where the text has one line, double quotes for the rest.
#include "daemon/pipeline_test/yaml_text.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "operators/formats/json_text.h"

namespace tidemark {
namespace {

// What YAML readers take for something else than text: ours and others'.
bool reads_as_other(const std::string& text) {
  static constexpr std::string_view kWords[] = {"~",  "null", "true", "false", "yes", "no",
                                                "on", "off",  ".inf", "-.inf", ".nan"};
  const auto is_same = [&](std::string_view word) {
    return std::ranges::equal(word, text, {}, {}, [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  };
  const bool numeric = text.find_first_not_of("0123456789abcdefABCDEF_xX.+-") == std::string::npos &&
                       std::string_view("0123456789.+-").find(text.front()) != std::string_view::npos;
  return numeric || std::ranges::any_of(kWords, is_same);
}

bool is_plain(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  constexpr std::string_view kIndicators = "!\"#%&'*,-:<=>?@[]`{|}";
  if (kIndicators.find(text.front()) != std::string_view::npos) return false;
  if (text.find_first_of(",[]{}?") != std::string::npos || text.find("${") != std::string::npos) return false;
  return text.find(": ") == std::string::npos && text.find(" #") == std::string::npos && !reads_as_other(text);
}

bool has_control(const std::string& text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// `${` is a reference wherever it stands.
std::string without_references(std::string text) {
  for (size_t at = 0; (at = text.find("${", at)) != std::string::npos; at += 3) text.insert(at, 1, '$');
  return text;
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  std::string value(text);
  if (is_plain(value) && !has_control(value)) return value;
  value = without_references(std::move(value));
  if (!has_control(value)) return single_quoted(value);
  std::string out;
  append_json_string(value, out);  // JSON's escapes are YAML's
  for (size_t at = 0; (at = out.find('\x7f', at)) != std::string::npos;) out.replace(at, 1, "\\x7f");
  return out;
}

std::string yaml_flow(const nlohmann::ordered_json& value) {
  if (value.is_string()) return yaml_scalar(value.get_ref<const std::string&>());
  std::string out;
  if (value.is_number_float()) {
    append_json_double(value.get<double>(), out);
    return out;
  }
  if (value.is_array()) {
    for (const auto& item : value) out += (out.empty() ? "" : ", ") + yaml_flow(item);
    return "[" + out + "]";
  }
  if (!value.is_object()) return value.dump();
  for (const auto& [name, item] : value.items()) {
    out += (out.empty() ? "" : ", ") + yaml_scalar(name) + ": " + yaml_flow(item);
  }
  return "{" + out + "}";
}

std::string yaml_flow(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::kNull: return "null";
    case Node::Kind::kScalar:
      if (node.style == Node::Style::kPlain) return node.text.value;
      return is_plain(node.text.value) ? single_quoted(node.text.value) : yaml_scalar(node.text.value);
    case Node::Kind::kSequence:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + yaml_flow(item);
      return "[" + out + "]";
    case Node::Kind::kMap:
      for (const Node::Entry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + entry.key.value + ": " + yaml_flow(entry.value);
      }
      return "{" + out + "}";
  }
  __builtin_unreachable();
}

}  // namespace tidemark
