// Runs a checked expression over a batch and writes the result into a column.
#include "operators/expr/program.h"

#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

template <class T, class To, class F>
void copy(const Vec& vec, Rows rows, std::vector<To>& out, F&& convert) {
  const auto in = vec.in<T>();
  for_each_row(rows, [&, to = out.data()](uint32_t row) { to[row] = convert(in[row]); });
}

// Values of `rows`, all of which have one.
void copy_values(const Vec& vec, Rows rows, Column& out) {
  const auto as_is = [](const auto& v) { return v; };
  switch (out.type.kind) {
    case TypeKind::kBool: return copy<uint8_t>(vec, rows, out.bools, as_is);
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDuration: return copy<int64_t>(vec, rows, out.ints, as_is);
    case TypeKind::kDouble: return copy<double>(vec, rows, out.doubles, as_is);
    case TypeKind::kTimestamp: return copy<Nanos>(vec, rows, out.ints, micros_of_nanos);
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: return copy<std::string_view>(vec, rows, out.strings, as_is);
    case TypeKind::kNull:
    case TypeKind::kDyn: return;
  }
}

}  // namespace

CheckedProgram::CheckedProgram(Typed root) : root_(std::move(root)), type_(to_type(root_.shape)) {
  if (root_.node == nullptr) root_.node = std::make_unique<const RowsNode>(root_.row, kind_of(type_.kind));
  root_.row = nullptr;
}

void CheckedProgram::evaluate(const Batch& batch, Rows rows, Arena& arena, Column& out,
                              std::vector<RowError>& errors) const {
  Context context(batch, arena);
  const Vec vec = root_.node->eval(context, rows);
  out.reset(type_, batch.rows);
  std::optional<Selection> values;
  if (vec.status != nullptr) {
    values.emplace(context);
    for (const uint32_t row : rows) {
      const Status status = vec.status_of(row);
      if (status == kValue) values->add(row);
      if (status == kError) errors.push_back({row, context.message_of(row)});
    }
    rows = values->rows();
  }
  for_each_row(rows, [valid = out.valid.data()](uint32_t row) { valid[row] = 1; });
  copy_values(vec, rows, out);
}

Constant constant_of(const Vec& vec, uint32_t row, TypeKind kind) {
  if (vec.status_of(row) == kNull) return nullptr;
  switch (kind) {
    case TypeKind::kBool: return vec.in<uint8_t>()[row] != 0;
    case TypeKind::kInt:
    case TypeKind::kDuration: return vec.in<int64_t>()[row];
    case TypeKind::kUint: return vec.in<uint64_t>()[row];
    case TypeKind::kDouble: return vec.in<double>()[row];
    case TypeKind::kTimestamp: return vec.in<Nanos>()[row];
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: return std::string(vec.in<std::string_view>()[row]);
    case TypeKind::kNull:
    case TypeKind::kDyn: return nullptr;
  }
  __builtin_unreachable();
}

Value evaluate_one(const Typed& root, Context& context, Arena& arena) {
  RowContext rows(context);
  rows.enter(0);
  if (root.node == nullptr || !is_scalar(root.shape.kind)) return deep_copy(root.row->eval(rows), arena);
  constexpr uint32_t kRow[] = {0};
  const Vec vec = root.node->eval(context, kRow);
  if (vec.status_of(0) == kError) return error_value(arena, context.message_of(0));
  return deep_copy(value_of(vec, 0, root.shape.kind), arena);
}

std::expected<Compiled, std::vector<Problem>> compile(const Ast& ast, const Scope& scope) {
  auto checked = check(ast, scope);
  if (!checked) return std::unexpected(std::move(checked.error()));
  return Compiled{std::make_unique<const CheckedProgram>(std::move(checked->root)), std::move(checked->warnings)};
}

}  // namespace tidemark::expr
