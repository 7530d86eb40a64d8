// Where a row stands in event order: event time, then the topic's name, partition and offset; and values that keep the
// places of their rows. What first, last, list and ties of arg_min and arg_max go by. Knows source rows only: rows behind
// a window have no offsets to order them by.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "operators/aggregates/aggregate.h"

namespace tidemark {

// A relocatable value. The topic's name lies in a TopicTable that outlives it.
struct EventPlace {
  int64_t event_us;
  int64_t offset;
  const char* topic;
  uint32_t topic_size;
  int32_t partition;

  std::string_view topic_name() const { return {topic, topic_size}; }
  void set_topic(std::string_view name) {
    topic = name.data();
    topic_size = static_cast<uint32_t>(name.size());
  }
  friend bool operator<(const EventPlace& a, const EventPlace& b) {
    if (a.event_us != b.event_us) return a.event_us < b.event_us;
    if (a.topic != b.topic) {
      const int order = a.topic_name().compare(b.topic_name());
      if (order != 0) return order < 0;
    }
    if (a.partition != b.partition) return a.partition < b.partition;
    return a.offset < b.offset;
  }
};

// The places of a batch's rows.
class BatchPlaces {
 public:
  BatchPlaces(const Batch& batch, const TopicTable& topics) : batch_(batch) {
    CHECK_OR_DIE(batch.offsets.size() == batch.rows, "event order needs rows of a source");
    common_.set_topic(topics.name_of(batch.topic));
    common_.partition = batch.partition;
  }
  EventPlace operator[](uint32_t row) const {
    EventPlace place = common_;
    place.event_us = batch_.event_times[row].us;
    place.offset = batch_.offsets[row];
    return place;
  }

 private:
  const Batch& batch_;
  EventPlace common_{};
};

// The durable form of places. Thread-safe.
class PlaceCodec {
 public:
  static void encode(const EventPlace& place, ByteWriter& out) {
    out.fixed(place.event_us);
    out.text(place.topic_name());
    out.fixed(place.partition);
    out.fixed(place.offset);
  }
  EventPlace decode(ByteReader& in) const {
    EventPlace place{};
    place.event_us = in.fixed<int64_t>();
    const std::string_view topic = in.text();
    place.partition = in.fixed<int32_t>();
    place.offset = in.fixed<int64_t>();
    if (in.ok()) place.set_topic(topics_.name_of(topics_.number_of(topic)));
    return place;
  }

 private:
  // Names read back from durable states, each kept once so that places can point to it; thread-safe in itself.
  mutable TopicTable topics_;
};

// A value of kind V with the place of its row: itself a kind, as in value_kinds.h, but that a reader for their batch
// reads rows. Immutable and thread-safe.
template <class V>
class PlacedValue {
 public:
  struct View {
    EventPlace place;
    typename V::View value;
  };
  struct Stored {
    EventPlace place;
    typename V::Stored value;
  };
  class Reader {
   public:
    Reader(const AddInput& in, const TopicTable& topics) : places_(in.batch, topics), values_(in.arg) {}
    bool has(uint32_t row) const { return values_->valid[row]; }
    View operator[](uint32_t row) const { return {places_[row], V::read(*values_, row)}; }

   private:
    BatchPlaces places_;
    const Column* values_;
  };

  explicit PlacedValue(const AggregateArgs& args) : topics_(args.topics) {}
  Reader reader(const AddInput& in) const { return {in, topics_}; }
  static void set(Column& c, size_t row, const View& v, Arena& arena) { V::set(c, row, v.value, arena); }
  static void store(Stored& s, const View& v, Arena& heap) {
    V::store(s.value, v.value, heap);
    s.place = v.place;
  }
  static View view(const Stored& s) { return {s.place, V::view(s.value)}; }
  static void encode(const View& v, ByteWriter& out) {
    PlaceCodec::encode(v.place, out);
    V::encode(v.value, out);
  }
  View decode(ByteReader& in) const {
    const EventPlace place = codec_.decode(in);
    return {place, V::decode(in)};
  }

 private:
  const TopicTable& topics_;
  PlaceCodec codec_;
};

}  // namespace tidemark
