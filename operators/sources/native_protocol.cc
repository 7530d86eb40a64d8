// Big-endian numbers one after the other; everything that comes in is checked against the bytes that are there.
#include "operators/sources/native_protocol.h"

#include "operators/sources/wire_bytes.h"

namespace tidemark {

namespace {

constexpr int16_t kFetchKey = 1;
constexpr int16_t kApiVersionsKey = 18;
constexpr int8_t kReadCommitted = 1;
constexpr int32_t kNobody = -1;  // no replica, no epoch, no session

void begin(WireWriter& out, int16_t api, int16_t version, int32_t correlation, std::string_view client_id) {
  out.put(int32_t{0});  // the size, set at the end
  out.put(api);
  out.put(version);
  out.put(correlation);
  out.text(client_id);
}

std::vector<AbortedTransaction> read_aborted(WireReader& in) {
  std::vector<AbortedTransaction> all;
  for (int32_t left = in.count(2 * sizeof(int64_t)); left > 0; --left) {
    const auto producer = in.get<int64_t>();
    all.push_back({producer, in.get<int64_t>()});
  }
  return all;
}

FetchedPartition read_partition(WireReader& in, int16_t version, std::string_view topic) {
  FetchedPartition out;
  out.topic = topic;
  out.partition = in.get<int32_t>();
  out.error = in.get<int16_t>();
  out.high_watermark = in.get<int64_t>();
  out.last_stable = in.get<int64_t>();
  if (version >= 5) in.get<int64_t>();  // where the log begins
  out.aborted = read_aborted(in);
  if (version >= 11) in.get<int32_t>();  // a replica to prefer: none, since we name no rack
  out.records = in.bytes();
  return out;
}

}  // namespace

std::string api_versions_request(int32_t correlation, std::string_view client_id) {
  WireWriter out;
  begin(out, kApiVersionsKey, 0, correlation, client_id);
  return std::move(out).framed();
}

std::string fetch_request(int16_t version, int32_t correlation, std::string_view client_id,
                          const FetchAnswerLimits& limits, const std::vector<FetchFrom>& places) {
  WireWriter out;
  begin(out, kFetchKey, version, correlation, client_id);
  out.put(kNobody);
  out.put(limits.wait_ms);
  out.put(limits.least_bytes);
  out.put(limits.bytes);
  out.put(kReadCommitted);
  if (version >= 7) {
    out.put(int32_t{0});
    out.put(kNobody);
  }
  const auto topic_ends = [&](size_t i) { return i + 1 == places.size() || places[i + 1].topic != places[i].topic; };
  int32_t topics = 0;
  for (size_t i = 0; i < places.size(); ++i) topics += topic_ends(i) ? 1 : 0;
  out.put(topics);
  for (size_t first = 0, i = 0; i < places.size(); ++i) {
    if (!topic_ends(i)) continue;
    out.text(places[first].topic);
    out.put(static_cast<int32_t>(i + 1 - first));
    for (; first <= i; ++first) {
      out.put(places[first].partition);
      if (version >= 9) out.put(kNobody);
      out.put(places[first].offset);
      if (version >= 5) out.put(int64_t{kNobody});
      out.put(limits.partition_bytes);
    }
  }
  if (version >= 7) out.put(int32_t{0});  // topics to forget
  if (version >= 11) out.text("");        // our rack
  return std::move(out).framed();
}

std::optional<int32_t> correlation_of(std::string_view answer) {
  WireReader in(answer);
  const auto correlation = in.get<int32_t>();
  return in.ok() ? std::optional(correlation) : std::nullopt;
}

std::optional<int16_t> fetch_version_of(std::string_view api_versions_answer) {
  WireReader in(api_versions_answer);
  in.get<int32_t>();
  if (in.get<int16_t>() != 0) return std::nullopt;
  for (int32_t left = in.count(3 * sizeof(int16_t)); left > 0; --left) {
    const auto api = in.get<int16_t>();
    const auto least = in.get<int16_t>();
    const auto most = in.get<int16_t>();
    if (!in.ok() || api != kFetchKey) continue;
    for (const int16_t version : {kFetchVersion, kOldFetchVersion}) {
      if (least <= version && version <= most) return version;
    }
  }
  return std::nullopt;
}

std::optional<FetchAnswer> read_fetch_answer(int16_t version, std::string_view answer) {
  WireReader in(answer);
  FetchAnswer out;
  in.get<int32_t>();
  out.throttle_ms = in.get<int32_t>();
  if (version >= 7) {
    out.error = in.get<int16_t>();
    in.get<int32_t>();
  }
  for (int32_t topics = in.count(sizeof(int16_t)); topics > 0; --topics) {
    const std::string_view topic = in.text();
    for (int32_t left = in.count(sizeof(int32_t)); left > 0; --left) {
      out.partitions.push_back(read_partition(in, version, topic));
      if (!in.ok()) return std::nullopt;
    }
  }
  return in.ok() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace tidemark
