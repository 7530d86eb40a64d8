// What one window holds of some keys: each is looked up in tables and in the store. For windows that speak of what has
// changed; those that speak of all they hold are brought together in window_merge.h.
#pragma once

#include "base/error.h"
#include "operators/windows/window_merge.h"

namespace tidemark {

// Writes one row for each entry of `keys` that `sources` know. Fails when the store cannot be read.
Status write_keys(const HotTable& keys, const WindowSources& sources, const View* view, const StateBlock& block,
                  ResultWriter& out);

}  // namespace tidemark
