// A part remembers its number, so that finding it again costs no look-up.
#include "operators/windows/row_groups.h"

namespace tidemark {

int32_t RowGroups::number_of(SlicePart& part) {
  if (part.batch_group < 0) {
    if (used_ == groups_.size()) groups_.emplace_back();
    part.batch_group = static_cast<int32_t>(used_++);
    groups_[static_cast<size_t>(part.batch_group)].part = &part;
  }
  return part.batch_group;
}

}  // namespace tidemark
