// Functions on lists, maps and types, and those of the math extension that take operands of several kinds.
#include <algorithm>
#include <string>

#include "base/base64.h"
#include "operators/expr/network.h"
#include "operators/expr/numbers.h"
#include "operators/expr/row_functions.h"
#include "operators/expr/text.h"

namespace tidemark::expr {
namespace {

using Shapes = std::span<const Shape>;
using Values = std::span<const Value>;

const Shape& strings() {
  static const Shape list = Shape::list_of(Kind::kString);
  return list;
}

std::optional<Shape> shape_of_plus(Shapes args) {
  const Shape any = Shape::list_of(Kind::kDyn);
  if (!fits(args[0], any) || !fits(args[1], any)) return std::nullopt;
  if (is_open(args[0].kind) && is_open(args[1].kind)) return Kind::kDyn;
  return Shape::list_of(join_or_dyn(args[0].element_or_dyn(), args[1].element_or_dyn()));
}

Value plus(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kList || args[1].kind() != Kind::kList) return no_overload("+", args, context);
  const auto a = args[0].list();
  const auto b = args[1].list();
  const std::span<Value> both = allocate<Value>(context.scratch(), a.size() + b.size());
  std::ranges::copy(b, std::ranges::copy(a, both.begin()).out);
  return Value::of_list(both);
}

std::optional<Shape> shape_of_size(Shapes args) {
  const Kind kind = args[0].kind;
  return kind == Kind::kList || kind == Kind::kMap || is_open(kind) ? std::optional(Shape(Kind::kInt)) : std::nullopt;
}

Value size(Values args, RowContext& context) {
  if (args[0].kind() == Kind::kList) return Value::of_int(static_cast<int64_t>(args[0].list().size()));
  if (args[0].kind() == Kind::kMap) return Value::of_int(static_cast<int64_t>(args[0].map().entries.size()));
  return no_overload("size", args, context);
}

std::optional<Shape> shape_of_join(Shapes args) {
  if (!fits(args[0], strings()) || (args.size() > 1 && !fits(args[1], Kind::kString))) return std::nullopt;
  return Kind::kString;
}

Value join_texts(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kList || (args.size() > 1 && args[1].kind() != Kind::kString)) {
    return no_overload("join", args, context);
  }
  const std::string_view separator = args.size() > 1 ? args[1].text() : "";
  std::string text;
  for (const Value& part : args[0].list()) {
    if (part.kind() != Kind::kString) return no_overload("join", std::span(&part, 1), context);
    if (&part != args[0].list().data()) text += separator;
    text += part.text();
    if (text.size() > kMaxTextBytes) return context.fail(kTooLong);
  }
  return Value::of_string(context.scratch().copy(text));
}

std::optional<Shape> shape_of_split(Shapes args) {
  if (!fits(args[0], Kind::kString) || !fits(args[1], Kind::kString)) return std::nullopt;
  if (args.size() > 2 && !fits(args[2], Kind::kInt)) return std::nullopt;
  return strings();
}

// The part before the next separator; `text` keeps what is behind it. An empty separator cuts between code points.
std::string_view take_part(std::string_view& text, std::string_view separator, bool& more) {
  const size_t at = separator.empty() ? byte_of(text, 1).value_or(0) : text.find(separator);
  more = at != std::string_view::npos && (!separator.empty() || at < text.size());
  const std::string_view part = more ? text.substr(0, at) : text;
  if (more) text.remove_prefix(at + separator.size());
  return part;
}

Value split(Values args, RowContext& context) {
  const bool limited = args.size() > 2;
  if (args[0].kind() != Kind::kString || args[1].kind() != Kind::kString ||
      (limited && args[2].kind() != Kind::kInt)) {
    return no_overload("split", args, context);
  }
  std::vector<Value> parts;
  std::string_view text = args[0].text();
  int64_t left = limited ? args[2].as_int() : -1;
  bool more = left != 0 && !(text.empty() && args[1].text().empty());
  while (more) {
    if (left == 1) {
      parts.push_back(Value::of_string(text));
      break;
    }
    if (parts.size() * sizeof(Value) > RowContext::kMaxScratchBytes) return context.fail("`split` has too many parts");
    parts.push_back(Value::of_string(take_part(text, args[1].text(), more)));
    --left;
  }
  const std::span<Value> copy = allocate<Value>(context.scratch(), parts.size());
  std::ranges::copy(parts, copy.begin());
  return Value::of_list(copy);
}

