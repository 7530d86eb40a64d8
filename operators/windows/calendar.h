// Calendar: the days, weeks or months of a time zone as a row of instants. It works from the zone's changes of the clock,
// read once; it knows no windows and asks no database.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "operators/expr/zones.h"

namespace tidemark {

enum class CalendarUnit : uint8_t { kDay, kWeek, kMonth };
std::string_view to_string(CalendarUnit unit);

// Units are numbered, 0 is the one that holds 1970-01-01 in local time. Weeks begin on Monday. A unit begins at the first
// instant at which the local date has reached it, so that where clocks go back over midnight it goes on through what is
// lived twice. A day that a zone has skipped is empty. Immutable and thread-safe.
class Calendar {
 public:
  // `changes` as Zone::changes() gives them.
  Calendar(CalendarUnit unit, std::vector<expr::ZoneChange> changes);

  // The number of the unit that holds `t`.
  int64_t number_of(Time t) const;
  // Where a unit begins; saturates.
  Time start_of(int64_t number) const;

 private:
  int64_t local_number(int64_t local_seconds) const;
  int64_t local_start(int64_t number) const;

  CalendarUnit unit_;
  std::vector<expr::ZoneChange> changes_;
};

}  // namespace tidemark
