// Which hot keys people are shown, and how: by their hash everywhere, in plain text where they were kept. Knows neither how
// they were sampled nor where they are shown.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/hot_keys.h"
#include "operators/plan/plan.h"

namespace tidemark {

// By window ordinal, older ones counting less; as of the last commit.
struct HotKeysOfSteps {
  std::vector<HotKeys> by_rows;
  std::vector<HotKeys> by_state;  // by bytes that were written of the step's state
};

// Whether enough was sampled to speak of shares.
bool tells_shares(const HotKeys& keys);
// Those of at least 5%, at most ten, hottest first.
std::vector<HotKeys::Key> hot_enough(const HotKeys& keys);
// 16 hexadecimal digits.
std::string hot_key_name(uint64_t hash);

// For the API: [{"step", "by": "rows" or "state", "hash", "share", "key"}], `key` only where it was kept, as the step's result
// rows write it.
nlohmann::ordered_json hot_keys_json(const Plan& plan, const HotKeysOfSteps& keys);

}  // namespace tidemark
