// One loop serves all macros that walk.
#include "operators/expr/macros.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidemark::expr {
namespace {

void bind(RowContext& context, size_t depth, const Value& value) {
  if (context.variables().size() <= depth) context.variables().resize(depth + 1);
  context.variables()[depth] = value;
}

// Calls `f(first)` with the element or the key under its name, until it answers false. The answer is an error when
// the range is none, or null when all went well.
template <class F>
Value walk(const Loop& loop, RowContext& context, F&& f) {
  const Value range = loop.range.node->eval(context);
  if (range.is_error()) return range;
  if (range.kind() == Kind::kNull) {
    return context.fail(fmt::format("`{}` is null, which `{}` cannot take", loop.range.text, loop.name));
  }
  const bool is_map = range.kind() == Kind::kMap;
  if (!is_map && range.kind() != Kind::kList) return no_overload(loop.name, std::span(&range, 1), context);
  const size_t n = is_map ? range.map().entries.size() : range.list().size();
  for (size_t i = 0; i < n; ++i) {
    context.step();
    if (context.exhausted()) return context.fail(fmt::format("`{}` takes more than one record may cost", loop.name));
    const Value key = is_map ? range.map().entries[i].key : Value::of_int(static_cast<int64_t>(i));
    const Value& element = is_map ? range.map().entries[i].value : range.list()[i];
    const Value& first = is_map || loop.two ? key : element;
    bind(context, loop.depth, first);
    if (loop.two) bind(context, loop.depth + 1, element);
    if (!f(first)) break;
  }
  return {};
}

Value not_bool(const Value& value, const Loop& loop, RowContext& context) {
  if (value.is_error()) return value;
  return context.fail(fmt::format("the condition of `{}` is of type {}, not bool", loop.name, type_name(value.kind())));
}

// Walks, and calls `f(first)` in each turn that the condition (which may be absent) lets through, until it answers an
// error. The answer is the error, if there was one.
template <class F>
Value walk_where(const RowPtr& condition, const Loop& loop, RowContext& context, F&& f) {
  Value failure;
  const Value walked = walk(loop, context, [&](const Value& first) {
    const Value passes = condition == nullptr ? Value::of_bool(true) : condition->eval(context);
    if (passes.kind() != Kind::kBool) failure = not_bool(passes, loop, context);
    if (passes.is_true()) failure = f(first);
    return !failure.is_error();
  });
  return walked.is_error() ? walked : failure;
}

}  // namespace

Value RowQuantifier::eval(RowContext& context) const {
  const bool decisive = quantifier_ != Quantifier::kAll;
  Value failure;
  uint64_t decided = 0;
  const Value walked = walk(loop_, context, [&](const Value&) {
    const Value value = condition_->eval(context);
    if (value.kind() != Kind::kBool) {
      if (!failure.is_error()) failure = not_bool(value, loop_, context);
      return quantifier_ != Quantifier::kExistsOne;
    }
    if (value.as_bool() == decisive) ++decided;
    return quantifier_ == Quantifier::kExistsOne || decided == 0;
  });
  if (walked.is_error()) return walked;
  if (quantifier_ == Quantifier::kExistsOne) return failure.is_error() ? failure : Value::of_bool(decided == 1);
  if (decided > 0) return Value::of_bool(decisive);
  return failure.is_error() ? failure : Value::of_bool(!decisive);
}

Value RowTransform::eval(RowContext& context) const {
  std::vector<Value> list;
  const Value failure = walk_where(condition_, loop_, context, [&](const Value& first) {
    list.push_back(result_ == nullptr ? first : result_->eval(context));
    return list.back();
  });
  if (failure.is_error()) return failure;
  const std::span<Value> copy = allocate<Value>(context.scratch(), list.size());
  std::ranges::copy(list, copy.begin());
  return Value::of_list(copy);
}

Value RowTransformMap::eval(RowContext& context) const {
  std::vector<Entry> entries;
  const Value failure = walk_where(condition_, loop_, context, [&](const Value& first) {
    const Value value = result_->eval(context);
    if (value.is_error()) return value;
    if (!whole_) {
      entries.push_back({first, value});
    } else if (value.kind() == Kind::kMap) {
      entries.insert(entries.end(), value.map().entries.begin(), value.map().entries.end());
    } else {
      return no_overload(loop_.name, std::span(&value, 1), context);
    }
    return value;
  });
  if (failure.is_error()) return failure;
  const std::span<Entry> copy = allocate<Entry>(context.scratch(), entries.size());
  std::ranges::copy(entries, copy.begin());
  return make_map(context.scratch(), copy);
}

Value RowBind::eval(RowContext& context) const {
  for (size_t i = 0; i < values_.size(); ++i) bind(context, depth_ + i, values_[i]->eval(context));
  return result_->eval(context);
}

Value RowOptionalMap::eval(RowContext& context) const {
  const Value target = target_.node->eval(context);
  if (target.is_error()) return target;
  const char* name = flat_ ? "optFlatMap" : "optMap";
  if (target.kind() != Kind::kOptional) return no_overload(name, std::span(&target, 1), context);
  if (target.optional() == nullptr) return target;
  bind(context, depth_, *target.optional());
  const Value result = result_->eval(context);
  if (result.is_error()) return result;
  if (!flat_) return make_optional(context.scratch(), result);
  return result.kind() == Kind::kOptional ? result : no_overload(name, std::span(&result, 1), context);
}

}  // namespace tidemark::expr
