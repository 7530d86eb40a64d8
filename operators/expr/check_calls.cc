// Calls: which function takes the operands, and what to say when none does.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/diagnostic.h"
#include "operators/expr/checker.h"
#include "operators/expr/foreign.h"
#include "operators/expr/hints.h"

namespace tidemark::expr {
namespace {

bool may_take(const Overload& overload, const std::vector<Typed>& args) {
  return std::ranges::equal(overload.args, args, [](TypeKind kind, const Typed& arg) {
    return kind_of(kind) == arg.shape.kind || is_open(arg.shape.kind);
  });
}

bool has_open(const std::vector<Typed>& args) {
  return std::ranges::any_of(args, [](const Typed& t) { return is_open(t.shape.kind); });
}

// Operators are called in neither way.
template <class F>
bool has_style(const F& function, bool is_operator, bool receiver) {
  return is_operator || (receiver ? function.receiver : function.global);
}

bool takes_count(const RowFunction& function, size_t n) { return n >= function.min_args && n <= function.max_args; }

bool is_known(std::string_view name) {
  return std::ranges::any_of(overloads(), [&](const Overload& o) { return o.name == name; }) ||
         std::ranges::any_of(row_functions(), [&](const RowFunction& f) { return f.name == name; });
}

}  // namespace

const std::vector<Overload>& overloads() {
  static const std::vector<Overload> all = [] {
    std::vector<Overload> table;
    for (auto* part : {arithmetic_overloads, time_overloads, string_overloads, text_overloads, math_overloads,
                       conversion_overloads}) {
      for (Overload& overload : part()) table.push_back(std::move(overload));
    }
    return table;
  }();
  return all;
}

const std::vector<RowFunction>& row_functions() {
  static const std::vector<RowFunction> all = [] {
    std::vector<RowFunction> table;
    for (auto* part : {list_functions, type_functions, format_functions, optional_functions, network_functions}) {
      for (RowFunction& function : part()) table.push_back(function);
    }
    return table;
  }();
  return all;
}

std::optional<std::string> Checker::qualified_function(const Node& node) const {
  if (!node.receiver) return std::nullopt;
  const std::string space = path_of(*node.children[0]);
  if (space.empty() || find_variable(*node.children[0]) || scope_.find(space) != nullptr) return std::nullopt;
  std::string name = space + "." + node.name;
  return is_known(name) ? std::optional(std::move(name)) : std::nullopt;
}

Checker::Answer Checker::check_call(const Node& node, const Facts& facts) {
  if (!node.receiver && node.name == "has") return check_has(node, facts);
  if (!node.receiver && node.name == "coalesce") return check_coalesce(node, facts);
  if (node.name == kTextCall) return check_text(node, facts);
  if (auto macro = check_macro(node, facts)) return std::move(*macro);
  const std::span<const NodePtr> children = node.children;
  if (auto name = qualified_function(node)) return check_function({node, *name, children.subspan(1), false}, facts);
  return check_function({node, node.name, children, node.receiver}, facts);
}

Checker::Answer Checker::check_has(const Node& node, const Facts& facts) {
  if (node.children.size() != 1) return fail(node.offset, "`has` takes one field", "write `has(x)`");
  const Node& field = *node.children[0];
  const std::string path = path_of(field);
  const bool bound = path.empty() || find_variable(root_of(field)).has_value();
  if (field.kind == NodeKind::kSelect && (bound || find_field(path, root_of(field).rooted) == nullptr)) {
    return check_has_key(field, facts);
  }
  if (field.kind != NodeKind::kIdent && field.kind != NodeKind::kSelect) {
    return fail(field.begin, fmt::format("`has` takes a field, not `{}`", text_of(field)));
  }
  Answer checked = check(field, {});
  if (!checked) return std::nullopt;
  Typed typed;
  typed.shape = Kind::kBool;
  typed.reach = checked->reach;
  typed.row = std::make_shared<const RowHas>(checked->row);
  if (checked->node != nullptr) typed.node = std::make_unique<const HasNode>(std::move(checked->node));
  return typed;
}

Checker::Answer Checker::check_has_key(const Node& field, const Facts& facts) {
  if (!is_resolved(field)) return unknown_field(field, path_of(field));
  Answer target = check(*field.children[0], facts);
  if (!target) return std::nullopt;
  RowOperand container = row_operand(*field.children[0], *target);
  Typed typed;
  typed.shape = Kind::kBool;
  typed.reach = target->reach;
  typed.fallible = true;
  // Looks whether the key could be there at all.
  if (!check_member(field, std::move(*target), "." + field.name, nullptr, field.optional)) return std::nullopt;
  typed.row = std::make_shared<const RowHasKey>(std::move(container), field.name);
  return typed;
}

Checker::Answer Checker::check_coalesce(const Node& node, const Facts& facts) {
  if (node.children.size() < 2) {
    return fail(node.offset, "`coalesce` takes two values or more", "write `coalesce(x, default)`");
  }
  auto args = check_all(node.children, facts);
  if (!args) return std::nullopt;
  Typed typed = typed_over(*args, (*args)[0].shape);
  typed.nullable = std::ranges::all_of(*args, &Typed::nullable);
  std::vector<RowPtr> rows;
  for (const Typed& arg : *args) {
    Typed so_far;
    so_far.shape = typed.shape;
    auto shape = common_shape(node, so_far, arg);
    if (!shape) return std::nullopt;
    typed.shape = *shape;
    rows.push_back(arg.row);
  }
  typed.row = std::make_shared<const RowCoalesce>(std::move(rows));
  if (!all_columnar(*args)) return typed;
  std::vector<EvalPtr> choices;
  for (Typed& arg : *args) choices.push_back(std::move(arg.node));
  typed.node = std::make_unique<const CoalesceNode>(column_kind(typed.shape.kind), std::move(choices));
  return typed;
}

Checker::Answer Checker::check_text(const Node& node, const Facts& facts) {
  auto args = check_all(node.children, facts);
  if (!args) return std::nullopt;
  if (node.receiver || args->size() != 1 || (*args)[0].shape.kind != Kind::kBytes || (*args)[0].node == nullptr) {
    return fail(node.offset, fmt::format("unknown function `{}`", node.name));
  }
  Typed typed = typed_over(*args, Kind::kString);
  typed.nullable = (*args)[0].nullable;
  typed.fallible = true;
  typed.row = std::make_shared<const RowText>(row_operand(*node.children[0], (*args)[0]));
  typed.node = std::make_unique<const TextNode>(operand(*node.children[0], (*args)[0]));
  return typed;
}

Checker::Answer Checker::check_matches(const Call& call, std::vector<Typed> args) {
  const auto* text = std::get_if<std::string>(args[1].constant);
  auto compiled = Pattern::compile(*text);
  if (!compiled) {
    return refuse(call.args[1]->begin, fmt::format("bad pattern: {}", compiled.error()),
                  "patterns are RE2's: https://github.com/google/re2/wiki/Syntax");
  }
  const auto pattern = std::make_shared<const Pattern>(std::move(*compiled));
  Typed typed = typed_over(args, Kind::kBool);
  typed.fallible = args[0].fallible || args[0].nullable;
  typed.row = std::make_shared<const RowMatches>(row_operand(*call.args[0], args[0]), pattern);
  if (args[0].node != nullptr && args[0].shape.kind == Kind::kString) {
    typed.node = std::make_unique<const MatchesNode>(operand(*call.args[0], args[0]), pattern);
  }
  return typed;
}

Checker::Answer Checker::check_function(const Call& call, const Facts& facts) {
  if (!is_known(call.name)) return unknown_function(call);
  auto args = check_all(call.args, facts);
  if (!args) return std::nullopt;
  if ((call.name == "math.greatest" || call.name == "math.least") && args->size() > 2) {
    const std::vector<Typed>& all = *args;
    const bool one_kind = std::ranges::all_of(all, [&](const Typed& t) { return t.shape == all[0].shape; });
    if (one_kind && all_columnar(all) && is_number(all[0].shape.kind)) {
      Candidates pair;
      for (const Overload& o : overloads()) {
        if (o.name == call.name && o.args[0] == column_kind(all[0].shape.kind)) pair.overloads.push_back(&o);
      }
      return fold_extreme(call, pair, std::move(*args));
    }
  }
  const auto candidates = find_candidates(call, *args);
  if (!candidates) {
    std::string hint;
    const std::string message = misuse(call, hint);
    return message.empty() ? mismatch(call, *args) : refuse(call.node.offset, message, hint);
  }
  for (size_t i = 0; i < args->size(); ++i) warn_if_nullable(*call.args[i], (*args)[i], call.name);
  const bool pattern_known = call.name == "matches" && (*args)[1].constant != nullptr;
  if (pattern_known && (*args)[1].shape.kind == Kind::kString) return check_matches(call, std::move(*args));
  return call_of(call, *candidates, std::move(*args));
}

Checker::Answer Checker::call_of(const Call& call, const Candidates& candidates, std::vector<Typed> args) {
  const bool sure = candidates.overloads.size() == 1 && candidates.function == nullptr && !has_open(args);
  const bool constants = all_constant(args);
  Typed typed = typed_over(args, candidates.shape);
  typed.fallible = typed.fallible || !sure || candidates.overloads[0]->fallible || any_nullable(args);
  std::vector<RowOperand> rows;
  for (size_t i = 0; i < args.size(); ++i) rows.push_back(row_operand(*call.args[i], args[i]));
  typed.row = std::make_shared<const RowCall>(call.name, std::move(rows), candidates.overloads, candidates.function);
  if (!sure || !all_columnar(args)) return typed;
  std::vector<Operand> operands;
  for (size_t i = 0; i < args.size(); ++i) operands.push_back(operand(*call.args[i], args[i]));
  typed.node = std::make_unique<const CallNode>(call.name, candidates.overloads[0]->kernel, std::move(operands));
  return folded(std::move(typed), constants);
}

// The greatest or least of more than two, in pairs.
Checker::Answer Checker::fold_extreme(const Call& call, const Candidates& pair, std::vector<Typed> args) {
  Typed so_far = std::move(args[0]);
  Candidates candidates = pair;
  candidates.shape = so_far.shape;
  const NodePtr whole(std::shared_ptr<const Node>(), &call.node);
  for (size_t i = 1; i < args.size(); ++i) {
    warn_if_nullable(i == 1 ? *call.args[0] : call.node, so_far, call.name);
    warn_if_nullable(*call.args[i], args[i], call.name);
    const std::vector<NodePtr> nodes{i == 1 ? call.args[0] : whole, call.args[i]};
    std::vector<Typed> two;
    two.push_back(std::move(so_far));
    two.push_back(std::move(args[i]));
    Answer next = call_of({call.node, call.name, nodes, false}, candidates, std::move(two));
    so_far = std::move(*next);
  }
  return so_far;
}

std::optional<Checker::Candidates> Checker::find_candidates(const Call& call, const std::vector<Typed>& args) {
  const bool is_operator = call.node.kind == NodeKind::kOperator;
  Candidates found;
  std::vector<Shape> shapes;
  for (const Overload& o : overloads()) {
    if (o.name != call.name || !has_style(o, is_operator, call.receiver) || !may_take(o, args)) continue;
    found.overloads.push_back(&o);
    shapes.emplace_back(o.result);
  }
  std::vector<Shape> plain;
  std::vector<Shape> held;
  for (const Typed& arg : args) {
    plain.push_back(arg.shape);
    held.push_back(held_shape(arg));
  }
  for (const RowFunction& f : row_functions()) {
    if (f.name != call.name || !has_style(f, is_operator, call.receiver) || !takes_count(f, args.size())) continue;
    const auto shape = f.shape(f.takes_null ? held : plain);
    // What kernels take without doubt, they take.
    if (!shape || (!found.overloads.empty() && !has_open(args))) continue;
    found.function = &f;
    shapes.push_back(*shape);
  }
  if (shapes.empty()) return std::nullopt;
  found.shape = shapes[0];
  for (const Shape& shape : shapes) {
    if (!(shape == found.shape)) found.shape = Kind::kDyn;
  }
  return found;
}

Checker::Answer Checker::unknown_function(const Call& call) {
  const std::string message = fmt::format("unknown function `{}`", call.name);
  if (std::string meant = hint_for_function(call.name, call.receiver); !meant.empty()) {
    return refuse(call.node.offset, message, std::move(meant));
  }
  if (const std::string full = "math." + call.name; !call.receiver && is_known(full)) {
    return refuse(call.node.offset, message, fmt::format("did you mean `{}`?", full));
  }
  std::vector<std::string_view> names{"has", "coalesce"};
  const auto add = [&](const auto& functions) {
    for (const auto& f : functions) {
      if (call.receiver ? f.receiver : f.global) names.push_back(f.name);
    }
  };
  add(overloads());
  add(row_functions());
  if (call.receiver) names.insert(names.end(), {"all", "exists", "exists_one", "filter", "map"});
  const auto& aggregates = scope_.aggregates;
  if (!call.receiver) names.insert(names.end(), aggregates.begin(), aggregates.end());
  if (call.receiver && !aggregates.empty()) names.push_back("where");
  const std::string_view nearest = nearest_word(call.name, names);
  std::string hint;
  if (!nearest.empty()) {
    hint = fmt::format("did you mean `{}`?", nearest);
  } else if (!call.receiver && !aggregates.empty()) {
    hint = fmt::format("the aggregates are: {}", fmt::join(aggregates, ", "));
  }
  return refuse(call.node.offset, message, std::move(hint));
}

// What is wrong with the way of calling, or with the number of operands; empty when neither is.
std::string Checker::misuse(const Call& call, std::string& hint) const {
  if (call.node.kind == NodeKind::kOperator) return {};
  bool style = false;
  bool count = false;
  bool global = false;
  size_t wanted = 0;
  const auto look = [&](const auto& function, size_t least, size_t most) {
    if (function.name != call.name) return;
    if (wanted == 0) wanted = least;
    global |= function.global;
    const bool same_style = has_style(function, false, call.receiver);
    style |= same_style;
    count |= same_style && call.args.size() >= least && call.args.size() <= most;
  };
  for (const Overload& o : overloads()) look(o, o.args.size(), o.args.size());
  for (const RowFunction& f : row_functions()) look(f, f.min_args, f.max_args);
  if (!style) {
    hint = global ? fmt::format("write `{}(x)`", call.name)
                  : fmt::format("write `x.{}({})`", call.name, wanted > 1 ? "y" : "");
    return fmt::format("`{}` is not called this way", call.name);
  }
  if (count) return {};
  const size_t implicit = call.receiver ? 1 : 0;
  return fmt::format("`{}` takes {} argument{}, not {}", call.name, wanted - implicit,
                     wanted - implicit == 1 ? "" : "s", call.args.size() - implicit);
}

Checker::Answer Checker::mismatch(const Call& call, const std::vector<Typed>& args) {
  std::vector<std::string> shapes;
  for (const Typed& arg : args) shapes.push_back(to_string(arg.shape));
  const size_t offset = call.node.offset;
  if (call.node.kind == NodeKind::kCall) {
    return refuse(offset, fmt::format("no `{}` for {}", call.name, fmt::join(shapes, ", ")));
  }
  if (shapes.size() == 1) return refuse(offset, fmt::format("no `{}` for {}", call.name, shapes[0]));
  for (const NodePtr& arg : call.args) {
    const auto* text = std::get_if<std::string>(&arg->literal);
    if (arg->kind != NodeKind::kLiteral || text == nullptr || scope_.find(*text) == nullptr) continue;
    return refuse(offset, fmt::format("no operator for {} {} {}", shapes[0], call.name, shapes[1]),
                  fmt::format("in quotes `{0}` is text; the field is written `{0}`", *text));
  }
  const auto bracketed = [&](const Node& n) {
    const bool binds_less = n.kind == NodeKind::kOperator && n.children.size() > 1 && !n.name.starts_with('[');
    return binds_less ? "(" + text_of(n) + ")" : text_of(n);
  };
  const std::string hint =
      conversion_hint(call.name, bracketed(*call.args[0]), column_kind(args[0].shape.kind), bracketed(*call.args[1]),
                      column_kind(args[1].shape.kind));
  return refuse(offset, fmt::format("no operator for {} {} {}", shapes[0], call.name, shapes[1]), hint);
}

}  // namespace tidemark::expr
