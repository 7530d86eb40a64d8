// What nulls, errors and selections mean to each kind of node.
#include "operators/expr/nodes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "operators/expr/times.h"
#include "operators/expr/utf8.h"

namespace tidemark::expr {
namespace {

// Evaluates `operand` for `live`, marks in `out` what a strict operator makes of its nulls and errors, and answers the
// rows that are left, in `memory` if they are fewer.
Vec eval_strict(const Operand& operand, std::string_view name, Rows& live, std::optional<Selection>& memory, Out& out) {
  Vec vec = operand.node->eval(out.context(), live);
  if (vec.status == nullptr) return vec;
  Selection left(out.context());
  for (const uint32_t row : live) {
    const Status status = vec.status_of(row);
    left.add_if(status == kValue, row);
    if (status == kValue) [[likely]] continue;
    if (status == kError) {
      out.mark(row, kError);
    } else {
      out.fail(row, fmt::format("`{}` is null, which `{}` cannot take", operand.text, name));
    }
  }
  memory.emplace(std::move(left));
  live = memory->rows();
  return vec;
}

// Evaluates `node` for `live`, marks its errors in `out`, and answers the rows that are left, nulls among them.
Vec eval_without_errors(const EvalNode& node, Rows& live, std::optional<Selection>& memory, Out& out) {
  Vec vec = node.eval(out.context(), live);
  if (vec.status == nullptr) return vec;
  Selection left(out.context());
  for (const uint32_t row : live) {
    if (vec.status_of(row) == kError) {
      out.mark(row, kError);
    } else {
      left.add(row);
    }
  }
  memory.emplace(std::move(left));
  live = memory->rows();
  return vec;
}

// Calls `f` with a value of the C++ type that vectors hold for `kind`.
template <class F>
void for_type(TypeKind kind, F&& f) {
  switch (kind) {
    case TypeKind::kBool: return f(uint8_t{});
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDuration: return f(int64_t{});
    case TypeKind::kDouble: return f(double{});
    case TypeKind::kTimestamp: return f(Nanos{});
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: return f(std::string_view{});
    case TypeKind::kNull:
    case TypeKind::kDyn: return;
  }
}

// Puts together one vector out of several that cover different rows.
class Merge {
 public:
  Merge(Context& context, TypeKind kind) : out_(context), kind_(kind) {
    for_type(kind, [&](auto t) { values_ = out_.values<decltype(t)>(); });
  }
  void add(const Vec& vec, Rows rows) {
    if (vec.status != nullptr) {
      for (const uint32_t row : rows) {
        if (vec.status_of(row) != kValue) out_.mark(row, vec.status_of(row));
      }
    }
    // A vector of nothing but nulls may have no values.
    if (vec.values == nullptr) return;
    for_type(kind_, [&](auto t) {
      using T = decltype(t);
      const auto in = vec.in<T>();
      auto* result = static_cast<T*>(values_);
      for_each_row(rows, [&](uint32_t row) { result[row] = in[row]; });
    });
  }
  Out& out() { return out_; }

 private:
  Out out_;
  TypeKind kind_;
  void* values_ = nullptr;
};

constexpr uint8_t kAlwaysNull = kNull;

}  // namespace

ConstantNode::ConstantNode(Constant value) : value_(std::move(value)) {
  if (const auto* text = std::get_if<std::string>(&value_)) text_ = *text;
  if (const auto* flag = std::get_if<bool>(&value_)) flag_ = *flag ? 1 : 0;
}

Vec ConstantNode::eval(Context&, Rows) const {
  Vec vec;
  vec.mask = 0;
  std::visit([&](const auto& v) { vec.values = &v; }, value_);
  if (std::holds_alternative<std::string>(value_)) vec.values = &text_;
  if (std::holds_alternative<bool>(value_)) vec.values = &flag_;
  if (std::holds_alternative<std::nullptr_t>(value_)) {
    vec.values = nullptr;
    vec.status = &kAlwaysNull;
  }
  return vec;
}

Vec FieldNode::eval(Context& context, Rows rows) const {
  if (rows.empty()) return {};
  CHECK_OR_DIE(slot_ < context.batch().columns.size(), "the batch has a column for every slot in use");
  const Column& column = context.batch().columns[slot_];
  Vec vec;
  if (kind_ == TypeKind::kNull) {
    vec.mask = 0;
    vec.status = &kAlwaysNull;
    return vec;
  }
  CHECK_OR_DIE(column.type.kind == kind_, "a column has the type that the scope promised");
  const uint8_t* valid = column.valid.data();
  uint8_t all_valid = 1;
  for_each_row(rows, [&](uint32_t row) { all_valid &= valid[row]; });
  if (all_valid == 0) vec.status = valid;
  switch (kind_) {
    case TypeKind::kBool: vec.values = column.bools.data(); break;
    case TypeKind::kDouble: vec.values = column.doubles.data(); break;
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDuration: vec.values = column.ints.data(); break;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: vec.values = column.strings.data(); break;
    case TypeKind::kTimestamp: {
      vec.value_buffer = context.take();
      auto* nanos = vec.value_buffer.as<Nanos>();
      for_each_row(rows, [&, us = column.ints.data()](uint32_t row) { nanos[row] = nanos_of_micros(us[row]); });
      vec.values = nanos;
      break;
    }
    case TypeKind::kNull:
    case TypeKind::kDyn: break;
  }
  return vec;
}

Vec CallNode::eval(Context& context, Rows rows) const {
  Out out(context);
  std::array<Vec, kMaxArguments> vecs;
  std::array<std::optional<Selection>, kMaxArguments> memory;
  for (size_t i = 0; i < args_.size(); ++i) vecs[i] = eval_strict(args_[i], name_, rows, memory[i], out);
  kernel_(std::span(vecs.data(), args_.size()), rows, out);
  return out.finish();
}

Vec MatchesNode::eval(Context& context, Rows rows) const {
  Out out(context);
  std::optional<Selection> memory;
  const Vec vec = eval_strict(text_, "matches", rows, memory, out);
  const auto texts = vec.in<std::string_view>();
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = pattern_->found_in(texts[row]); });
  return out.finish();
}

