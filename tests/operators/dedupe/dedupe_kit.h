// What tests of dedupe lanes share: batches of keys and times, and a lane over a store that is written, shed and restored as
// the test says. What ought to pass is not known here.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "operators/dedupe/dedupe_lane.h"
#include "operators/key_codec.h"
#include "tests/state/store_fixture.h"

namespace tidemark {

struct DedupeRow {
  std::string key;
  Time at;
  Time watermark = Time::min();  // W(p) just before the record
};

constexpr uint16_t kDedupeLane = 3;
constexpr uint16_t kDedupeStep = 1;

struct DedupeBatch {
  Batch batch;
  KeyedRows keyed;
  std::vector<uint32_t> rows;

  explicit DedupeBatch(const std::vector<DedupeRow>& from) {
    for (const DedupeRow& row : from) {
      rows.push_back(batch.rows++);
      batch.event_times.push_back(row.at);
      batch.watermarks.push_back(row.watermark);
      keyed.keys.push_back(batch.arena.copy(row.key));
      keyed.hashes.push_back(hash_key(row.key));
    }
  }
};

class DedupeRig {
 public:
  explicit DedupeRig(Duration within) : plan_{"once", 0, within, Duration{within.us / 4}} {
    StoreOptions options = counter_options();
    options.merge = [](std::string_view, std::string& accumulator, std::string_view operand) {
      return merge_first_seen(accumulator, operand);
    };
    store_ = must(KeyedStore::open(dir_ / "store", std::move(options)));
    lane_ = must(make_dedupe_lane(plan_, kDedupeStep, kDedupeLane, nullptr));
  }

  DedupeLane& lane() { return *lane_; }
  KeyedStore& store() { return *store_; }

  std::vector<Judgement> judge(const std::vector<DedupeRow>& rows) {
    const DedupeBatch asked(rows);
    std::vector<Judgement> judged(rows.size());
    must(lane_->judge(asked.batch, asked.keyed, asked.rows, scratch_, judged));
    return judged;
  }
  Verdict judge(const DedupeRow& row) { return judge(std::vector{row})[0].verdict; }

  void freeze() { frozen_.push_back(lane_->freeze()); }
  // All but the last `keep` generations reach the store.
  void write(size_t keep = 0) {
    for (; frozen_.size() > keep; frozen_.pop_front()) {
      GenerationWriter out(*store_);
      must(frozen_.front()->write_to(out));
      must(out.finish());
      lane_->on_written(frozen_.front()->number(), store_->view());
    }
  }
  void spill() {
    freeze();
    write();
    lane_->shed(0);
  }
  // As after a restart: all that there is, is what was written.
  void restore() {
    freeze();
    write();
    lane_ = must(make_dedupe_lane(plan_, kDedupeStep, kDedupeLane, store_->view()));
  }
  // Entries of keys in the store.
  size_t stored_keys() const {
    const KeyRange range = slice_range(kDedupeLane, kDedupeStep, Time{Time::min().us + 1}, Time::max());
    size_t n = 0;
    for (Scan scan = store_->view()->scan(range.begin, range.end); scan.valid(); scan.next()) ++n;
    return n;
  }

 private:
  TempDir dir_;
  DedupePlan plan_;
  std::unique_ptr<KeyedStore> store_;
  std::unique_ptr<DedupeLane> lane_;
  std::deque<std::unique_ptr<FrozenGeneration>> frozen_;
  DedupeScratch scratch_;
};

}  // namespace tidemark
