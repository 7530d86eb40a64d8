// From what a record holds for each declared field to its verdict and its row: the part of decoding that all formats of
// several fields share. Knows no format.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operators/batch.h"
#include "operators/formats/decode_spec.h"
#include "operators/formats/json_staged.h"

namespace tidemark {

// A field that becomes a column.
struct StagedOutput {
  uint32_t field = 0;
  uint32_t slot = 0;
  ValueKind kind = ValueKind::kString;
};

// Of the fields that have a slot. All types must have a kind.
inline std::vector<StagedOutput> outputs_of(const DecodeSpec& spec) {
  std::vector<StagedOutput> outputs;
  for (uint32_t i = 0; i < spec.fields.size(); ++i) {
    const DeclaredField& field = spec.fields[i];
    if (field.slot) outputs.push_back({i, *field.slot, *value_kind(field.type, field.unit)});
  }
  return outputs;
}

// Gives the columns their types and no rows.
inline void prepare_columns(std::span<const StagedOutput> outputs, const DecodeSpec& spec, Batch& batch) {
  for (const StagedOutput& output : outputs) {
    if (batch.columns.size() <= output.slot) batch.columns.resize(output.slot + 1);
    batch.columns[output.slot].reset(spec.fields[output.field].type, 0);
  }
}

// Pushes a row; texts are copied into the arena.
inline void push_staged(std::span<const StagedOutput> outputs, std::span<const StagedField> staged, Batch& batch) {
  for (const StagedOutput& output : outputs) {
    Column& column = batch.columns[output.slot];
    const StagedField& s = staged[output.field];
    if (s.found != StagedField::Found::kValue) {
      column.push_null();
      continue;
    }
    column.valid.push_back(1);
    switch (output.kind) {
      case ValueKind::kBool: column.bools.push_back(static_cast<uint8_t>(s.value.integer)); break;
      case ValueKind::kDouble: column.doubles.push_back(s.value.number); break;
      case ValueKind::kInt:
      case ValueKind::kSeconds:
      case ValueKind::kMillis:
      case ValueKind::kMicros:
      case ValueKind::kIso: column.ints.push_back(s.value.integer); break;
      case ValueKind::kString:
      case ValueKind::kBytes:
      case ValueKind::kList: column.strings.push_back(batch.arena.copy(s.value.text)); break;
    }
  }
}

// Why a record of which some field has no value is good all the same, or not. `describe(field, staged)` says what is
// wrong with one, for people.
template <class Describe>
std::optional<Reason> judge_fields(const DecodeSpec& spec, std::span<const StagedField> staged, Describe&& describe,
                                   std::string& message) {
  const StagedField* wrong = nullptr;
  for (size_t i = 0; i < staged.size(); ++i) {
    const StagedField& s = staged[i];
    const bool missing = s.found == StagedField::Found::kAbsent || s.found == StagedField::Found::kNull;
    if (missing && !spec.fields[i].nullable) {
      message = describe(spec.fields[i], s);
      return Reason::kMissingField;
    }
    if (s.found == StagedField::Found::kProblem && wrong == nullptr) wrong = &s;
  }
  if (wrong == nullptr) return std::nullopt;
  message = describe(spec.fields[static_cast<size_t>(wrong - staged.data())], *wrong);
  return Reason::kType;
}

// The event time comes before the rest.
template <class Describe>
DecodeResult judge_staged(const DecodeSpec& spec, std::span<const StagedField> staged, bool all_have_values,
                          Describe&& describe, std::string& message) {
  DecodeResult result;
  if (spec.event_time) {
    const StagedField& s = staged[*spec.event_time];
    if (s.found != StagedField::Found::kValue) {
      message = "event time: " + describe(spec.fields[*spec.event_time], s);
      result.reason = Reason::kEventTime;
      return result;
    }
    result.event_time = Time{s.value.integer};
  }
  if (!all_have_values) result.reason = judge_fields(spec, staged, describe, message);
  return result;
}

// "timestamp(ms)", as schemas write it.
std::string written_type(const DeclaredField& field);

}  // namespace tidemark
