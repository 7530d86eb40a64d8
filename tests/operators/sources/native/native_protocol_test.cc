// The requests of the native fetch byte for byte, as the protocol guide lays them out, and its answers: read, cut off
// at every length, and with counts that lie.
#include "operators/sources/native_protocol.h"

#include <array>
#include <memory>

#include "tests/operators/sources/native/batch_kit.h"

namespace tidemark {

using namespace batch_kit;

namespace {

// Bytes in hexadecimal, spaces between them left out.
std::string hex(std::string_view text) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    out += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
    ++i;
  }
  return out;
}

struct Partition {
  int32_t number = 0;
  int16_t error = 0;
  int64_t high_watermark = 0;
  int64_t last_stable = 0;
  std::optional<std::vector<AbortedTransaction>> aborted;  // nothing: null
  Text records;
};

std::string partition_bytes(int16_t version, const Partition& partition) {
  std::string out;
  put(out, partition.number);
  put(out, partition.error);
  put(out, partition.high_watermark);
  put(out, partition.last_stable);
  if (version >= 5) put(out, int64_t{3});  // where the log begins
  put(out, partition.aborted ? static_cast<int32_t>(partition.aborted->size()) : -1);
  for (const auto& [producer, first] : partition.aborted.value_or(std::vector<AbortedTransaction>{})) {
    put(out, producer);
    put(out, first);
  }
  if (version >= 11) put(out, int32_t{-1});  // the replica to prefer
  put(out, partition.records ? static_cast<int32_t>(partition.records->size()) : -1);
  return out + partition.records.value_or("");
}

