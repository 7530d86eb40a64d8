// Matches the keys of a map to fields, reads each kind of value, and words what is wrong with them: near misses, words
// of other systems, keys that exclude each other. Which keys there are is said elsewhere.
#include "config/spec.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "config/foreign_values.h"

namespace tidemark {

bool wrong_kind(const Node& node, std::string_view what, std::string_view wanted, Diagnostics& diagnostics,
                std::string hint) {
  if (node.bad) return false;
  if (node.kind == Node::Kind::kNull) {
    diagnostics.error(node.where(), fmt::format("{} has no value", what), fmt::format("write {}", wanted));
  } else {
    diagnostics.error(node.where(), fmt::format("{} must be {}, not {}", what, wanted, describe(node)), std::move(hint));
  }
  return false;
}

namespace spec_detail {

std::string quoted(std::string_view key) { return fmt::format("`{}`", key); }

std::string list_hint(const Node& node, const Shape& element) {
  const bool plain = node.kind == Node::Kind::kScalar && element.form != Shape::Form::kStruct;
  return plain ? fmt::format("write `[{}]`", node.text.value) : "begin each item with `- `";
}

namespace {

// "`a`, `b` or `c`"
std::string any_of(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += quoted(words[i]);
  }
  return out;
}

// "write `a`", or which of several
std::string write_one(const std::vector<std::string>& words) {
  return (words.size() == 1 ? "write " : "write exactly one of ") + any_of(words);
}

std::vector<std::string> keys_of(const Shape& shape, std::string_view group) {
  std::vector<std::string> keys;
  for (const FieldShape& field : shape.fields) {
    if (field.supported && (group.empty() || field.group == group)) keys.push_back(field.key);
  }
  return keys;
}

std::string_view nearest_key(const Shape& shape, std::string_view key) {
  std::vector<std::string_view> candidates;
  for (const FieldShape& field : shape.fields) candidates.push_back(field.key);
  return nearest_word(key, candidates);
}

// How foreign words are compared.
std::string plain(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-' || c == '.') c = '_';
  }
  return out;
}

const ForeignWords* find_foreign(const Shape& shape, std::string_view key) {
  const std::string word = plain(key);
  const bool far = nearest_key(shape, key).empty();
  const auto found = std::ranges::find_if(shape.foreign, [&](const ForeignWords& foreign) {
    return foreign.words.empty() ? far : std::ranges::find(foreign.words, word) != foreign.words.end();
  });
  return found == shape.foreign.end() ? nullptr : &*found;
}

// The known key that an unknown one means; empty where there is no telling.
std::string_view key_meant(const Shape& shape, std::string_view key) {
  const ForeignWords* const foreign = find_foreign(shape, key);
  return foreign ? foreign->key : nearest_key(shape, key);
}

std::string unknown_hint(const Shape& shape, std::string_view key) {
  if (const ForeignWords* const foreign = find_foreign(shape, key)) return foreign->hint;
  const std::string_view nearest = nearest_key(shape, key);
  if (!nearest.empty()) return fmt::format("did you mean `{}`?", nearest);
  const std::vector<std::string> keys = keys_of(shape, {});
  return keys.empty() ? "nothing is known here" : "known here: " + any_of(keys);
}

// Writes a shorthand scalar out as the map that it stands for.
bool expand(const Shape& shape, const Node& node, Node& storage) {
  const bool stands = node.kind == Node::Kind::kScalar || (node.kind == Node::Kind::kSequence && !shape.word_shorthand);
  if (!stands || (shape.shorthand.empty() && !shape.word_shorthand)) return false;
  storage.kind = Node::Kind::kMap;
  storage.text.where = node.where();
  Node::Entry& entry = storage.entries.emplace_back();
  if (shape.word_shorthand) {
    entry.key = node.text;
    entry.value.text.where = node.where();
  } else {
    entry.key = {shape.shorthand, node.where()};
    entry.value = node;
  }
  return true;
}

// Finds the field of one entry; nothing after a report.
std::optional<size_t> field_of(const Shape& shape, const Node::Entry& entry, bool from_word, Diagnostics& diagnostics) {
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    const FieldShape& field = shape.fields[i];
    if (field.key != entry.key.value) continue;
    if (field.supported) return i;
    const std::vector<std::string> others =
        field.group.empty() ? std::vector<std::string>{} : keys_of(shape, field.group);
    diagnostics.error(entry.key.where, fmt::format("`{}` is not supported yet", field.key),
                      others.empty() ? "remove it" : "use " + any_of(others));
    return std::nullopt;
  }
  diagnostics.error(entry.key.where, fmt::format("unknown {} `{}`", from_word ? "word" : "key", entry.key.value),
                    unknown_hint(shape, entry.key.value));
  return std::nullopt;
}