Vec EqualNode::eval(Context& context, Rows rows) const {
  Out out(context);
  std::array<Vec, 2> vecs;
  std::array<std::optional<Selection>, 2> memory;
  vecs[0] = eval_without_errors(*left_, rows, memory[0], out);
  vecs[1] = eval_without_errors(*right_, rows, memory[1], out);
  auto* result = out.values<uint8_t>();
  const uint8_t flip = negated_ ? 1 : 0;
  std::optional<Selection> values;
  Rows both = rows;
  if (vecs[0].status != nullptr || vecs[1].status != nullptr) {
    values.emplace(context);
    for (const uint32_t row : rows) {
      const Status a = vecs[0].status_of(row);
      const Status b = vecs[1].status_of(row);
      result[row] = (a == kNull && b == kNull) ^ flip;
      values->add_if(a == kValue && b == kValue, row);
    }
    both = values->rows();
  }
  if (kernel_ == nullptr) return out.finish();
  Out compared(context);
  kernel_(vecs, both, compared);
  const Vec equal = compared.finish();
  const auto in = equal.in<uint8_t>();
  for_each_row(both, [&](uint32_t row) { result[row] = in[row] ^ flip; });
  return out.finish();
}

Vec LogicNode::eval(Context& context, Rows rows) const {
  const Vec left = left_.node->eval(context, rows);
  const auto a = left.in<uint8_t>();
  Out out(context);
  auto* result = out.values<uint8_t>();
  Selection selection(context);
  for_each_row(rows, [&](uint32_t row) {
    result[row] = decisive_;
    selection.add_if(left.status_of(row) != kValue || a[row] != decisive_, row);
  });
  const Rows undecided = selection.rows();
  if (undecided.empty()) return out.finish();
  std::vector<std::pair<uint32_t, uint32_t>> failures;  // of the left side, by row
  if (left.status != nullptr) {
    for (const uint32_t row : undecided) {
      if (left.status_of(row) == kError) failures.emplace_back(row, context.failure_of(row));
    }
  }
  const Vec right = right_.node->eval(context, undecided);
  // What failed on the left explains the row, whatever happened since on the right.
  for (const auto& [row, failure] : failures) context.restore_failure(row, failure);
  if (left.status == nullptr && right.status == nullptr) {
    for_each_row(undecided, [&, b = right.in<uint8_t>()](uint32_t row) { result[row] = b[row]; });
  } else {
    combine(left, right, undecided, result, out);
  }
  return out.finish();
}

void LogicNode::combine(const Vec& left, const Vec& right, Rows undecided, uint8_t* result, Out& out) const {
  const auto b = right.in<uint8_t>();
  for (const uint32_t row : undecided) {
    const Status of_left = left.status_of(row);
    const Status of_right = right.status_of(row);
    if (of_right == kValue && b[row] == decisive_) continue;
    result[row] = decisive_ ^ 1;
    if (of_left == kValue && of_right == kValue) continue;
    if (of_left == kError || (of_left == kValue && of_right == kError)) {
      out.mark(row, kError);
    } else {
      const std::string& text = of_left == kNull ? left_.text : right_.text;
      out.fail(row, fmt::format("`{}` is null, which `{}` cannot take", text, name_));
    }
  }
}

