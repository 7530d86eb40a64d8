// Which rows a dedupe lane lets pass, wherever what it remembers lies: in memory, on its way to the store, in the store alone,
// or read back after a restart. A naive model of one map says what is right.
#include "operators/dedupe/dedupe_lane.h"

#include <map>
#include <random>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/operators/dedupe/dedupe_kit.h"

namespace tidemark {
namespace {

constexpr Duration kWithin = Duration::millis(100);

Time ms(int64_t n) { return Time::from_millis(n); }

// The rule of the contract, by one partition's watermark.
class Model {
 public:
  explicit Model(Duration within) : within_(within) {}
  Verdict judge(const DedupeRow& row) {
    if (row.at + within_ <= row.watermark) return Verdict::kLate;
    const auto [known, is_new] = passed_.try_emplace(row.key, row.at);
    if (!is_new && known->second + within_ > row.watermark) return Verdict::kRepeats;
    known->second = row.at;
    return Verdict::kPasses;
  }

 private:
  Duration within_;
  std::map<std::string, Time> passed_;
};

// One partition's rows: time goes on, repeats come soon, late or when their key is forgotten.
std::vector<DedupeRow> random_rows(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  std::vector<DedupeRow> rows;
  Time newest = Time::min();
  int64_t now_ms = 1'000;
  for (size_t i = 0; i < count; ++i) {
    now_ms += below(4);
    const int64_t key = below(100) < 60 ? static_cast<int64_t>(i) : below(static_cast<int64_t>(i) + 1);
    const Time at = ms(now_ms - (below(10) == 0 ? below(150) : below(5)));
    rows.push_back({below(5) == 0 ? fmt::format("a key that is longer than those inside {}", key) : std::to_string(key), at,
                    newest == Time::min() ? newest : newest - Duration::millis(5)});
    newest = std::max(newest, at);
  }
  return rows;
}

enum class Way { kInMemory, kKeepCopies, kSpill, kLaggingWriter, kRestore, kRestoreAndWarm, kWarmInPart };

void befall(DedupeRig& rig, Way way) {
  switch (way) {
    case Way::kInMemory: return;
    case Way::kKeepCopies: return rig.freeze(), rig.write();
    case Way::kSpill: return rig.spill();
    case Way::kLaggingWriter: return rig.freeze(), rig.write(2), rig.lane().shed(0);
    case Way::kRestore: return rig.restore();
    case Way::kRestoreAndWarm: return rig.restore(), must(rig.lane().warm(SIZE_MAX));
    case Way::kWarmInPart: return rig.restore(), must(rig.lane().warm(3'000));
  }
}

}  // namespace

TEST_CASE("the first row with a key passes, and the next one when the key is forgotten, to the microsecond") {
  DedupeRig rig(kWithin);
  CHECK(rig.judge({"a", ms(1000)}) == Verdict::kPasses);
  CHECK(rig.judge({"a", ms(1000), ms(1000)}) == Verdict::kRepeats);
  CHECK(rig.judge({"b", ms(1001), ms(1000)}) == Verdict::kPasses);
  const Time border = ms(1000) + kWithin;
  CHECK(rig.judge({"a", ms(5000), border - Duration::micros(1)}) == Verdict::kRepeats);
  CHECK(rig.judge({"a", ms(5000), border}) == Verdict::kPasses);
  CHECK(rig.judge({"a", ms(5001), border}) == Verdict::kRepeats);
}

TEST_CASE("a row that is further than `within` behind its partition is late, whether its key is known or not") {
  DedupeRig rig(kWithin);
  CHECK(rig.judge({"a", ms(1000)}) == Verdict::kPasses);
  const auto judged = rig.judge(std::vector<DedupeRow>{{"a", ms(900), ms(1000)}, {"b", ms(900), ms(1000)}, {"b", ms(901), ms(1000)}});
  CHECK(judged[0].verdict == Verdict::kLate);
  CHECK(judged[1].verdict == Verdict::kLate);
  CHECK(judged[1].watermark == ms(1000));
  CHECK(judged[2].verdict == Verdict::kPasses);
}

TEST_CASE("a row of a partition that woke is held against the lane's watermark, too") {
  DedupeRig rig(kWithin);
  CHECK(rig.judge({"a", ms(1000)}) == Verdict::kPasses);
  rig.lane().advance(ms(1100));
  const auto judged = rig.judge(std::vector<DedupeRow>{{"b", ms(1000), ms(500)}, {"a", ms(1050), ms(500)}});
  CHECK(judged[0].verdict == Verdict::kIdle);
  CHECK(judged[0].watermark == ms(1100));
  CHECK(judged[1].verdict == Verdict::kPasses);  // the lane has forgotten it
}

TEST_CASE("within one batch the first row passes") {
  DedupeRig rig(kWithin);
  const auto judged = rig.judge(std::vector<DedupeRow>{{"a", ms(1)}, {"b", ms(1)}, {"a", ms(1)}, {"a", ms(2)}, {"b", ms(0)}});
  std::vector<Verdict> verdicts;
  for (const Judgement& one : judged) verdicts.push_back(one.verdict);
  CHECK(verdicts == std::vector{Verdict::kPasses, Verdict::kPasses, Verdict::kRepeats, Verdict::kRepeats, Verdict::kRepeats});
}

TEST_CASE("verdicts are the model's, wherever the keys lie") {
  const Way way = GENERATE(Way::kInMemory, Way::kKeepCopies, Way::kSpill, Way::kLaggingWriter, Way::kRestore,
                           Way::kRestoreAndWarm, Way::kWarmInPart);
  CAPTURE(static_cast<int>(way));
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    DedupeRig rig(kWithin);
    Model model(kWithin);
    const std::vector<DedupeRow> rows = random_rows(seed, 6'000);
    size_t wrong = 0;
    std::map<Verdict, size_t> seen;
    for (size_t begin = 0; begin < rows.size();) {
      const size_t end = std::min(rows.size(), begin + 1 + (begin * 7 + seed) % 150);
      const std::vector<DedupeRow> part(rows.begin() + static_cast<ptrdiff_t>(begin), rows.begin() + static_cast<ptrdiff_t>(end));
      const auto judged = rig.judge(part);
      for (size_t i = 0; i < part.size(); ++i) {
        wrong += judged[i].verdict != model.judge(part[i]) ? 1 : 0;
        ++seen[judged[i].verdict];
      }
      rig.lane().advance(part.back().watermark);
      befall(rig, way);
      begin = end;
    }
    CHECK(wrong == 0);
    CHECK(seen.size() == 3);  // and each of them occurs
  }
}

TEST_CASE("what is forgotten is kept neither in memory nor in the store") {
  DedupeRig rig(kWithin);
  for (int64_t n = 0; n < 50'000; ++n) {
    const Time at = ms(n / 10);
    REQUIRE(rig.judge({std::to_string(n), at, at}) == Verdict::kPasses);
    if (n % 500 == 0) rig.lane().advance(at), rig.freeze(), rig.write();
  }
  // A hundred milliseconds hold a thousand keys.
  CHECK(rig.stored_keys() < 2'500);
  CHECK(rig.lane().keys() < 10'000);
  rig.lane().advance(ms(1'000'000));
  rig.freeze();
  rig.write();
  CHECK(rig.stored_keys() == 0);
}

TEST_CASE("memory is given back once keys are written") {
  DedupeRig rig(Duration::hours(1));
  for (int64_t n = 0; n < 50'000; ++n) rig.judge({std::to_string(n), ms(n), ms(0)});
  const size_t full = rig.lane().memory_bytes();
  CHECK(rig.lane().dirty_bytes() == rig.lane().hot_bytes());
  rig.lane().shed(0);
  CHECK(rig.lane().memory_bytes() == full);  // nothing is written yet
  rig.freeze();
  CHECK(rig.lane().hot_bytes() == 0);
  CHECK(rig.lane().dirty_bytes() > 0);
  rig.write();
  CHECK(rig.lane().dirty_bytes() == 0);
  rig.lane().shed(full / 2);
  CHECK(rig.lane().memory_bytes() <= full / 2);
  CHECK(rig.lane().keys() > 10'000);  // the newest stay
  rig.lane().shed(0);
  CHECK(rig.lane().keys() == 0);
  CHECK(rig.judge({"17", ms(60'000), ms(0)}) == Verdict::kRepeats);
}

TEST_CASE("a damaged entry is an error and no verdict") {
  DedupeRig rig(kWithin);
  rig.judge({"a", ms(1000)});
  rig.spill();
  GenerationWriter out(rig.store());
  out.begin(kDedupeLane);
  out.put(encode_state_key({kDedupeLane, kDedupeStep, DedupeSlices(Duration{kWithin.us / 4}).end_of(ms(1000)), kCommonPartial}, "a"), "short");
  must(out.finish());
  rig.lane().on_written(2, rig.store().view());
  const DedupeBatch asked({{"a", ms(1000)}});
  DedupeScratch scratch;
  std::vector<Judgement> judged(1);
  const Status status = rig.lane().judge(asked.batch, asked.keyed, asked.rows, scratch, judged);
  REQUIRE_FALSE(status);
  CHECK(status.error().fault == Fault::kExternal);
}

TEST_CASE("the bytes of a dedupe step are those of the golden file") {
  DedupeRig rig(kWithin);
  rig.judge({"a", ms(1000)});
  rig.judge({"b", ms(-1)});
  rig.judge({"a", Time{1'234'567}, ms(1100)});
  rig.lane().advance(ms(-1) - Duration::micros(7));
  rig.freeze();
  rig.write();
  const KeyRange range = step_range(kDedupeLane, kDedupeStep);
  std::string text;
  const auto hex = [&](std::string_view bytes) {
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  };
  for (Scan scan = rig.store().view()->scan(range.begin, range.end); scan.valid(); scan.next()) {
    hex(scan.key());
    text += ' ';
    hex(scan.value());
    text += '\n';
  }
  CHECK(text == slurp(std::string(TIDEMARK_SOURCE_DIR) + "/tests/operators/dedupe/golden/dedupe-1.txt"));
}

}  // namespace tidemark
