// The Decompressor against what the libraries themselves packed: whole, broken and too large, and that it gives back
// what a rare large batch took.
#include "operators/sources/native_codecs.h"

#include <memory>
#include <random>

#include "tests/operators/sources/native/batch_kit.h"

namespace tidemark {

using namespace batch_kit;

namespace {

constexpr size_t kMost = size_t{64} << 20;

Codec codec_of(Packing packing) { return static_cast<Codec>(number_of(packing)); }

// Neither all alike nor all different.
std::string contents(size_t size) {
  std::mt19937 random(static_cast<uint32_t>(size));
  std::string out;
  out.reserve(size + 16);
  while (out.size() < size) out += random() % 4 == 0 ? std::to_string(random()) : "a phrase that comes again ";
  out.resize(size);
  return out;
}

// In memory of its own, so that a sanitizer sees one byte too many.
Result<std::string> unpack(Decompressor& decompressor, Packing packing, const std::string& packed,
                           size_t most = kMost) {
  const auto exact = std::make_unique<char[]>(packed.size());
  packed.copy(exact.get(), packed.size());
  const auto out = decompressor.unpack(codec_of(packing), {exact.get(), packed.size()}, most);
  if (!out) return std::unexpected(out.error());
  return std::string(*out);
}

}  // namespace

TEST_CASE("what was packed comes back, by every codec and in every size") {
  Decompressor decompressor;
  for (const size_t size : {0u, 1u, 100u, (64u << 10) - 1, 64u << 10, (64u << 10) + 1, 5u << 20, 300u << 10}) {
    const std::string wanted = contents(size);
    for (const Packing packing : kPackings) {
      CAPTURE(size, static_cast<int>(packing));
      const auto out = unpack(decompressor, packing, pack(packing, wanted));
      if (!out) UNSCOPED_INFO(out.error().message);
      REQUIRE(out.has_value());
      REQUIRE((*out == wanted));  // not to be printed
    }
  }
}

TEST_CASE("what shrinks most comes back too") {
  Decompressor decompressor;
  const std::string zeros(10 << 20, '\0');
  for (const Packing packing : kPackings) {
    CAPTURE(static_cast<int>(packing));
    const auto out = unpack(decompressor, packing, pack(packing, zeros));
    REQUIRE(out.has_value());
    CHECK((*out == zeros));
  }
}

TEST_CASE("bytes that are cut off are an error") {
  Decompressor decompressor;
  const std::string wanted = contents(3'000);
  for (const Packing packing : kPackings) {
    if (packing == Packing::kNone) continue;
    CAPTURE(static_cast<int>(packing));
    const std::string packed = pack(packing, wanted);
    for (size_t size = 0; size < packed.size(); ++size) {
      const auto out = unpack(decompressor, packing, packed.substr(0, size));
      // Java's blocks have no end: none of them is a batch without records.
      if (packing == Packing::kJavaSnappy && size == 16) {
        REQUIRE(out == std::string());
        continue;
      }
      REQUIRE_FALSE(out.has_value());
      REQUIRE(out.error().fault == Fault::kData);
    }
  }
}

TEST_CASE("flipped bytes never harm, and the next batch is unpacked as ever") {
  Decompressor decompressor;
  const std::string wanted = contents(2'000);
  std::mt19937 random(3);
  for (const Packing packing : kPackings) {
    CAPTURE(static_cast<int>(packing));
    const std::string packed = pack(packing, wanted);
    for (int round = 0; round < 1'500; ++round) {
      std::string flipped = packed;
      for (auto flips = 1 + random() % 3; flips > 0; --flips) {
        flipped[random() % packed.size()] = static_cast<char>(random());
      }
      const auto out = unpack(decompressor, packing, flipped, 1 << 20);
      if (out) REQUIRE(out->size() <= std::max<size_t>(1 << 20, packed.size()));
      if (round % 100 == 0) REQUIRE(unpack(decompressor, packing, packed) == wanted);
    }
  }
}

TEST_CASE("a codec that nobody knows is refused") {
  Decompressor decompressor;
  for (const uint8_t number : {uint8_t{5}, uint8_t{6}, uint8_t{7}}) {
    CHECK_FALSE(decompressor.unpack(static_cast<Codec>(number), "xyz", kMost).has_value());
  }
}

TEST_CASE("what unpacks to more than it may is refused, whatever room there is") {
  const std::string wanted = contents(5 << 20);
  Decompressor fresh;
  Decompressor grown;
  REQUIRE(unpack(grown, Packing::kZstd, pack_zstd(wanted)) == wanted);
  for (const Packing packing : kPackings) {
    if (packing == Packing::kNone) continue;
    CAPTURE(static_cast<int>(packing));
    const std::string packed = pack(packing, wanted);
    for (const size_t most : {size_t{100}, size_t{1} << 20, wanted.size() - 1}) {
      CAPTURE(most);
      for (Decompressor* decompressor : {&fresh, &grown}) {
        const auto out = unpack(*decompressor, packing, packed, most);
        REQUIRE_FALSE(out.has_value());
        CHECK_THAT(out.error().message, Contains("more than it may"));
      }
    }
    CHECK(unpack(fresh, packing, packed, wanted.size()).has_value());
  }
}

TEST_CASE("memory that a large batch took is given back with the next") {
  Decompressor decompressor;
  const std::string small = contents(1'000);
  const std::string large = contents(20 << 20);
  for (const Packing packing : kPackings) {
    if (packing == Packing::kNone) continue;
    CAPTURE(static_cast<int>(packing));
    REQUIRE(unpack(decompressor, packing, pack(packing, large)).has_value());
    CHECK(decompressor.bytes() >= large.size());
    REQUIRE(unpack(decompressor, packing, pack(packing, small)) == small);
    CHECK(decompressor.bytes() <= size_t{4} << 20);
  }
}

}  // namespace tidemark
