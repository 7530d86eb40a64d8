// The words of types, lists of them, and what other systems call them, for hints only. How a value of a type looks in JSON
// is the decoder's to know.
#include "config/type_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace tidemark {
namespace {

struct TypeWord {
  std::string_view word;
  TypeKind kind;
  TimestampForm form = TimestampForm::kMillis;
};

constexpr std::array kWords = std::to_array<TypeWord>({
    {"string", TypeKind::kString},
    {"int", TypeKind::kInt},
    {"double", TypeKind::kDouble},
    {"bool", TypeKind::kBool},
    {"bytes", TypeKind::kBytes},
    {"timestamp(s)", TypeKind::kTimestamp, TimestampForm::kSeconds},
    {"timestamp(ms)", TypeKind::kTimestamp, TimestampForm::kMillis},
    {"timestamp(us)", TypeKind::kTimestamp, TimestampForm::kMicros},
    {"timestamp(iso)", TypeKind::kTimestamp, TimestampForm::kIso},
});

// Words of other systems, and what they are called here.
constexpr auto kForeign = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"integer", "int"},    {"long", "int"},      {"bigint", "int"},      {"int64", "int"},     {"int32", "int"},
    {"int16", "int"},      {"uint32", "int"},    {"uint64", "int"},      {"short", "int"},     {"smallint", "int"},
    {"tinyint", "int"},    {"number", "double"}, {"numeric", "double"},  {"decimal", "double"}, {"real", "double"},
    {"float", "double"},   {"float32", "double"}, {"float64", "double"}, {"text", "string"},   {"str", "string"},
    {"char", "string"},    {"varchar", "string"}, {"uuid", "string"},    {"enum", "string"},   {"boolean", "bool"},
    {"binary", "bytes"},   {"varbinary", "bytes"}, {"datetime", "timestamp(iso)"}, {"date", "timestamp(iso)"},
    {"array", "list<string>"},
});

// Types with an inside, of which only the fields are declared.
constexpr auto kObjects = std::to_array<std::string_view>({"object", "json", "record", "row", "struct", "map"});

std::string hint_for(std::string_view word) {
  std::string plain(word.substr(0, word.find_first_of("(< ")));
  for (char& c : plain) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (plain.starts_with("timestamp")) return "write timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)";
  for (const auto& [foreign, ours] : kForeign) {
    if (foreign == plain) return fmt::format("did you mean `{}`?", ours);
  }
  if (std::ranges::find(kObjects, plain) != kObjects.end()) {
    return "declare the fields inside of it, each with its path, as in `city: {type: string, path: address.city}`";
  }
  std::vector<std::string_view> words;
  for (const TypeWord& known : kWords) words.push_back(known.word);
  const std::string_view nearest = nearest_word(word, words);
  if (!nearest.empty()) return fmt::format("did you mean `{}`?", nearest);
  return "types are string, int, double, bool, bytes, timestamp(s|ms|us|iso) and lists such as list<string>, with `?` where "
         "null is allowed";
}

// The inside of `list<...>`; nothing where the word is no list.
std::optional<std::string_view> element_of(std::string_view word) {
  if (!word.starts_with("list<") || !word.ends_with('>')) return std::nullopt;
  return word.substr(5, word.size() - 6);
}

bool read_scalar_type(std::string_view word, TypeText& out) {
  for (const TypeWord& known : kWords) {
    if (known.word != word) continue;
    out.type = known.kind;
    out.timestamp_form = known.form;
    return true;
  }
  return false;
}

// A list's elements are scalars, and there.
void refuse_list(const Node& node, std::string_view word, std::string_view element, Diagnostics& diagnostics) {
  if (element.ends_with('?')) {
    diagnostics.error(node.where(), fmt::format("there is no type `{}`: the elements of a list are never null", word),
                      fmt::format("a list that may be missing is written `list<{}>?`", element.substr(0, element.size() - 1)));
  } else if (element_of(element)) {
    diagnostics.error(node.where(), fmt::format("there is no type `{}`: the elements of a list have nothing inside", word));
  } else {
    diagnostics.error(node.where(), fmt::format("there is no type `{}`", word), hint_for(element));
  }
}

bool read_type(const Node& node, std::string_view what, TypeText& out, Diagnostics& diagnostics) {
  if (node.kind != Node::Kind::kScalar || node.bad)
    return wrong_kind(node, what, "a type such as int or string?", diagnostics);
  std::string_view word = node.text.value;
  out.nullable = word.ends_with('?');
  if (out.nullable) word.remove_suffix(1);
  const auto element = element_of(word);
  if (read_scalar_type(element.value_or(word), out)) {
    if (element) out.type = Type::list_of(out.type);
    return true;
  }
  if (element) {
    refuse_list(node, word, *element, diagnostics);
  } else {
    diagnostics.error(node.where(), fmt::format("there is no type `{}`", word), hint_for(word));
  }
  return false;
}

}  // namespace

Kind<TypeText> type_kind() {
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kText;
  shape->name = "type";
  shape->pattern = R"(^(list<)?(string|int|double|bool|bytes|timestamp\((s|ms|us|iso)\))>?\??$)";
  return {shape, read_type, nullptr};
}

}  // namespace tidemark
