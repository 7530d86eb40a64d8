// GenerationWriter: takes what the generations of one or several lanes write, in the order of state keys, and brings it to
// the store part by part: however much it is, only a part of it is in memory. Knows keys and bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "state/key_weights.h"
#include "state/keyed_store.h"
#include "state/state_key.h"
#include "state/write_set.h"

namespace tidemark {

// Single-threaded; nobody else writes to the store meanwhile. After an error it must not be used any more.
class GenerationWriter {
 public:
  // `weights`, where there are any, are told of what is merged.
  explicit GenerationWriter(KeyedStore& store, KeyWeights* weights = nullptr);

  // What follows, up to the next call, belongs to `lane`, which does not lie before the last one.
  void begin(uint16_t lane);
  // Before any entry of the lane; see WriteSet::expire.
  void expire(KeyRange range);
  void put(std::string_view state_key, std::string_view value);
  Status merge(const StateKeyHeader& header, std::string_view key, std::string_view operand);
  // From here on one view shows all of it.
  Status finish();

 private:
  WriteSet& open_set(uint16_t lane);

  KeyedStore& store_;
  KeyWeights* const weights_;
  const std::shared_ptr<const View> before_;
  std::vector<WriteSet> sets_;  // of the part being gathered, the present lane's last
  size_t closed_bytes_ = 0;     // of all but the last
};

}  // namespace tidemark
