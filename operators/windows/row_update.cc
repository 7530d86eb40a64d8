// A block is walked from its first state to its last, so that the pointers to it are moved and never made anew.
#include "operators/windows/row_update.h"

namespace tidemark {

void RowUpdate::add(const Batch& batch, Rows rows, std::vector<std::byte*>& states, Arena& heap) {
  size_t offset = 0;
  for (const PlannedAggregate& a : plan_.aggregates) {
    for (std::byte*& state : states) state += static_cast<ptrdiff_t>(a.state_offset) - static_cast<ptrdiff_t>(offset);
    offset = a.state_offset;
    const Column* const arg = a.arg_slot ? &batch.columns[*a.arg_slot] : nullptr;
    const Column* const by = a.by_slot ? &batch.columns[*a.by_slot] : nullptr;
    if (!a.where_slot) {
      a.function->add({batch, rows, states, heap, arg, by});
      continue;
    }
    const Column& where = batch.columns[*a.where_slot];
    chosen_rows_.clear();
    chosen_states_.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!where.valid[rows[i]] || !where.bools[rows[i]]) continue;
      chosen_rows_.push_back(rows[i]);
      chosen_states_.push_back(states[i]);
    }
    if (!chosen_rows_.empty()) a.function->add({batch, chosen_rows_, chosen_states_, heap, arg, by});
  }
}

}  // namespace tidemark
