// Reason: why a record went to `dead_letter` or to `late`, from the fixed set of the contract. Knows the words only;
// what was wrong in detail is a message beside it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemark {

// Dead letters in the order in which reasons apply: the first that holds is the one told. Then the reasons of `late`.
enum class Reason : uint8_t {
  kOversize,
  kDecode,
  kEventTime,
  kFuture,
  kMissingField,
  kType,
  kExpression,
  kLate,
  kIdle,
  kDedupe,
};

// The contract's word, as in the header `tidemark.reason` and in metric labels: "missing_field".
constexpr std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kOversize: return "oversize";
    case Reason::kDecode: return "decode";
    case Reason::kEventTime: return "event_time";
    case Reason::kFuture: return "future";
    case Reason::kMissingField: return "missing_field";
    case Reason::kType: return "type";
    case Reason::kExpression: return "expression";
    case Reason::kLate: return "late";
    case Reason::kIdle: return "idle";
    case Reason::kDedupe: return "dedupe";
  }
  __builtin_unreachable();
}

}  // namespace tidemark