// Numbers of any kinds, or one list of them.
std::optional<Shape> shape_of_extreme(Shapes args) {
  if (args.size() == 1 && args[0].kind == Kind::kList) {
    const Shape element = args[0].element_or_dyn();
    if (!is_number(element.kind) && !is_open(element.kind)) return std::nullopt;
    return is_number(element.kind) ? element : Shape(Kind::kDyn);
  }
  const auto number = [](const Shape& s) { return is_number(s.kind) || is_open(s.kind); };
  if (!std::ranges::all_of(args, number)) return std::nullopt;
  const bool one_kind = std::ranges::all_of(args, [&](const Shape& s) { return s == args[0]; });
  return one_kind ? args[0] : Shape(Kind::kDyn);
}

std::partial_ordering order_of(const Value& a, const Value& b) {
  const auto with = [](const Value& v, auto&& f) {
    if (v.kind() == Kind::kInt) return f(v.as_int());
    if (v.kind() == Kind::kUint) return f(v.as_uint());
    return f(v.as_double());
  };
  return with(a, [&](auto x) {
    return with(b, [&](auto y) -> std::partial_ordering { return compare(x, y); });
  });
}

// The first of the greatest, or of the least. NaN loses against numbers.
template <bool kGreatest>
Value extreme(Values args, RowContext& context) {
  const char* name = kGreatest ? "math.greatest" : "math.least";
  const Values numbers = args.size() == 1 && args[0].kind() == Kind::kList ? args[0].list() : args;
  if (&args[0] != numbers.data()) context.spend(args[0]);
  if (numbers.empty()) return context.fail(std::string("`") + name + "` of an empty list");
  const Value* best = nullptr;
  for (const Value& number : numbers) {
    if (!is_number(number.kind())) return no_overload(name, numbers, context);
    const bool replaces = best == nullptr || order_of(*best, *best) != 0 ||
                          (kGreatest ? order_of(number, *best) > 0 : order_of(number, *best) < 0);
    if (replaces) best = &number;
  }
  return *best;
}

std::optional<Shape> shape_of_type(Shapes) { return Kind::kType; }
Value type_of(Values args, RowContext&) { return Value::of_text(Kind::kType, type_name(args[0].kind())); }

std::optional<Shape> shape_of_dyn(Shapes) { return Kind::kDyn; }
Value as_it_is(Values args, RowContext&) { return args[0]; }

std::optional<Shape> shape_of_string(Shapes args) {
  const Kind kind = args[0].kind;
  const bool known = kind == Kind::kIp || kind == Kind::kCidr || is_open(kind);
  return known ? std::optional(Shape(Kind::kString)) : std::nullopt;
}

Value string_of(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kIp && args[0].kind() != Kind::kCidr) return no_overload("string", args, context);
  std::string text;
  append_network(args[0], text);
  return Value::of_string(context.scratch().copy(text));
}

std::optional<Shape> shape_of_encode(Shapes args) {
  return fits(args[0], Kind::kBytes) ? std::optional(Shape(Kind::kString)) : std::nullopt;
}
Value encode(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kBytes) return no_overload("base64.encode", args, context);
  std::string text;
  append_base64(args[0].text(), text);
  return Value::of_string(context.scratch().copy(text));
}

std::optional<Shape> shape_of_decode(Shapes args) {
  return fits(args[0], Kind::kString) ? std::optional(Shape(Kind::kBytes)) : std::nullopt;
}
Value decode(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kString) return no_overload("base64.decode", args, context);
  std::string bytes;
  if (!read_base64(args[0].text(), bytes)) return context.fail("`base64.decode` of text that is no base64");
  return Value::of_text(Kind::kBytes, context.scratch().copy(bytes));
}

}  // namespace

std::vector<RowFunction> list_functions() {
  return {
      {"+", 2, 2, true, false, shape_of_plus, plus},
      {"size", 1, 1, true, true, shape_of_size, size},
      {"join", 1, 2, false, true, shape_of_join, join_texts},
      {"split", 2, 3, false, true, shape_of_split, split},
      {"math.greatest", 1, kAnyCount, true, false, shape_of_extreme, extreme<true>},
      {"math.least", 1, kAnyCount, true, false, shape_of_extreme, extreme<false>},
  };
}

std::vector<RowFunction> type_functions() {
  return {
      {"type", 1, 1, true, false, shape_of_type, type_of, true},
      {"dyn", 1, 1, true, false, shape_of_dyn, as_it_is, true},
      {"string", 1, 1, true, false, shape_of_string, string_of},
      {"base64.encode", 1, 1, true, false, shape_of_encode, encode},
      {"base64.decode", 1, 1, true, false, shape_of_decode, decode},
  };
}

}  // namespace tidemark::expr
