// Every call goes on to each aggregate at its place, in the plan's order. Encoded blocks are merged in memory of their
// own, and not at all where one of them cannot be read.
#include "operators/windows/state_block.h"

#include <algorithm>

#include "base/check.h"
#include "operators/windows/window_lane.h"

namespace tidemark {
namespace {

StateHead head_of(const WindowPlan& plan) {
  if (!std::holds_alternative<SessionShape>(plan.shape)) return StateHead::kNone;
  return plan.revises() ? StateHead::kSession : StateHead::kSpan;
}

void encode_span(const SessionSpan& span, ByteWriter& out) {
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

void encode_head(StateHead kind, const std::byte* states, std::string& bytes) {
  ByteWriter out(bytes);
  if (kind != StateHead::kNone) encode_span(session_span(states), out);
  if (kind != StateHead::kSession) return;
  const SessionHead& head = session_head(states);
  out.varint(static_cast<uint64_t>(head.records));
  out.varint(static_cast<uint64_t>(head.note.revision));
  if (head.note.revision == 0) return;
  out.fixed(head.note.start.us);
  out.fixed(head.note.end.us);
  out.varint(static_cast<uint64_t>(head.note.records));
}

void read_head(StateHead kind, ByteReader& in, std::byte* states) {
  if (kind == StateHead::kSession) session_head(states) = {};
  if (kind != StateHead::kNone) session_span(states) = read_span(in);
  if (kind != StateHead::kSession) return;
  SessionHead& head = session_head(states);
  head.records = static_cast<int64_t>(in.varint());
  head.note.revision = static_cast<int64_t>(in.varint());
  if (head.note.revision == 0) return;
  head.note.start = {in.fixed<int64_t>()};
  head.note.end = {in.fixed<int64_t>()};
  head.note.records = static_cast<int64_t>(in.varint());
}

}  // namespace

size_t state_head_size(const WindowPlan& plan) {
  switch (head_of(plan)) {
    case StateHead::kNone: return 0;
    case StateHead::kSpan: return sizeof(SessionSpan);
    case StateHead::kSession: return sizeof(SessionHead);
  }
  __builtin_unreachable();
}

std::optional<SessionSpan> decode_span(std::string_view block) {
  ByteReader in(block);
  const SessionSpan span = read_span(in);
  return in.ok() ? std::optional(span) : std::nullopt;
}

StateBlock::StateBlock(const WindowPlan& plan) : plan_(plan), head_(head_of(plan)), blank_(plan.state_size) {
  CHECK_OR_DIE(plan.state_size % 8 == 0, "states lie at multiples of 8");
  const size_t head = state_head_size(plan);
  CHECK_OR_DIE(plan.state_size >= head, "a block has no room for its head");
  if (head_ == StateHead::kSpan) session_span(blank_.data()) = {};
  if (head_ == StateHead::kSession) session_head(blank_.data()) = {};
  for (const PlannedAggregate& a : plan.aggregates) {
    const bool fits = a.state_offset % 8 == 0 && a.state_offset >= head && a.state_offset + a.function->state_size() <= plan.state_size;
    CHECK_OR_DIE(fits, "an aggregate's state lies outside of the block");
    a.function->create(blank_.data() + a.state_offset);
  }
}

void StateBlock::merge(std::byte* into, const std::byte* from, Arena& heap) const {
  if (head_ == StateHead::kSpan) session_span(into).merge(session_span(from));
  if (head_ == StateHead::kSession) session_head(into).merge(session_head(from));
  for (const PlannedAggregate& a : plan_.aggregates) {
    a.function->merge(into + a.state_offset, from + a.state_offset, heap);
  }
}

bool StateBlock::retracts() const {
  return head_ == StateHead::kNone && std::ranges::all_of(plan_.aggregates, [](const auto& a) { return a.function->retracts(); });
}

bool StateBlock::retract(std::byte* into, const std::byte* from) const {
  return std::ranges::all_of(plan_.aggregates, [&](const PlannedAggregate& a) {
    return a.function->retract(into + a.state_offset, from + a.state_offset);
  });
}

void StateBlock::encode(const std::byte* states, std::string& out) const {
  encode_head(head_, states, out);
  for (const PlannedAggregate& a : plan_.aggregates) a.function->encode(states + a.state_offset, out);
}

bool StateBlock::decode(std::string_view bytes, std::byte* states, Arena& heap) const {
  ByteReader in(bytes);
  read_head(head_, in, states);
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
