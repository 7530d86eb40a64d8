// Type rules, construct by construct. Problems are collected, so that one look shows them all.
#include "operators/expr/checker.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/diagnostic.h"
#include "operators/expr/hints.h"

namespace tidemark::expr {
namespace {

const std::vector<Overload>& overloads() {
  static const std::vector<Overload> all = [] {
    std::vector<Overload> table;
    for (auto* part : {arithmetic_overloads, time_overloads, string_overloads, conversion_overloads}) {
      for (Overload& overload : part()) table.push_back(std::move(overload));
    }
    return table;
  }();
  return all;
}

constexpr std::array<std::string_view, 9> kTypeNames{"bool", "int",  "uint", "double",   "string",
                                                     "bytes", "list", "map",  "null_type"};
// CEL has these; so far they only parse.
constexpr std::array<std::string_view, 9> kMacros{"all",    "exists",        "exists_one",        "existsOne", "map",
                                                  "filter", "transformList", "transformMap", "transformMapEntry"};
constexpr std::array<std::string_view, 2> kLaterFunctions{"type", "dyn"};

bool is_list_or_map(const Type& type) { return type.kind == TypeKind::kList || type.kind == TypeKind::kMap; }

Typed constant(Constant value, Type type) {
  Typed typed;
  typed.type = std::move(type);
  typed.nullable = std::holds_alternative<std::nullptr_t>(value);
  auto node = std::make_unique<const ConstantNode>(std::move(value));
  typed.constant = &node->value();
  typed.node = std::move(node);
  return typed;
}

// Works out what has only constants below, unless it fails: then it fails when it is reached.
Typed folded(Typed typed, bool constants_only) {
  if (!constants_only) return typed;
  Batch batch;
  batch.rows = 1;
  Arena arena;
  Context context(batch, arena);
  constexpr std::array<uint32_t, 1> kRow{0};
  const Vec vec = typed.node->eval(context, kRow);
  if (vec.status_of(0) == kError) return typed;
  return constant(constant_of(vec, 0, typed.type.kind), typed.type);
}

bool all_constant(const std::vector<Typed>& args) {
  return std::ranges::all_of(args, [](const Typed& t) { return t.constant != nullptr; });
}
bool any_fallible(const std::vector<Typed>& args) { return std::ranges::any_of(args, &Typed::fallible); }
bool any_nullable(const std::vector<Typed>& args) { return std::ranges::any_of(args, &Typed::nullable); }

bool fits(const Overload& overload, const std::vector<Typed>& args) {
  return std::ranges::equal(overload.args, args, {}, {}, [](const Typed& t) { return t.type.kind; });
}

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

EvalPtr in_set_of(TypeKind needle, std::vector<Typed>& args) {
  if (needle == TypeKind::kString || needle == TypeKind::kBytes) return in_set<std::string_view, std::string>(args);
  if (needle == TypeKind::kInt) return in_set<int64_t, int64_t>(args);
  if (needle == TypeKind::kUint) return in_set<uint64_t, uint64_t>(args);
  return nullptr;
}

std::string path_of(const Node& node) {
  if (node.kind == NodeKind::kIdent) return node.name;
  if (node.kind == NodeKind::kSelect) {
    const std::string path = path_of(*node.children[0]);
    return path.empty() ? path : path + "." + node.name;
  }
  return {};
}

}  // namespace

std::expected<Checked, std::vector<Problem>> check(const Ast& ast, const Scope& scope) {
  return Checker(ast, scope).run();
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

std::nullopt_t Checker::unsupported(size_t offset, std::string_view what) {
  return fail(offset, fmt::format("{} is not supported yet", what));
}

Checker::Answer Checker::check(const Node& node, const Facts& facts) {
  switch (node.kind) {
    case NodeKind::kLiteral: return check_literal(node);
    case NodeKind::kIdent: return check_ident(node, facts);
    case NodeKind::kSelect: return check_select(node);
    case NodeKind::kCall: return check_call(node, facts);
    case NodeKind::kOperator: return check_operator(node, facts);
    case NodeKind::kList: return unsupported(node.offset, "a list, other than on the right of `in`,");
    case NodeKind::kMap: return unsupported(node.offset, "a map");
    case NodeKind::kMessage: return unsupported(node.offset, fmt::format("the message `{}{{...}}`", node.name));
  }
  __builtin_unreachable();
}

Checker::Answer Checker::check_literal(const Node& node) {
  struct Visitor {
    Typed operator()(std::nullptr_t) const { return constant(nullptr, TypeKind::kNull); }
    Typed operator()(bool v) const { return constant(v, TypeKind::kBool); }
    Typed operator()(int64_t v) const { return constant(v, TypeKind::kInt); }
    Typed operator()(uint64_t v) const { return constant(v, TypeKind::kUint); }
    Typed operator()(double v) const { return constant(v, TypeKind::kDouble); }
    Typed operator()(const std::string& v) const { return constant(v, TypeKind::kString); }
    Typed operator()(const Bytes& v) const { return constant(v.value, TypeKind::kBytes); }
  };
  return std::visit(Visitor{}, node.literal);
}

Checker::Answer Checker::check_ident(const Node& node, const Facts& facts) {
  const Field* field = scope_.find(node.name);
  if (field != nullptr) {
    if (field->type.kind == TypeKind::kDyn) {
      return unsupported(node.offset, fmt::format("`{}`, a value of mixed types,", node.name));
    }
    Typed typed;
    typed.node = std::make_unique<const FieldNode>(field->slot, field->type.kind);
    typed.type = field->type;
    typed.nullable = field->type.kind == TypeKind::kNull || (field->nullable && !facts.contains(node.name));
    typed.slot = field->slot;
    return typed;
  }
  if (std::ranges::find(kTypeNames, node.name) != kTypeNames.end() || node.name == "type") {
    return unsupported(node.offset, fmt::format("the type `{}` as a value", node.name));
  }
  std::vector<std::string_view> names;
  for (const Field& f : scope_.fields) {
    if (!f.name.contains(' ')) names.push_back(f.name);  // what stands for an aggregate cannot be written
  }
  const std::string_view nearest = nearest_word(node.name, names);
  std::string hint;
  if (!nearest.empty()) {
    hint = fmt::format("did you mean `{}`?", nearest);
  } else if (names.size() <= 12 && !names.empty()) {
    hint = fmt::format("there are: {}", fmt::join(names, ", "));
  }
  return fail(node.offset, fmt::format("unknown field `{}`", node.name), hint);
}

Checker::Answer Checker::check_select(const Node& node) {
  const std::string path = path_of(node);
  if (path.empty()) return unsupported(node.offset, fmt::format("the selection `.{}`", node.name));
  return fail(node.offset, fmt::format("the selection `{}` is not supported yet", path),
              fmt::format("declare it in the schema: `{}: {{type: ..., path: {}}}`", node.name, path));
}

Checker::Answer Checker::check_operator(const Node& node, const Facts& facts) {
  const std::string& name = node.name;
  if (name == "&&" || name == "||") return check_logic(node, facts);
  if (name == "?:") return check_ternary(node, facts);
  if (name == "==" || name == "!=") return check_equality(node, facts);
  if (name == "<" || name == "<=" || name == ">" || name == ">=") return check_order(node, facts);
  if (name == "in") return check_in(node, facts);
  if (name == "[]") return unsupported(node.offset, "indexing with `[]`");
  return check_overload(node, facts);
}

Checker::Answer Checker::check_call(const Node& node, const Facts& facts) {
  const auto names = [&](const auto& list) { return std::ranges::find(list, node.name) != list.end(); };
  if (!node.receiver && node.name == "has") return check_has(node);
  if (!node.receiver && node.name == "coalesce") return check_coalesce(node, facts);
  if (node.receiver ? names(kMacros) : names(kLaterFunctions)) {
    return unsupported(node.offset, fmt::format("`{}`", node.name));
  }
  return check_overload(node, facts);
}

std::optional<std::vector<Typed>> Checker::check_children(const Node& node, const Facts& facts) {
  std::vector<Typed> typed;
  for (const NodePtr& child : node.children) {
    if (Answer answer = check(*child, facts)) typed.push_back(std::move(*answer));
  }
  if (typed.size() != node.children.size()) return std::nullopt;
  return typed;
}

// A null is an error only where the other side does not decide, as a null field is.
bool Checker::require_bool(const Node& operand, const Typed& typed, std::string_view name) {
  const bool logic = name != "?:";
  if (typed.type.kind == TypeKind::kBool || (logic && typed.type.kind == TypeKind::kNull)) return true;
  fail(operand.begin, fmt::format("`{}` needs a bool, but `{}` is {}", name, text_of(operand), to_string(typed.type)));
  return false;
}

void Checker::warn_if_nullable(const Node& operand, const Typed& typed, std::string_view name) {
  if (!typed.nullable) return;
  const std::string text = text_of(operand);
  warnings_.push_back({operand.begin, fmt::format("`{}` may be null, which `{}` cannot take", text, name),
                       null_hint(text, typed.type.kind, operand.kind == NodeKind::kIdent)});
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
  typed.type = TypeKind::kBool;
  typed.fallible = a->fallible || b->fallible || a->nullable || b->nullable;
  typed.node = std::make_unique<const LogicNode>(is_and, operand(left, *a), operand(right, *b));
  return typed;
}

std::optional<Type> Checker::common_type(const Node& node, const Typed& a, const Typed& b) {
  if (a.type == b.type || b.type.kind == TypeKind::kNull) return a.type;
  if (a.type.kind == TypeKind::kNull) return b.type;
  return fail(node.offset, fmt::format("`{}` has to be of one type, but is {} or {}", node.name, to_string(a.type),
                                       to_string(b.type)),
              "convert one of them, as in `double(x)`");
}

Checker::Answer Checker::check_ternary(const Node& node, const Facts& facts) {
  const Node& condition = *node.children[0];
  Answer c = check(condition, facts);
  Answer yes = check(*node.children[1], facts_when(condition, true, facts));
  Answer no = check(*node.children[2], facts_when(condition, false, facts));
  if (!c || !yes || !no || !require_bool(condition, *c, "?:")) return std::nullopt;
  auto type = common_type(node, *yes, *no);
  if (!type) return std::nullopt;
  warn_if_nullable(condition, *c, "?:");
  Typed typed;
  typed.type = *type;
  typed.nullable = yes->nullable || no->nullable;
  typed.fallible = c->fallible || c->nullable || yes->fallible || no->fallible;
  typed.node = std::make_unique<const TernaryNode>(type->kind, operand(condition, *c), std::move(yes->node),
                                                   std::move(no->node));
  return typed;
}

Checker::Answer Checker::check_equality(const Node& node, const Facts& facts) {
  auto args = check_children(node, facts);
  if (!args) return std::nullopt;
  const TypeKind a = (*args)[0].type.kind;
  const TypeKind b = (*args)[1].type.kind;
  const bool with_null = a == TypeKind::kNull || b == TypeKind::kNull;
  const Kernel kernel = equal_kernel(a, b);
  if (kernel == nullptr && !with_null) return mismatch(node, *args);
  const bool constants = all_constant(*args);
  Typed typed;
  typed.type = TypeKind::kBool;
  typed.fallible = any_fallible(*args);
  typed.node = std::make_unique<const EqualNode>(std::move((*args)[0].node), std::move((*args)[1].node), kernel,
                                                 node.name == "!=");
  return folded(std::move(typed), constants);
}

Checker::Answer Checker::check_order(const Node& node, const Facts& facts) {
  auto args = check_children(node, facts);
  if (!args) return std::nullopt;
  Comparison comparison = Comparison::kLess;
  if (node.name == "<=") comparison = Comparison::kLessOrEqual;
  if (node.name == ">") comparison = Comparison::kGreater;
  if (node.name == ">=") comparison = Comparison::kGreaterOrEqual;
  const Kernel kernel = order_kernel(comparison, (*args)[0].type.kind, (*args)[1].type.kind);
  if (kernel == nullptr) return mismatch(node, *args);
  const bool constants = all_constant(*args);
  Typed typed;
  typed.type = TypeKind::kBool;
  typed.fallible = any_fallible(*args) || any_nullable(*args);
  std::vector<Operand> operands;
  for (size_t i = 0; i < args->size(); ++i) {
    warn_if_nullable(*node.children[i], (*args)[i], node.name);
    operands.push_back(operand(*node.children[i], (*args)[i]));
  }
  typed.node = std::make_unique<const CallNode>(node.name, kernel, std::move(operands));
  return folded(std::move(typed), constants);
}

Checker::Answer Checker::check_in(const Node& node, const Facts& facts) {
  const Node& list = *node.children[1];
  Answer needle = check(*node.children[0], facts);
  if (list.kind != NodeKind::kList) {
    if (list.kind == NodeKind::kMap) return unsupported(node.offset, "`in` on a map");
    const Answer right = check(list, facts);
    if (!needle || !right) return std::nullopt;
    if (is_list_or_map(right->type)) return unsupported(node.offset, fmt::format("`in` on {}", to_string(right->type)));
    std::string hint;
    if (right->type.kind == TypeKind::kString) {
      hint = fmt::format("write `{}.contains({})`", text_of(list), text_of(*node.children[0]));
    }
    return fail(list.begin, fmt::format("`in` needs a list on its right, not {}", to_string(right->type)), hint);
  }
  auto elements = check_children(list, facts);
  if (!needle || !elements) return std::nullopt;
  Typed typed;
  typed.type = TypeKind::kBool;
  typed.fallible = needle->fallible || any_fallible(*elements);
  const TypeKind kind = needle->type.kind;
  std::vector<Kernel> kernels;
  for (size_t i = 0; i < elements->size(); ++i) {
    const Type& type = (*elements)[i].type;
    kernels.push_back(equal_kernel(kind, type.kind));
    if (kernels.back() != nullptr || kind == TypeKind::kNull || type.kind == TypeKind::kNull) continue;
    return fail(list.children[i]->begin, fmt::format("`{}` is {}, but the list has {}", text_of(*node.children[0]),
                                                     to_string(needle->type), to_string(type)));
  }
  std::vector<Typed> args;
  args.push_back(std::move(*needle));
  std::ranges::move(*elements, std::back_inserter(args));
  typed.node = in_set_of(kind, args);
  if (typed.node != nullptr) return typed;
  std::vector<InListNode::Element> nodes;
  for (size_t i = 1; i < args.size(); ++i) nodes.push_back({std::move(args[i].node), kernels[i - 1]});
  typed.node = std::make_unique<const InListNode>(std::move(args[0].node), std::move(nodes));
  return typed;
}

Checker::Answer Checker::check_has(const Node& node) {
  if (node.children.size() != 1) return fail(node.offset, "`has` takes one field", "write `has(x)`");
  const Node& field = *node.children[0];
  if (field.kind == NodeKind::kSelect) return check_select(field);
  if (field.kind != NodeKind::kIdent) {
    return fail(field.begin, fmt::format("`has` takes a field, not `{}`", text_of(field)));
  }
  Answer checked = check_ident(field, {});
  if (!checked) return std::nullopt;
  Typed typed;
  typed.type = TypeKind::kBool;
  typed.node = std::make_unique<const HasNode>(std::move(checked->node));
  return typed;
}

Checker::Answer Checker::check_coalesce(const Node& node, const Facts& facts) {
  if (node.children.size() < 2) {
    return fail(node.offset, "`coalesce` takes two values or more", "write `coalesce(x, default)`");
  }
  auto args = check_children(node, facts);
  if (!args) return std::nullopt;
  Typed typed;
  typed.type = (*args)[0].type;
  typed.nullable = true;
  typed.fallible = any_fallible(*args);
  for (const Typed& arg : *args) {
    Typed so_far;
    so_far.type = typed.type;
    auto type = common_type(node, so_far, arg);
    if (!type) return std::nullopt;
    typed.type = *type;
    if (!arg.nullable) typed.nullable = false;
  }
  std::vector<EvalPtr> choices;
  for (Typed& arg : *args) choices.push_back(std::move(arg.node));
  typed.node = std::make_unique<const CoalesceNode>(typed.type.kind, std::move(choices));
  return typed;
}

Checker::Answer Checker::check_matches(const Node& node, std::vector<Typed> args) {
  const auto* pattern = std::get_if<std::string>(args[1].constant);
  auto compiled = Pattern::compile(*pattern);
  if (!compiled) {
    return fail(node.children[1]->begin, fmt::format("bad pattern: {}", compiled.error()),
                "patterns are RE2's: https://github.com/google/re2/wiki/Syntax");
  }
  Typed typed;
  typed.type = TypeKind::kBool;
  typed.fallible = args[0].fallible || args[0].nullable;
  typed.node = std::make_unique<const MatchesNode>(operand(*node.children[0], args[0]), std::move(*compiled));
  return typed;
}

Checker::Answer Checker::check_overload(const Node& node, const Facts& facts) {
  const bool known = std::ranges::any_of(overloads(), [&](const Overload& o) { return o.name == node.name; });
  if (!known) return unknown_function(node);
  auto args = check_children(node, facts);
  if (!args) return std::nullopt;
  const Overload* overload = find_overload(node, *args);
  if (overload == nullptr) return std::nullopt;
  for (size_t i = 0; i < args->size(); ++i) warn_if_nullable(*node.children[i], (*args)[i], node.name);
  if (node.name == "matches" && (*args)[1].constant != nullptr) return check_matches(node, std::move(*args));
  const bool constants = all_constant(*args);
  Typed typed;
  typed.type = overload->result;
  typed.fallible = overload->fallible || any_fallible(*args) || any_nullable(*args);
  std::vector<Operand> operands;
  for (size_t i = 0; i < args->size(); ++i) operands.push_back(operand(*node.children[i], (*args)[i]));
  typed.node = std::make_unique<const CallNode>(node.name, overload->kernel, std::move(operands));
  return folded(std::move(typed), constants);
}

Checker::Answer Checker::unknown_function(const Node& node) {
  std::vector<std::string_view> names{"has", "coalesce"};
  for (const Overload& o : overloads()) {
    if (node.receiver ? o.receiver : o.global) names.push_back(o.name);
  }
  const auto& aggregates = scope_.aggregates;
  if (!node.receiver) names.insert(names.end(), aggregates.begin(), aggregates.end());
  if (node.receiver && !aggregates.empty()) names.push_back("where");
  const std::string_view nearest = nearest_word(node.name, names);
  std::string hint;
  if (!nearest.empty()) hint = fmt::format("did you mean `{}`?", nearest);
  else if (!node.receiver && !aggregates.empty()) hint = fmt::format("the aggregates are: {}", fmt::join(aggregates, ", "));
  return fail(node.offset, fmt::format("unknown function `{}`", node.name), std::move(hint));
}

const Overload* Checker::find_overload(const Node& node, const std::vector<Typed>& args) {
  const Overload* of_name = nullptr;
  bool style = false;
  bool count = false;
  for (const Overload& o : overloads()) {
    if (o.name != node.name) continue;
    of_name = &o;
    if (node.kind == NodeKind::kCall && !(node.receiver ? o.receiver : o.global)) continue;
    style = true;
    if (o.args.size() != args.size()) continue;
    count = true;
    if (fits(o, args)) return &o;
  }
  if (!style) {
    const std::string rest = of_name->args.size() > 1 ? "y" : "";
    fail(node.offset, fmt::format("`{}` is not called this way", node.name),
         of_name->receiver ? fmt::format("write `x.{}({})`", node.name, rest)
                           : fmt::format("write `{}(x)`", node.name));
  } else if (!count && node.name.starts_with("get")) {
    unsupported(node.offset, fmt::format("`{}` with a time zone", node.name));
  } else if (!count) {
    const size_t implicit = node.receiver ? 1 : 0;
    fail(node.offset, fmt::format("`{}` takes {} argument{}, not {}", node.name, of_name->args.size() - implicit,
                                  of_name->args.size() - implicit == 1 ? "" : "s", args.size() - implicit));
  } else {
    mismatch(node, args);
  }
  return nullptr;
}

std::nullopt_t Checker::mismatch(const Node& node, const std::vector<Typed>& args) {
  std::vector<std::string> types;
  for (size_t i = 0; i < args.size(); ++i) {
    types.push_back(to_string(args[i].type));
    if (is_list_or_map(args[i].type)) {
      return unsupported(node.offset, fmt::format("`{}` on {}", node.name, types.back()));
    }
  }
  if (node.kind == NodeKind::kCall) {
    return fail(node.offset, fmt::format("no `{}` for {}", node.name, fmt::join(types, ", ")));
  }
  if (types.size() == 1) return fail(node.offset, fmt::format("no `{}` for {}", node.name, types[0]));
  const auto bracketed = [&](const Node& n) {
    return n.kind == NodeKind::kOperator && n.children.size() > 1 ? "(" + text_of(n) + ")" : text_of(n);
  };
  const std::string hint = conversion_hint(node.name, bracketed(*node.children[0]), args[0].type.kind,
                                           bracketed(*node.children[1]), args[1].type.kind);
  return fail(node.offset, fmt::format("no operator for {} {} {}", types[0], node.name, types[1]), hint);
}

}  // namespace tidemark::expr
