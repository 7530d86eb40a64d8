// Numbers are read off the syntax tree, with no arithmetic but a minus sign, and held against the bounds that each
// function declares. Problems name places inside the expression; reporting them is the binder's.
#include "operators/plan/aggregate_calls.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/expr/ast.h"

namespace tidemark {
namespace {

using expr::Node;
using expr::NodeKind;
using expr::Problem;

struct Number {
  double value = 0;
  bool whole = false;
};

std::optional<Number> number_of(const Node& node) {
  if (node.kind == NodeKind::kOperator && node.name == "-" && node.children.size() == 1) {
    auto number = number_of(*node.children[0]);
    if (number) number->value = -number->value;
    return number;
  }
  if (node.kind != NodeKind::kLiteral) return std::nullopt;
  if (const auto* i = std::get_if<int64_t>(&node.literal)) return Number{static_cast<double>(*i), true};
  if (const auto* u = std::get_if<uint64_t>(&node.literal)) return Number{static_cast<double>(*u), true};
  if (const auto* d = std::get_if<double>(&node.literal)) return Number{*d, false};
  return std::nullopt;
}

std::string write(const AggregateFunction& function) { return fmt::format("write {}", function.signature); }

Problem not_written_out(const Node& node, const AggregateFunction& function, const AggregateParameter& parameter) {
  const std::string_view what = parameter.list ? "a list of numbers" : parameter.whole ? "a whole number" : "a number";
  return {node.begin, fmt::format("`{}` of {} is {} that is written out", parameter.name, function.signature, what),
          write(function)};
}

std::optional<Problem> read_number(const Node& node, const AggregateFunction& function,
                                   const AggregateParameter& parameter, std::vector<double>& out) {
  const auto number = number_of(node);
  if (!number || (parameter.whole && !number->whole)) return not_written_out(node, function, parameter);
  if (!(number->value >= parameter.least && number->value <= parameter.most)) {
    return Problem{node.begin,
                   fmt::format("`{}` of {} is {} to {}, not {}", parameter.name, function.signature, parameter.least,
                               parameter.most, number->value),
                   {}};
  }
  if (!out.empty() && number->value <= out.back()) {
    return Problem{node.begin,
                   fmt::format("`{}` of {} rise: {} does not come after {}", parameter.name, function.signature,
                               number->value, out.back()),
                   {}};
  }
  out.push_back(number->value);
  return std::nullopt;
}

std::optional<Problem> read_parameter(const Node& node, const AggregateFunction& function,
                                      const AggregateParameter& parameter, std::vector<double>& out) {
  if (!parameter.list) return read_number(node, function, parameter, out);
  if (node.kind != NodeKind::kList) return not_written_out(node, function, parameter);
  if (node.children.empty() || node.children.size() > kMaxListParameter) {
    return Problem{node.begin,
                   fmt::format("`{}` of {} are 1 to {} numbers, not {}", parameter.name, function.signature,
                               kMaxListParameter, node.children.size()),
                   {}};
  }
  for (const auto& child : node.children) {
    if (auto problem = read_number(*child, function, parameter, out)) return problem;
  }
  return std::nullopt;
}

std::optional<Problem> check_count(const expr::AggregateCall& call, const AggregateFunction& function) {
  const size_t most = function.columns + function.parameters.size();
  const auto needed = static_cast<size_t>(std::ranges::count_if(function.parameters, [](const AggregateParameter& p) {
    return !p.otherwise;
  }));
  const size_t least = function.columns_min + needed;
  if (call.args.size() >= least && call.args.size() <= most) return std::nullopt;
  const std::string takes = least == most ? std::to_string(most) : fmt::format("{} to {}", least, most);
  return Problem{call.offset,
                 fmt::format("`{}` takes {} argument{}, not {}", call.name, takes, most == 1 ? "" : "s", call.args.size()),
                 write(function)};
}

const Node* find_foreign(const Node& node) {
  if (node.kind == NodeKind::kCall && !node.receiver && !foreign_aggregate(node.name).empty()) return &node;
  for (const auto& child : node.children) {
    if (const Node* found = find_foreign(*child)) return found;
  }
  return nullptr;
}

}  // namespace

bool is_aggregate(std::string_view name) { return find_aggregate_function(name) != nullptr; }

size_t column_count(const expr::AggregateCall& call, const AggregateFunction& function) {
  return std::min(call.args.size(), function.columns);
}

std::expected<std::vector<std::vector<double>>, Problem> read_parameters(const expr::AggregateCall& call,
                                                                         const AggregateFunction& function) {
  if (auto problem = check_count(call, function)) return std::unexpected(std::move(*problem));
  std::vector<std::vector<double>> numbers;
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const AggregateParameter& parameter = function.parameters[i];
    auto& out = numbers.emplace_back();
    const size_t arg = function.columns + i;
    if (arg >= call.args.size()) {
      out.push_back(*parameter.otherwise);
      continue;
    }
    auto problem = read_parameter(*call.args[arg].root, function, parameter, out);
    if (problem) return std::unexpected(std::move(*problem));
  }
  return numbers;
}

std::optional<Problem> foreign_aggregate_in(const expr::Ast& rest) {
  const Node* const node = find_foreign(*rest.root);
  if (node == nullptr) return std::nullopt;
  return Problem{node->offset, fmt::format("unknown function `{}`", node->name),
                 fmt::format("did you mean `{}`?", foreign_aggregate(node->name))};
}

}  // namespace tidemark
