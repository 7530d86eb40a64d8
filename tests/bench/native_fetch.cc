// One blocking socket and one thread: a request for all partitions, the whole answer, its batches in place, and again.
// Formats: Kafka's protocol guide, Fetch version 11 and record batches of magic 2.
#include "tests/bench/native_fetch.h"

#include <lz4frame.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidemark::bench {

namespace {

constexpr int16_t kFetch = 1, kFetchVersion = 11;
constexpr int32_t kPartitionBytes = 256 << 10, kAnswerBytes = 4 << 20, kWaitMs = 200;
constexpr int32_t kCompression = 7, kLz4 = 3, kControl = 1 << 5;
constexpr size_t kBatchHeader = 61, kCrcAt = 17, kCrcFrom = 21;

template <class T>
T swapped(T value) {
  using Bits = std::make_unsigned_t<T>;
  if constexpr (sizeof(T) == 1) return value;
  else if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<Bits>(value)));
  else if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<Bits>(value)));
  else return static_cast<T>(__builtin_bswap64(static_cast<Bits>(value)));
}

class Request {
 public:
  template <class T>
  Request& put(T value) {
    value = swapped(value);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Request& text(std::string_view value) {
    put(static_cast<int16_t>(value.size()));
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Cursor {
 public:
  Cursor(const char* at, const char* end) : at_(at), end_(end) {}
  template <class T>
  T get() {
    T value;
    std::memcpy(&value, skip(sizeof value), sizeof value);
    return swapped(value);
  }
  int64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(*skip(1));
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    throw std::runtime_error("native fetch: a number without an end");
  }
  const char* skip(int64_t bytes) {
    if (bytes < 0 || bytes > end_ - at_) throw std::runtime_error("native fetch: the answer ends too early");
    return std::exchange(at_, at_ + bytes);
  }
  int64_t left() const { return end_ - at_; }

 private:
  const char* at_;
  const char* end_;
};

#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t crc32c(const char* data, size_t size) {
  uint64_t crc = 0xffffffff;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto rest = static_cast<uint32_t>(crc);
  for (; size > 0; ++data, --size) rest = __builtin_ia32_crc32qi(rest, static_cast<uint8_t>(*data));
  return ~rest;
}
#else
uint32_t crc32c(const char* data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (; size > 0; ++data, --size) {
    crc ^= static_cast<uint8_t>(*data);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
  }
  return ~crc;
}
#endif

class Connection {
 public:
  explicit Connection(const std::string& broker) {
    const size_t colon = broker.rfind(':');
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(broker.substr(0, colon).c_str(), broker.substr(colon + 1).c_str(), &hints, &found) != 0) fail("resolve");
    fd_ = socket(found->ai_family, SOCK_STREAM, 0);
    const bool connected = fd_ >= 0 && connect(fd_, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!connected) fail("connect");
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The answer's bytes behind its correlation id, valid until the next call.
  Cursor ask(const std::string& body) {
    Request framed;
    framed.put(static_cast<int32_t>(body.size()));
    const std::string whole = framed.bytes() + body;
    for (size_t sent = 0; sent < whole.size();) {
      const ssize_t n = send(fd_, whole.data() + sent, whole.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) fail("send");
      sent += static_cast<size_t>(n);
    }
    int32_t size = 0;
    read(reinterpret_cast<char*>(&size), sizeof size);
    size = swapped(size);
    if (answer_.size() < static_cast<size_t>(size)) answer_.resize(static_cast<size_t>(size));
    read(answer_.data(), static_cast<size_t>(size));
    Cursor cursor(answer_.data(), answer_.data() + size);
    cursor.skip(sizeof(int32_t));
    return cursor;
  }

