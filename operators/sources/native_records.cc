// One batch at a time: its header is judged, its bytes unpacked, and its records handed out where they lie. A batch that
// is cut off at the end of an answer is left for the next one.
#include "operators/sources/native_records.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace tidemark {

namespace {

constexpr size_t kSizeEnd = 12;  // the size counts what follows it
constexpr size_t kMagicAt = 16;
constexpr size_t kSumAt = 17;
constexpr size_t kSummedFrom = 21;
constexpr size_t kLastDeltaAt = 23;
constexpr size_t kHeader = 61;
constexpr int8_t kMagic = 2;
constexpr int16_t kCodecBits = 7;
constexpr int16_t kAppendTimeBit = 8;
constexpr int16_t kTransactionBit = 16;
constexpr int16_t kControlBit = 32;
constexpr int16_t kAbort = 0;                     // a marker's kind
constexpr size_t kMostUnpacked = size_t{1} << 30;  // brokers take batches of some megabytes
constexpr size_t kLeastRecord = 7;

// CRC-32C (Castagnoli), by the processor where it can.
#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t crc32c(std::string_view bytes) {
  uint64_t crc = 0xffffffff;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= sizeof(uint64_t); at += sizeof(uint64_t), left -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto rest = static_cast<uint32_t>(crc);
  for (; left > 0; ++at, --left) rest = __builtin_ia32_crc32qi(rest, static_cast<uint8_t>(*at));
  return ~rest;
}
#else
constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    table[i] = crc;
  }
  return table;
}
uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return ~crc;
}
#endif

// The first whole batch of `records`, or nothing: what is there is a beginning only.
std::string_view whole_batch(std::string_view records) {
  if (records.size() <= kMagicAt) return {};
  const int64_t size = from_big_endian<int32_t>(records.data() + kSizeEnd - sizeof(int32_t));
  // One that is too short to be a batch is answered all the same, to be refused.
  const auto whole = static_cast<size_t>(std::max<int64_t>(size, 0)) + kSizeEnd;
  return whole <= records.size() ? records.substr(0, std::max(whole, kMagicAt + 1)) : std::string_view{};
}

int64_t last_offset_of(std::string_view batch) {
  return saturating_add(from_big_endian<int64_t>(batch.data()), from_big_endian<int32_t>(batch.data() + kLastDeltaAt));
}

// Whether its offsets are numbers that a log can have.
bool has_sound_offsets(std::string_view batch) {
  const auto base = from_big_endian<int64_t>(batch.data());
  const int64_t last = last_offset_of(batch);
  return base >= 0 && last >= base && last < INT64_MAX;
}

}  // namespace

void append_walked_headers(std::string_view headers, Arena& arena, RawRecord& record) {
  WireReader in(headers);
  for (int64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view name = in.take(in.varint());
    const int64_t size = in.varint();
    std::optional<std::string_view> value;
    if (size >= 0) value = in.take(size);
    if (!in.ok()) return;
    if (value) value = arena.copy(*value);
    record.headers.emplace_back(arena.copy(name), value);
  }
}

int64_t end_of_batches(std::string_view records, int64_t from) {
  int64_t end = from;
  for (std::string_view batch; !(batch = whole_batch(records)).empty(); records.remove_prefix(batch.size())) {
    if (batch[kMagicAt] != kMagic || batch.size() < kHeader || !has_sound_offsets(batch)) break;
    end = std::max(end, last_offset_of(batch) + 1);
  }
  return end;
}

struct RecordWalk::BatchHeader {
  int64_t base = 0;
  int64_t last = 0;
  int16_t attributes = 0;
  int64_t first_ms = -1;
  int64_t newest_ms = -1;
  int64_t producer = -1;
  int32_t count = 0;
  std::string_view records;  // as they were packed
  bool has(int16_t bit) const { return (attributes & bit) != 0; }
};

void RecordWalk::begin(std::string_view records, int64_t from, std::vector<AbortedTransaction> aborted) {
  rest_ = records;
  from_ = next_ = from;
  left_ = 0;
  records_ = WireReader({});
  end_ = from;
  error_.clear();
  aborting_.clear();
  aborted_ = std::move(aborted);
  std::ranges::sort(aborted_, std::ranges::greater{}, &AbortedTransaction::first_offset);
}

RecordWalk::Step RecordWalk::broken(std::string why) {
  error_ = std::move(why);
  left_ = 0;
  records_ = WireReader({});
  rest_ = {};
  return Step::kBroken;
}

