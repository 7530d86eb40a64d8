// Several threads ask one lane of the same keys while its owner freezes, writes, sheds and moves time.
#include <atomic>
#include <map>
#include <thread>

#include "tests/catch.h"
#include "tests/operators/dedupe/dedupe_kit.h"

namespace tidemark {

TEST_CASE("of one key that several threads ask for one row passes") {
  constexpr int kThreads = 4;
  constexpr int64_t kKeys = 30'000;
  DedupeRig rig(Duration::hours(24));
  std::atomic<int> asking{kThreads};
  std::atomic<bool> failed{false};
  std::vector<std::map<int64_t, int>> passed(kThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      DedupeScratch scratch;
      for (int64_t begin = 0; begin < kKeys; begin += 50) {
        std::vector<DedupeRow> rows;
        for (int64_t n = begin; n < begin + 50; ++n) rows.push_back({std::to_string(n), Time::from_millis(n), Time::min()});
        const DedupeBatch asked(rows);
        std::vector<Judgement> judged(rows.size());
        if (!rig.lane().judge(asked.batch, asked.keyed, asked.rows, scratch, judged)) failed = true;
        for (size_t i = 0; i < rows.size(); ++i) {
          if (judged[i].verdict == Verdict::kPasses) ++passed[static_cast<size_t>(t)][begin + static_cast<int64_t>(i)];
        }
      }
      --asking;
    });
  }
  for (int64_t turn = 0; asking > 0; ++turn) {
    rig.freeze();
    rig.write(turn % 3 == 0 ? 0 : 1);
    rig.lane().shed(turn % 2 == 0 ? 0 : 200'000);
    rig.lane().advance(Time::from_millis(turn));
    if (turn % 5 == 0) must(rig.lane().warm(100'000));
    std::this_thread::yield();
  }
  threads.clear();
  CHECK_FALSE(failed);
  std::map<int64_t, int> all;
  for (const auto& one : passed) {
    for (const auto& [key, n] : one) all[key] += n;
  }
  CHECK(all.size() == kKeys);
  CHECK(std::ranges::all_of(all, [](const auto& entry) { return entry.second == 1; }));
}

}  // namespace tidemark
