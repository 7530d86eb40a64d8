// Bringing the partials of one window together, key by key, from tables in memory and ranges of the store. Knows keys and
// state blocks; knows neither slices nor result rows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "operators/windows/hot_table.h"
#include "operators/windows/result_writer.h"
#include "operators/windows/state_block.h"
#include "state/keyed_store.h"

namespace tidemark {

// Everything that counts in one window: each partial once.
struct WindowSources {
  std::vector<const HotTable*> tables;
  std::vector<StateKeyHeader> stored;  // ranges of the view: all keys behind a header
};

// Merges every entry of `from` into `into`, whose blank is the block's.
void merge_table(const HotTable& from, const StateBlock& block, HotTable& into);

// Hands each key in `sources` to out.add(key, states), once and with everything merged. Instantiated for what can take
// them, so that no row costs a virtual call. Needs no more memory than a bit for each entry, or a bounded table, or, for
// very many large tables and for what is stored, a sorted index of the tables and one position in each range. Fails when
// the store cannot be read.
template <class Out>
Status write_window(const WindowSources& sources, const View* view, const StateBlock& block, Out& out);

// The same in the order of keys: those behind `behind` (nothing: all), until out.wants_part(). Answers the last key written
// where there are more. Costs a sorted index of the tables each time.
Result<std::optional<std::string>> write_keys_behind(const std::optional<std::string>& behind, const WindowSources& sources,
                                                     const View* view, const StateBlock& block, ResultWriter& out);

}  // namespace tidemark