RecordWalk::Step RecordWalk::next(WalkedRecord& out) {
  while (true) {
    if (left_ == 0) {
      if (records_.left() != 0) return broken("a batch that holds more than it counts");
      next_ = std::max(next_, end_);
      if (const Step opened = open_batch(); opened != Step::kRecord) return opened;
      continue;
    }
    --left_;
    const int64_t size = records_.varint();
    WireReader record(records_.take(size));
    record.get<int8_t>();
    const int64_t later_ms = record.varint();
    out.offset = saturating_add(base_, record.varint());
    const int64_t key_size = record.varint();
    out.key_is_null = key_size < 0;
    out.key = key_size > 0 ? record.take(key_size) : std::string_view{};
    const int64_t value_size = record.varint();
    out.value_is_null = value_size < 0;
    out.value = value_size > 0 ? record.take(value_size) : std::string_view{};
    if (!record.ok()) return broken("a record that runs over its end");
    if (out.offset < next_) continue;  // before `from`, or told already
    if (out.offset >= end_) return broken("a record behind its batch's end");
    out.headers = record.take(static_cast<int64_t>(record.left()));
    out.timestamp_ms = one_time_ ? base_ms_ : saturating_add(base_ms_, later_ms);
    next_ = out.offset + 1;
    return Step::kRecord;
  }
}

// Opens the next batch, or passes over one that is not shown: then without records.
RecordWalk::Step RecordWalk::open_batch() {
  BatchHeader header;
  if (const Step read = read_header(header); read != Step::kRecord) return read;
  base_ = header.base;
  end_ = header.last + 1;
  one_time_ = header.has(kAppendTimeBit);
  base_ms_ = header.has(kAppendTimeBit) ? header.newest_ms : header.first_ms;
  if (!is_shown(header, header.records) || end_ <= from_) return Step::kRecord;
  const auto unpacked = decompressor_.unpack(static_cast<Codec>(header.attributes & kCodecBits), header.records, kMostUnpacked);
  if (!unpacked) return broken(unpacked.error().message);
  if (header.count < 0 || static_cast<size_t>(header.count) > unpacked->size() / kLeastRecord) {
    return broken("a batch that counts more records than it has room for");
  }
  records_ = WireReader(*unpacked);
  left_ = header.count;
  return Step::kRecord;
}

RecordWalk::Step RecordWalk::read_header(BatchHeader& header) {
  const std::string_view batch = whole_batch(rest_);
  if (batch.empty()) return Step::kEnd;
  const char* const at = batch.data();
  if (const int magic = at[kMagicAt]; magic != kMagic) {
    return broken(fmt::format("messages of format {}, from before Kafka 0.11, which only librdkafka reads here: say "
                              "`fetch: librdkafka` in the source",
                              magic));
  }
  if (batch.size() < kHeader) return broken("a batch that is shorter than its header");
  if (check_sums_ && crc32c(batch.substr(kSummedFrom)) != from_big_endian<uint32_t>(at + kSumAt)) {
    return broken("a checksum that is wrong");
  }
  WireReader in(batch.substr(kSummedFrom));
  header.base = from_big_endian<int64_t>(at);
  header.last = last_offset_of(batch);
  header.attributes = in.get<int16_t>();
  in.get<int32_t>();
  header.first_ms = in.get<int64_t>();
  header.newest_ms = in.get<int64_t>();
  header.producer = in.get<int64_t>();
  in.take(sizeof(int16_t) + sizeof(int32_t));
  header.count = in.get<int32_t>();
  header.records = batch.substr(kHeader);
  if (!has_sound_offsets(batch)) return broken("a batch with impossible offsets");
  rest_.remove_prefix(batch.size());
  return Step::kRecord;
}

// Markers are never shown, and neither are records of a transaction that was aborted.
bool RecordWalk::is_shown(const BatchHeader& header, std::string_view records) {
  for (; !aborted_.empty() && aborted_.back().first_offset <= header.last; aborted_.pop_back()) {
    aborting_.insert(aborted_.back().producer);
  }
  if (!header.has(kControlBit)) return !header.has(kTransactionBit) || !aborting_.contains(header.producer);
  WireReader in(records);
  in.varint();
  in.get<int8_t>();
  in.varint();
  in.varint();
  in.varint();
  in.get<int16_t>();
  if (in.get<int16_t>() == kAbort && in.ok()) aborting_.erase(header.producer);
  return false;
}

}  // namespace tidemark
