// Walks the same shapes twice, into JSON Schema and into Markdown. In the schema any value may also be a `${...}`
// reference; keys that are not supported yet are left out of it, and only named in the reference.
#include "config/reference.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/time.h"
#include "config/specs.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;
using Form = Shape::Form;

// Anything may be a reference to the environment until it is replaced.
constexpr const char* kReference = R"(\$\{)";

Json schema_of(const Shape& shape);

Json text_with(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", fmt::format("{}|{}", pattern, kReference)}};
}

Json number_schema(const Shape& shape, const char* type) {
  Json number = {{"type", type}};
  if (shape.min) number["minimum"] = *shape.min;
  if (shape.max) number["maximum"] = *shape.max;
  return {{"anyOf", Json::array({number, text_with(kReference)})}};
}

Json list_schema(const Shape& shape) {
  const Json element = schema_of(*shape.element);
  const Json list = {{"type", "array"}, {"items", element}};
  if (!shape.lone) return list;
  return {{"anyOf", Json::array({list, element})}};
}

Json map_schema(const Shape& shape) {
  Json map = {{"type", "object"}, {"additionalProperties", schema_of(*shape.element)}};
  if (!shape.pattern.empty()) map["propertyNames"] = {{"pattern", shape.pattern}};
  return map;
}

// Exactly one key of the group.
Json group_schema(const Shape& shape, const std::string& group) {
  Json choices = Json::array();
  for (const FieldShape& field : shape.fields) {
    if (field.group == group && field.supported) choices.push_back({{"required", {field.key}}});
  }
  return {{"oneOf", choices}};
}

Json object_schema(const Shape& shape) {
  Json object = {{"type", "object"}};
  if (!shape.doc.empty()) object["description"] = shape.doc;
  Json properties = Json::object();
  Json required = Json::array();
  for (const FieldShape& field : shape.fields) {
    if (!field.supported) continue;
    Json property = schema_of(*field.shape);
    property["description"] = field.doc;
    if (!field.default_text.empty()) property["default"] = field.default_text;
    properties[field.key] = std::move(property);
    if (field.required) required.push_back(field.key);
  }
  object["properties"] = std::move(properties);
  if (!required.empty()) object["required"] = std::move(required);
  object["additionalProperties"] = shape.element ? schema_of(*shape.element) : Json(false);
  Json groups = Json::array();
  for (const std::string& group : shape.required_groups) groups.push_back(group_schema(shape, group));
  if (!groups.empty()) object["allOf"] = std::move(groups);
  return object;
}

Json struct_schema(const Shape& shape) {
  Json choices = Json::array({object_schema(shape)});
  Json words = Json::array();
  for (const FieldShape& field : shape.fields) {
    if (shape.word_shorthand && field.supported && !field.group.empty()) words.push_back(field.key);
    if (field.key == shape.shorthand) choices.push_back(schema_of(*field.shape));
  }
  if (!words.empty()) choices.push_back({{"enum", words}});
  // A component without required fields may stand empty: `stdout:`.
  const auto needed = [](const FieldShape& field) { return field.required; };
  if (std::ranges::none_of(shape.fields, needed) && shape.required_groups.empty())
    choices.push_back({{"type", "null"}});
  return choices.size() == 1 ? choices.front() : Json{{"anyOf", choices}};
}

Json either_schema(const Shape& shape) {
  Json choices = Json::array();
  for (const ShapePtr& choice : shape.choices) choices.push_back(schema_of(*choice));
  return {{"anyOf", choices}};
}

Json schema_of(const Shape& shape) {
  switch (shape.form) {
    case Form::kText:
      return shape.pattern.empty() ? Json{{"type", {"string", "number", "boolean"}}} : text_with(shape.pattern);
    case Form::kBool: return {{"anyOf", Json::array({Json{{"type", "boolean"}}, text_with(kReference)})}};
    case Form::kInt: return number_schema(shape, "integer");
    case Form::kDouble: return number_schema(shape, "number");
    case Form::kDuration:
      return {{"anyOf", Json::array({text_with("^([0-9]+(us|ms|s|m|h|d))+$|^0$"), Json{{"const", 0}}})}};
    case Form::kSize:
      return {{"anyOf", Json::array({text_with("^[0-9]+ *([KMGT]iB?|[kMGT]?B)?$"), Json{{"type", "integer"}}})}};
    case Form::kTime: return text_with("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]");
    case Form::kExpression: return {{"type", {"string", "number", "boolean", "null"}}};
    case Form::kWords: return {{"anyOf", Json::array({Json{{"enum", shape.words}}, text_with(kReference)})}};
    case Form::kList: return list_schema(shape);
    case Form::kMap: return map_schema(shape);
    case Form::kStruct: return struct_schema(shape);
    case Form::kEither: return either_schema(shape);
    case Form::kAny: return Json::object();
  }
  __builtin_unreachable();
}

// ---- Markdown

std::string words_of(const Shape& shape);

std::string either_words(const Shape& shape) {
  std::string out;
  for (const ShapePtr& choice : shape.choices) out += (out.empty() ? "" : " or ") + words_of(*choice);
  return out;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", word);
  return out;
}

