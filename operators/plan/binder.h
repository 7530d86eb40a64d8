// Binder: the expressions of a plan from text to program: parsed, held against the fields that their step sees, compiled.
// Mistakes are reported with their places, and what may only follow from reported ones is not. Knows no steps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "config/yaml.h"
#include "operators/expr/expr.h"
#include "operators/plan/record_names.h"
#include "operators/record_fields.h"
#include "operators/scope.h"

namespace tidemark {

// Fields that a scope lacks because of errors that were reported: what stumbles over their absence may be right.
struct Missing {
  bool any = false;  // it cannot be told which
  std::set<std::string> names;
  bool has(const std::string& name) const { return any || names.contains(name); }
};

// Whether fields can be of this type; of lists, those whose elements can. A window's results can be any list.
bool can_be_field(const Type& type);

// Rows are of the source, or results of a window: the stages of a plan, each with slots of its own.
using StageNumber = size_t;
inline constexpr StageNumber kSourceStage = 0;
inline StageNumber stage_behind(std::optional<size_t> window) { return window ? *window + 1 : kSourceStage; }

// What an expression sees.
struct Sight {
  const Scope& scope;
  const Missing& missing;
  StageNumber stage = kSourceStage;
  bool behind_window() const { return stage != kSourceStage; }
};

// Hands out slots, and notes what the source's rows are needed for. What it is given outlives it.
class Binder {
 public:
  explicit Binder(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // Nothing where the text was refused, now or before.
  std::optional<expr::Ast> parse(const SourceText& text);
  // The same for a step that looks at one row at a time.
  std::optional<expr::Ast> parse_without_aggregates(const SourceText& text);
  // nullptr where there was a mistake.
  std::unique_ptr<const expr::Program> compile(const expr::Ast& ast, const SourceText& text, const Sight& sight);

  void report(const SourceText& text, const std::vector<expr::Problem>& problems);
  // There is no field of this name `purpose`, unless that is known already.
  void report_no_field(const Located<std::string>& name, const Scope& scope, const Missing& missing,
                       std::string_view purpose);
  // Whether the field that `name` means can be part of a key; reported if not.
  bool may_be_key(const Located<std::string>& name, const Field& field);
  // A condition may be null, and then has this `effect` behind a window, and refuses its row before one.
  void warn_of_null(const SourceText& text, const Sight& sight, std::string_view effect);

  uint32_t new_slot(StageNumber stage) { return slots_[stage]++; }
  uint32_t slots(StageNumber stage) { return slots_[stage]; }
  // Something reads this slot of a stage's batches.
  void use(StageNumber stage, uint32_t slot) {
    if (stage == kSourceStage) used_.insert(slot);
  }
  // Of source batches.
  bool uses(uint32_t slot) const { return used_.contains(slot); }
  // Some expression over the source's rows can fail.
  bool fallible() const { return fallible_; }
  // What expressions read of a record beside its value, so far.
  const std::vector<RecordField>& record_fields() const { return record_fields_; }
  // Every record that passes has a Kafka timestamp.
  void expect_timestamps() { timestamps_ = true; }

 private:
  std::unique_ptr<const expr::Program> compile_in(const Scope& scope, const expr::Ast& ast, const SourceText& text,
                                                  const Sight& sight);
  bool report_misused(const RecordNames& found, const SourceText& text, const Sight& sight);
  Field field_of(const RecordName& name);

  Diagnostics& diagnostics_;
  std::map<StageNumber, uint32_t> slots_;
  std::set<uint32_t> used_;
  bool fallible_ = false;
  std::vector<RecordField> record_fields_;
  bool timestamps_ = false;
};

}  // namespace tidemark
