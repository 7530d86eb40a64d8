// RecordWalk over batches that the test writes by itself: what is handed out, what is left out, where it says that it
// stands, and that no bytes whatever make it read beyond them or run for ever.
#include "operators/sources/native_records.h"

#include <algorithm>
#include <memory>
#include <random>

#include "base/arena.h"
#include "tests/operators/sources/native/batch_kit.h"

namespace tidemark {

using namespace batch_kit;

namespace {

struct Seen {
  int64_t offset = 0;
  int64_t ms = 0;
  Text key;
  Text value;
  std::vector<std::pair<std::string, Text>> headers;
};

struct Walked {
  std::vector<Seen> records;
  RecordWalk::Step end = RecordWalk::Step::kRecord;
  int64_t next = 0;
  std::string error;

  std::vector<int64_t> offsets() const {
    std::vector<int64_t> all;
    for (const Seen& one : records) all.push_back(one.offset);
    return all;
  }
};

Seen copy_of(const WalkedRecord& record) {
  Seen seen{record.offset, record.timestamp_ms, {}, {}, {}};
  if (!record.key_is_null) seen.key = record.key;
  if (!record.value_is_null) seen.value = record.value;
  Arena arena;
  RawRecord raw;
  append_walked_headers(record.headers, arena, raw);
  for (const auto& [name, value] : raw.headers) seen.headers.emplace_back(name, value ? Text(*value) : Text());
  return seen;
}

Walked walk_on(RecordWalk& walk) {
  Walked out;
  WalkedRecord record;
  while ((out.end = walk.next(record)) == RecordWalk::Step::kRecord) out.records.push_back(copy_of(record));
  out.next = walk.next_offset();
  out.error = walk.error();
  return out;
}

Walked walk_all(const std::string& bytes, int64_t from, std::vector<AbortedTransaction> aborted = {},
                bool sums = true) {
  // At the very end of memory of its own, so that a sanitizer sees one byte too many.
  const auto exact = std::make_unique<char[]>(bytes.size());
  std::ranges::copy(bytes, exact.get());
  RecordWalk walk(sums);
  walk.begin({exact.get(), bytes.size()}, from, std::move(aborted));
  return walk_on(walk);
}

std::string bytes_of(const std::vector<TestBatch>& batches) {
  std::string all;
  for (const TestBatch& batch : batches) all += to_bytes(batch);
  return all;
}

// Of a transaction.
TestBatch by(int64_t producer, int64_t base, int count) { return numbered(base, count, Packing::kNone, producer); }

std::vector<int64_t> range(int64_t from, int64_t to) {
  std::vector<int64_t> all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

}  // namespace

TEST_CASE("the checksum of the tests is the one of the standard") { CHECK(crc32c("123456789") == 0xe3069283); }

TEST_CASE("records come as they were written, by every codec") {
  const Packing packing = GENERATE(from_range(std::begin(kPackings), std::end(kPackings)));
  TestBatch batch{.base = 40, .packing = packing};
  batch.records.push_back({0, "key", "value", {{"name", "x"}, {"name", {}}, {"", ""}}, 0});
  batch.records.push_back({1, {}, {}, {}, 17});
  batch.records.push_back({2, "", "", {}, -300});
  const std::string long_key(200, 'k'), long_value(300'000, 'v'), long_header(70'000, 'h');
  batch.records.push_back({3, long_key, long_value, {{"long", long_header}}, 5});
  const Walked walked = walk_all(to_bytes(batch), 40);
  CHECK(walked.end == RecordWalk::Step::kEnd);
  CHECK(walked.next == 44);
  REQUIRE(walked.records.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    const Seen& seen = walked.records[i];
    CHECK(seen.offset == 40 + static_cast<int64_t>(i));
    CHECK(seen.ms == 1'000 + batch.records[i].later_ms);
    CHECK(seen.key == batch.records[i].key);
    CHECK(seen.value == batch.records[i].value);
    CHECK(seen.headers == batch.records[i].headers);
  }
}

TEST_CASE("timestamps: of the producer, of the log, none at all") {
  TestBatch batch = numbered(0, 3);
  batch.records[1].later_ms = 40;
  batch.records[2].later_ms = -40;
  const auto times = [&] {
    std::vector<int64_t> all;
    for (const Seen& seen : walk_all(to_bytes(batch), 0).records) all.push_back(seen.ms);
    return all;
  };
  CHECK(times() == std::vector<int64_t>{1'000, 1'040, 960});
  batch.append_time = true;
  CHECK(times() == std::vector<int64_t>{2'000, 2'000, 2'000});
  batch.append_time = false;
  batch.first_ms = -1;
  batch.records[1].later_ms = 5'001;  // only its neighbours have none
  batch.records[2].later_ms = 0;
  CHECK(times() == std::vector<int64_t>{-1, 5'000, -1});
}

TEST_CASE("a walk goes over several batches, from the middle of one") {
  const std::string bytes =
      bytes_of({numbered(0, 10), numbered(10, 10, Packing::kLz4), numbered(20, 10, Packing::kGzip)});
  const int64_t from = GENERATE(0, 1, 9, 10, 15, 19, 20, 29, 30);
  const Walked walked = walk_all(bytes, from);
  CHECK(walked.offsets() == range(from, 30));
  CHECK(walked.end == RecordWalk::Step::kEnd);
  CHECK(walked.next == 30);
  for (const Seen& seen : walked.records) CHECK(seen.value == std::to_string(seen.offset));
  CHECK(end_of_batches(bytes, from) == 30);
}

TEST_CASE("compaction leaves gaps, and batches without records that end later") {
  TestBatch gaps{.base = 100, .packing = GENERATE(Packing::kNone, Packing::kZstd), .last_delta = 20};
  gaps.records = {{3, "a", "103"}, {4, "b", "104"}, {11, "c", "111"}};
  const TestBatch empty{.base = 121, .first_ms = -1, .newest_ms = -1, .last_delta = 9};
  const std::string bytes = bytes_of({gaps, empty, numbered(140, 2)});
  const Walked walked = walk_all(bytes, 100);
  CHECK(walked.offsets() == std::vector<int64_t>{103, 104, 111, 140, 141});
  CHECK(walked.next == 142);
  CHECK(end_of_batches(bytes, 100) == 142);
  // The end of what compaction took away counts as walked, though nothing comes of it.
  CHECK(walk_all(bytes_of({gaps, empty}), 112).next == 131);
  CHECK(walk_all(bytes_of({gaps, empty}), 112).records.empty());
  CHECK(walk_all(bytes_of({gaps}), 105).next == 121);
}

TEST_CASE("a position follows each record, and jumps a batch's end only when the batch is through") {
  const std::string bytes = bytes_of({{.base = 5, .records = {{1, "a", "6"}, {3, "b", "8"}}, .last_delta = 9}});
  RecordWalk walk(true);
  walk.begin(bytes, 5, {});
  WalkedRecord record;
  CHECK(walk.next_offset() == 5);
  REQUIRE(walk.next(record) == RecordWalk::Step::kRecord);
  CHECK(walk.next_offset() == 7);
  REQUIRE(walk.next(record) == RecordWalk::Step::kRecord);
  CHECK(walk.next_offset() == 9);
  CHECK(walk.next(record) == RecordWalk::Step::kEnd);
  CHECK(walk.next_offset() == 15);
  CHECK(walk.next(record) == RecordWalk::Step::kEnd);
}

TEST_CASE("markers are not shown, and neither is what was aborted") {
  // Producers 1 and 2 take turns; 2 aborts, and later commits; 3 began before the fetch and aborts. 17 has none.
  const std::string bytes =
      bytes_of({by(3, 10, 2), by(1, 12, 3), numbered(15, 2, Packing::kLz4, 2), numbered(17, 1), marker(18, 3, false),
                by(2, 19, 2), marker(21, 2, false), by(3, 22, 2), marker(24, 1, true), by(2, 25, 1),
                marker(26, 2, true), marker(27, 3, true)});
  const Walked walked = walk_all(bytes, 10, {{2, 15}, {3, 2}});
  CHECK(walked.offsets() == std::vector<int64_t>{12, 13, 14, 17, 22, 23, 25});
  CHECK(walked.next == 28);
  CHECK(walked.end == RecordWalk::Step::kEnd);
  // From within: what lies before counts for what was aborted all the same.
  CHECK(walk_all(bytes, 16, {{3, 2}, {2, 15}}).offsets() == std::vector<int64_t>{17, 22, 23, 25});
  CHECK(walk_all(bytes, 25, {}).offsets() == std::vector<int64_t>{25});
  // Without a list, all of them were committed.
  CHECK(walk_all(bytes, 10).records.size() == 13);
}

TEST_CASE("a producer that aborts twice is hidden twice, and shown in between") {
  const std::string bytes = bytes_of({by(9, 0, 2), marker(2, 9, false), by(9, 3, 2), marker(5, 9, true), by(9, 6, 2),
                                      marker(8, 9, false)});
  CHECK(walk_all(bytes, 0, {{9, 6}, {9, 0}}).offsets() == std::vector<int64_t>{3, 4});
  CHECK(walk_all(bytes, 0, {{9, 6}, {9, 0}}).next == 9);
}

TEST_CASE("a walk that is used again forgets the one before") {
  RecordWalk walk(true);
  const std::string aborted = bytes_of({numbered(0, 4, Packing::kZstd, 5), numbered(4, 4, Packing::kZstd)});
  walk.begin(aborted, 0, {{5, 0}});
  WalkedRecord record;
  REQUIRE(walk.next(record) == RecordWalk::Step::kRecord);
  CHECK(record.offset == 4);
  const std::string other = bytes_of({numbered(0, 4, Packing::kZstd, 5)});
  walk.begin(other, 2, {});
  CHECK(walk_on(walk).offsets() == std::vector<int64_t>{2, 3});
  std::string bad = other;
  bad.back() = static_cast<char>(bad.back() + 1);
  walk.begin(bad, 0, {});
  CHECK(walk_on(walk).end == RecordWalk::Step::kBroken);
  walk.begin(other, 0, {});
  const Walked fine = walk_on(walk);
  CHECK(fine.end == RecordWalk::Step::kEnd);
  CHECK(fine.error.empty());
}

TEST_CASE("a last batch that is cut off is left for the next answer, wherever the cut is") {
  const std::string whole = bytes_of({numbered(0, 4, Packing::kGzip)});
  const std::string next = bytes_of({numbered(4, 4, Packing::kSnappy)});
  for (size_t cut = 0; cut < next.size(); ++cut) {
    const std::string bytes = whole + next.substr(0, cut);
    const Walked walked = walk_all(bytes, 0);
    REQUIRE(walked.end == RecordWalk::Step::kEnd);
    REQUIRE(walked.offsets() == range(0, 4));
    REQUIRE(walked.next == 4);
    REQUIRE(end_of_batches(bytes, 0) == 4);
  }
  CHECK(walk_all(next.substr(0, 50), 4).next == 4);
  CHECK(end_of_batches({}, 77) == 77);
}

TEST_CASE("formats from before 0.11 are refused, with what to do about them") {
  std::string bytes = bytes_of({numbered(0, 4)});
  std::string old = bytes_of({numbered(4, 4)});
  old[16] = static_cast<char>(GENERATE(0, 1));
  const Walked walked = walk_all(bytes + old, 0);
  CHECK(walked.end == RecordWalk::Step::kBroken);
  CHECK(walked.offsets() == range(0, 4));
  CHECK(walked.next == 4);
  CHECK_THAT(walked.error, Contains("before Kafka 0.11") && Contains("librdkafka"));
  CHECK(end_of_batches(bytes + old, 0) == 4);
  // Messages of that time may be shorter than a header of today.
  std::string tiny(8, '\0');
  put(tiny, int32_t{14});
  tiny += std::string(14, '\0');
  CHECK(walk_all(tiny, 0).end == RecordWalk::Step::kBroken);
}

TEST_CASE("a wrong checksum breaks the walk before anything of its batch is shown, if it is looked at") {
  const std::string good = bytes_of({numbered(0, 4)});
  std::string bad = bytes_of({numbered(4, 4)});
  for (size_t at = 21; at < bad.size(); ++at) {
    std::string flipped = bad;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const Walked walked = walk_all(good + flipped, 0);
    REQUIRE(walked.end == RecordWalk::Step::kBroken);
    REQUIRE(walked.offsets() == range(0, 4));
    REQUIRE(walked.next == 4);
    REQUIRE_THAT(walked.error, Contains("checksum"));
  }
  bad[17] = static_cast<char>(bad[17] ^ 1);
  CHECK(walk_all(bad, 0).end == RecordWalk::Step::kBroken);
  CHECK(walk_all(bad, 0, {}, false).offsets() == range(4, 8));
}

TEST_CASE("counts and sizes that lie are refused") {
  const auto refused = [](const TestBatch& batch) {
    const Walked walked = walk_all(bytes_of({numbered(0, 2), batch}), 0);
    CHECK_FALSE(walked.error.empty());
    CHECK(walked.next <= batch.base + static_cast<int64_t>(batch.records.size()));
    return walked.end == RecordWalk::Step::kBroken;
  };
  TestBatch batch = numbered(2, 4);
  for (const int32_t count : {5, 6, 1'000'000, -1, INT32_MAX, INT32_MIN, 3, 0}) {
    CAPTURE(count);
    batch.count = count;
    CHECK(refused(batch));
  }
  batch.count.reset();
  for (const int32_t last : {-1, INT32_MIN, 0, 2}) {
    CAPTURE(last);
    batch.last_delta = last;
    CHECK(refused(batch));
  }
  for (const int64_t delta : {int64_t{4}, int64_t{1} << 31, INT64_MAX}) {
    CAPTURE(delta);
    TestBatch beyond = numbered(2, 4);
    beyond.last_delta = 3;
    beyond.records[2].delta = delta;
    CHECK(refused(beyond));
  }
}

TEST_CASE("sizes of records and batches that lie are refused") {
  const auto with_records = [](std::string_view records, int32_t count) {
    std::string bytes = to_bytes(TestBatch{.count = count});
    bytes += records;
    put_at(bytes, 8, static_cast<int32_t>(bytes.size() - 12));
    sum_up(bytes);
    return walk_all(bytes, 0);
  };
  const std::string good = to_bytes(TestRecord{0, "key", "value"});
  CHECK(with_records(good, 1).offsets() == range(0, 1));
  for (const int64_t size : {int64_t{-1}, int64_t{0}, int64_t{3}, int64_t{1'000}, INT64_MAX, INT64_MIN}) {
    CAPTURE(size);
    std::string bytes;
    put_varint(bytes, size);
    CHECK(with_records(bytes + good.substr(1), 1).end == RecordWalk::Step::kBroken);
    std::string key = std::string(1, '\0') + std::string(2, '\0');  // attributes, time, offset
    put_varint(key, size);
    std::string record;
    put_varint(record, static_cast<int64_t>(key.size()));
    if (size > 0) CHECK(with_records(record + key, 1).end == RecordWalk::Step::kBroken);
  }
  // A varint that never ends.
  CHECK(with_records(std::string(64, '\xff'), 1).end == RecordWalk::Step::kBroken);
  std::string batch = bytes_of({numbered(0, 3)});
  for (const int32_t size : {-1, INT32_MIN, 0, 4, 48}) {
    CAPTURE(size);
    put_at(batch, 8, size);
    const Walked walked = walk_all(batch, 0);
    CHECK(walked.end == RecordWalk::Step::kBroken);
    CHECK(walked.next == 0);
    CHECK(end_of_batches(batch, 0) == 0);
  }
  put_at(batch, 8, INT32_MAX);
  CHECK(walk_all(batch, 0).end == RecordWalk::Step::kEnd);
}

TEST_CASE("headers that lie give those before them and nothing beyond the record") {
  std::string headers;
  put_varint(headers, 3);
  put_sized(headers, "a");
  put_sized(headers, "1");
  put_varint(headers, 100);
  Arena arena;
  RawRecord record;
  append_walked_headers(headers, arena, record);
  CHECK(record.headers.size() == 1);
  std::string many;
  put_varint(many, INT64_MAX);
  append_walked_headers(many, arena, record);
  CHECK(record.headers.size() == 1);
}

TEST_CASE("no bytes make a walk read beyond them, go back or run for ever") {
  std::vector<TestBatch> batches;
  for (const Packing packing : kPackings) {
    const auto number = static_cast<int64_t>(batches.size());
    TestBatch batch = numbered(number * 20, 12, packing, number % 2 == 0 ? 4 : -1);
    batch.records[3].headers = {{"h", "x"}, {"g", {}}};
    batch.records[5].value = std::string(3'000, 'v');
    batches.push_back(batch);
  }
  batches.push_back(marker(130, 4, false));
  std::string valid;
  std::vector<size_t> begins;
  for (const TestBatch& batch : batches) {
    begins.push_back(valid.size());
    valid += to_bytes(batch);
  }
  REQUIRE(walk_all(valid, 0, {}, false).records.size() == 72);

  RecordWalk walk(false);
  std::mt19937 random(7);
  size_t ended = 0, broke = 0;
  for (int round = 0; round < 6'000; ++round) {
    std::string bytes = valid;
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      // Most of them where the numbers are.
      const size_t begin = begins[random() % begins.size()];
      const size_t near = std::min(begin + random() % 110, bytes.size() - 1);
      const size_t at = random() % 4 == 0 ? random() % bytes.size() : near;
      const char value = random() % 3 == 0 ? '\xff' : random() % 2 == 0 ? '\x80' : static_cast<char>(random());
      bytes[at] = random() % 2 == 0 ? value : static_cast<char>(bytes[at] ^ 1 << random() % 8);
    }
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    const auto exact = std::make_unique<char[]>(bytes.size());
    std::ranges::copy(bytes, exact.get());
    const int64_t from = static_cast<int64_t>(random() % 140);
    REQUIRE(end_of_batches({exact.get(), bytes.size()}, from) >= from);
    walk.begin({exact.get(), bytes.size()}, from, {{4, static_cast<int64_t>(random() % 100)}});
    WalkedRecord record;
    int64_t before = from;
    size_t steps = 0;
    RecordWalk::Step step;
    while ((step = walk.next(record)) == RecordWalk::Step::kRecord) {
      REQUIRE(++steps <= 10 * valid.size());
      REQUIRE(record.offset >= before);
      REQUIRE(walk.next_offset() == record.offset + 1);
      before = walk.next_offset();
      (void)copy_of(record);
    }
    REQUIRE(walk.next_offset() >= before);
    ++(step == RecordWalk::Step::kEnd ? ended : broke);
  }
  CHECK(ended > 1'000);
  CHECK(broke > 500);
}

}  // namespace tidemark
