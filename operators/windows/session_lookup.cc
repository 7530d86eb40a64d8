// From the segment that was asked for it is looked ahead and back, as long as partials join.
#include "operators/windows/session_lookup.h"

#include "operators/windows/store_errors.h"

namespace tidemark {

Result<bool> SessionLookup::read(const OpenSlice& slice, std::string_view key, uint64_t hash, const View* view) {
  const SlicePart& part = slice.parts.begin()->second;
  bool any = false;
  one_.clear();
  const auto look = [&](const HotTable& table) {
    const uint32_t at = table.find(key, hash);
    if (at == HotTable::kNone) return;
    one_.merge(table.entry(at).states());
    any = true;
  };
  for (const auto& frozen : part.frozen) look(frozen->table);
  if (part.hot) look(*part.hot);
  if (!part.in_store_only) return any;
  const auto stored = view->get(encode_state_key({lane_, step_, slice.slice.end, kCommonPartial}, key));
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return any;
  decoded_.clear();
  if (!decoded_.decode(**stored)) return std::unexpected(foreign_value());
  one_.merge(decoded_.states());
  return true;
}

void SessionLookup::take(const Segment& segment, bool in_front) {
  const SessionHead& head = session_head(one_.states());
  found_.span.merge(head.span);
  found_.records += head.records;
  found_.parts.insert(in_front ? found_.parts.begin() : found_.parts.end(), {segment, head.note});
  whole_.merge(one_.states());
}

Status SessionLookup::look_ahead(OpenSegment at, std::string_view key, uint64_t hash, const View* view) {
  for (Segment segment = segments_.of(at->first); !segment.is_cut();) {
    if (++at == open_.open().end() || at->first != segment.end) return {};
    const auto any = read(at->second, key, hash, view);
    if (!any) return std::unexpected(any.error());
    if (!*any || !segments_.joins(segment, found_.span.last, session_span(one_.states()).first)) return {};
    segment = segments_.of(at->first);
    take(segment, false);
  }
  return {};
}

Status SessionLookup::look_back(OpenSegment at, std::string_view key, uint64_t hash, Time over, const View* view) {
  while (at != open_.open().begin()) {
    const Time next_start = at->first;
    --at;
    const Segment segment = segments_.of(at->first);
    if (segment.end != next_start || segment.is_cut()) return {};
    const auto any = read(at->second, key, hash, view);
    if (!any) return std::unexpected(any.error());
    if (!*any) return {};
    const Time last = session_span(one_.states()).last;
    if (segments_.end_of(segment, last) <= over || !segments_.joins(segment, last, found_.span.first)) return {};
    take(segment, true);
  }
  return {};
}

Result<const FoundSession*> SessionLookup::find(Time segment_start, std::string_view key, uint64_t hash, Time over,
                                                const View* view) {
  const auto at = open_.open().find(segment_start);
  if (at == open_.open().end()) return nullptr;
  const auto any = read(at->second, key, hash, view);
  if (!any) return std::unexpected(any.error());
  const Segment segment = segments_.of(segment_start);
  if (!*any || segments_.end_of(segment, session_span(one_.states()).last) <= over) return nullptr;
  found_ = {};
  whole_.clear();
  take(segment, false);
  if (Status looked = look_ahead(at, key, hash, view); !looked) return std::unexpected(looked.error());
  if (Status looked = look_back(at, key, hash, over, view); !looked) return std::unexpected(looked.error());
  found_.states = whole_.states();
  return &found_;
}

}  // namespace tidemark
