// Lists and maps: literals, what lies in them, and `in`.
#include <algorithm>

#include <fmt/format.h>

#include "operators/expr/checker.h"

namespace tidemark::expr {
namespace {

// The constants as a set's elements, if all of them are of kind `T`.
template <class T>
bool collect(const std::vector<Typed>& elements, size_t from, std::vector<T>& out, bool& has_null) {
  for (size_t i = from; i < elements.size(); ++i) {
    if (elements[i].constant == nullptr) return false;
    if (std::holds_alternative<std::nullptr_t>(*elements[i].constant)) {
      has_null = true;
    } else if (const T* value = std::get_if<T>(elements[i].constant)) {
      out.push_back(*value);
    } else {
      return false;
    }
  }
  return true;
}

// A set, where the needle (args[0]) and all elements (the rest) are of the C++ types View and Stored.
template <class View, class Stored>
EvalPtr in_set(std::vector<Typed>& args) {
  std::vector<Stored> elements;
  bool has_null = false;
  if (args.size() < 2 || !collect(args, 1, elements, has_null)) return nullptr;
  return std::make_unique<const InSetNode<View>>(std::move(args[0].node), std::move(elements), has_null);
}

EvalPtr in_set_of(Kind needle, std::vector<Typed>& args) {
  if (needle == Kind::kString || needle == Kind::kBytes) return in_set<std::string_view, std::string>(args);
  if (needle == Kind::kInt) return in_set<int64_t, int64_t>(args);
  if (needle == Kind::kUint) return in_set<uint64_t, uint64_t>(args);
  return nullptr;
}

EvalPtr in_list_of(std::vector<Typed>& args) {
  const TypeKind needle = column_kind(args[0].shape.kind);
  std::vector<InListNode::Element> nodes;
  for (size_t i = 1; i < args.size(); ++i) {
    const Kernel equal = equal_kernel(needle, column_kind(args[i].shape.kind));
    nodes.push_back({std::move(args[i].node), equal});
  }
  return std::make_unique<const InListNode>(std::move(args[0].node), std::move(nodes));
}

std::vector<RowElement> elements_of(const Node& node, const std::vector<Typed>& typed) {
  std::vector<RowElement> elements;
  for (size_t i = 0; i < typed.size(); ++i) elements.push_back({typed[i].row, node.optional_at(i)});
  return elements;
}

// The shape of a literal's part: of an optional one, what is inside.
Shape part_shape(const Node& node, const std::vector<Typed>& typed, size_t i) {
  return node.optional_at(i) ? typed[i].shape.element_or_dyn() : held_shape(typed[i]);
}

bool is_container(Kind kind) { return kind == Kind::kList || kind == Kind::kMap || is_open(kind); }

}  // namespace

Checker::Answer Checker::check_list(const Node& node, const Facts& facts) {
  auto elements = check_all(node.children, facts);
  if (!elements) return std::nullopt;
  Shape element = Kind::kNever;
  for (size_t i = 0; i < elements->size(); ++i) {
    const Shape& shape = (*elements)[i].shape;
    if (node.optional_at(i) && shape.kind != Kind::kOptional && !is_open(shape.kind)) {
      return refuse(node.children[i]->begin, fmt::format("`?` needs an optional, not {}", to_string(shape)));
    }
    element = join_or_dyn(element, part_shape(node, *elements, i));
  }
  Typed typed = typed_over(*elements, Shape::list_of(std::move(element)));
  typed.row = std::make_shared<const RowList>(elements_of(node, *elements));
  return typed;
}

Checker::Answer Checker::check_map(const Node& node, const Facts& facts) {
  auto parts = check_all(node.children, facts);
  if (!parts) return std::nullopt;
  Shape key = Kind::kNever;
  Shape value = Kind::kNever;
  for (size_t i = 0; i < parts->size(); i += 2) {
    const Shape& shape = (*parts)[i].shape;
    if (!can_be_key(shape.kind) && !is_open(shape.kind)) {
      return refuse(node.children[i]->begin,
                    fmt::format("a map's key is a bool, an int, a uint or a string, not {}", to_string(shape)));
    }
    const Shape& of_value = (*parts)[i + 1].shape;
    if (node.optional_at(i + 1) && of_value.kind != Kind::kOptional && !is_open(of_value.kind)) {
      return refuse(node.children[i + 1]->begin, fmt::format("`?` needs an optional, not {}", to_string(of_value)));
    }
    key = join_or_dyn(key, shape);
    value = join_or_dyn(value, part_shape(node, *parts, i + 1));
  }
  Typed typed = typed_over(*parts, Shape::map_of(std::move(key), std::move(value)));
  typed.fallible = true;  // a key may be there twice
  typed.row = std::make_shared<const RowMap>(elements_of(node, *parts));
  return typed;
}

Checker::Answer Checker::check_index(const Node& node, const Facts& facts) {
  auto parts = check_all(node.children, facts);
  if (!parts) return std::nullopt;
  Typed& target = (*parts)[0];
  const Typed& key = (*parts)[1];
  const Shape inside = target.shape.kind == Kind::kOptional ? target.shape.element_or_dyn() : target.shape;
  const Kind kind = inside.kind;
  if (!is_container(kind)) {
    std::string hint;
    if (kind == Kind::kString) {
      hint = fmt::format("write `{}.charAt({})`", text_of(*node.children[0]), text_of(*node.children[1]));
    }
    return refuse(node.offset, fmt::format("no `[]` for {}", to_string(target.shape)), hint);
  }
  const Shape wanted = kind == Kind::kMap ? inside.key_or_dyn() : Shape(Kind::kInt);
  if (!is_open(kind) && !comparable(key.shape, wanted)) {
    return refuse(node.children[1]->begin,
                  fmt::format("`{}` is {}, but {} is indexed by {}", text_of(*node.children[1]), to_string(key.shape),
                              to_string(inside), to_string(wanted)));
  }
  Typed whole;
  take_over(key, whole);
  const RowPtr row = key.row;
  const bool fixed = key.fixed;
  Answer answer = check_member(node, std::move(target), "[]", row, node.name == "[?]");
  if (!answer) return std::nullopt;
  answer->reach = std::max(answer->reach, whole.reach);
  answer->fixed = answer->fixed && fixed;
  return answer;
}

// What lies in `target` under `key`: target[key], and with `name` target.name.
Checker::Answer Checker::check_member(const Node& node, Typed target, std::string_view name, RowPtr key,
                                      bool optional) {
  const bool chained = target.shape.kind == Kind::kOptional;
  const Shape inside = chained ? target.shape.element_or_dyn() : target.shape;
  const bool by_name = name != "[]";
  if (!is_container(inside.kind) || (by_name && inside.kind == Kind::kList)) {
    return refuse(node.offset, fmt::format("no `{}` for {}", name, to_string(target.shape)));
  }
  if (by_name && inside.kind == Kind::kMap && !comparable(inside.key_or_dyn(), Kind::kString)) {
    return refuse(node.offset, fmt::format("no `{}` for {}", name, to_string(target.shape)),
                  "only keys that are strings can be selected by name");
  }
  warn_if_nullable(*node.children[0], target, name);
  Shape shape = is_open(inside.kind) ? Shape(Kind::kDyn) : inside.element_or_dyn();
  if (chained || optional) shape = Shape::optional_of(std::move(shape));
  Typed typed;
  typed.nullable = is_open(shape.kind) || shape.kind == Kind::kNull;
  typed.shape = std::move(shape);
  typed.fallible = true;
  typed.reach = target.reach;
  typed.fixed = target.fixed;
  typed.row = std::make_shared<const RowIndex>(row_operand(*node.children[0], target), std::move(key),
                                               std::string(name), optional);
  return typed;
}

Checker::Answer Checker::check_in(const Node& node, const Facts& facts) {
  const Node& list = *node.children[1];
  Answer needle = check(*node.children[0], facts);
  if (list.kind == NodeKind::kList && needle) return check_in_literal(node, std::move(*needle), facts);
  const Answer right = check(list, facts);
  if (!needle || !right) return std::nullopt;
  if (!is_container(right->shape.kind)) {
    std::string hint;
    if (right->shape.kind == Kind::kString) {
      hint = fmt::format("write `{}.contains({})`", text_of(list), text_of(*node.children[0]));
    }
    return refuse(list.begin, fmt::format("`in` needs a list on its right, not {}", to_string(right->shape)), hint);
  }
  const bool is_map = right->shape.kind == Kind::kMap;
  const Shape element = is_map ? right->shape.key_or_dyn() : right->shape.element_or_dyn();
  if (!comparable(needle->shape, element) && !dialect_.dynamic) {
    return fail(list.begin, fmt::format("`{}` is {}, but the {} has {}", text_of(*node.children[0]),
                                        to_string(needle->shape), is_map ? "map" : "list", to_string(element)));
  }
  warn_if_nullable(list, *right, "in");
  Typed typed;
  typed.shape = Kind::kBool;
  typed.fixed = true;
  typed.fallible = right->nullable || is_open(right->shape.kind);
  take_over(*needle, typed);
  take_over(*right, typed);
  typed.row = std::make_shared<const RowIn>(needle->row, row_operand(list, *right));
  return typed;
}

// `x in [a, b, c]`, which runs by columns where all of its parts do.
Checker::Answer Checker::check_in_literal(const Node& node, Typed needle, const Facts& facts) {
  const Node& list = *node.children[1];
  auto elements = check_all(list.children, facts);
  if (!elements) return std::nullopt;
  const auto fits_needle = [&](size_t i) { return comparable(needle.shape, part_shape(list, *elements, i)); };
  bool any = elements->empty();
  for (size_t i = 0; i < elements->size(); ++i) any = any || fits_needle(i);
  if (!any && !dialect_.dynamic) {
    const std::string element = to_string(part_shape(list, *elements, 0));
    return fail(list.children[0]->begin, fmt::format("`{}` is {}, but the list has {}", text_of(*node.children[0]),
                                                     to_string(needle.shape), element));
  }
  Typed typed = typed_over(*elements, Kind::kBool);
  take_over(needle, typed);
  Typed whole = typed_over(*elements, Shape::list_of(Kind::kDyn));
  whole.row = std::make_shared<const RowList>(elements_of(list, *elements));
  settle(whole);
  typed.row = std::make_shared<const RowIn>(needle.row, row_operand(list, whole));
  const auto kernel_missing = [&](const Typed& element) {
    const bool null = needle.shape.kind == Kind::kNull || element.shape.kind == Kind::kNull;
    return !null && equal_kernel(column_kind(needle.shape.kind), column_kind(element.shape.kind)) == nullptr;
  };
  const bool scalar_needle = needle.node != nullptr && is_scalar(needle.shape.kind);
  const bool optional = std::ranges::any_of(list.optionals, [](bool o) { return o; });
  if (!scalar_needle || optional || !all_columnar(*elements) || std::ranges::any_of(*elements, kernel_missing)) {
    return typed;
  }
  const Kind kind = needle.shape.kind;
  std::vector<Typed> args;
  args.push_back(std::move(needle));
  std::ranges::move(*elements, std::back_inserter(args));
  typed.node = in_set_of(kind, args);
  if (typed.node == nullptr) typed.node = in_list_of(args);
  return typed;
}

}  // namespace tidemark::expr
