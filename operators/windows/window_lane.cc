// The lane that a window's shape asks for.
#include "operators/windows/window_lane.h"

#include "operators/windows/aligned_window_lane.h"
#include "operators/windows/session_window_lane.h"

namespace tidemark {
namespace {

using Kept = std::optional<std::string>;

// What a step's lane wrote of itself; nothing at a fresh start.
Result<Kept> kept_metadata(uint16_t step, uint16_t lane, const std::shared_ptr<const StoreView>& view) {
  if (!view) return Kept();
  return view->get(lane_metadata_key(lane, step));
}

Result<std::unique_ptr<WindowLane>> taken_up(auto made, uint16_t step, uint16_t lane, std::shared_ptr<const StoreView> view) {
  const auto kept = kept_metadata(step, lane, view);
  if (!kept) return std::unexpected(kept.error());
  if (!*kept) return made;
  const auto metadata = decode_lane_metadata(**kept);
  if (!metadata) return std::unexpected(metadata.error());
  if (Status restored = made->restore(*metadata, std::move(view)); !restored) return std::unexpected(restored.error());
  return made;
}

template <class Shape>
Result<std::unique_ptr<WindowLane>> make_lane(const Shape& shape, const WindowPlan& plan, uint16_t step, uint16_t lane,
                                              std::shared_ptr<const StoreView> view) {
  return taken_up(std::make_unique<AlignedWindowLane>(plan, Slices(shape), step, lane), step, lane, std::move(view));
}

Result<std::unique_ptr<WindowLane>> make_lane(const SessionShape&, const WindowPlan& plan, uint16_t step, uint16_t lane,
                                              std::shared_ptr<const StoreView> view) {
  return taken_up(std::make_unique<SessionWindowLane>(plan, step, lane), step, lane, std::move(view));
}

}  // namespace

void refuse_row(uint32_t row, bool late, Time own, Time of_lane, WindowCounters& counters, std::vector<LateRow>& rows) {
  ++(late ? counters.late : counters.idle_late);
  rows.push_back({row, late ? LateReason::kLate : LateReason::kIdle, late ? own : of_lane});
}

Result<std::unique_ptr<WindowLane>> make_window_lane(const WindowPlan& plan, uint16_t step, uint16_t lane,
                                                     std::shared_ptr<const StoreView> view) {
  return std::visit([&](const auto& shape) { return make_lane(shape, plan, step, lane, std::move(view)); }, plan.shape);
}

}  // namespace tidemark
