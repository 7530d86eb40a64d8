// One table of slices by user, filled in one pass over the stream; a window adds its slices up. Sums are kept exact, in
// fixed point, and for windows of one slice also as a loop of additions gives them.
#include "tests/bench/expected.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace tidemark::bench {

namespace {

constexpr int kUnitBits = 80;

int64_t floor_to(int64_t value, int64_t step) { return (value >= 0 ? value : value - step + 1) / step * step; }

__int128 units_of(double amount) {
  int exponent = 0;
  const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(amount, &exponent), 53));
  return static_cast<__int128>(mantissa) << (exponent - 53 + kUnitBits);
}

std::string rfc3339(int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return std::string(out) + "Z";
}

std::string shortest(double value) {
  char out[40];
  const auto end = std::to_chars(out, out + sizeof out, value).ptr;
  std::string text(out, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Expected::Expected(const Stream& stream, const Windows& windows) : stream_(stream), shape_(windows) {
  const int64_t first_slice_ms = floor_to(time_ms_of(stream, 0), shape_.step_ms);
  const int64_t last_slice_ms = floor_to(time_ms_of(stream, stream.events - 1), shape_.step_ms);
  slices_ = (last_slice_ms - first_slice_ms) / shape_.step_ms + 1;
  first_ms_ = first_slice_ms + shape_.step_ms - shape_.size_ms;
  windows_ = (last_slice_ms - first_ms_) / shape_.step_ms + 1;
  table_.resize(static_cast<size_t>(slices_ * stream.keys));
  for (int64_t i = 0; i < stream.events; ++i) {
    const int64_t slice = (time_ms_of(stream, i) - first_slice_ms) / shape_.step_ms;
    Slice& one = table_[static_cast<size_t>(slice * stream.keys) + user_of(stream, i)];
    const double amount = amount_of(i);
    one.units += units_of(amount);
    one.naive += amount;
    ++one.count;
  }
}

int64_t Expected::window_at(int64_t start_ms) const {
  const int64_t from_first = start_ms - first_ms_;
  if (from_first < 0 || from_first % shape_.step_ms != 0 || from_first / shape_.step_ms >= windows_) return -1;
  return from_first / shape_.step_ms;
}

Expected::Slice Expected::combined(int64_t window, uint64_t user) const {
  const int64_t per_window = shape_.size_ms / shape_.step_ms;
  // A window's place is that of its last slice: the first window holds the first slice only.
  const int64_t last = std::min(window, slices_ - 1);
  Slice all;
  for (int64_t slice = std::max<int64_t>(0, window - per_window + 1); slice <= last; ++slice) {
    const Slice& one = table_[static_cast<size_t>(slice * stream_.keys) + user];
    all.units += one.units;
    all.count += one.count;
    all.naive = one.naive;
  }
  return all;
}

Row Expected::row(int64_t window_start_ms, uint64_t user) const {
  const int64_t window = window_at(window_start_ms);
  if (window < 0 || user >= static_cast<uint64_t>(stream_.keys)) return {};
  const Slice all = combined(window, user);
  return {.count = all.count, .exact = std::ldexp(static_cast<double>(all.units), -kUnitBits), .naive = all.naive};
}

void for_each_session(const Stream& stream, int64_t gap_ms, const std::function<void(const Session&)>& take) {
  struct Open {
    __int128 units = 0;
    Session session;
  };
  std::vector<Open> open(static_cast<size_t>(stream.keys));
  const auto close = [&](Open& one) {
    if (one.session.count == 0) return;
    one.session.exact = std::ldexp(static_cast<double>(one.units), -kUnitBits);
    take(one.session);
    one = {};
  };
  for (int64_t i = 0; i < stream.events; ++i) {
    const int64_t at_ms = time_ms_of(stream, i);
    const uint64_t user = user_of(stream, i);
    Open& one = open[user];
    if (at_ms >= one.session.end_ms) close(one);
    if (one.session.count == 0) one.session = {.user = user, .start_ms = at_ms};
    one.session.end_ms = at_ms + gap_ms;
    ++one.session.count;
    one.units += units_of(amount_of(i));
  }
  for (Open& one : open) close(one);
}

std::string render(const Expected& expected, int64_t window, uint64_t user, const Row& row) {
  const int64_t start = expected.start_of(window);
  return "{\"user_id\":\"" + user_name(user) + "\",\"window_start\":\"" + rfc3339(start) + "\",\"window_end\":\"" +
         rfc3339(start + expected.size_ms()) + "\",\"n\":" + std::to_string(row.count) +
         ",\"spent\":" + shortest(row.exact) + "}";
}

}  // namespace tidemark::bench