std::string anchor_of(const std::string& name) {
  std::string anchor;
  for (const char c : name) anchor += c == ' ' ? '-' : c;
  return anchor;
}

// A map of one key, for which its value may stand: it needs no section of its own, unless to show an example.
bool is_one_value(const Shape& shape) {
  return shape.fields.size() == 1 && !shape.shorthand.empty() && shape.example.empty();
}

// What a value looks like, in a few words.
std::string words_of(const Shape& shape) {
  switch (shape.form) {
    case Form::kText: return shape.name.empty() ? "text" : shape.name;
    case Form::kBool: return "`true` or `false`";
    case Form::kInt: {
      if (shape.min && shape.max) return fmt::format("whole number, {} to {}", *shape.min, *shape.max);
      return "whole number";
    }
    case Form::kDouble: return "number";
    case Form::kDuration: return "duration";
    case Form::kSize: return "size";
    case Form::kTime: return "time (RFC 3339)";
    case Form::kExpression: return "expression";
    case Form::kWords: return listed(shape.words);
    case Form::kList: return (shape.lone ? "one or a list of: " : "list of: ") + words_of(*shape.element);
    case Form::kMap: return "map from names to: " + words_of(*shape.element);
    case Form::kStruct:
      if (shape.fields.empty()) return "no options";
      if (is_one_value(shape)) return words_of(*shape.fields[0].shape);
      return fmt::format("[{}](#{})", shape.name, anchor_of(shape.name));
    case Form::kEither: return either_words(shape);
    case Form::kAny: return "anything";
  }
  __builtin_unreachable();
}

std::string bounds_of(const Shape& shape) {
  const auto show = [&](int64_t n) {
    return shape.form == Form::kDuration ? format_duration({n})
           : shape.form == Form::kSize   ? format_size(n)
                                         : std::to_string(n);
  };
  if (shape.form != Form::kDuration && shape.form != Form::kSize) return {};
  std::string out;
  if (shape.min && *shape.min == 1) out += ", above 0";
  else if (shape.min) out += ", at least " + show(*shape.min);
  if (shape.max) out += ", at most " + show(*shape.max);
  return out;
}

std::string default_of(const FieldShape& field) {
  if (field.required) return "required";
  if (!field.group.empty()) return "exactly one of these";
  return field.default_text.empty() ? "" : fmt::format("`{}`", field.default_text);
}

std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// The structs below a shape, each once, in the order in which a reader meets them.
void gather(const Shape& shape, std::vector<const Shape*>& found, std::set<std::string>& names) {
  if (shape.form == Form::kStruct) {
    if (!names.insert(shape.name).second) return;
    if (!shape.fields.empty() && !is_one_value(shape)) found.push_back(&shape);
  }
  if (shape.element) gather(*shape.element, found, names);
  for (const ShapePtr& choice : shape.choices) gather(*choice, found, names);
  for (const FieldShape& field : shape.fields) {
    if (field.supported) gather(*field.shape, found, names);
  }
}

std::string section(const Shape& shape) {
  std::string out = fmt::format("## {}\n\n{}\n\n", shape.name, shape.doc);
  if (!shape.example.empty()) out += fmt::format("```yaml\n{}\n```\n\n", shape.example);
  if (!shape.shorthand.empty()) out += fmt::format("A value in place of the map stands for `{}`.\n\n", shape.shorthand);
  if (shape.word_shorthand) out += "A word in place of the map stands for that key with its defaults.\n\n";
  std::string rows;
  std::vector<std::string> refused;
  for (const FieldShape& field : shape.fields) {
    if (!field.supported) {
      refused.push_back(field.key);
      continue;
    }
    rows += fmt::format("| `{}` | {}{} | {} | {} |\n", field.key, cell(words_of(*field.shape)), bounds_of(*field.shape),
                        cell(default_of(field)), cell(field.doc));
  }
  if (shape.element) rows += fmt::format("| any other | {} |  | {} |\n", cell(words_of(*shape.element)), cell(shape.element->doc));
  out += "| Key | Value | Default | Meaning |\n|---|---|---|---|\n" + rows + "\n";
  if (!refused.empty()) out += fmt::format("Not supported yet: {}.\n\n", listed(refused));
  return out;
}

}  // namespace

std::string json_schema() {
  const Kind<PipelineSpec> kind = pipeline_kind();
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Tidemark pipeline"}};
  schema.update(object_schema(*kind.shape));
  return schema.dump(2) + "\n";
}

std::string reference_markdown() {
  const Kind<PipelineSpec> kind = pipeline_kind();
  std::vector<const Shape*> found;
  std::set<std::string> names;
  gather(*kind.shape, found, names);
  std::string out =
      "# Pipeline reference\n\nEvery key of a pipeline file. Generated from the specs that also check the file.\n\n"
      "Durations are written `250ms`, `5s`, `1m`, `6h`, `7d`; sizes `64MiB`. `${NAME}` and `${NAME:-default}` in a "
      "value are\n"
      "replaced from the environment after the file is parsed; `$${` is a literal `${`.\n\n";
  for (const Shape* shape : found) out += section(*shape);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace tidemark
