// Turns the stacks when the front has run out, and merges whole tables. Slices before the first kept suffix are given
// back as the tables they are; who merges those in the end is not known here.
#include "operators/windows/sliding_total.h"

#include <algorithm>

#include "operators/windows/window_merge.h"

namespace tidemark {

void SlidingTotal::merge(const Member& member, HotTable& into) const {
  for (const HotTable* table : member.tables) merge_table(*table, block_, into);
}

const HotTable& SlidingTotal::running_total(std::span<const Member> members) {
  const bool goes_on = held_.size() <= members.size() && std::ranges::equal(held_, members.first(held_.size()), {}, {}, &Member::start);
  if (!goes_on) clear();
  for (const Member& member : members.subspan(held_.size())) {
    running_->add(member.tables);
    held_.push_back(member.start);
  }
  return running_->table();
}

void SlidingTotal::leave(std::span<const Member> oldest) {
  if (!running_) return;
  for (const Member& member : oldest) {
    if (held_.empty() || held_.front() != member.start) return clear();
    held_.pop_front();
    if (running_->retract(member.tables)) continue;
    clear();
    return running_.reset();
  }
}

void SlidingTotal::turn(std::span<const Member> members) {
  clear();
  front_through_ = back_through_ = members.back().start;
  HotTable total(block_.blank());
  const size_t longest = members.size() % kStride;  // the suffix from here on is the last one that is kept
  for (size_t i = members.size(); i-- > longest;) {
    merge(members[i], total);
    if (i == longest) {
      front_.push_front({members[i].start, std::move(total)});
    } else if ((members.size() - i) % kStride == 0) {
      front_.push_front({members[i].start, HotTable(block_.blank())});
      merge_table(total, block_, front_.front().table);
    }
  }
}

void SlidingTotal::add_to_back(const Member& member) {
  if (!back_) back_ = std::make_unique<HotTable>(block_.blank());
  merge(member, *back_);
  back_through_ = member.start;
}

void SlidingTotal::collect(std::span<const Member> members, std::vector<const HotTable*>& tables) {
  if (members.empty()) return;
  if (running_) {
    tables.push_back(&running_total(members));
    bytes_ = running_->bytes();
    return;
  }
  const Time oldest = members.front().start;
  while (!front_.empty() && front_.front().from < oldest) front_.pop_front();
  if (front_through_ < oldest) turn(members);
  for (const Member& member : members) {
    const bool in_suffix = !front_.empty() && front_.front().from <= member.start;
    if (member.start > back_through_) {
      add_to_back(member);
    } else if (member.start <= front_through_ && !in_suffix) {
      tables.insert(tables.end(), member.tables.begin(), member.tables.end());
    }
  }
  if (!front_.empty()) tables.push_back(&front_.front().table);
  if (back_) tables.push_back(back_.get());
  bytes_ = count_bytes();
}

void SlidingTotal::clear() {
  if (running_) running_->clear();
  held_.clear();
  front_.clear();
  back_.reset();
  front_through_ = back_through_ = Time::min();
  bytes_ = 0;
}

size_t SlidingTotal::count_bytes() const {
  size_t bytes = back_ ? back_->bytes() : 0;
  for (const Suffix& suffix : front_) bytes += suffix.table.bytes();
  return bytes;
}

}  // namespace tidemark