// Two topics: the first with two partitions, the second with one.
std::string answer_bytes(int16_t version) {
  std::string out;
  put(out, int32_t{5});     // the correlation
  put(out, int32_t{1'250});  // throttled for so long
  if (version >= 7) put(out, int16_t{0}), put(out, int32_t{0});
  put(out, int32_t{2});
  put_text(out, "orders");
  put(out, int32_t{2});
  out += partition_bytes(version, {0, 0, 100, 90, std::vector<AbortedTransaction>{{7, 80}, {-1, 81}}, "records of 0"});
  out += partition_bytes(version, {1, 6, -1, -1, {}, {}});
  put_text(out, "a");
  put(out, int32_t{1});
  out += partition_bytes(version, {12, 0, 5, 5, std::vector<AbortedTransaction>{}, ""});
  return out;
}

// In memory of its own, so that a sanitizer sees one byte too many.
template <class Read>
auto read_exact(const std::string& bytes, Read read) {
  const auto exact = std::make_unique<char[]>(bytes.size());
  bytes.copy(exact.get(), bytes.size());
  return read(std::string_view(exact.get(), bytes.size()));
}

constexpr FetchAnswerLimits kLimits{.wait_ms = 500, .least_bytes = 1, .bytes = 1'048'576, .partition_bytes = 131'072};

}  // namespace

TEST_CASE("a request for versions is what the guide says") {
  CHECK(api_versions_request(258, "tide") == hex("0000000e 0012 0000 00000102 0004 74696465"));
}

TEST_CASE("a request to fetch is what the guide says, in version 4") {
  const auto request = fetch_request(4, 7, "tide", kLimits, {{"ab", 3, 258}, {"ab", 4, 0}, {"c", 0, 9}});
  CHECK(request == hex("00000062 0001 0004 00000007 0004 74696465"
                       "ffffffff 000001f4 00000001 00100000 01 00000002"
                       "0002 6162 00000002"
                       "00000003 0000000000000102 00020000"
                       "00000004 0000000000000000 00020000"
                       "0001 63 00000001"
                       "00000000 0000000000000009 00020000"));
}

TEST_CASE("a request to fetch is what the guide says, in version 11") {
  const auto request = fetch_request(11, 7, "tide", kLimits, {{"ab", 3, 258}, {"ab", 4, 0}, {"c", 0, 9}});
  CHECK(request == hex("00000094 0001 000b 00000007 0004 74696465"
                       "ffffffff 000001f4 00000001 00100000 01 00000000 ffffffff 00000002"
                       "0002 6162 00000002"
                       "00000003 ffffffff 0000000000000102 ffffffffffffffff 00020000"
                       "00000004 ffffffff 0000000000000000 ffffffffffffffff 00020000"
                       "0001 63 00000001"
                       "00000000 ffffffff 0000000000000009 ffffffffffffffff 00020000"
                       "00000000 0000"));
}

TEST_CASE("an answer to a fetch is read in each version") {
  const int16_t version = GENERATE(int16_t{4}, int16_t{11});
  const std::string bytes = answer_bytes(version);
  CHECK(correlation_of(bytes) == 5);
  const auto answer = read_fetch_answer(version, bytes);
  REQUIRE(answer.has_value());
  CHECK(answer->error == 0);
  CHECK(answer->throttle_ms == 1'250);
  REQUIRE(answer->partitions.size() == 3);
  const FetchedPartition& zero = answer->partitions[0];
  CHECK(zero.topic == "orders");
  CHECK(zero.partition == 0);
  CHECK(zero.error == 0);
  CHECK(zero.high_watermark == 100);
  CHECK(zero.last_stable == 90);
  CHECK(zero.records == "records of 0");
  REQUIRE(zero.aborted.size() == 2);
  CHECK(zero.aborted[0].producer == 7);
  CHECK(zero.aborted[0].first_offset == 80);
  CHECK(zero.aborted[1].producer == -1);
  CHECK(answer->partitions[1].partition == 1);
  CHECK(answer->partitions[1].error == 6);
  CHECK(answer->partitions[1].records.empty());
  CHECK(answer->partitions[2].topic == "a");
  CHECK(answer->partitions[2].partition == 12);
  CHECK(answer->partitions[2].high_watermark == 5);
}

TEST_CASE("an answer that is refused as a whole says so") {
  std::string bytes;
  put(bytes, int32_t{5});
  put(bytes, int32_t{0});
  put(bytes, int16_t{70});
  put(bytes, int32_t{0});
  put(bytes, int32_t{0});
  const auto answer = read_fetch_answer(11, bytes);
  REQUIRE(answer.has_value());
  CHECK(answer->error == 70);
  CHECK(answer->partitions.empty());
}

TEST_CASE("an answer that is cut off is no answer, wherever the cut is") {
  const int16_t version = GENERATE(int16_t{4}, int16_t{11});
  const std::string bytes = answer_bytes(version);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = [&](std::string_view cut) { return read_fetch_answer(version, cut).has_value(); };
    REQUIRE_FALSE(read_exact(bytes.substr(0, size), read));
    REQUIRE(correlation_of(bytes.substr(0, size)).has_value() == (size >= 4));
  }
}

TEST_CASE("counts and sizes that lie are no answer, and ask for no memory") {
  const auto read = [](std::string_view bytes) { return read_fetch_answer(4, bytes).has_value(); };
  const std::string good = answer_bytes(4);
  constexpr size_t kTopics = 8;
  constexpr size_t kTopicName = 12;
  constexpr size_t kPartitions = 20;
  constexpr size_t kAborted = 46;
  constexpr size_t kRecords = 82;
  REQUIRE(read(good));
  for (const int32_t lie : {INT32_MAX, 1'000'000, 3}) {
    for (const size_t at : {kTopics, kPartitions, kAborted}) {
      CAPTURE(lie, at);
      std::string bytes = good;
      put_at(bytes, at, lie);
      CHECK_FALSE(read_exact(bytes, read));
    }
  }
  for (const int32_t lie : {INT32_MAX, INT32_MIN, -2, 1'000}) {
    CAPTURE(lie);
    std::string bytes = good;
    put_at(bytes, kRecords, lie);
    CHECK_FALSE(read_exact(bytes, read));
  }
  for (const int16_t lie : {int16_t{INT16_MAX}, int16_t{INT16_MIN}, int16_t{-1}}) {
    CAPTURE(lie);
    std::string bytes = good;
    put_at(bytes, kTopicName, lie);
    CHECK_FALSE(read_exact(bytes, read));
  }
}

TEST_CASE("the newest version that both sides speak is taken") {
  using Range = std::array<int16_t, 3>;
  const auto version = [](int16_t error, const std::vector<Range>& apis) {
    std::string bytes;
    put(bytes, int32_t{1});
    put(bytes, error);
    put(bytes, static_cast<int32_t>(apis.size()));
    for (const Range& api : apis) {
      for (const int16_t number : api) put(bytes, number);
    }
    return fetch_version_of(bytes);
  };
  CHECK(version(0, {{0, 0, 11}, {1, 0, 17}, {2, 0, 8}}) == 11);
  CHECK(version(0, {{18, 0, 4}, {1, 4, 11}}) == 11);
  CHECK(version(0, {{1, 4, 10}}) == 4);
  CHECK(version(0, {{1, 0, 4}}) == 4);
  CHECK(version(0, {{1, 0, 3}}) == std::nullopt);
  CHECK(version(0, {{1, 12, 20}}) == std::nullopt);
  CHECK(version(0, {{0, 0, 11}}) == std::nullopt);
  CHECK(version(0, {}) == std::nullopt);
  CHECK(version(35, {{1, 0, 11}}) == std::nullopt);
}

TEST_CASE("a list of versions that is cut off names none") {
  std::string bytes;
  put(bytes, int32_t{1});
  put(bytes, int16_t{0});
  put(bytes, int32_t{1});
  for (const int16_t number : {int16_t{1}, int16_t{0}, int16_t{11}}) put(bytes, number);
  CHECK(fetch_version_of(bytes) == 11);
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(read_exact(bytes.substr(0, size), [](std::string_view cut) { return fetch_version_of(cut); }));
  }
  put_at(bytes, 6, INT32_MAX);
  CHECK(fetch_version_of(bytes) == std::nullopt);
}

}  // namespace tidemark
