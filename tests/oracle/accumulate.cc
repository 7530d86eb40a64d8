// Exact sums by brute force: a double is an integer times 2^-1074. Knows nothing faster, on purpose.
#include "tests/oracle/accumulate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

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

void Accumulator::add(const Aggregate& aggregate, const Value& value, const Value& by, const EventOrder& order) {
  if (is_null(value)) return;
  const AggregateKind kind = aggregate.kind;
  if ((kind == AggregateKind::kArgMin || kind == AggregateKind::kArgMax) && is_null(by)) return;
  ++count_;
  if (kind >= AggregateKind::kVariance) {
    kept_.push_back({order, value, by});
    return;
  }
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

Value Accumulator::result(const Aggregate& aggregate) const {
  const AggregateKind kind = aggregate.kind;
  if (kind == AggregateKind::kCount) return count_;
  if (count_ == 0) return std::monostate{};
  if (kind >= AggregateKind::kVariance) return collected(aggregate);
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
    default: break;
  }
  return std::monostate{};
}

namespace {

double number_of(const Value& value) {
  const auto* integer = std::get_if<int64_t>(&value);
  return integer ? static_cast<double>(*integer) : std::get<double>(value);
}

// -0.0 is 0.0.
Value without_sign_of_zero(const Value& value) {
  const auto* real = std::get_if<double>(&value);
  return real && *real == 0 ? Value(0.0) : value;
}

// (n * squares - sum^2) rounded, divided by n (n - 1) rounded. Doubles count in units of 2^-1074.
Value variance(const std::vector<Value>& values, bool root) {
  if (values.size() < 2) return std::monostate{};
  cpp_int sum = 0;
  cpp_int squares = 0;
  bool is_double = false;
  for (const Value& value : values) {
    const auto* real = std::get_if<double>(&value);
    is_double |= real != nullptr;
    const cpp_int x = real ? exact_units(*real) : cpp_int(std::get<int64_t>(value));
    sum += x;
    squares += x * x;
  }
  cpp_int spread = squares * values.size() - sum * sum;
  int exponent = is_double ? -2148 : 0;
  // As few bits as doubles are sure to hold, with one behind them for all that was cut off: it rounds the same.
  const int cut = spread == 0 ? 0 : std::max(0, static_cast<int>(msb(spread)) - 900);
  const bool inexact = spread != ((spread >> cut) << cut);
  spread = ((spread >> cut) << 1) + (inexact ? 1 : 0);
  exponent += cut - 1;
  const double rounded = std::ldexp(round_to_double(spread << 74), 1000);
  const double pairs = round_to_double(cpp_int(values.size()) * (values.size() - 1) << 1074);
  const double quotient = rounded / pairs;
  if (!root) return std::ldexp(quotient, exponent);
  if (exponent % 2 != 0) return std::ldexp(std::sqrt(quotient * 2), (exponent - 1) / 2);
  return std::ldexp(std::sqrt(quotient), exponent / 2);
}

Value top_k(const std::vector<Value>& values, size_t k, size_t bound) {
  std::map<Value, int64_t> counts;
  for (const Value& value : values) ++counts[without_sign_of_zero(value)];
  if (counts.size() > bound) return std::monostate{};
  std::vector<std::pair<Value, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string json;
  for (size_t i = 0; i < std::min(k, sorted.size()); ++i) {
    json += (i ? ",{\"value\":" : "{\"value\":") + render_value(sorted[i].first) +
            ",\"count\":" + std::to_string(sorted[i].second) + "}";
  }
  return Rendered{"[" + json + "]"};
}

// Finite values only.
Value quantile(const std::vector<Value>& values, double q) {
  std::vector<double> sorted;
  for (const Value& value : values) sorted.push_back(number_of(value));
  std::sort(sorted.begin(), sorted.end());
  const double exact = sorted[static_cast<size_t>(std::floor(q * static_cast<double>(sorted.size() - 1)))];
  if (exact == 0) return 0.0;
  int exponent = 0;
  const double octave = std::frexp(std::fabs(exact), &exponent) * 2 - 1;  // from 0 to 1
  const double middle = (std::floor(octave * 64) + 0.5) / 64;
  return std::copysign(std::ldexp(1 + middle, exponent - 1), exact);
}

Value histogram(const std::vector<Value>& values, const std::vector<double>& bounds) {
  std::vector<int64_t> counts(bounds.size() + 1);
  for (const Value& value : values) {
    size_t bucket = 0;
    while (bucket < bounds.size() && number_of(value) > bounds[bucket]) ++bucket;
    ++counts[bucket];
  }
  std::string json;
  for (const int64_t n : counts) json += (json.empty() ? "" : ",") + std::to_string(n);
  return Rendered{"[" + json + "]"};
}

int64_t distinct(const std::vector<Value>& values) {
  std::set<Value> different;
  for (const Value& value : values) different.insert(without_sign_of_zero(value));
  return static_cast<int64_t>(different.size());
}

Value list(const std::vector<Value>& values, size_t max) {
  std::string json;
  for (size_t i = 0; i < std::min(max, values.size()); ++i) json += (i ? "," : "") + render_value(values[i]);
  return Rendered{"[" + json + "]"};
}

}  // namespace

Value Accumulator::collected(const Aggregate& aggregate) const {
  std::vector<Kept> kept = kept_;
  std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.order < b.order; });
  std::vector<Value> values;
  for (const Kept& one : kept) values.push_back(one.value);
  const auto& numbers = aggregate.numbers;
  const auto number = [&](size_t i, double otherwise) { return i < numbers.size() ? numbers[i] : otherwise; };
  switch (aggregate.kind) {
    case AggregateKind::kVariance: return variance(values, false);
    case AggregateKind::kStddev: return variance(values, true);
    case AggregateKind::kDistinct: {
      const int64_t n = distinct(values);
      return static_cast<double>(n) > number(0, 100'000) ? Value() : Value(n);
    }
    case AggregateKind::kApproxDistinct: return distinct(values);
    case AggregateKind::kTopK:
      return top_k(values, static_cast<size_t>(numbers.at(0)), static_cast<size_t>(number(1, 10'000)));
    case AggregateKind::kQuantile: return quantile(values, numbers.at(0));
    case AggregateKind::kList: return list(values, static_cast<size_t>(numbers.at(0)));
    case AggregateKind::kHistogram: return histogram(values, numbers);
    case AggregateKind::kArgMin:
      return std::min_element(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.by < b.by; })->value;
    case AggregateKind::kArgMax:
      return std::max_element(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.by < b.by; })->value;
    default: return std::monostate{};
  }
}

}  // namespace tidemark::oracle
