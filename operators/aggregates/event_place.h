// Where a row stands in event order: event time, then the topic's name, partition and offset, or, of a result row, what
// operators/key_codec.h makes of its window and key; and values that keep the places of their rows. What first, last, list
// and ties of arg_min and arg_max go by.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "operators/aggregates/aggregate.h"

namespace tidemark {

// A relocatable value. The topic's name lies in a TopicTable that outlives it; that of a result row, its place in bytes, in
// its batch, or beside the state that keeps it.
struct EventPlace {
  static constexpr int32_t kOfResult = std::numeric_limits<int32_t>::min();  // as a partition

  int64_t event_us;
  int64_t offset;  // of a result row: how much room its bytes have in a state
  const char* topic;
  uint32_t topic_size;
  int32_t partition;

  std::string_view topic_name() const { return {topic, topic_size}; }
  void set_topic(std::string_view name) {
    topic = name.data();
    topic_size = static_cast<uint32_t>(name.size());
  }
  bool of_result() const { return partition == kOfResult; }
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

// The places of a source batch's rows.
class SourcePlaces {
 public:
  SourcePlaces(const Batch& batch, const TopicTable& topics) : batch_(batch) {
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

// The places of result rows.
class ResultPlaces {
 public:
  explicit ResultPlaces(const Batch& batch) : batch_(batch) {}
  EventPlace operator[](uint32_t row) const {
    EventPlace place{};
    place.event_us = batch_.event_times[row].us;
    place.set_topic(batch_.places[row]);
    place.partition = EventPlace::kOfResult;
    return place;
  }

 private:
  const Batch& batch_;
};

// Keeps a result row's place beside a state, where the one before it has left room.
inline void store_result_place(EventPlace& s, const EventPlace& v, Arena& heap) {
  const bool has_room = s.of_result() && s.offset >= v.topic_size;
  const int64_t room = has_room ? s.offset : std::bit_ceil(std::max<uint32_t>(v.topic_size, 16));
  char* const bytes = has_room ? const_cast<char*>(s.topic) : heap.allocate(static_cast<size_t>(room));
  std::memcpy(bytes, v.topic, v.topic_size);
  s = v;
  s.topic = bytes;
  s.offset = room;
}

// The durable form of places. Thread-safe.
class PlaceCodec {
 public:
  static void encode(const EventPlace& place, ByteWriter& out) {
    out.fixed(place.event_us);
    out.text(place.topic_name());
    out.fixed(place.partition);
    out.fixed(place.of_result() ? int64_t{0} : place.offset);
  }
  // The bytes of a result row's place stay where they were read.
  EventPlace decode(ByteReader& in) const {
    EventPlace place{};
    place.event_us = in.fixed<int64_t>();
    const std::string_view topic = in.text();
    place.partition = in.fixed<int32_t>();
    place.offset = in.fixed<int64_t>();
    if (in.ok()) place.set_topic(place.of_result() ? topic : topics_.name_of(topics_.number_of(topic)));
    return place;
  }

 private:
  // Names read back from durable states, each kept once so that places can point to it; thread-safe in itself.
  mutable TopicTable topics_;
};

// A value of kind V with the place of its row: itself a kind, as in value_kinds.h, but that rows are read by a reader for
// their batch. Immutable and thread-safe.
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
  template <class Places>
  struct Reader {
    Places places;
    const Column* values;
    bool has(uint32_t row) const { return values->valid[row]; }
    View operator[](uint32_t row) const { return {places[row], V::read(*values, row)}; }
  };

  explicit PlacedValue(const AggregateArgs& args) : topics_(args.topics) {}
  // body(reader), with the one for this batch. Inlined, or its loop would go through a closure.
  template <class Body>
  [[gnu::always_inline]] void read(const AddInput& in, Body body) const {
    if (in.batch.places.empty()) return body(Reader<SourcePlaces>{SourcePlaces(in.batch, topics_), in.arg});
    body(Reader<ResultPlaces>{ResultPlaces(in.batch), in.arg});
  }
  static void set(Column& c, size_t row, const View& v, Arena& arena) { V::set(c, row, v.value, arena); }
  static void store(Stored& s, const View& v, Arena& heap) {
    V::store(s.value, v.value, heap);
    if (v.place.of_result()) return store_result_place(s.place, v.place, heap);
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
