// Scope: which fields an expression can see, and where their columns lie in a batch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace tidemark {

struct Field {
  std::string name;
  Type type;
  bool nullable = false;
  uint32_t slot = 0;  // index into Batch::columns
};

// Fields in their order of definition. A stage of the plan (before the exchange, or behind a window) numbers its slots
// on its own; a step that adds or replaces a field takes a fresh slot, so that branches never overwrite each other.
struct Scope {
  std::vector<Field> fields;
  // What may be called here and is taken out of an expression before it is compiled: known for nearest words only.
  std::vector<std::string_view> aggregates;
  // What those calls may take and nothing else here can see: known for what to suggest only.
  std::vector<Field> gathered;

  const Field* find(std::string_view name) const {
    for (const Field& f : fields) {
      if (f.name == name) return &f;
    }
    return nullptr;
  }
};

}  // namespace tidemark
