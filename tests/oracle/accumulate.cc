// Exact sums by brute force: a double is an integer times 2^-1074. Knows nothing faster, on purpose.
#include "tests/oracle/accumulate.h"

#include <cmath>
#include <limits>

namespace tidemark::oracle {

using boost::multiprecision::cpp_int;

cpp_int exact_units(double value) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  cpp_int units = static_cast<uint64_t>(std::ldexp(fraction, 53));
  const int shift = exponent - 53 + 1074;
  if (shift >= 0) {
    units <<= shift;
  } else {
    units >>= -shift;  // only zeros go: no double has finer bits
  }
  return std::signbit(value) ? cpp_int(-units) : units;
}

double round_to_double(const cpp_int& units) {
  if (units == 0) return 0.0;
  const cpp_int magnitude = abs(units);
  const int bits = static_cast<int>(msb(magnitude)) + 1;
  const int shift = bits > 53 ? bits - 53 : 0;
  cpp_int kept = magnitude >> shift;
  const cpp_int rest = magnitude - (kept << shift);
  const cpp_int half = shift > 0 ? cpp_int(cpp_int(1) << (shift - 1)) : cpp_int(0);
  if (shift > 0 && (rest > half || (rest == half && bit_test(kept, 0)))) ++kept;
  const double value = std::ldexp(static_cast<double>(static_cast<uint64_t>(kept)), shift - 1074);
  return units < 0 ? -value : value;
}

void Accumulator::add(AggregateKind kind, const Value& value, const EventOrder& order) {
  if (is_null(value)) return;
  ++count_;
  if (kind == AggregateKind::kSum || kind == AggregateKind::kAvg) {
    if (const auto* integer = std::get_if<int64_t>(&value)) integers_ += *integer;
    if (const auto* real = std::get_if<double>(&value)) {
      is_double_ = true;
      if (std::isfinite(*real)) {
        doubles_ += exact_units(*real);
      } else {
        special_ += *real;
        has_special_ = true;
      }
    }
    return;
  }
  if (is_null(smallest_) || value < smallest_) smallest_ = value;
  if (is_null(largest_) || largest_ < value) largest_ = value;
  if (!first_at_ || order < *first_at_) {
    first_at_ = order;
    first_ = value;
  }
  if (!last_at_ || *last_at_ < order) {
    last_at_ = order;
    last_ = value;
  }
}

Value Accumulator::sum() const {
  if (has_special_) return special_;
  if (is_double_) return round_to_double(doubles_);
  if (integers_ > std::numeric_limits<int64_t>::max() || integers_ < std::numeric_limits<int64_t>::min()) {
    return std::monostate{};
  }
  return static_cast<int64_t>(integers_);
}

Value Accumulator::result(AggregateKind kind) const {
  if (kind == AggregateKind::kCount) return count_;
  if (count_ == 0) return std::monostate{};
  switch (kind) {
    case AggregateKind::kSum: return sum();
    case AggregateKind::kAvg: {
      if (has_special_) return special_ / static_cast<double>(count_);
      const double total = is_double_ ? round_to_double(doubles_) : round_to_double(integers_ << 1074);
      return total / static_cast<double>(count_);
    }
    case AggregateKind::kMin: return smallest_;
    case AggregateKind::kMax: return largest_;
    case AggregateKind::kFirst: return first_;
    case AggregateKind::kLast: return last_;
    case AggregateKind::kCount: break;
  }
  return std::monostate{};
}

}  // namespace tidemark::oracle