// Of each group exactly one key is written, be it a refused one.
bool check_groups(const Shape& shape, const Node& map, std::string_view what, Diagnostics& diagnostics) {
  bool ok = true;
  for (const std::string& group : shape.required_groups) {
    const Node::Entry* first = nullptr;
    for (const Node::Entry& entry : map.entries) {
      const auto field = std::ranges::find(shape.fields, entry.key.value, &FieldShape::key);
      if (field == shape.fields.end() || field->group != group) continue;
      if (first) {
        diagnostics.error(entry.key.where,
                          fmt::format("`{}` and `{}` exclude each other", first->key.value, entry.key.value),
                          write_one(keys_of(shape, group)));
        ok = false;
      }
      first = first ? first : &entry;
    }
    if (first) continue;
    diagnostics.error(map.where(), fmt::format("{} does not say which {}", what, group),
                      write_one(keys_of(shape, group)));
    ok = false;
  }
  return ok;
}

}  // namespace

Matched match_fields(const Shape& shape, const Node& node, Node& storage, std::string_view what,
                     Diagnostics& diagnostics) {
  Matched matched{std::vector<const Node*>(shape.fields.size()), true};
  if (node.bad) return matched.ok = false, matched;
  const bool expanded = expand(shape, node, storage);
  const Node& map = expanded ? storage : node;
  if (map.kind != Node::Kind::kMap && map.kind != Node::Kind::kNull) {
    const std::string example = shape.example.empty() ? "" : "as in " + quoted(shape.example);
    matched.ok = wrong_kind(node, what, "a map", diagnostics, example);
    return matched;
  }
  std::vector<bool> written(shape.fields.size());
  size_t unknown = 0;
  for (const Node::Entry& entry : map.entries) {
    const bool from_word = expanded && shape.word_shorthand;
    const std::optional<size_t> field = field_of(shape, entry, from_word, diagnostics);
    matched.ok &= field.has_value();
    if (!field) {
      ++unknown;
      // A misspelt key explains a missing one well enough.
      const std::string_view meant = key_meant(shape, entry.key.value);
      for (size_t i = 0; i < shape.fields.size(); ++i) written[i] = written[i] || shape.fields[i].key == meant;
      continue;
    }
    written[*field] = true;
    matched.values[*field] = &entry.value;
  }
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    if (!shape.fields[i].required || written[i]) continue;
    diagnostics.error(map.where(), fmt::format("{} needs `{}`", what, shape.fields[i].key), shape.fields[i].doc);
    matched.ok = false;
  }
  if (unknown == 0) matched.ok &= check_groups(shape, map, what, diagnostics);
  return matched;
}

}  // namespace spec_detail

namespace kinds {
namespace {

std::shared_ptr<Shape> shape_of(Shape::Form form) {
  auto shape = std::make_shared<Shape>();
  shape->form = form;
  return shape;
}

// The text of a scalar, or nothing after a report.
const std::string* scalar(const Node& node, std::string_view what, std::string_view wanted, Diagnostics& diagnostics) {
  if (!node.bad && node.kind == Node::Kind::kScalar) return &node.text.value;
  wrong_kind(node, what, wanted, diagnostics);
  return nullptr;
}

template <class V>
bool within(const Node& node, std::string_view what, const V& value, const std::optional<V>& min,
            const std::optional<V>& max, std::string (*show)(V), Diagnostics& diagnostics) {
  const bool low = min && value < *min;
  if (!low && !(max && *max < value)) return true;
  diagnostics.error(node.where(), fmt::format("{} must be at {} {}, not {}", what, low ? "least" : "most",
                                              show(low ? *min : *max), node.text.value));
  return false;
}

std::string show_int(int64_t value) { return std::to_string(value); }

// The smallest duration means "positive" to people.
std::string show_duration(Duration value) { return format_duration(value); }

std::optional<int64_t> micros(const std::optional<Duration>& d) { return d ? std::optional(d->us) : std::nullopt; }

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += "`" + words[i] + "`";
  }
  return out;
}

bool report_word(const Node& node, std::string_view what, const std::vector<std::string>& words,
                 const std::vector<std::string>& refused, Diagnostics& diagnostics) {
  if (std::ranges::find(refused, node.text.value) != refused.end()) {
    diagnostics.error(node.where(), fmt::format("{} `{}` is not supported yet", what, node.text.value),
                      "use " + join(words));
    return false;
  }
  const std::string_view nearest =
      nearest_word(node.text.value, std::vector<std::string_view>(words.begin(), words.end()));
  diagnostics.error(node.where(), fmt::format("{} must be {}, not {}", what, join(words), describe(node)),
                    did_you_mean(nearest));
  return false;
}

// Quotes of an expression that are left open, such as when ` #` cut it.
bool open_quote(std::string_view text) {
  char open = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    if (open && text[i] == '\\') ++i;
    else if (open) open = text[i] == open ? '\0' : open;
    else if (text[i] == '\'' || text[i] == '"') open = text[i];
  }
  return open != '\0';
}

}  // namespace

