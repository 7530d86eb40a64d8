// The accounts of the ledger: what their sides are called, and that any record that is missing or too much shows as open.
#include "daemon/ledger.h"

#include <map>

#include "tests/catch.h"
#include "tests/daemon/small_plans.h"

namespace tidemark {
namespace {

constexpr const char* kSteps = R"(
steps:
  - name: some
    filter: user != 'x'
  - name: once
    dedupe: {by: [user], within: 1m}
  - name: per_user
    window:
      tumbling: 1m
      by: [user]
      aggregates: {n: count()}
)";

struct Scene {
  Plan plan = small_plan(kSteps);
  Ledger ledger;

  // 100 read: 5 dead letters, 5 tombstones; then 10 filtered; then 20 repeats, 5 late; of 55, 3 dead letters and 2 late.
  Scene() {
    ledger.sources = {{.read = 100, .dead_lettered = 5, .filtered = 5, .passed = 90}};
    ledger.steps.resize(3);
    ledger.steps[0] = {.in = 90, .out = 80, .filtered = 10};
    ledger.steps[1] = {.in = 80, .out = 55, .late = 5, .deduplicated = 20};
    ledger.steps[2] = {.in = 55, .out = 7, .dead_lettered = 3};
    ledger.windows = {{.in = 52, .counted = 50, .late = 1, .idle_late = 1, .results = 7}};
  }
  std::map<std::string, uint64_t> open() const {
    std::map<std::string, uint64_t> found;
    for (const LedgerAccount& account : ledger.accounts(plan)) found[account.step] = account.open;
    return found;
  }
  using Entries = std::vector<std::pair<std::string_view, uint64_t>>;
  Entries entries(size_t account) const { return ledger.accounts(plan)[account].entries; }
};

using Open = std::map<std::string, uint64_t>;

}  // namespace

TEST_CASE("every side of every account is told, and a ledger that closes has nothing open") {
  const Scene scene;
  CHECK(scene.entries(0) == Scene::Entries{{"read", 100}, {"passed", 90}, {"filtered", 5}, {"dead_lettered", 5}});
  CHECK(scene.entries(1) == Scene::Entries{{"in", 90}, {"out", 80}, {"dead_lettered", 0}, {"filtered", 10}});
  CHECK(scene.entries(2) ==
        Scene::Entries{{"in", 80}, {"out", 55}, {"dead_lettered", 0}, {"filtered", 0}, {"late", 5}, {"deduplicated", 20}});
  CHECK(scene.entries(3) == Scene::Entries{{"in", 55}, {"out", 7}, {"dead_lettered", 3}, {"counted", 50}, {"late", 2}});
  CHECK(scene.open() == Open{{"events", 0}, {"some", 0}, {"once", 0}, {"per_user", 0}});
  CHECK(scene.ledger.gaps(scene.plan).empty());
}

TEST_CASE("a record that is missing or too much is open where it went astray") {
  Scene scene;
  scene.ledger.sources[0].read += 2;
  CHECK(scene.open() == Open{{"events", 2}, {"some", 0}, {"once", 0}, {"per_user", 0}});
  CHECK(scene.ledger.gaps(scene.plan) == std::vector<std::string>{"events: 102 in, 100 accounted for"});
  scene = Scene();
  scene.ledger.steps[1].deduplicated += 3;
  CHECK(scene.open() == Open{{"events", 0}, {"some", 0}, {"once", 3}, {"per_user", 0}});
  scene = Scene();
  scene.ledger.windows[0].late -= 1;
  CHECK(scene.open()["per_user"] == 1);
  scene = Scene();
  scene.ledger.windows[0].results += 1;
  CHECK(scene.open()["per_user"] == 1);
}

TEST_CASE("a record that is lost between two steps is open at the first of them") {
  Scene scene;
  scene.ledger.steps[0] = {.in = 90, .out = 81, .filtered = 9};
  CHECK(scene.open() == Open{{"events", 0}, {"some", 1}, {"once", 0}, {"per_user", 0}});
  CHECK(scene.ledger.gaps(scene.plan) == std::vector<std::string>{"some -> once: 81 in, 80 accounted for"});
}

TEST_CASE("a union answers for what all its sources pass on") {
  Plan plan;
  for (const char* name : {"web", "app"}) {
    plan.sources.emplace_back().name = name;
    plan.sources.back().next_steps = {0};
  }
  PlannedStep& both = plan.steps.emplace_back();
  both.name = "both";
  both.what = PlannedUnion{};
  Ledger ledger;
  ledger.sources = {{.read = 10, .dead_lettered = 1, .filtered = 0, .passed = 9}, {.read = 5, .dead_lettered = 0, .filtered = 0, .passed = 5}};
  ledger.steps.resize(1);
  ledger.steps[0] = {.in = 14, .out = 14};
  CHECK(ledger.accounts(plan).size() == 3);
  CHECK(ledger.records_read() == 15);
  CHECK(ledger.gaps(plan).empty());
  ledger.steps[0] = {.in = 13, .out = 13};
  CHECK(ledger.gaps(plan) == std::vector<std::string>{"web + app -> both: 14 in, 13 accounted for"});
}

TEST_CASE("before the first report every account is there, and closes") {
  const Scene scene;
  const Ledger none;
  CHECK(none.accounts(scene.plan).size() == 4);
  CHECK(none.gaps(scene.plan).empty());
}

}  // namespace tidemark
