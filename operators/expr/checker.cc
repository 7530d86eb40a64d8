// Names, literals and operators. Problems are collected, so that one look shows them all.
#include "operators/expr/checker.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/diagnostic.h"
#include "operators/expr/foreign.h"
#include "operators/expr/hints.h"

namespace tidemark::expr {
namespace {

Value value_of_constant(const Constant& constant, Kind kind) {
  struct Visitor {
    Kind kind;
    Value operator()(std::nullptr_t) const { return {}; }
    Value operator()(bool v) const { return Value::of_bool(v); }
    Value operator()(int64_t v) const { return kind == Kind::kDuration ? Value::of_duration(v) : Value::of_int(v); }
    Value operator()(uint64_t v) const { return Value::of_uint(v); }
    Value operator()(double v) const { return Value::of_double(v); }
    Value operator()(Nanos v) const { return Value::of_timestamp(v); }
    Value operator()(const std::string& v) const { return Value::of_text(kind, v); }
  };
  return std::visit(Visitor{kind}, constant);
}

Comparison comparison_of(std::string_view symbol) {
  if (symbol == "<=") return Comparison::kLessOrEqual;
  if (symbol == ">") return Comparison::kGreater;
  if (symbol == ">=") return Comparison::kGreaterOrEqual;
  return Comparison::kLess;
}

}  // namespace

Typed constant_typed(Constant value, Shape shape) {
  Typed typed;
  typed.nullable = std::holds_alternative<std::nullptr_t>(value);
  typed.fixed = true;
  typed.row = RowConstant::of(value_of_constant(value, shape.kind));
  typed.shape = std::move(shape);
  auto node = std::make_unique<const ConstantNode>(std::move(value));
  typed.constant = &node->value();
  typed.node = std::move(node);
  return typed;
}

Typed folded(Typed typed, bool constants_only) {
  if (!constants_only || typed.node == nullptr) return typed;
  Batch batch;
  batch.rows = 1;
  Arena arena;
  Context context(batch, arena);
  constexpr std::array<uint32_t, 1> kRow{0};
  const Vec vec = typed.node->eval(context, kRow);
  if (vec.status_of(0) == kError) return typed;
  return constant_typed(constant_of(vec, 0, column_kind(typed.shape.kind)), typed.shape);
}

void take_over(const Typed& operand, Typed& result) {
  result.reach = std::max(result.reach, operand.reach);
  result.fallible = result.fallible || operand.fallible;
  result.fixed = result.fixed && operand.fixed;
}

Typed typed_over(const std::vector<Typed>& operands, Shape shape) {
  Typed typed;
  typed.nullable = is_open(shape.kind) || shape.kind == Kind::kNull;
  typed.shape = std::move(shape);
  typed.fixed = true;
  for (const Typed& operand : operands) take_over(operand, typed);
  return typed;
}

Shape held_shape(const Typed& typed) {
  return typed.nullable && typed.shape.kind != Kind::kNull ? Shape(Kind::kDyn) : typed.shape;
}

bool all_columnar(const std::vector<Typed>& typed) {
  return std::ranges::all_of(typed, [](const Typed& t) { return t.node != nullptr && is_scalar(t.shape.kind); });
}
bool all_constant(const std::vector<Typed>& typed) {
  return std::ranges::all_of(typed, [](const Typed& t) { return t.constant != nullptr; });
}
bool any_fallible(const std::vector<Typed>& typed) { return std::ranges::any_of(typed, &Typed::fallible); }
bool any_nullable(const std::vector<Typed>& typed) { return std::ranges::any_of(typed, &Typed::nullable); }

std::expected<Checked, std::vector<Problem>> check(const Ast& ast, const Scope& scope, const Dialect& dialect) {
  return Checker(ast, scope, dialect).run();
}

std::expected<Checked, std::vector<Problem>> Checker::run() {
  Answer root = check(*ast_.root, {});
  std::ranges::stable_sort(problems_, {}, &Problem::offset);
  std::ranges::stable_sort(warnings_, {}, &Problem::offset);
  if (!root) return std::unexpected(std::move(problems_));
  return Checked{std::move(*root), std::move(warnings_)};
}

std::nullopt_t Checker::fail(size_t offset, std::string message, std::string hint) {
  problems_.push_back({offset, std::move(message), std::move(hint)});
  return std::nullopt;
}

Checker::Answer Checker::refuse(size_t offset, std::string message, std::string hint) {
  if (!dialect_.dynamic) return fail(offset, std::move(message), std::move(hint));
  Typed typed;
  typed.shape = Kind::kDyn;
  typed.nullable = true;
  typed.fallible = true;
  typed.row = std::make_shared<const RowFail>(std::move(message));
  return typed;
}

Checker::Answer Checker::check(const Node& node, const Facts& facts) {
  Answer answer = check_kind(node, facts);
  if (answer) settle(*answer);
  return answer;
}

void Checker::settle(Typed& typed) {
  if (typed.node != nullptr || typed.reach > 0) return;
  if (typed.fixed) {
    Batch batch;
    Arena arena;
    Context context(batch, arena);
    RowContext rows(context);
    rows.enter(0);
    const Value value = typed.row->eval(rows);
    typed.fixed = !value.is_error();
    if (typed.fixed) typed.row = RowConstant::of(value);
  }
  if (is_scalar(typed.shape.kind)) typed.node = std::make_unique<const RowsNode>(typed.row, typed.shape.kind);
}

Checker::Answer Checker::check_kind(const Node& node, const Facts& facts) {
  switch (node.kind) {
    case NodeKind::kLiteral: return check_literal(node);
    case NodeKind::kIdent: return check_ident(node, facts);
    case NodeKind::kSelect: return check_select(node, facts);
    case NodeKind::kCall: return check_call(node, facts);
    case NodeKind::kOperator: return check_operator(node, facts);
    case NodeKind::kList: return check_list(node, facts);
    case NodeKind::kMap: return check_map(node, facts);
    case NodeKind::kMessage:
      return refuse(node.offset, fmt::format("the message `{}{{...}}` is not supported", node.name),
                    "write a map: `{'field': value}`");
  }
  __builtin_unreachable();
}

Checker::Answer Checker::check_literal(const Node& node) {
  struct Visitor {
    Typed operator()(std::nullptr_t) const { return constant_typed(nullptr, Kind::kNull); }
    Typed operator()(bool v) const { return constant_typed(v, Kind::kBool); }
    Typed operator()(int64_t v) const { return constant_typed(v, Kind::kInt); }
    Typed operator()(uint64_t v) const { return constant_typed(v, Kind::kUint); }
    Typed operator()(double v) const { return constant_typed(v, Kind::kDouble); }
    Typed operator()(const std::string& v) const { return constant_typed(v, Kind::kString); }
    Typed operator()(const Bytes& v) const { return constant_typed(v.value, Kind::kBytes); }
  };
  return std::visit(Visitor{}, node.literal);
}

const Field* Checker::find_field(std::string_view name, bool rooted) const {
  // "a.b" as the container: a.b.name, a.name, name.
  std::string_view container = rooted ? std::string_view() : dialect_.container;
  while (!container.empty()) {
    if (const Field* field = scope_.find(fmt::format("{}.{}", container, name))) return field;
    const size_t dot = container.rfind('.');
    container = dot == std::string_view::npos ? std::string_view() : container.substr(0, dot);
  }
  return scope_.find(name);
}

std::optional<size_t> Checker::find_variable(const Node& ident) const {
  if (ident.kind != NodeKind::kIdent || ident.rooted) return std::nullopt;
  for (size_t i = variables_.size(); i-- > 0;) {
    if (variables_[i].name == ident.name) return i;
  }
  return std::nullopt;
}

bool Checker::is_resolved(const Node& node) const {
  if (find_variable(root_of(node))) return true;
  const std::string path = path_of(node);
  if (path.empty()) return true;
  if (find_field(path, root_of(node).rooted) != nullptr || kind_named(path)) return true;
  return node.kind == NodeKind::kSelect && is_resolved(*node.children[0]);
}

Typed Checker::field_of(const Field& field, const Facts& facts) {
  Typed typed;
  typed.shape = Shape(field.type);
  typed.row = std::make_shared<const RowField>(field.slot, typed.shape);
  typed.slot = field.slot;
  typed.nullable = field.type.kind == TypeKind::kNull || typed.shape.kind == Kind::kDyn ||
                   (field.nullable && !facts.contains(field.name));
  if (is_scalar(typed.shape.kind) || typed.shape.kind == Kind::kList) {
    typed.node = std::make_unique<const FieldNode>(field.slot, field.type.kind);
  }
  return typed;
}

Checker::Answer Checker::check_ident(const Node& node, const Facts& facts) {
  if (const auto depth = find_variable(node)) {
    Typed typed;
    typed.shape = variables_[*depth].shape;
    typed.nullable = is_open(typed.shape.kind) || typed.shape.kind == Kind::kNull;
    typed.row = std::make_shared<const RowVariable>(*depth);
    typed.reach = *depth + 1;
    return typed;
  }
  if (const Field* field = find_field(node.name, node.rooted)) return field_of(*field, facts);
  if (const auto kind = kind_named(node.name)) {
    Typed typed;
    typed.shape = Kind::kType;
    typed.fixed = true;
    typed.row = RowConstant::of(Value::of_text(Kind::kType, type_name(*kind)));
    return typed;
  }
  return unknown_field(node, node.name);
}

Checker::Answer Checker::unknown_field(const Node& node, const std::string& path) {
  const std::string message = fmt::format("unknown field `{}`", path);
  if (node.kind == NodeKind::kSelect && names_the_record(root_of(node).name) && scope_.find(node.name) != nullptr) {
    return refuse(node.offset, message, fmt::format("a field is written by its name alone: `{}`", node.name));
  }
  if (node.kind == NodeKind::kSelect) {
    return refuse(node.offset, message,
                  fmt::format("declare it in the schema: `{}: {{type: ..., path: {}}}`", node.name, path));
  }
  const auto gathered = std::ranges::find(scope_.gathered, path, &Field::name);
  if (gathered != scope_.gathered.end()) {
    const TypeKind kind = gathered->type.kind;
    const bool number = kind == TypeKind::kInt || kind == TypeKind::kDouble;
    return refuse(node.offset, fmt::format("`{}` has a value in each row, and a window gathers many rows", path),
                  fmt::format("take an aggregate of it, such as `{}({})`, or put it into `by`", number ? "sum" : "last", path));
  }
  std::vector<std::string_view> names;
  for (const Field& f : scope_.fields) {
    if (!f.name.contains(' ')) names.push_back(f.name);  // what stands for an aggregate cannot be written
  }
  for (const Variable& v : variables_) {
    if (!v.name.starts_with('@')) names.push_back(v.name);
  }
  const std::string_view nearest = nearest_word(path, names);
  std::string hint = hint_for_name(path);
  if (!hint.empty()) return refuse(node.offset, message, std::move(hint));
  if (!nearest.empty()) {
    hint = fmt::format("did you mean `{}`?", nearest);
  } else if (names.size() <= 12 && !names.empty()) {
    hint = fmt::format("there are: {}", fmt::join(names, ", "));
  }
  return refuse(node.offset, message, hint);
}

Checker::Answer Checker::check_select(const Node& node, const Facts& facts) {
  const std::string path = path_of(node);
  const Node& root = root_of(node);
  if (!path.empty() && !find_variable(root)) {
    if (const Field* field = find_field(path, root.rooted)) return field_of(*field, facts);
    if (const auto kind = kind_named(path)) {
      Typed typed;
      typed.shape = Kind::kType;
      typed.fixed = true;
      typed.row = RowConstant::of(Value::of_text(Kind::kType, type_name(*kind)));
      return typed;
    }
    if (!is_resolved(node)) return unknown_field(node, path);
  }
  Answer target = check(*node.children[0], facts);
  if (!target) return std::nullopt;
  return check_member(node, std::move(*target), "." + node.name, RowConstant::of(Value::of_string(node.name)),
                      node.optional);
}

Checker::Answer Checker::check_operator(const Node& node, const Facts& facts) {
  const std::string& name = node.name;
  if (name == "&&" || name == "||") return check_logic(node, facts);
  if (name == "?:") return check_ternary(node, facts);
  if (name == "==" || name == "!=") return check_equality(node, facts);
  if (name == "<" || name == "<=" || name == ">" || name == ">=") return check_order(node, facts);
  if (name == "in") return check_in(node, facts);
  if (name == "[]" || name == "[?]") return check_index(node, facts);
  return check_function({node, name, node.children, false}, facts);
}

std::optional<std::vector<Typed>> Checker::check_all(std::span<const NodePtr> nodes, const Facts& facts) {
  std::vector<Typed> typed;
  for (const NodePtr& node : nodes) {
    if (Answer answer = check(*node, facts)) typed.push_back(std::move(*answer));
  }
  if (typed.size() != nodes.size()) return std::nullopt;
  return typed;
}

// A null is an error only where the other side does not decide, as a null field is.
bool Checker::require_bool(const Node& operand, const Typed& typed, std::string_view name) {
  const bool null_in_logic = name != "?:" && typed.shape.kind == Kind::kNull;
  if (typed.shape.kind == Kind::kBool || null_in_logic || is_open(typed.shape.kind) || dialect_.dynamic) return true;
  const bool text = name == "||" && typed.shape.kind == Kind::kString;
  fail(operand.begin, fmt::format("`{}` needs a bool, but `{}` is {}", name, text_of(operand), to_string(typed.shape)),
       text ? "`+` joins text" : "compare it, as in `x > 0`");
  return false;
}

void Checker::warn_if_nullable(const Node& operand, const Typed& typed, std::string_view name) {
  if (!typed.nullable || is_open(typed.shape.kind)) return;
  const std::string text = text_of(operand);
  warnings_.push_back({operand.begin, fmt::format("`{}` may be null, which `{}` cannot take", text, name),
                       null_hint(text, column_kind(typed.shape.kind), operand.kind == NodeKind::kIdent)});
}

Checker::Answer Checker::check_logic(const Node& node, const Facts& facts) {
  const bool is_and = node.name == "&&";
  const Node& left = *node.children[0];
  const Node& right = *node.children[1];
  // Each side matters only where the other does not decide, since a decision absorbs errors on either side.
  Answer a = check(left, facts_when(right, is_and, facts));
  Answer b = check(right, facts_when(left, is_and, facts));
  if (!a || !b) return std::nullopt;
  const bool good = require_bool(left, *a, node.name);
  if (!require_bool(right, *b, node.name) || !good) return std::nullopt;
  warn_if_nullable(left, *a, node.name);
  warn_if_nullable(right, *b, node.name);
  Typed typed;
  typed.shape = Kind::kBool;
  const auto columnar = [](const Typed& t) { return t.shape.kind == Kind::kBool || t.shape.kind == Kind::kNull; };
  const bool bools = columnar(*a) && columnar(*b);
  typed.fallible = !bools || a->nullable || b->nullable;
  take_over(*a, typed);
  take_over(*b, typed);
  typed.row = std::make_shared<const RowLogic>(is_and, row_operand(left, *a), row_operand(right, *b));
  if (bools && a->node != nullptr && b->node != nullptr) {
    typed.node = std::make_unique<const LogicNode>(is_and, operand(left, *a), operand(right, *b));
  }
  return typed;
}

std::optional<Shape> Checker::common_shape(const Node& node, const Typed& a, const Typed& b) {
  if (a.shape == b.shape || b.shape.kind == Kind::kNull) return a.shape;
  if (a.shape.kind == Kind::kNull) return b.shape;
  if (const auto shape = join(a.shape, b.shape)) return shape;
  if (dialect_.dynamic) return Kind::kDyn;
  fail(node.offset, fmt::format("`{}` has to be of one type, but is {} or {}", node.name, to_string(a.shape),
                                to_string(b.shape)),
       "convert one of them, as in `double(x)`");
  return std::nullopt;
}

Checker::Answer Checker::check_ternary(const Node& node, const Facts& facts) {
  const Node& condition = *node.children[0];
  Answer c = check(condition, facts);
  Answer yes = check(*node.children[1], facts_when(condition, true, facts));
  Answer no = check(*node.children[2], facts_when(condition, false, facts));
  if (!c || !yes || !no || !require_bool(condition, *c, "?:")) return std::nullopt;
  auto shape = common_shape(node, *yes, *no);
  if (!shape) return std::nullopt;
  warn_if_nullable(condition, *c, "?:");
  Typed typed;
  typed.shape = *shape;
  typed.nullable = yes->nullable || no->nullable;
  typed.fallible = c->nullable || c->shape.kind != Kind::kBool;
  for (const Typed* part : {&*c, &*yes, &*no}) take_over(*part, typed);
  typed.row = std::make_shared<const RowTernary>(row_operand(condition, *c), yes->row, no->row);
  const bool columnar = c->shape.kind == Kind::kBool && c->node != nullptr && yes->node != nullptr &&
                        no->node != nullptr && is_scalar(shape->kind);
  if (columnar) {
    typed.node = std::make_unique<const TernaryNode>(column_kind(shape->kind), operand(condition, *c),
                                                     std::move(yes->node), std::move(no->node));
  }
  return typed;
}

Checker::Answer Checker::check_equality(const Node& node, const Facts& facts) {
  auto args = check_all(node.children, facts);
  if (!args) return std::nullopt;
  const Shape& a = (*args)[0].shape;
  const Shape& b = (*args)[1].shape;
  if (!comparable(a, b) && !dialect_.dynamic) return mismatch({node, node.name, node.children}, *args);
  const bool negated = node.name == "!=";
  const bool constants = all_constant(*args);
  Typed typed = typed_over(*args, Kind::kBool);
  typed.row = std::make_shared<const RowEqual>((*args)[0].row, (*args)[1].row, negated);
  const bool with_null = a.kind == Kind::kNull || b.kind == Kind::kNull;
  if (!all_columnar(*args)) return typed;
  const Kernel kernel = equal_kernel(column_kind(a.kind), column_kind(b.kind));
  if (kernel == nullptr && !with_null) return typed;
  typed.node =
      std::make_unique<const EqualNode>(std::move((*args)[0].node), std::move((*args)[1].node), kernel, negated);
  return folded(std::move(typed), constants);
}

Checker::Answer Checker::check_order(const Node& node, const Facts& facts) {
  auto args = check_all(node.children, facts);
  if (!args) return std::nullopt;
  const Comparison comparison = comparison_of(node.name);
  const Kind a = (*args)[0].shape.kind;
  const Kind b = (*args)[1].shape.kind;
  const bool open = is_open(a) || is_open(b);
  const Kernel kernel = open ? nullptr : order_kernel(comparison, column_kind(a), column_kind(b));
  if (kernel == nullptr && !open) return mismatch({node, node.name, node.children}, *args);
  const bool constants = all_constant(*args);
  Typed typed = typed_over(*args, Kind::kBool);
  typed.fallible = typed.fallible || open || any_nullable(*args);
  for (size_t i = 0; i < args->size(); ++i) warn_if_nullable(*node.children[i], (*args)[i], node.name);
  typed.row = std::make_shared<const RowOrder>(node.name, comparison, row_operand(*node.children[0], (*args)[0]),
                                               row_operand(*node.children[1], (*args)[1]));
  if (kernel == nullptr || !all_columnar(*args)) return typed;
  std::vector<Operand> operands;
  for (size_t i = 0; i < args->size(); ++i) operands.push_back(operand(*node.children[i], (*args)[i]));
  typed.node = std::make_unique<const CallNode>(node.name, kernel, std::move(operands));
  return folded(std::move(typed), constants);
}

}  // namespace tidemark::expr