Kind<std::string> text(TextRules rules) {
  auto shape = shape_of(Shape::Form::kText);
  shape->pattern = rules.pattern;
  Kind<std::string> kind;
  kind.shape = shape;
  kind.read = [rules](const Node& node, std::string_view what, std::string& out, Diagnostics& diagnostics) {
    const std::string* value = scalar(node, what, "text", diagnostics);
    if (!value) return false;
    std::string wrong;
    if (value->empty() && !rules.may_be_empty) wrong = "may not be empty";
    else if (value->size() > rules.max_size) wrong = fmt::format("may not be longer than {} bytes", rules.max_size);
    else if (rules.check) wrong = rules.check(*value);
    if (!wrong.empty()) diagnostics.error(node.where(), fmt::format("{} {}", what, wrong));
    out = *value;
    return wrong.empty();
  };
  kind.show = [](const std::string& value) { return value; };
  return kind;
}

Kind<bool> boolean() {
  Kind<bool> kind;
  kind.shape = shape_of(Shape::Form::kBool);
  kind.read = [](const Node& node, std::string_view what, bool& out, Diagnostics& diagnostics) {
    const std::string* value = scalar(node, what, "true or false", diagnostics);
    if (!value) return false;
    out = *value == "true";
    return out || *value == "false" || wrong_kind(node, what, "true or false", diagnostics);
  };
  kind.show = [](const bool& value) { return std::string(value ? "true" : "false"); };
  return kind;
}

Kind<int64_t> integer(std::optional<int64_t> min, std::optional<int64_t> max) {
  auto shape = shape_of(Shape::Form::kInt);
  shape->min = min;
  shape->max = max;
  Kind<int64_t> kind;
  kind.shape = shape;
  kind.read = [min, max](const Node& node, std::string_view what, int64_t& out, Diagnostics& diagnostics) {
    const std::string* value = scalar(node, what, "a whole number", diagnostics);
    if (!value) return false;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), out);
    if (error != std::errc{} || end != value->data() + value->size()) {
      return wrong_kind(node, what, "a whole number", diagnostics);
    }
    return within(node, what, out, min, max, show_int, diagnostics);
  };
  kind.show = [](const int64_t& value) { return std::to_string(value); };
  return kind;
}

Kind<double> number() {
  Kind<double> kind;
  kind.shape = shape_of(Shape::Form::kDouble);
  kind.read = [](const Node& node, std::string_view what, double& out, Diagnostics& diagnostics) {
    const std::string* value = scalar(node, what, "a number", diagnostics);
    if (!value) return false;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), out);
    const bool ok = error == std::errc{} && end == value->data() + value->size() && std::isfinite(out);
    return ok || wrong_kind(node, what, "a number", diagnostics);
  };
  kind.show = [](const double& value) { return fmt::format("{}", value); };
  return kind;
}

Kind<Duration> duration(std::optional<Duration> min, std::optional<Duration> max) {
  auto shape = shape_of(Shape::Form::kDuration);
  shape->min = micros(min);
  shape->max = micros(max);
  Kind<Duration> kind;
  kind.shape = shape;
  kind.read = [min, max](const Node& node, std::string_view what, Duration& out, Diagnostics& diagnostics) {
    constexpr std::string_view kWanted = "a duration such as 250ms, 5s or 1m";
    const std::string* value = scalar(node, what, kWanted, diagnostics);
    if (!value) return false;
    const std::optional<Duration> parsed = parse_duration(*value);
    if (!parsed) return wrong_kind(node, what, kWanted, diagnostics, duration_hint(*value));
    out = *parsed;
    if (min == Duration::micros(1) && out < *min) {
      diagnostics.error(node.where(), fmt::format("{} must be longer than nothing, not {}", what, *value));
      return false;
    }
    return within(node, what, out, min, max, show_duration, diagnostics);
  };
  kind.show = [](const Duration& value) { return format_duration(value); };
  return kind;
}

Kind<int64_t> size(std::optional<int64_t> min, std::optional<int64_t> max) {
  auto shape = shape_of(Shape::Form::kSize);
  shape->min = min;
  shape->max = max;
  Kind<int64_t> kind;
  kind.shape = shape;
  kind.read = [min, max](const Node& node, std::string_view what, int64_t& out, Diagnostics& diagnostics) {
    constexpr std::string_view kWanted = "a size such as 512KiB or 64MiB";
    const std::string* value = scalar(node, what, kWanted, diagnostics);
    if (!value) return false;
    const std::optional<int64_t> parsed = parse_size(*value);
    if (!parsed) return wrong_kind(node, what, kWanted, diagnostics, size_hint(*value));
    out = *parsed;
    return within(node, what, out, min, max, format_size, diagnostics);
  };
  kind.show = [](const int64_t& value) { return format_size(value); };
  return kind;
}

