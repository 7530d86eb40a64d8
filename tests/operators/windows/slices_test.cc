// Slice arithmetic against brute force, and at both ends of the line of time.
#include "operators/windows/slices.h"

#include <limits>
#include <random>
#include <set>
#include <vector>

#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// Numbers of the windows that contain `t`, by trying every one near it.
std::set<int64_t> brute_windows(AlignedShape s, int64_t t) {
  std::set<int64_t> found;
  for (int64_t k = -400; k <= 400; ++k) {
    const int64_t start = s.offset.us + k * s.step.us;
    if (start <= t && t < start + s.size.us) found.insert(k);
  }
  return found;
}

std::set<int64_t> windows(const Slice& slice) {
  std::set<int64_t> out;
  for (int64_t k = slice.first_window; k <= slice.last_window; ++k) out.insert(k);
  return out;
}

}  // namespace

TEST_CASE("a slice's windows are those of each of its instants, and slices tile the line") {
  for (int64_t size = 1; size <= 12; ++size) {
    for (int64_t step = 1; step <= size; ++step) {
      for (const int64_t offset : {int64_t{0}, int64_t{1}, step + 3}) {
        const AlignedShape shape{{size}, {step}, {offset}};
        const Slices slices(shape);
        // Numbers count from the offset within one step.
        const AlignedShape numbered{{size}, {step}, {offset % step}};
        Slice before = slices.slice_of({-41});
        for (int64_t t = -40; t <= 40; ++t) {
          const Slice slice = slices.slice_of({t});
          REQUIRE(slice.contains({t}));
          REQUIRE((slice == before || slice.start == before.end));
          REQUIRE(windows(slice) == brute_windows(numbered, t));
          REQUIRE(slices.end_of(slice.first_window).us >= slice.end.us);
          before = slice;
        }
      }
    }
  }
}

TEST_CASE("there are at most two slices a step, and one where the size is a multiple of it") {
  const Slices uneven(AlignedShape{{7}, {3}, {0}});
  const Slices even(AlignedShape{{9}, {3}, {0}});
  std::set<int64_t> uneven_starts;
  std::set<int64_t> even_starts;
  for (int64_t t = -30; t < 30; ++t) {
    uneven_starts.insert(uneven.slice_of({t}).start.us);
    even_starts.insert(even.slice_of({t}).start.us);
  }
  CHECK(uneven_starts.size() == 40);
  CHECK(even_starts.size() == 20);
}

TEST_CASE("the first open window is the first that ends after the watermark") {
  for (const AlignedShape shape : {AlignedShape{{7}, {3}, {1}}, AlignedShape{{5}, {5}, {0}}, AlignedShape{{4}, {1}, {0}}}) {
    const Slices slices(shape);
    for (int64_t w = -50; w <= 50; ++w) {
      const WindowNumber k = slices.first_open({w});
      REQUIRE(slices.end_of(k).us > w);
      REQUIRE(slices.end_of(k - 1).us <= w);
    }
  }
}

TEST_CASE("window bounds follow size, step and offset, below zero too") {
  const Slices slices(AlignedShape{{10}, {4}, {1}});
  CHECK(slices.start_of(0).us == 1);
  CHECK(slices.end_of(0).us == 11);
  CHECK(slices.start_of(-3).us == -11);
  CHECK(slices.end_of(-3).us == -1);
  CHECK(slices.slice_of({-1}) == Slice{{-1}, {1}, -2, -1});
}

TEST_CASE("cumulative windows begin together, end step by step and with the full size, and share no end") {
  for (int64_t size = 1; size <= 12; ++size) {
    for (int64_t step = 1; step <= size; ++step) {
      for (const int64_t offset : {int64_t{0}, int64_t{1}, size + 3}) {
        const Slices slices(CumulativeShape{{size}, {step}, {offset}});
        std::set<std::pair<int64_t, int64_t>> all;  // [start, end), by brute force
        for (int64_t start = offset - 60 * size; start < 100; start += size) {
          for (int64_t end = start + step; end < start + size; end += step) all.insert({start, end});
          all.insert({start, start + size});
        }
        Slice before = slices.slice_of({-41});
        for (int64_t t = -40; t <= 40; ++t) {
          const Slice slice = slices.slice_of({t});
          REQUIRE(slice.contains({t}));
          REQUIRE((slice == before || slice.start == before.end));
          std::set<std::pair<int64_t, int64_t>> wanted, got;
          for (const auto& w : all) {
            if (w.first <= t && t < w.second) wanted.insert(w);
          }
          for (const WindowNumber k : windows(slice)) got.insert({slices.start_of(k).us, slices.end_of(k).us});
          REQUIRE(got == wanted);
          const WindowNumber open = slices.first_open({t});
          REQUIRE(slices.end_of(open).us > t);
          REQUIRE(slices.end_of(open - 1).us <= t);
          REQUIRE(static_cast<WindowNumber>(wanted.size()) <= slices.overlap());
          before = slice;
        }
      }
    }
  }
}

