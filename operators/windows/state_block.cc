// Every call goes on to each aggregate at its place, in the plan's order. Encoded blocks are merged in memory of their
// own, and not at all where one of them cannot be read.
#include "operators/windows/state_block.h"

#include "base/check.h"
#include "operators/windows/window_lane.h"

namespace tidemark {
namespace {

void encode_span(const SessionSpan& span, std::string& bytes) {
  ByteWriter out(bytes);
  out.fixed(span.first.us);
  out.fixed(span.last.us);
  out.fixed(span.newest_kafka_time.us);
}

SessionSpan read_span(ByteReader& in) {
  SessionSpan span;
  span.first = {in.fixed<int64_t>()};
  span.last = {in.fixed<int64_t>()};
  span.newest_kafka_time = {in.fixed<int64_t>()};
  return span;
}

}  // namespace

size_t state_head_size(const WindowShape& shape) {
  return std::holds_alternative<SessionShape>(shape) ? sizeof(SessionSpan) : 0;
}

std::optional<SessionSpan> decode_span(std::string_view block) {
  ByteReader in(block);
  const SessionSpan span = read_span(in);
  return in.ok() ? std::optional(span) : std::nullopt;
}

StateBlock::StateBlock(const WindowPlan& plan)
    : plan_(plan), has_span_(std::holds_alternative<SessionShape>(plan.shape)), blank_(plan.state_size) {
  CHECK_OR_DIE(plan.state_size % 8 == 0, "states lie at multiples of 8");
  const size_t head = state_head_size(plan.shape);
  CHECK_OR_DIE(plan.state_size >= head, "a block has no room for its span");
  if (has_span_) session_span(blank_.data()) = {};
  for (const PlannedAggregate& a : plan.aggregates) {
    const bool fits = a.state_offset % 8 == 0 && a.state_offset >= head && a.state_offset + a.function->state_size() <= plan.state_size;
    CHECK_OR_DIE(fits, "an aggregate's state lies outside of the block");
    a.function->create(blank_.data() + a.state_offset);
  }
}

void StateBlock::merge(std::byte* into, const std::byte* from, Arena& heap) const {
  if (has_span_) session_span(into).merge(session_span(from));
  for (const PlannedAggregate& a : plan_.aggregates) {
    a.function->merge(into + a.state_offset, from + a.state_offset, heap);
  }
}

void StateBlock::encode(const std::byte* states, std::string& out) const {
  if (has_span_) encode_span(session_span(states), out);
  for (const PlannedAggregate& a : plan_.aggregates) a.function->encode(states + a.state_offset, out);
}

bool StateBlock::decode(std::string_view bytes, std::byte* states, Arena& heap) const {
  ByteReader in(bytes);
  if (has_span_) session_span(states) = read_span(in);
  for (const PlannedAggregate& a : plan_.aggregates) {
    if (!a.function->decode(in, states + a.state_offset, heap)) return false;
  }
  return in.done();
}

bool merge_window_states(const WindowPlan& plan, std::string& accumulator, std::string_view operand) {
  const StateBlock block(plan);
  Arena heap(4 * 1024);
  std::vector<std::byte> into(plan.state_size);
  std::vector<std::byte> from(plan.state_size);
  if (!block.decode(accumulator, into.data(), heap) || !block.decode(operand, from.data(), heap)) return false;
  block.merge(into.data(), from.data(), heap);
  accumulator.clear();
  block.encode(into.data(), accumulator);
  return true;
}

}  // namespace tidemark
