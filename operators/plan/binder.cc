// An expression that reads a field lost to an earlier mistake is dropped in silence. On the way it is noted which slots
// have to be filled and whether a row can fail; what for is the planner's to know.
#include "operators/plan/binder.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/plan/aggregate_calls.h"

namespace tidemark {

using expr::Ast;
using expr::Problem;

bool can_be_field(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDouble:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: return true;
    case TypeKind::kList: return type.element != nullptr && can_be_field(*type.element);
    case TypeKind::kNull:
    case TypeKind::kMap:
    case TypeKind::kDyn: return false;
  }
  __builtin_unreachable();
}

void Binder::report(const SourceText& text, const std::vector<Problem>& problems) {
  for (const Problem& p : problems) diagnostics_.error(locate(text, p.offset), p.message, p.hint);
}

std::optional<Ast> Binder::parse(const SourceText& text) {
  if (text.where.line == 0) return std::nullopt;  // refused before it was read
  auto ast = expr::parse(text.value);
  if (ast) return std::move(*ast);
  report(text, ast.error());
  return std::nullopt;
}

std::optional<Ast> Binder::parse_without_aggregates(const SourceText& text) {
  auto ast = parse(text);
  const auto split = ast ? expr::split_aggregates(*ast, "", is_aggregate) : expr::SplitAggregates{};
  if (!split || split->calls.empty()) return ast;
  for (const expr::AggregateCall& call : split->calls) {
    diagnostics_.error(locate(text, call.offset),
                       fmt::format("`{}` is an aggregate, and this step sees one row at a time", call.name),
                       "write it in a window's `aggregates`; steps behind the window see it as a field");
  }
  return std::nullopt;
}

std::unique_ptr<const expr::Program> Binder::compile(const Ast& ast, const SourceText& text, const Sight& sight) {
  const std::string record(kRecordName);
  if (sight.scope.find(record) || sight.missing.names.contains(record)) return compile_in(sight.scope, ast, text, sight);
  const RecordNames found = find_record_names(ast);
  if (report_misused(found, text, sight)) return nullptr;
  if (found.names.empty()) return compile_in(sight.scope, ast, text, sight);
  Scope scope = sight.scope;
  for (const RecordName& name : found.names) scope.fields.push_back(field_of(name));
  return compile_in(scope, found.rest, text, sight);
}

bool Binder::report_misused(const RecordNames& found, const SourceText& text, const Sight& sight) {
  if (found.names.empty() && found.problems.empty()) return false;
  if (!sight.behind_window()) {
    report(text, found.problems);
    return !found.problems.empty();
  }
  const bool named = !found.names.empty();
  const std::string name = named ? found.names.front().name : std::string(kRecordName);
  report(text, {{named ? found.names.front().offset : found.problems.front().offset,
                 fmt::format("`{}` is of one record, and a window's row stands for many", name),
                 fmt::format("gather it in the window, as in `last({})`, or make it a field in a `map` before and put that into `by`",
                             named ? name : "kafka.key")}});
  return true;
}

// The field that stands for a record's own, in a slot which all expressions share.
Field Binder::field_of(const RecordName& name) {
  const auto same = [&](const RecordField& field) { return field.part == name.part && field.header == name.header; };
  auto known = std::ranges::find_if(record_fields_, same);
  if (known == record_fields_.end()) {
    record_fields_.push_back({name.part, name.header, new_slot(kSourceStage)});
    known = record_fields_.end() - 1;
  }
  const bool may_lack = name.part == RecordPart::kKey || name.part == RecordPart::kHeader ||
                        (name.part == RecordPart::kTimestamp && !timestamps_);
  return {name.name, type_of(name.part), may_lack, known->slot};
}

std::unique_ptr<const expr::Program> Binder::compile_in(const Scope& scope, const Ast& ast, const SourceText& text,
                                                        const Sight& sight) {
  const auto fields = expr::fields_of(ast);
  const auto lost = [&](const std::string& name) { return !scope.find(name) && sight.missing.has(name); };
  if (std::ranges::any_of(fields, lost)) return nullptr;
  auto compiled = expr::compile(ast, scope);
  if (!compiled) return report(text, compiled.error()), nullptr;
  for (const Problem& p : compiled->warnings) diagnostics_.warn(locate(text, p.offset), p.message, p.hint);
  if (!sight.behind_window()) {
    for (const std::string& name : fields) {
      if (const Field* field = scope.find(name)) use(sight.stage, field->slot);
    }
    fallible_ |= compiled->program->fallible();
  }
  return std::move(compiled->program);
}

void Binder::report_no_field(const Located<std::string>& name, const Scope& scope, const Missing& missing,
                             std::string_view purpose) {
  if (missing.has(name.value)) return;
  std::vector<std::string_view> names;
  for (const Field& f : scope.fields) names.push_back(f.name);
  const std::string_view near = nearest_word(name.value, names);
  diagnostics_.error(name.where, fmt::format("there is no field '{}' {}", name.value, purpose),
                     near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

bool Binder::may_be_key(const Located<std::string>& name, const Field& field) {
  const std::string type = to_string(field.type);
  if (field.type.kind == TypeKind::kList) {
    const bool texts = field.type == Type::list_of(TypeKind::kString);
    diagnostics_.error(name.where, fmt::format("`{}` is {}, and a list is no key", name.value, type),
                       fmt::format("make a text of it in a `map` before, such as `{}{}.join(',')`", name.value,
                                   texts ? "" : ".map(x, string(x))"));
  } else if (!can_be_field(field.type)) {
    diagnostics_.error(name.where, fmt::format("`{}` is of type {}, which is no key", name.value, type));
  }
  return field.type.kind != TypeKind::kList && can_be_field(field.type);
}

void Binder::warn_of_null(const SourceText& text, const Sight& sight, std::string_view effect) {
  if (!sight.behind_window()) effect = "sends the record to dead_letter";
  diagnostics_.warn(text.where, fmt::format("this condition may be null, which {}", effect),
                    "write `coalesce(..., false)` around it");
  fallible_ |= !sight.behind_window();
}

}  // namespace tidemark