Vec TernaryNode::eval(Context& context, Rows rows) const {
  Merge merge(context, kind_);
  std::optional<Selection> memory;
  const Vec condition = eval_strict(condition_, "?:", rows, memory, merge.out());
  const auto flags = condition.in<uint8_t>();
  Selection yes(context);
  Selection no(context);
  for_each_row(rows, [&](uint32_t row) {
    yes.add_if(flags[row] != 0, row);
    no.add_if(flags[row] == 0, row);
  });
  merge.add(yes_->eval(context, yes.rows()), yes.rows());
  merge.add(no_->eval(context, no.rows()), no.rows());
  return merge.out().finish();
}

std::string not_text(std::string_view operand) {
  return fmt::format("`{0}` is not UTF-8; `bytes({0})` reads whatever there is", operand);
}

Vec TextNode::eval(Context& context, Rows rows) const {
  const Vec bytes = bytes_.node->eval(context, rows);
  const auto in = bytes.in<std::string_view>();
  Out out(context);
  auto* const result = out.values<std::string_view>();
  for_each_row(rows, [&](uint32_t row) {
    const Status status = bytes.status_of(row);
    if (status != kValue) return out.mark(row, status);
    result[row] = in[row];
    if (!is_valid_utf8(in[row])) out.fail(row, not_text(bytes_.text));
  });
  return out.finish();
}

Vec HasNode::eval(Context& context, Rows rows) const {
  const Vec field = field_->eval(context, rows);
  Out out(context);
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = field.status_of(row) == kValue; });
  return out.finish();
}

Vec CoalesceNode::eval(Context& context, Rows rows) const {
  Merge merge(context, kind_);
  std::optional<Selection> memory;
  for (size_t i = 0; i < choices_.size(); ++i) {
    const Vec vec = choices_[i]->eval(context, rows);
    if (vec.status == nullptr || i + 1 == choices_.size()) {
      merge.add(vec, rows);
      break;
    }
    Selection settled(context);
    Selection null(context);
    for (const uint32_t row : rows) (vec.status_of(row) == kNull ? null : settled).add(row);
    merge.add(vec, settled.rows());
    memory.emplace(std::move(null));
    rows = memory->rows();
  }
  return merge.out().finish();
}

Vec InListNode::eval(Context& context, Rows rows) const {
  Out out(context);
  auto* result = out.values<uint8_t>();
  std::array<Vec, 2> vecs;
  std::optional<Selection> memory;
  vecs[0] = eval_without_errors(*needle_, rows, memory, out);
  for_each_row(rows, [&](uint32_t row) { result[row] = 0; });
  for (const Element& element : elements_) {
    std::optional<Selection> left;
    vecs[1] = eval_without_errors(*element.node, rows, left, out);
    Selection both(context);
    for (const uint32_t row : rows) {
      const Status a = vecs[0].status_of(row);
      const Status b = vecs[1].status_of(row);
      if (a == kNull && b == kNull) result[row] = 1;
      if (a == kValue && b == kValue) both.add(row);
    }
    if (element.equal != nullptr) {
      Out compared(context);
      element.equal(vecs, both.rows(), compared);
      const Vec equal = compared.finish();
      const auto in = equal.in<uint8_t>();
      for (const uint32_t row : both.rows()) result[row] |= in[row];
    }
    if (left) std::swap(memory, left);
  }
  return out.finish();
}

template <class T>
InSetNode<T>::InSetNode(EvalPtr needle, std::vector<Stored> elements, bool has_null)
    : needle_(std::move(needle)), elements_(std::move(elements)), has_null_(has_null) {
  constexpr size_t kWalk = 6;
  if (elements_.size() > kWalk) set_.insert(elements_.begin(), elements_.end());
}

template <class T>
bool InSetNode<T>::contains(const T& value) const {
  if (!set_.empty()) return set_.contains(value);
  for (const Stored& element : elements_) {
    if (element == value) return true;
  }
  return false;
}

template <class T>
Vec InSetNode<T>::eval(Context& context, Rows rows) const {
  const Vec needle = needle_->eval(context, rows);
  const auto values = needle.in<T>();
  Out out(context);
  auto* result = out.values<uint8_t>();
  if (needle.status == nullptr) {
    for_each_row(rows, [&](uint32_t row) { result[row] = contains(values[row]); });
    return out.finish();
  }
  for (const uint32_t row : rows) {
    const Status status = needle.status_of(row);
    result[row] = status == kValue ? contains(values[row]) : has_null_;
    if (status == kError) out.mark(row, kError);
  }
  return out.finish();
}

template class InSetNode<std::string_view>;
template class InSetNode<int64_t>;
template class InSetNode<uint64_t>;

}  // namespace tidemark::expr
