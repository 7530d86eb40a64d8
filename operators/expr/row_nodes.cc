// What errors, nulls and kinds mean to each row node.
#include "operators/expr/row_nodes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operators/expr/utf8.h"

namespace tidemark::expr {
namespace {

Value null_operand(const RowOperand& operand, std::string_view name, RowContext& context) {
  return context.fail(fmt::format("`{}` is null, which `{}` cannot take", operand.text, name));
}

// The position that a key names in a list, if it is a whole number.
std::optional<int64_t> position_of(const Value& key) {
  if (key.kind() == Kind::kInt) return key.as_int();
  if (key.kind() == Kind::kUint && key.as_uint() <= INT64_MAX) return static_cast<int64_t>(key.as_uint());
  if (key.kind() == Kind::kDouble && std::fabs(key.as_double()) < 0x1p53 &&
      std::trunc(key.as_double()) == key.as_double()) {
    return static_cast<int64_t>(key.as_double());
  }
  return std::nullopt;
}

std::string key_text(const Value& key) {
  std::string text;
  append_json(key, text);
  return text;
}

// Element or value, or nullptr.
const Value* find(const Value& container, const Value& key) {
  if (container.kind() == Kind::kMap) return container.map().find(key);
  if (container.kind() != Kind::kList) return nullptr;
  const auto at = position_of(key);
  if (!at || *at < 0 || static_cast<size_t>(*at) >= container.list().size()) return nullptr;
  return &container.list()[static_cast<size_t>(*at)];
}

bool fits_kinds(const Overload& overload, std::span<const Value> args) {
  return std::ranges::equal(overload.args, args, [](TypeKind k, const Value& v) { return kind_of(k) == v.kind(); });
}

// What lies at `key`: an element of a list, a map's value, either inside of an optional; as an optional, or an error
// where nothing can lie.
Value find_optional(const Value& container, const Value& key, RowContext& context) {
  if (container.kind() == Kind::kOptional) {
    return container.optional() == nullptr ? container : find_optional(*container.optional(), key, context);
  }
  if (container.kind() != Kind::kMap && container.kind() != Kind::kList) {
    return no_overload("[]", std::array{container, key}, context);
  }
  const Value* found = find(container, key);
  return found == nullptr ? Value::of_optional(nullptr) : make_optional(context.scratch(), *found);
}

}  // namespace

Value no_overload(std::string_view name, std::span<const Value> args, RowContext& context) {
  std::vector<std::string_view> kinds;
  for (const Value& arg : args) kinds.push_back(type_name(arg.kind()));
  return context.fail(fmt::format("no such overload: `{}` of {}", name, fmt::join(kinds, ", ")));
}

RowPtr RowConstant::of(const Value& value) {
  auto memory = std::make_shared<Arena>(256);
  const Value copy = deep_copy(value, *memory);
  return std::make_shared<const RowConstant>(copy, std::move(memory));
}

Value RowCall::eval(RowContext& context) const {
  std::array<Value, 8> few;
  std::vector<Value> many(args_.size() > few.size() ? args_.size() : 0);
  const std::span<Value> args(many.empty() ? few.data() : many.data(), args_.size());
  const bool takes_null = function_ != nullptr && function_->takes_null;
  for (size_t i = 0; i < args_.size(); ++i) {
    args[i] = args_[i].node->eval(context);
    if (args[i].is_error()) return args[i];
    if (args[i].kind() == Kind::kNull && !takes_null) return null_operand(args_[i], name_, context);
  }
  for (const Overload* overload : overloads_) {
    if (fits_kinds(*overload, args)) return context.call(overload->kernel, overload->result, args);
  }
  if (function_ == nullptr) return no_overload(name_, args, context);
  const Value result = function_->apply(args, context);
  if (context.exhausted()) return context.fail("the expression needs more memory for one record than it may have");
  return result;
}

Value RowMatches::eval(RowContext& context) const {
  const Value text = text_.node->eval(context);
  if (text.is_error()) return text;
  if (text.kind() == Kind::kNull) return null_operand(text_, "matches", context);
  if (text.kind() != Kind::kString) return no_overload("matches", std::span(&text, 1), context);
  context.spend(text);
  return Value::of_bool(pattern_->found_in(text.text()));
}

Value RowEqual::eval(RowContext& context) const {
  const Value a = left_->eval(context);
  if (a.is_error()) return a;
  const Value b = right_->eval(context);
  if (b.is_error()) return b;
  if (a.kind() == b.kind()) context.spend(a);
  return Value::of_bool(equal(a, b) != negated_);
}

Value RowOrder::eval(RowContext& context) const {
  const std::array<Value, 2> args{left_.node->eval(context), right_.node->eval(context)};
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].is_error()) return args[i];
    if (args[i].kind() == Kind::kNull) return null_operand(i == 0 ? left_ : right_, name_, context);
  }
  const Kernel kernel = order_kernel(comparison_, column_kind(args[0].kind()), column_kind(args[1].kind()));
  return kernel == nullptr ? no_overload(name_, args, context) : context.call(kernel, TypeKind::kBool, args);
}