TEST_CASE("calendar windows are the calendar's units") {
  const auto calendar = std::make_shared<const Calendar>(CalendarUnit::kDay, expr::Zone::find("Europe/Stockholm")->changes());
  const Slices slices(CalendarShape{CalendarUnit::kDay, "Europe/Stockholm", calendar});
  const Time noon = *parse_rfc3339("2026-03-29T12:00:00+02:00");
  const Slice slice = slices.slice_of(noon);
  CHECK(slice.start == *parse_rfc3339("2026-03-29T00:00:00+01:00"));
  CHECK(slice.end == *parse_rfc3339("2026-03-30T00:00:00+02:00"));
  CHECK(slice.first_window == slice.last_window);
  CHECK(slices.start_of(slice.first_window) == slice.start);
  CHECK(slices.end_of(slice.first_window) == slice.end);
  CHECK(slices.first_open(noon) == slice.first_window);
  CHECK(slices.first_open(slice.end) == slice.first_window + 1);
  CHECK(slices.overlap() == 1);
}

// What must hold where the line of time ends.
void check_ends(const Slices& slices, int64_t near) {
  for (const int64_t t : {kMin + near, kMin, kMax - near, kMax - 1}) {
    const Slice slice = slices.slice_of({t});
    REQUIRE(slice.start.us <= t);
    REQUIRE(t < slice.end.us);
    REQUIRE(slice.first_window <= slice.last_window);
    REQUIRE(slice.last_window <= slices.last_window());
    // The same slice from any of its instants, as a restore finds it.
    REQUIRE(slices.slice_of(slice.start) == slice);
    REQUIRE(slices.slice_of({slice.end.us - 1}) == slice);
    REQUIRE(slices.end_of(slice.last_window) > slices.end_of(slice.last_window - 1));
  }
  REQUIRE(slices.end_of(slices.last_window()) == Time::max());
  REQUIRE(slices.end_of(slices.last_window() - 1) < Time::max());
  REQUIRE(slices.first_open(Time::max()) == slices.last_window() + 1);
  REQUIRE(slices.first_open({kMax - 1}) == slices.last_window());
  REQUIRE(slices.slice_of(Time::max()) == slices.slice_of({kMax - 1}));
}

TEST_CASE("slices saturate at both ends of time") {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 20'000; ++round) {
    const int64_t size = 1 + static_cast<int64_t>(rng() % 3'600'000'000);
    const int64_t step = 1 + static_cast<int64_t>(rng() % static_cast<uint64_t>(size));
    const auto offset = static_cast<int64_t>(rng() % 1'000'000'000'000);
    const auto near = static_cast<int64_t>(rng() % static_cast<uint64_t>(size));
    check_ends(Slices(AlignedShape{{size}, {step}, {offset}}), near);
    check_ends(Slices(CumulativeShape{{size}, {step}, {offset}}), near);
  }
  for (const CalendarUnit unit : {CalendarUnit::kDay, CalendarUnit::kWeek, CalendarUnit::kMonth}) {
    const auto calendar = std::make_shared<const Calendar>(unit, expr::Zone::find("America/New_York")->changes());
    check_ends(Slices(CalendarShape{unit, "America/New_York", calendar}), 3'600'000'000);
  }
  const Slices finest(AlignedShape{{1}, {1}, {0}});
  CHECK(finest.slice_of({kMin}).start.us == kMin);
  CHECK(finest.slice_of({kMax - 1}).end.us == kMax);
}

// The earliest row that may still come when windows that end by `watermark` have fired bears the next end less 1 ms.
TEST_CASE("time behind a window comes as far as its rows allow, and no further") {
  const WindowShape whole = AlignedShape{Duration::seconds(1), Duration::millis(250), Duration::millis(10)};
  const WindowShape session = SessionShape{Duration::seconds(1), std::nullopt};
  for (const int64_t us : {-2'500'001, -1, 0, 1, 999, 1'000, 1'000'000, 1'260'999}) {
    const int64_t next_end = (floor_div(us, 1'000) + 1) * 1'000;
    CHECK(time_behind(whole, Time{us}) == Time{next_end - 1'000});
    CHECK(time_behind(session, Time{us}) == Time{us + 1 - 1'000});
  }
  CHECK(time_behind(AlignedShape{{7}, {7}, {0}}, Time{14}) == Time{15 - 1'000});
  CHECK(time_behind(AlignedShape{{1'000}, {1'000}, {5}}, Time{1'005}) == Time{6});
  for (const WindowShape& shape : {whole, session}) {
    CHECK(time_behind(shape, Time::min()) == Time::min());
    CHECK(time_behind(shape, Time::max()) == Time::max());
  }
}

}  // namespace tidemark
