// The law, by random seeds: whatever the batch size, the lanes, the threads, the interleaving of partitions, the crashes
// and the rebalances, the committed rows, late records and dead letters are exactly the oracle's.
//
// TIDEMARK_SEEDS=N runs more or fewer seeds, TIDEMARK_SEED=S one of them alone.
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/compare.h"
#include "tests/daemon/property/run.h"

using namespace tidemark;
using namespace tidemark::property;

namespace {

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Run {
  Shape shape;
  std::vector<LifePlan> lives;  // the last one ends in peace
  bool in_two_parts = false;    // the second half of the logs comes when the first life is over
};

// Whatever is asked for, a pause is over at last.
std::vector<LifePlan::Deed> some_deeds(Random& random) {
  std::vector<LifePlan::Deed> deeds;
  int64_t at = 0;
  for (int64_t n = random.in(1, 3); n > 0; --n) {
    const bool pause = random.percent(70);
    deeds.push_back({at += random.in(0, 8'000), pause ? PipelineAction::kPause : PipelineAction::kCheckpoint});
    deeds.push_back({at += random.in(0, 4'000), PipelineAction::kResume});
  }
  return deeds;
}

LifePlan peaceful(Random& random) {
  LifePlan plan;
  plan.seed = random.next();
  plan.workers = random.one_of<uint32_t>({1, 2, 4});
  plan.batch_rows = random.one_of<uint32_t>({1, 7, 4096});
  plan.weather.longest_run = random.one_of<int64_t>({1, 10, 1000});
  plan.weather.queue_records = random.one_of<int64_t>({4, 50, 10'000});
  if (random.percent(25)) plan.deeds = some_deeds(random);
  return plan;
}

LifePlan mortal(Random& random) {
  LifePlan plan = peaceful(random);
  plan.death.at = random.one_of({Act::kFile, Act::kProduce, Act::kTransaction, Act::kDeliver});
  const bool many = plan.death.at == Act::kFile || plan.death.at == Act::kDeliver;
  plan.death.nth = random.in(1, many ? 200 : plan.death.at == Act::kProduce ? 80 : 12);
  plan.death.after = random.percent(50);
  return plan;
}

LifePlan rough(Random& random) {
  LifePlan plan = peaceful(random);
  plan.weather.revocations = random.in(0, 2);
  plan.weather.lost = 40;
  plan.weather.abort_wanted = random.one_of<int64_t>({0, 10});
  plan.weather.timed_out = random.one_of<int64_t>({0, 10});
  return plan;
}

Shape random_shape(Random& random) {
  Shape shape;
  shape.lanes = random.one_of<uint32_t>({1, 2, 4});
  shape.checkpoint_every_ms = random.one_of<int64_t>({20, 100, 60'000});
  shape.state_bytes = random.percent(40) ? 64 << 10 : 64 << 20;
  shape.channel_bytes = random.percent(40) ? 64 : 32 << 20;
  shape.sink_wait_bytes = random.percent(30) ? 4 << 10 : 32 << 20;
  return shape;
}

enum class Kind { kPeaceful, kRough, kMortal, kStopped, kInTwoParts };

Run make_run(Random& random, Kind kind) {
  Run run;
  run.shape = random_shape(random);
  if (kind == Kind::kMortal) {
    for (int64_t n = random.in(1, 3); n > 0; --n) run.lives.push_back(mortal(random));
  }
  if (kind == Kind::kStopped) {
    run.lives.push_back(peaceful(random));
    run.lives.back().mode = RunMode::kForever;
    const int64_t stop_after_us = random.in(0, 20'000);
    if (random.percent(30)) {
      run.lives.back().deeds.push_back({stop_after_us, PipelineAction::kDrain});
    } else {
      run.lives.back().stop_after_us = stop_after_us;
    }
  }
  if (kind == Kind::kInTwoParts) {
    run.in_two_parts = true;
    run.lives.push_back(peaceful(random));
    run.lives.back().mode = RunMode::kUntilEndKeepOpen;
  }
  run.lives.push_back(kind == Kind::kRough ? rough(random) : peaceful(random));
  return run;
}

std::vector<std::string> do_run(const Case& one, const Expected& expected, const Run& run) {
  std::vector<oracle::PartitionLog> logs = one.logs;
  std::vector<int64_t> ends = one.log_ends;
  std::vector<std::vector<oracle::Record>> later(logs.size());
  for (size_t i = 0; run.in_two_parts && i < logs.size(); ++i) {
    auto& records = logs[i].records;
    const auto middle = records.begin() + static_cast<ptrdiff_t>(records.size() / 2);
    later[i].assign(middle, records.end());
    records.erase(middle, records.end());
    if (!later[i].empty()) ends[i] = later[i].front().offset;
  }
  FakeBroker broker(std::move(logs), std::move(ends), one.sink_partitions);
  const StateDir dir;
  std::vector<std::string> wrong;
  for (size_t i = 0; i < run.lives.size(); ++i) {
    const LifeEnd end = live(one, run.shape, run.lives[i], broker, dir);
    const bool last = i + 1 == run.lives.size();
    if (!end.died && end.exit_code != 0) wrong.push_back(fmt::format("life {}: exit {}: {}", i, end.exit_code, end.error));
    for (const std::string& line : end.log) {
      if (line.find("ledger_open") != std::string::npos) wrong.push_back(line);
    }
    const auto told = compare_ledger_metrics(end.status, end.metrics);
    wrong.insert(wrong.end(), told.begin(), told.end());
    if (!end.died) {
      const auto traces = compare_traces(end.traces, end.status["ledger"]);
      wrong.insert(wrong.end(), traces.begin(), traces.end());
    }
    if (!end.died && run.lives.size() == 1) {
      const auto ledger = compare_ledger(one, expected, end.status["ledger"]);
      wrong.insert(wrong.end(), ledger.begin(), ledger.end());
    }
    if (last && end.died) wrong.push_back("the last life died");
    for (size_t p = 0; i == 0 && p < later.size(); ++p) broker.append(p, later[p], one.log_ends[p]);
  }
  const LifePlan& first = run.lives.front();
  const bool read_again = run.lives.size() > 1 || first.weather.revocations > 0 || !first.deeds.empty();
  const auto output = compare_output(one, expected, broker.committed_rows(), one.at_least_once && read_again);
  wrong.insert(wrong.end(), output.begin(), output.end());
  for (const std::string& v : broker.violations()) wrong.push_back("violation: " + v);
  if (broker.has_open_transaction()) wrong.push_back("a transaction was left open");
  return wrong;
}

void explain_failure(const Case& one, const Run& run, const std::vector<std::string>& wrong) {
  std::string text = fmt::format("\nTIDEMARK_SEED={}: {}; lanes {}, checkpoint {} ms, state {} bytes, channels {}, sinks wait with {}\n",
                                 one.seed, one.describe(), run.shape.lanes, run.shape.checkpoint_every_ms, run.shape.state_bytes,
                                 run.shape.channel_bytes, run.shape.sink_wait_bytes);
  for (const LifePlan& life : run.lives) text += "  life: " + life.describe() + "\n";
  for (const std::string& w : wrong) text += "  wrong: " + w + "\n";
  std::fprintf(stderr, "%s%s", text.c_str(), std::getenv("TIDEMARK_SEED") ? one.yaml.c_str() : "");
}

// Answers whether all runs of the seed came out right.
bool holds(uint64_t seed) {
  const Case one = make_case(seed);
  const Expected expected = expect(one);
  Random random(seed ^ 0x5EEDULL);
  bool right = true;
  for (const Kind kind : {Kind::kPeaceful, random.one_of({Kind::kPeaceful, Kind::kRough}), Kind::kMortal,
                          random.one_of({Kind::kStopped, Kind::kInTwoParts, Kind::kMortal})}) {
    const Run run = make_run(random, kind);
    const auto wrong = do_run(one, expected, run);
    if (wrong.empty()) continue;
    explain_failure(one, run, wrong);
    right = false;
  }
  return right;
}

}  // namespace

TEST_CASE("committed output is the oracle's, whatever the shape of the run and whatever befalls it") {
  const uint64_t alone = number_from("TIDEMARK_SEED", 0);
  const uint64_t first = alone ? alone : 1;
  const uint64_t last = alone ? alone : number_from("TIDEMARK_SEEDS", 300);
  for (uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    CHECK(holds(seed));
  }
}