Value RowLogic::eval(RowContext& context) const {
  const Value a = left_.node->eval(context);
  if (a.kind() == Kind::kBool && a.as_bool() == decisive_) return a;
  const Value b = right_.node->eval(context);
  if (b.kind() == Kind::kBool && b.as_bool() == decisive_) return b;
  const std::array<Value, 2> args{a, b};
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].is_error()) return args[i];
    if (args[i].kind() == Kind::kNull) return null_operand(i == 0 ? left_ : right_, name_, context);
    if (args[i].kind() != Kind::kBool) return no_overload(name_, args, context);
  }
  return b;
}

Value RowTernary::eval(RowContext& context) const {
  const Value condition = condition_.node->eval(context);
  if (condition.is_error()) return condition;
  if (condition.kind() == Kind::kNull) return null_operand(condition_, "?:", context);
  if (condition.kind() != Kind::kBool) return no_overload("?:", std::span(&condition, 1), context);
  return (condition.as_bool() ? yes_ : no_)->eval(context);
}

Value RowIn::eval(RowContext& context) const {
  const Value needle = needle_->eval(context);
  if (needle.is_error()) return needle;
  const Value container = container_.node->eval(context);
  if (container.is_error()) return container;
  if (container.kind() == Kind::kNull) return null_operand(container_, "in", context);
  if (container.kind() == Kind::kMap) return Value::of_bool(container.map().find(needle) != nullptr);
  if (container.kind() != Kind::kList) return no_overload("in", std::array{needle, container}, context);
  context.spend(container);
  return Value::of_bool(std::ranges::any_of(container.list(), [&](const Value& v) { return equal(needle, v); }));
}

Value RowIndex::eval(RowContext& context) const {
  const Value container = container_.node->eval(context);
  if (container.is_error()) return container;
  if (container.kind() == Kind::kNull) return null_operand(container_, name_, context);
  const Value key = key_->eval(context);
  if (key.is_error()) return key;
  const Kind kind = container.kind();
  const bool is_key = can_be_key(key.kind()) || key.kind() == Kind::kDouble;
  if (!is_key || (kind == Kind::kList && (name_ != "[]" || !is_number(key.kind())))) {
    return no_overload(name_, std::array{container, key}, context);
  }
  if (optional_ || kind == Kind::kOptional) return find_optional(container, key, context);
  if (const Value* found = find(container, key)) return *found;
  if (kind == Kind::kMap) return context.fail(fmt::format("no such key: {}", key_text(key)));
  if (kind == Kind::kList) return context.fail(fmt::format("index out of range: {}", key_text(key)));
  return no_overload(name_, std::array{container, key}, context);
}

Value RowHasKey::eval(RowContext& context) const {
  const Value container = container_.node->eval(context);
  if (container.is_error()) return container;
  if (container.kind() == Kind::kNull) return null_operand(container_, "has", context);
  const Value key = Value::of_string(key_);
  if (container.kind() == Kind::kOptional) {
    const Value found = find_optional(container, key, context);
    return found.is_error() ? found : Value::of_bool(found.optional() != nullptr);
  }
  if (container.kind() != Kind::kMap) return no_overload("has", std::span(&container, 1), context);
  return Value::of_bool(container.map().find(key) != nullptr);
}

Value RowText::eval(RowContext& context) const {
  const Value bytes = bytes_.node->eval(context);
  if (bytes.kind() != Kind::kBytes) return bytes;
  return is_valid_utf8(bytes.text()) ? Value::of_text(Kind::kString, bytes.text()) : context.fail(not_text(bytes_.text));
}

Value RowHas::eval(RowContext& context) const {
  const Value value = field_->eval(context);
  return Value::of_bool(!value.is_error() && value.kind() != Kind::kNull);
}

Value RowCoalesce::eval(RowContext& context) const {
  Value value;
  for (const RowPtr& choice : choices_) {
    value = choice->eval(context);
    if (value.kind() != Kind::kNull) break;
  }
  return value;
}

Value RowList::eval(RowContext& context) const {
  std::span<Value> list = allocate<Value>(context.scratch(), elements_.size());
  size_t n = 0;
  for (const RowElement& element : elements_) {
    const Value value = element.node->eval(context);
    if (value.is_error()) return value;
    if (!element.optional) {
      list[n++] = value;
    } else if (value.kind() != Kind::kOptional) {
      return no_overload("[?]", std::span(&value, 1), context);
    } else if (value.optional() != nullptr) {
      list[n++] = *value.optional();
    }
  }
  return Value::of_list(list.first(n));
}

Value RowMap::eval(RowContext& context) const {
  std::span<Entry> entries = allocate<Entry>(context.scratch(), elements_.size() / 2);
  size_t n = 0;
  for (size_t i = 0; i < elements_.size(); i += 2) {
    const Value key = elements_[i].node->eval(context);
    if (key.is_error()) return key;
    const Value value = elements_[i + 1].node->eval(context);
    if (value.is_error()) return value;
    if (!elements_[i + 1].optional) {
      entries[n++] = {key, value};
    } else if (value.kind() != Kind::kOptional) {
      return no_overload("{?}", std::span(&value, 1), context);
    } else if (value.optional() != nullptr) {
      entries[n++] = {key, *value.optional()};
    }
  }
  return make_map(context.scratch(), entries.first(n));
}

}  // namespace tidemark::expr