 private:
  [[noreturn]] static void fail(const char* what) { throw std::runtime_error(std::string("native fetch: ") + what); }
  void read(char* to, size_t size) {
    while (size > 0) {
      const ssize_t n = recv(fd_, to, size, MSG_WAITALL);
      if (n <= 0) fail("receive");
      to += n, size -= static_cast<size_t>(n);
    }
  }
  int fd_ = -1;
  std::vector<char> answer_;
};

// Takes batches apart, each decompressed into memory that is used again.
class Batches {
 public:
  Batches(TakeValue take, void* opaque) : take_(take), opaque_(opaque) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4_, LZ4F_VERSION))) throw std::runtime_error("native fetch: lz4");
  }
  ~Batches() { LZ4F_freeDecompressionContext(lz4_); }
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  // Answers the offset behind the last whole batch, for records from `from` on.
  int64_t take(Cursor set, int64_t from) {
    int64_t next = from;
    while (set.left() >= static_cast<int64_t>(kBatchHeader)) {
      const auto base = set.get<int64_t>();
      const auto size = set.get<int32_t>();
      if (size > set.left()) break;  // the rest of it did not fit
      const char* const at = set.skip(size) - 12;
      next = base + batch({at, at + 12 + size}, base, from);
    }
    return next;
  }

 private:
  int64_t batch(Cursor header, int64_t base, int64_t from) {
    const char* const start = header.skip(kCrcAt);
    const auto crc = header.get<uint32_t>();
    const auto size = static_cast<size_t>(header.left());
    if (crc32c(start + kCrcFrom, size) != crc) throw std::runtime_error("native fetch: checksum");
    const auto attributes = header.get<int16_t>();
    const auto last = header.get<int32_t>();
    header.skip(8 + 8 + 8 + 2 + 4);
    const auto count = header.get<int32_t>();
    if ((attributes & kControl) == 0) {
      const int compression = attributes & kCompression;
      if (compression != 0 && compression != kLz4) throw std::runtime_error("native fetch: not lz4");
      records(compression == kLz4 ? unpacked(header) : header, count, base, from);
    }
    return last + 1;
  }

  void records(Cursor in, int32_t count, int64_t base, int64_t from) {
    for (int32_t i = 0; i < count; ++i) {
      const int64_t size = in.varint();
      const char* const at = in.skip(size);
      Cursor record(at, at + size);
      record.skip(1);
      record.varint();
      if (base + record.varint() < from) continue;
      if (const int64_t key = record.varint(); key > 0) record.skip(key);
      const int64_t length = record.varint();
      take_({length > 0 ? record.skip(length) : "", static_cast<size_t>(std::max<int64_t>(0, length))}, opaque_);
    }
  }

  Cursor unpacked(Cursor in) {
    LZ4F_resetDecompressionContext(lz4_);
    size_t filled = 0;
    while (in.left() > 0) {
      if (unpacked_.size() - filled < size_t{64} << 10) unpacked_.resize(std::max(size_t{256} << 10, unpacked_.size() * 2));
      size_t room = unpacked_.size() - filled;
      auto taken = static_cast<size_t>(in.left());
      const char* const at = in.skip(0);
      const size_t hint = LZ4F_decompress(lz4_, unpacked_.data() + filled, &room, at, &taken, nullptr);
      if (LZ4F_isError(hint)) throw std::runtime_error("native fetch: lz4");
      in.skip(static_cast<int64_t>(taken));
      filled += room;
    }
    return {unpacked_.data(), unpacked_.data() + filled};
  }

  TakeValue take_;
  void* opaque_;
  LZ4F_dctx* lz4_ = nullptr;
  std::vector<char> unpacked_;
};

struct Place {
  int64_t next = 0;
  int64_t end = -1;  // as first heard
};

std::string fetch_request(const std::string& topic, const std::vector<Place>& places) {
  Request out;
  out.put(kFetch).put(kFetchVersion).put(int32_t{0}).text("tidemark-bench");
  out.put(int32_t{-1}).put(kWaitMs).put(int32_t{1}).put(kAnswerBytes).put(int8_t{1}).put(int32_t{0}).put(int32_t{-1});
  out.put(int32_t{1}).text(topic).put(static_cast<int32_t>(places.size()));
  for (size_t i = 0; i < places.size(); ++i) {
    out.put(static_cast<int32_t>(i)).put(int32_t{-1}).put(places[i].next).put(int64_t{-1}).put(kPartitionBytes);
  }
  out.put(int32_t{0}).text("");
  return out.bytes();
}

void take_answer(Cursor in, std::vector<Place>& places, Batches& batches) {
  in.skip(4);
  if (in.get<int16_t>() != 0) throw std::runtime_error("native fetch: refused");
  in.skip(4);
  for (int32_t topics = in.get<int32_t>(); topics > 0; --topics) {
    in.skip(in.get<int16_t>());
    for (int32_t left = in.get<int32_t>(); left > 0; --left) {
      Place& place = places.at(static_cast<size_t>(in.get<int32_t>()));
      if (in.get<int16_t>() != 0) throw std::runtime_error("native fetch: a partition was refused");
      const auto high_watermark = in.get<int64_t>();
      in.skip(8 + 8);
      if (const auto aborted = in.get<int32_t>(); aborted > 0) in.skip(int64_t{16} * aborted);
      in.skip(4);
      const auto size = std::max(0, in.get<int32_t>());
      const char* const at = in.skip(size);
      place.next = batches.take({at, at + size}, place.next);
      if (place.end < 0) place.end = high_watermark;
    }
  }
}

}  // namespace

void native_drain(const std::string& broker, const std::string& topic, int partitions, TakeValue take, void* opaque) {
  Connection connection(broker);
  Batches batches(take, opaque);
  std::vector<Place> places(static_cast<size_t>(partitions));
  const auto done = [&] {
    return std::ranges::all_of(places, [](const Place& one) { return one.end >= 0 && one.next >= one.end; });
  };
  while (!done()) take_answer(connection.ask(fetch_request(topic, places)), places, batches);
}

}  // namespace tidemark::bench
