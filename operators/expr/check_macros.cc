// Macros: what is walked through, what it is called, and what becomes of it.
#include <algorithm>

#include <fmt/format.h>

#include "operators/expr/checker.h"

namespace tidemark::expr {
namespace {

bool is_cel_call(const Node& node, std::string_view name, size_t args) {
  return node.kind == NodeKind::kCall && node.receiver && node.name == name && node.children.size() == args + 1 &&
         node.children[0]->kind == NodeKind::kIdent && node.children[0]->name == "cel";
}

std::optional<int64_t> literal_int(const Node& node) {
  const auto* value = std::get_if<int64_t>(&node.literal);
  return node.kind == NodeKind::kLiteral && value != nullptr ? std::optional(*value) : std::nullopt;
}

std::string block_name(int64_t index) { return fmt::format("@index{}", index); }

}  // namespace

// A plain name, or one of those that cel.block's expressions give: cel.iterVar(depth, number).
std::optional<std::string> Checker::variable_name(const Node& node) {
  if (node.kind == NodeKind::kIdent && !node.rooted) return node.name;
  if (is_cel_call(node, "iterVar", 2)) {
    const auto depth = literal_int(*node.children[1]);
    const auto number = literal_int(*node.children[2]);
    if (depth && number) return fmt::format("@it:{}:{}", *depth, *number);
  }
  return std::nullopt;
}

std::optional<Checker::Answer> Checker::check_macro(const Node& node, const Facts& facts) {
  if (!node.receiver) return std::nullopt;
  const size_t args = node.children.size() - 1;
  const std::string& name = node.name;
  if (node.children[0]->kind == NodeKind::kIdent && node.children[0]->name == "cel") {
    if (auto answer = check_cel_macro(node, facts)) return answer;
  }
  const bool quantifies = args == 2 || args == 3;
  if (name == "all" && quantifies) return check_quantifier(node, Quantifier::kAll, facts);
  if (name == "exists" && quantifies) return check_quantifier(node, Quantifier::kExists, facts);
  if ((name == "exists_one" || name == "existsOne") && quantifies) {
    return check_quantifier(node, Quantifier::kExistsOne, facts);
  }
  if (name == "filter" && args == 2) return check_transform(node, 1, true, facts);
  if (name == "map" && (args == 2 || args == 3)) return check_transform(node, 1, false, facts);
  if (name == "transformList" && (args == 3 || args == 4)) return check_transform(node, 2, false, facts);
  if (name == "transformMap" && (args == 3 || args == 4)) return check_transform_map(node, false, facts);
  if (name == "transformMapEntry" && (args == 3 || args == 4)) return check_transform_map(node, true, facts);
  if (name == "optMap" && args == 2) return check_optional_map(node, false, facts);
  if (name == "optFlatMap" && args == 2) return check_optional_map(node, true, facts);
  return std::nullopt;
}

std::optional<Checker::Answer> Checker::check_cel_macro(const Node& node, const Facts& facts) {
  if (is_cel_call(node, "bind", 3)) return check_bind(node, facts);
  if (is_cel_call(node, "block", 2) && node.children[1]->kind == NodeKind::kList) return check_block(node, facts);
  std::optional<std::string> name = variable_name(node);
  if (is_cel_call(node, "index", 1)) {
    if (const auto index = literal_int(*node.children[1])) name = block_name(*index);
  }
  if (!name) return std::nullopt;
  Node ident;
  ident.kind = NodeKind::kIdent;
  ident.name = *name;
  ident.offset = node.offset;
  if (!find_variable(ident)) return fail(node.offset, fmt::format("`{}` names nothing here", text_of(node)));
  return check_ident(ident, facts);
}

std::optional<Loop> Checker::begin_loop(const Node& node, size_t variables, const Facts& facts, Typed& range) {
  Answer checked = check(*node.children[0], facts);
  std::vector<std::string> names;
  for (size_t i = 1; i <= variables; ++i) {
    const auto name = variable_name(*node.children[i]);
    if (!name) {
      fail(node.children[i]->begin,
           fmt::format("`{}` needs a plain name here, not `{}`", node.name, text_of(*node.children[i])),
           fmt::format("write `list.{}(x, ...)`", node.name));
      return std::nullopt;
    }
    names.push_back(*name);
  }
  if (names.size() == 2 && names[0] == names[1]) {
    fail(node.children[2]->begin, fmt::format("`{}` gives one name to two things", node.name));
    return std::nullopt;
  }
  if (!checked) return std::nullopt;
  range = std::move(*checked);
  const Kind kind = range.shape.kind;
  if (kind != Kind::kList && kind != Kind::kMap && !is_open(kind) && !dialect_.dynamic) {
    fail(node.offset, fmt::format("`{}` walks through a list or a map, but `{}` is {}", node.name,
                                  text_of(*node.children[0]), to_string(range.shape)));
    return std::nullopt;
  }
  warn_if_nullable(*node.children[0], range, node.name);
  Loop loop{row_operand(*node.children[0], range), node.name, variables_.size(), variables == 2};
  const bool is_map = kind == Kind::kMap;
  const bool is_list = kind == Kind::kList;
  const Shape element = is_list || is_map ? range.shape.element_or_dyn() : Shape(Kind::kDyn);
  const Shape key = is_map ? range.shape.key_or_dyn() : Shape(is_list ? Kind::kInt : Kind::kDyn);
  variables_.push_back({names[0], is_map || loop.two ? key : element});
  if (loop.two) variables_.push_back({names[1], element});
  return loop;
}

Typed Checker::of_loop(const Loop& loop, const Typed& range, std::initializer_list<const Typed*> parts, Shape shape) {
  Typed typed;
  typed.shape = std::move(shape);
  typed.fallible = range.nullable || is_open(range.shape.kind);
  for (const Typed* part : parts) {
    if (part == nullptr) continue;
    typed.fallible = typed.fallible || part->fallible;
    typed.reach = std::max(typed.reach, std::min(part->reach, loop.depth));
  }
  typed.fallible = typed.fallible || range.fallible;
  typed.reach = std::max(typed.reach, range.reach);
  return typed;
}

Checker::Answer Checker::check_condition(const Node& node, std::string_view name, const Facts& facts) {
  Answer condition = check(node, facts);
  if (!condition || !require_bool(node, *condition, name)) return std::nullopt;
  if (condition->shape.kind != Kind::kBool) condition->fallible = true;
  warn_if_nullable(node, *condition, name);
  condition->fallible = condition->fallible || condition->nullable;
  return condition;
}

Checker::Answer Checker::check_quantifier(const Node& node, Quantifier quantifier, const Facts& facts) {
  Typed range;
  const auto loop = begin_loop(node, node.children.size() - 2, facts, range);
  if (!loop) return std::nullopt;
  const Answer condition = check_condition(*node.children.back(), node.name, facts);
  end_loop(*loop);
  if (!condition) return std::nullopt;
  Typed typed = of_loop(*loop, range, {&*condition}, Kind::kBool);
  typed.row = std::make_shared<const RowQuantifier>(quantifier, *loop, condition->row);
  return typed;
}

// map(x, result), map(x, condition, result), filter(x, condition), and the same of transformList with two names.
Checker::Answer Checker::check_transform(const Node& node, size_t variables, bool filters, const Facts& facts) {
  Typed range;
  const auto loop = begin_loop(node, variables, facts, range);
  if (!loop) return std::nullopt;
  const bool has_condition = filters || node.children.size() == variables + 3;
  Answer condition = has_condition ? check_condition(*node.children[variables + 1], node.name, facts) : Typed{};
  const Facts inside = has_condition ? facts_when(*node.children[variables + 1], true, facts) : facts;
  Answer result = filters ? Typed{} : check(*node.children.back(), inside);
  const Shape first = variables_[loop->depth].shape;
  end_loop(*loop);
  if (!condition || !result) return std::nullopt;
  Typed typed = of_loop(*loop, range, {&*condition, &*result}, Shape::list_of(filters ? first : held_shape(*result)));
  typed.row = std::make_shared<const RowTransform>(*loop, condition->row, result->row);
  return typed;
}

Checker::Answer Checker::check_transform_map(const Node& node, bool whole, const Facts& facts) {
  Typed range;
  const auto loop = begin_loop(node, 2, facts, range);
  if (!loop) return std::nullopt;
  const bool has_condition = node.children.size() == 5;
  Answer condition = has_condition ? check_condition(*node.children[3], node.name, facts) : Typed{};
  Answer result = check(*node.children.back(), facts);
  const Shape key = variables_[loop->depth].shape;
  end_loop(*loop);
  if (!condition || !result) return std::nullopt;
  if (whole && result->shape.kind != Kind::kMap && !is_open(result->shape.kind)) {
    return refuse(node.children.back()->begin,
                  fmt::format("`{}` needs a map with the entry, not {}", node.name, to_string(result->shape)));
  }
  const Shape shape = whole ? result->shape : Shape::map_of(key, held_shape(*result));
  Typed typed = of_loop(*loop, range, {&*condition, &*result}, shape);
  typed.fallible = typed.fallible || whole;
  typed.row = std::make_shared<const RowTransformMap>(*loop, condition->row, result->row, whole);
  return typed;
}

Checker::Answer Checker::check_optional_map(const Node& node, bool flat, const Facts& facts) {
  Answer target = check(*node.children[0], facts);
  const auto name = variable_name(*node.children[1]);
  if (!name) return fail(node.children[1]->begin, fmt::format("`{}` needs a plain name here", node.name));
  if (!target) return std::nullopt;
  if (target->shape.kind != Kind::kOptional && !is_open(target->shape.kind)) {
    return refuse(node.offset, fmt::format("no `{}` for {}", node.name, to_string(target->shape)));
  }
  const size_t depth = variables_.size();
  variables_.push_back({*name, target->shape.element_or_dyn()});
  const Answer result = check(*node.children[2], facts);
  variables_.resize(depth);
  if (!result) return std::nullopt;
  if (flat && result->shape.kind != Kind::kOptional && !is_open(result->shape.kind)) {
    return refuse(node.children[2]->begin,
                  fmt::format("`{}` needs an optional, not {}", node.name, to_string(result->shape)));
  }
  Typed typed;
  typed.shape = flat ? result->shape : Shape::optional_of(held_shape(*result));
  typed.fallible = target->fallible || result->fallible || is_open(target->shape.kind);
  typed.reach = std::max(target->reach, std::min(result->reach, depth));
  RowOperand operand = row_operand(*node.children[0], *target);
  typed.row = std::make_shared<const RowOptionalMap>(std::move(operand), depth, result->row, flat);
  return typed;
}

// cel.bind(name, value, result)
Checker::Answer Checker::check_bind(const Node& node, const Facts& facts) {
  const auto name = variable_name(*node.children[1]);
  if (!name) {
    return fail(node.children[1]->begin, "`cel.bind` needs a plain name here", "write `cel.bind(x, value, ...)`");
  }
  const Answer value = check(*node.children[2], facts);
  if (!value) return std::nullopt;
  const size_t depth = variables_.size();
  variables_.push_back({*name, held_shape(*value)});
  const Answer result = check(*node.children[3], facts);
  variables_.resize(depth);
  if (!result) return std::nullopt;
  Typed typed;
  typed.shape = result->shape;
  typed.nullable = result->nullable || value->nullable;
  typed.fallible = value->fallible || value->nullable || result->fallible;
  typed.reach = std::max(value->reach, std::min(result->reach, depth));
  typed.row = std::make_shared<const RowBind>(depth, std::vector{value->row}, result->row);
  return typed;
}

// cel.block([values], result): each value may read those before it as cel.index(n).
Checker::Answer Checker::check_block(const Node& node, const Facts& facts) {
  const Node& list = *node.children[1];
  const size_t depth = variables_.size();
  Typed typed;
  std::vector<RowPtr> rows;
  bool good = true;
  const auto add = [&](const Answer& part) {
    good = good && part.has_value();
    if (!part) return;
    typed.fallible = typed.fallible || part->fallible || part->nullable;
    typed.nullable = typed.nullable || part->nullable;
    typed.reach = std::max(typed.reach, std::min(part->reach, depth));
  };
  for (size_t i = 0; i < list.children.size(); ++i) {
    const Answer value = check(*list.children[i], facts);
    add(value);
    rows.push_back(value ? value->row : nullptr);
    variables_.push_back({block_name(static_cast<int64_t>(i)), value ? held_shape(*value) : Shape(Kind::kDyn)});
  }
  const Answer result = check(*node.children[2], facts);
  add(result);
  variables_.resize(depth);
  if (!good) return std::nullopt;
  typed.shape = result->shape;
  typed.row = std::make_shared<const RowBind>(depth, std::move(rows), result->row);
  return typed;
}

}  // namespace tidemark::expr
