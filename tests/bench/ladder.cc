// One template for all rungs, so that none pays for what a higher one does. Digests and sums of what was parsed are
// printed, which keeps the work from being optimised away.
#include "tests/bench/ladder.h"

#include <simdjson.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "tests/bench/client.h"

namespace tidemark::bench {

namespace {

// One flat table with linear probing, at most three quarters full.
class NaiveMap {
 public:
  struct Entry {
    std::string key;  // empty: a free place
    int64_t count = 0;
    double sum = 0;
  };

  NaiveMap() : entries_(1024) {}

  void add(std::string_view key, double amount) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    Entry& entry = find(key);
    if (entry.key.empty()) {
      entry.key = key;
      ++size_;
    }
    ++entry.count;
    entry.sum += amount;
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  Entry& find(std::string_view key) {
    size_t place = XXH3_64bits(key.data(), key.size()) & (entries_.size() - 1);
    while (!entries_[place].key.empty() && entries_[place].key != key) place = (place + 1) & (entries_.size() - 1);
    return entries_[place];
  }

  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (Entry& entry : old) {
      if (!entry.key.empty()) find(entry.key) = std::move(entry);
    }
  }

  std::vector<Entry> entries_;
  size_t size_ = 0;
};

// Of one key's totals; digests of several keys are added, so that their order does not matter.
uint64_t digest_of(std::string_view key, int64_t count, double sum) {
  uint64_t parts[3] = {XXH3_64bits(key.data(), key.size()), static_cast<uint64_t>(count), std::bit_cast<uint64_t>(sum)};
  return XXH3_64bits(parts, sizeof parts);
}

struct Fields {
  std::string_view user;
  std::string_view type;
  double amount = 0;
  int64_t ts_ms = 0;
};

struct Climb {
  int64_t events = 0;
  int64_t bytes = 0;
  int64_t unreadable = 0;
  // So that nothing parsed is optimised away.
  double amounts = 0;
  int64_t newest_ms = 0;
  size_t text_bytes = 0;
  simdjson::ondemand::parser parser;
  std::vector<char> padded;
  NaiveMap totals;
};

template <Rung rung>
bool parse(Climb& all, const rd_kafka_message_t& message, Fields& fields) {
  const size_t needed = message.len + simdjson::SIMDJSON_PADDING;
  if (all.padded.size() < needed) all.padded.resize(needed);
  std::memcpy(all.padded.data(), message.payload, message.len);
  simdjson::ondemand::document document;
  if (all.parser.iterate(all.padded.data(), message.len, all.padded.size()).get(document)) return false;
  if (document["user_id"].get_string().get(fields.user)) return false;
  if constexpr (rung == Rung::kFourFields) {
    if (document["event_type"].get_string().get(fields.type)) return false;
  }
  return !document["amount"].get_double().get(fields.amount) && !document["ts"].get_int64().get(fields.ts_ms);
}

template <Rung rung>
void take(rd_kafka_message_t* message, void* opaque) {
  auto& all = *static_cast<Climb*>(opaque);
  ++all.events;
  all.bytes += static_cast<int64_t>(message->len);
  if constexpr (rung != Rung::kRaw) {
    Fields fields;
    if (!parse<rung>(all, *message, fields)) {
      ++all.unreadable;
      return;
    }
    all.text_bytes += fields.user.size() + fields.type.size();
    all.amounts += fields.amount;
    all.newest_ms = std::max(all.newest_ms, fields.ts_ms);
    if constexpr (rung == Rung::kAggregate) all.totals.add(fields.user, fields.amount);
  }
}

Take take_of(Rung rung) {
  switch (rung) {
    case Rung::kRaw: return take<Rung::kRaw>;
    case Rung::kThreeFields: return take<Rung::kThreeFields>;
    case Rung::kFourFields: return take<Rung::kFourFields>;
    case Rung::kAggregate: return take<Rung::kAggregate>;
  }
  throw std::logic_error("no such rung");
}

}  // namespace

void climb(const std::string& brokers, const std::string& topic, int partitions, Rung rung) {
  Climb all;
  Drain how{.partitions = partitions, .failure = {}};
  drain(brokers, topic, how, take_of(rung), &all);
  const Usage used = usage();
  if (all.unreadable > 0) throw std::runtime_error(std::to_string(all.unreadable) + " unreadable events");
  uint64_t digest = 0, keys = 0;
  for (const NaiveMap::Entry& entry : all.totals.entries()) {
    if (entry.key.empty()) continue;
    ++keys;
    digest += digest_of(entry.key, entry.count, entry.sum);
  }
  std::printf("{\"events\":%" PRId64 ",\"cpu_s\":%.4f,\"wall_s\":%.4f,\"bytes\":%" PRId64
              ",\"amounts\":%g,\"newest_ms\":%" PRId64 ",\"text_bytes\":%zu,\"keys\":%" PRIu64
              ",\"digest\":\"%016" PRIx64 "\"}\n",
              all.events, used.cpu_s, used.wall_s, all.bytes, all.amounts, all.newest_ms, all.text_bytes, keys, digest);
}

uint64_t totals_digest(const Stream& stream) {
  struct Total {
    int64_t count = 0;
    double sum = 0;
  };
  std::vector<Total> totals(static_cast<size_t>(stream.keys));
  for (int64_t i = 0; i < stream.events; ++i) {
    Total& total = totals[user_of(stream, i)];
    ++total.count;
    total.sum += amount_of(i);
  }
  uint64_t digest = 0;
  for (size_t user = 0; user < totals.size(); ++user) {
    if (totals[user].count > 0) digest += digest_of(user_name(user), totals[user].count, totals[user].sum);
  }
  return digest;
}

}  // namespace tidemark::bench
