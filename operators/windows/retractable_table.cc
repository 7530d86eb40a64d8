// A key that is in no slice any more stays until somebody looks at the table, and is left out then by making the table
// anew. That costs less than to write the rows for which it is looked at.
#include "operators/windows/retractable_table.h"

#include <utility>

#include "base/check.h"

namespace tidemark {

RetractableTable::RetractableTable(const StateBlock& block)
    : block_(block), blank_(block.blank().begin(), block.blank().end()) {
  CHECK_OR_DIE(block.retracts(), "the sum of what comes and goes is taken of what can be taken back");
  blank_.resize(blank_.size() + sizeof(Presence));
  clear();
}

RetractableTable::Presence& RetractableTable::presence(std::byte* states) const {
  return *reinterpret_cast<Presence*>(states + block_.blank().size());
}

const RetractableTable::Presence& RetractableTable::presence(const std::byte* states) const {
  return *reinterpret_cast<const Presence*>(states + block_.blank().size());
}

void RetractableTable::clear() {
  table_ = std::make_unique<HotTable>(std::span<const std::byte>(blank_));
  present_ = 0;
}

void RetractableTable::add(std::span<const HotTable* const> slice) {
  ++added_;
  for (const HotTable* from : slice) {
    for_each_into(*from, *table_, [&](const HotTable::Entry& entry, std::byte* states) {
      block_.merge(states, entry.states(), table_->heap());
      Presence& seen = presence(states);
      if (seen.slices > 0 && seen.added == added_) return;
      if (seen.slices++ == 0) ++present_;
      seen.added = added_;
    });
  }
}

bool RetractableTable::retract(std::span<const HotTable* const> slice) {
  ++taken_;
  bool could = true;
  for (const HotTable* from : slice) {
    for_each_into(*from, *table_, [&](const HotTable::Entry& entry, std::byte* states) {
      could = could && block_.retract(states, entry.states());
      Presence& seen = presence(states);
      if (seen.taken == taken_) return;
      if (--seen.slices == 0) --present_;
      seen.taken = taken_;
    });
  }
  return could;
}

const HotTable& RetractableTable::table() {
  if (present_ < table_->size()) drop_absent();
  return *table_;
}

void RetractableTable::drop_absent() {
  const auto all = std::exchange(table_, std::make_unique<HotTable>(std::span<const std::byte>(blank_)));
  all->for_each([&](const HotTable::Entry& entry) {
    const Presence& seen = presence(entry.states());
    if (seen.slices == 0) return;
    std::byte* const states = table_->find_or_insert(entry.key(), entry.hash());
    block_.merge(states, entry.states(), table_->heap());
    presence(states) = seen;
  });
}

}  // namespace tidemark
