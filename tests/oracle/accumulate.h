// One aggregate of the oracle, fed value by value: keeps everything it may ever need, in maps and big integers. Knows
// neither windows nor keys.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "tests/oracle/oracle.h"

namespace tidemark::oracle {

// (event time, topic, partition, offset): the order of `first`, `last` and `list`.
using EventOrder = std::tuple<int64_t, std::string, int32_t, int64_t>;

class Accumulator {
 public:
  // `value` is the argument (anything but null for count()); `by` that of kArgMin and kArgMax.
  void add(const Aggregate& aggregate, const Value& value, const Value& by, const EventOrder& order);
  Value result(const Aggregate& aggregate) const;

 private:
  struct Kept {
    EventOrder order;
    Value value;
    Value by;
  };
  Value sum() const;
  Value collected(const Aggregate& aggregate) const;

  int64_t count_ = 0;
  boost::multiprecision::cpp_int integers_;
  boost::multiprecision::cpp_int doubles_;  // in units of 2^-1074, which every double is a multiple of
  bool is_double_ = false;
  double special_ = 0;  // the sum of what is not finite
  bool has_special_ = false;
  Value smallest_, largest_, first_, last_;
  std::optional<EventOrder> first_at_, last_at_;
  std::vector<Kept> kept_;  // of the kinds that look at all values again
};

// The double nearest to `units` x 2^-1074, ties to even; an infinity beyond the range.
double round_to_double(const boost::multiprecision::cpp_int& units);
// `value`, which must be finite, in units of 2^-1074.
boost::multiprecision::cpp_int exact_units(double value);

}  // namespace tidemark::oracle