Kind<Time> time() {
  Kind<Time> kind;
  kind.shape = shape_of(Shape::Form::kTime);
  kind.read = [](const Node& node, std::string_view what, Time& out, Diagnostics& diagnostics) {
    constexpr std::string_view kWanted = "a time such as 2026-01-01T00:00:00Z";
    const std::string* value = scalar(node, what, kWanted, diagnostics);
    if (!value) return false;
    const std::optional<Time> parsed = parse_rfc3339(*value);
    if (!parsed) return wrong_kind(node, what, kWanted, diagnostics);
    out = *parsed;
    return true;
  };
  kind.show = [](const Time& value) { return format_rfc3339(value); };
  return kind;
}

Kind<SourceText> expression() {
  Kind<SourceText> kind;
  kind.shape = shape_of(Shape::Form::kExpression);
  kind.read = [](const Node& node, std::string_view what, SourceText& out, Diagnostics& diagnostics) {
    constexpr std::string_view kQuote = "quote the whole expression, for example with '...' (a ' inside is written '')";
    if (node.bad) return false;
    const bool is_null = node.kind == Node::Kind::kNull && !node.text.value.empty();
    if (node.kind == Node::Kind::kMap || node.kind == Node::Kind::kSequence) {
      diagnostics.error(node.where(), fmt::format("{} must be an expression, not {}", what, describe(node)),
                        std::string(node.flow ? kQuote : "write the expression alone, as text"));
      return false;
    }
    if (node.kind == Node::Kind::kNull && !is_null) return wrong_kind(node, what, "an expression", diagnostics);
    if (node.text.value.find_first_not_of(" \t\r\n") == std::string::npos) {
      diagnostics.error(node.where(), fmt::format("{} is an empty expression", what));
      return false;
    }
    if (node.cut_by_comment && open_quote(node.text.value)) {
      diagnostics.error(node.where(), fmt::format("{} ends at ` #`, where YAML begins a comment", what),
                        std::string(kQuote));
      return false;
    }
    out = node.text;
    return true;
  };
  kind.show = [](const SourceText& value) { return value.value; };
  return kind;
}

Kind<Node> any() {
  Kind<Node> kind;
  kind.shape = shape_of(Shape::Form::kAny);
  kind.read = [](const Node& node, std::string_view, Node& out, Diagnostics&) {
    out = node;
    return true;
  };
  return kind;
}

Kind<std::optional<Duration>> duration_or(std::string word, std::optional<Duration> min) {
  const Kind<Duration> inner = duration(min);
  auto words = shape_of(Shape::Form::kWords);
  words->words = {word};
  auto shape = shape_of(Shape::Form::kEither);
  shape->choices = {inner.shape, words};
  Kind<std::optional<Duration>> kind;
  kind.shape = shape;
  kind.read = [inner, word](const Node& node, std::string_view what, std::optional<Duration>& out,
                            Diagnostics& diagnostics) {
    out.reset();
    if (!node.bad && node.kind == Node::Kind::kScalar && node.text.value == word) return true;
    if (!node.bad && node.kind == Node::Kind::kScalar && !parse_duration(node.text.value)) {
      return wrong_kind(node, what, fmt::format("a duration such as 1m, or `{}`", word), diagnostics,
                        duration_hint(node.text.value));
    }
    return inner.read(node, what, out.emplace(), diagnostics);
  };
  kind.show = [word](const std::optional<Duration>& value) { return value ? format_duration(*value) : word; };
  return kind;
}

Kind<size_t> word_index(std::vector<std::string> words, std::vector<std::string> refused) {
  auto shape = shape_of(Shape::Form::kWords);
  shape->words = words;
  Kind<size_t> kind;
  kind.shape = shape;
  kind.read = [words, refused](const Node& node, std::string_view what, size_t& out, Diagnostics& diagnostics) {
    if (!scalar(node, what, join(words), diagnostics)) return false;
    const auto found = std::ranges::find(words, node.text.value);
    if (found == words.end()) return report_word(node, what, words, refused, diagnostics);
    out = static_cast<size_t>(found - words.begin());
    return true;
  };
  return kind;
}

bool check_key(const Located<std::string>& key, const TextRules& rules, Diagnostics& diagnostics) {
  const std::string wrong = key.value.empty() ? "may not be empty"
                            : key.value.size() > rules.max_size
                                ? fmt::format("may not be longer than {} bytes", rules.max_size)
                            : rules.check ? rules.check(key.value)
                                          : std::string();
  if (wrong.empty()) return true;
  diagnostics.error(key.where, fmt::format("the name `{}` {}", key.value, wrong));
  return false;
}

}  // namespace kinds
}  // namespace tidemark
