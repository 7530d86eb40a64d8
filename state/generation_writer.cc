// Gathers write sets, one for each lane, and gives them away as soon as they weigh a part. Sorting is the write set's,
// files and what readers see are the store's.
#include "state/generation_writer.h"

#include <utility>

#include "base/check.h"

namespace tidemark {
namespace {

// What is handed to the store at once where there is more: it then goes into sorted files.
constexpr size_t kPartBytes = size_t{2} << 20;

}  // namespace

GenerationWriter::GenerationWriter(KeyedStore& store, KeyWeights* weights)
    : store_(store), weights_(weights), before_(store.view()) {}

WriteSet& GenerationWriter::open_set(uint16_t lane) {
  return sets_.emplace_back(lane, before_->generation(lane) + 1);
}

void GenerationWriter::begin(uint16_t lane) {
  if (!sets_.empty()) {
    CHECK_OR_DIE(sets_.back().lane() <= lane, "lanes are written in their order");
    if (sets_.back().lane() == lane) return;
    closed_bytes_ += sets_.back().bytes();
  }
  open_set(lane);
}

void GenerationWriter::expire(KeyRange range) { sets_.back().expire(std::move(range)); }

void GenerationWriter::put(std::string_view state_key, std::string_view value) { sets_.back().put(state_key, value); }

Status GenerationWriter::merge(const StateKeyHeader& header, std::string_view key, std::string_view operand) {
  sets_.back().merge(header, key, operand);
  if (weights_) weights_->add(header.step, key, key.size() + operand.size());
  if (closed_bytes_ + sets_.back().bytes() < kPartBytes) return {};
  closed_bytes_ = 0;
  const Status applied = store_.apply_part(std::exchange(sets_, {}));
  open_set(header.lane);
  return applied;
}

Status GenerationWriter::finish() { return store_.apply_all(std::move(sets_)); }

}  // namespace tidemark
