// The arithmetic of session windows: what one session may share, where it is cut, and the ends of the line of time.
#include "operators/windows/segments.h"

#include <random>

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("segments are as long as the gap, and shorter only before a cut") {
  const Segments plain({{10}, std::nullopt});
  CHECK(plain.of({0}) == Segment{{0}, {10}, Time::max()});
  CHECK(plain.of({19}) == Segment{{10}, {20}, Time::max()});
  CHECK(plain.of({-1}) == Segment{{-10}, {0}, Time::max()});
  CHECK_FALSE(plain.of({0}).is_cut());

  const Segments cut({{10}, Duration{25}});
  CHECK(cut.of({24}) == Segment{{20}, {25}, {25}});
  CHECK(cut.of({24}).is_cut());
  CHECK(cut.of({25}) == Segment{{25}, {35}, {50}});
  CHECK(cut.of({-1}) == Segment{{-5}, {0}, {0}});
  CHECK(cut.of({-25}) == Segment{{-25}, {-15}, {0}});
}

TEST_CASE("records exactly a gap apart are separate, and nothing joins across a cut") {
  const Segments plain({{10}, std::nullopt});
  const Segment segment = plain.of({5});
  CHECK(plain.end_of(segment, {5}) == Time{15});
  CHECK(plain.joins(segment, {5}, {14}));
  CHECK_FALSE(plain.joins(segment, {5}, {15}));
  CHECK_FALSE(plain.joins(segment, {5}, Time::max()));

  const Segments cut({{10}, Duration{25}});
  CHECK(cut.end_of(cut.of({24}), {24}) == Time{25});
  CHECK(cut.end_of(cut.of({17}), {17}) == Time{25});
  CHECK_FALSE(cut.joins(cut.of({17}), {17}, {25}));
  CHECK(cut.joins(cut.of({17}), {17}, {24}));
}

TEST_CASE("segments tile time, each within the gap and one stretch of max, and end in order") {
  std::mt19937_64 engine(7);
  const auto between = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine); };
  for (int round = 0; round < 300; ++round) {
    const int64_t gap = between(1, 40);
    const bool bounded = between(0, 3) > 0;
    const int64_t max = gap + between(0, 100);
    const Segments segments({{gap}, bounded ? std::optional(Duration{max}) : std::nullopt});
    int64_t t = between(-500, 500);
    Segment segment = segments.of({t});
    for (int i = 0; i < 20; ++i) {
      REQUIRE(segment.contains({t}));
      REQUIRE(segment.end.us - segment.start.us <= gap);
      REQUIRE(segments.of(segment.start) == segment);
      REQUIRE(segments.of({segment.end.us - 1}) == segment);
      if (bounded) {
        REQUIRE(floor_div(segment.start.us, max) == floor_div(segment.end.us - 1, max));
        REQUIRE(segment.limit.us == (floor_div(t, max) + 1) * max);
      }
      const Segment next = segments.of(segment.end);
      REQUIRE(next.start == segment.end);
      REQUIRE(segments.last_end(segment) >= segment.end);
      REQUIRE(segments.last_end(segment) <= segments.end_of(next, next.start));
      if (!segment.is_cut()) REQUIRE(segments.last_end(segment) <= next.end);
      segment = next;
      t = segment.start.us;
    }
  }
}

TEST_CASE("segments at both ends of time saturate") {
  for (const std::optional<Duration> max : {std::optional<Duration>(), std::optional(Duration{1'000'000})}) {
    const Segments segments({{1000}, max});
    const Segment first = segments.of(Time::min());
    CHECK(first.start == Time::min());
    CHECK(first.contains(Time::min()));
    const Segment last = segments.of(Time::max());
    CHECK(last.end == Time::max());
    CHECK(segments.of({Time::max().us - 1}) == last);
    CHECK(segments.end_of(last, Time::max()) == Time::max());
  }
}

}  // namespace tidemark
