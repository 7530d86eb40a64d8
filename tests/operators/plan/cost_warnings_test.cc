// What `validate` warns of although it is right, with its exact place.
#include "config/pipeline.h"
#include "operators/plan/plan.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

// Of steps, which begin in line 9, but for the warnings of sinks that are not there.
std::string said_of(const std::string& steps, const std::string& sinks = "  - drop: {}\n") {
  const std::string text = "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {user: string, n: int}\n"
                           "    event_time:\n      max_delay: 10m\nsteps:\n" + steps + "sinks:\n" + sinks +
                           "  - {from: late, drop: {}}\n  - {from: dead_letter, drop: {}}\n";
  Diagnostics diagnostics;
  const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics);
  const auto plan = spec ? make_plan(*spec, diagnostics) : std::nullopt;
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) out += to_string(d) + "\n";
  INFO(out);
  REQUIRE(plan);
  return out;
}

const std::string kWindow = "  - {name: w, window: {tumbling: 1h, by: [user, n], aggregates: {c: count()}}}\n";

TEST_CASE("a filter that reads only keys of the window before it is told to stand before it") {
  const std::string warning = "p.yaml:10:13: warning: this filter reads only keys of the window `w`, so it could stand before it; "
                              "there it spares the state and the work of what it drops\n";
  CHECK(said_of(kWindow + "  - filter: user == 'u1'\n") == warning);
  CHECK(said_of(kWindow + "  - filter: user == 'u1' && n > 3\n") == warning);
  CHECK(said_of(kWindow + "  - map: {d: c}\n  - filter: n > 3\n").starts_with("p.yaml:11:13: warning: this filter reads only keys"));
  CHECK(said_of(kWindow + "  - filter: user == 'u1' && c > 3\n").empty());
  CHECK(said_of(kWindow + "  - filter: window_end > timestamp('2026-01-01T00:00:00Z')\n").empty());
  CHECK(said_of(kWindow + "  - map: {n: c}\n  - filter: n > 3\n").empty());
  CHECK(said_of("  - filter: user == 'u1'\n" + kWindow).empty());
}

TEST_CASE("a filter behind a window that others take rows of, too, stands where it has to") {
  CHECK(said_of(kWindow + "  - filter: n > 3\n", "  - drop: {}\n  - {from: w, drop: {}}\n").empty());
  CHECK(said_of(kWindow + "  - filter: n > 3\n  - {name: others, from: w, filter: c > 3}\n", "  - drop: {}\n  - {from: filter-2, drop: {}}\n").empty());
}

TEST_CASE("windows that wait longer than they last are told of") {
  const auto window = [](const std::string& kind) {
    return said_of("  - window:\n      " + kind + "\n      aggregates: {c: count()}\n");
  };
  CHECK(window("tumbling: 1m") ==
        "p.yaml:10:17: warning: `max_delay` of `in` is 10m, longer than this window of 1m, which closes only that long after its end; "
        "a shorter `max_delay` tells results earlier, and `allowed_lateness` corrects them by what comes later\n");
  CHECK_THAT(window("sliding: {size: 5m, step: 1m}"), Contains("p.yaml:10:23: warning: `max_delay` of `in` is 10m, longer than this window of 5m"));
  CHECK_THAT(window("session: {gap: 5m, max: 1h}"), Contains("p.yaml:10:22: warning: `max_delay` of `in` is 10m, longer than the gap of 5m, "
                                                                 "and a session closes only that long after its end"));
  CHECK_THAT(window("running: {ttl: 5m}"), Contains("longer than the ttl of 5m, and a total ends only that long after its end"));
  CHECK(window("tumbling: 10m").empty());
  CHECK(window("cumulative: {size: 1h, step: 1m}").empty());
  CHECK(window("calendar: {unit: day}").empty());
  // Behind a window nothing is waited for.
  CHECK(said_of(kWindow + "  - window: {tumbling: 1m, aggregates: {c: count()}}\n").empty());
}

TEST_CASE("sessions that nothing ends are told of") {
  const std::string steps = "  - window: {session: 1h, by: [user], aggregates: {c: count()}}\n";
  CHECK(said_of(steps) == "p.yaml:9:23: warning: nothing bounds this session: of a key that is never quiet for 1h it stays open without end; "
                          "`max` cuts sessions, as in `session: {gap: 30s, max: 1h}`\n");
  CHECK(said_of("  - window: {session: {gap: 1h, max: 1d}, by: [user], aggregates: {c: count()}}\n").empty());
}

}  // namespace
}  // namespace tidemark
