// The entries of a hot table in key order, as the store orders them.
#pragma once

#include <vector>

#include "operators/windows/hot_table.h"

namespace tidemark {

// 8 bytes per entry; twice that while sorting. The pointers are good as long as the table.
std::vector<const HotTable::Entry*> sorted_entries(const HotTable& table);

}  // namespace tidemark
