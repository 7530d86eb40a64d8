// Manifests and offset metadata: what is written comes back, what is damaged or foreign is refused, and the bytes on
// disk are those of the golden files.
#include "state/manifest.h"

#include <random>

#include "base/bytes.h"
#include "tests/state/samples.h"
#include "tests/state/store_fixture.h"

namespace tidemark {
namespace {

const std::string kGolden = std::string(TIDEMARK_SOURCE_DIR) + "/tests/state/golden/";

TEST_CASE("a manifest comes back as it was written") {
  const Manifest manifest = sample_manifest();
  CHECK(must(decode_manifest(encode_manifest(manifest))) == manifest);
  Manifest empty;
  empty.name = {"all", CheckpointName::kStartEpoch, std::string(32, '0')};
  CHECK(must(decode_manifest(encode_manifest(empty))) == empty);
}

TEST_CASE("the bytes of a manifest and of offset metadata are those of the golden files") {
  CHECK(encode_manifest(sample_manifest()) == slurp(kGolden + "manifest-1.bin"));
  CHECK(must(decode_manifest(slurp(kGolden + "manifest-1.bin"))) == sample_manifest());
  const OffsetMetadata metadata{sample_manifest().name, 0x0123456789abcdef, false};
  CHECK(encode_offset_metadata(metadata) + "\n" == slurp(kGolden + "offset-metadata-1.txt"));
}

TEST_CASE("every changed bit of a manifest is noticed") {
  const std::string bytes = encode_manifest(sample_manifest());
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    REQUIRE_FALSE(decode_manifest(changed).has_value());
  }
  for (size_t size = 0; size < bytes.size(); ++size) REQUIRE_FALSE(decode_manifest(bytes.substr(0, size)).has_value());
  CHECK_FALSE(decode_manifest(bytes + "x").has_value());
}

std::string with_checksum(std::string body) {
  const uint64_t checksum = checksum64(body);
  ByteWriter(body).fixed(checksum);
  return body;
}

TEST_CASE("sizes inside a manifest are never trusted, even under a right checksum") {
  const std::string bytes = encode_manifest(sample_manifest());
  const std::string body = bytes.substr(0, bytes.size() - 8);
  std::mt19937 random(7);
  for (int i = 0; i < 50'000; ++i) {
    std::string changed = body;
    for (uint32_t n = random() % 3; n < 3; ++n)
      changed[random() % changed.size()] = static_cast<char>(random() % 4 ? 0xff : random());
    if (random() % 4 == 0) changed.resize(random() % changed.size());
    const auto decoded = decode_manifest(with_checksum(changed));
    if (decoded) REQUIRE(decode_manifest(encode_manifest(*decoded)).has_value());
  }
}

TEST_CASE("a newer version and names that leave the folder are refused") {
  std::string body = encode_manifest(sample_manifest());
  body.resize(body.size() - 8);
  body[4] = 2;
  const auto newer = decode_manifest(with_checksum(body));
  REQUIRE_FALSE(newer.has_value());
  CHECK_THAT(newer.error().message, Contains("version 2"));
  CHECK(newer_manifest_version(with_checksum(body)) == 2);
  CHECK_FALSE(newer_manifest_version(body));                                // damaged
  CHECK_FALSE(newer_manifest_version(encode_manifest(sample_manifest())));  // ours
  CHECK_FALSE(newer_manifest_version(with_checksum("another file, and a long one")));
  CHECK_FALSE(newer_manifest_version(with_checksum("")));
  for (const std::string& name :
       {std::string("../x"), std::string(".."), std::string(), std::string("a/b"), std::string("a\0b", 3)}) {
    Manifest manifest = sample_manifest();
    manifest.files[0].name = name;
    CHECK_FALSE(decode_manifest(encode_manifest(manifest)).has_value());
  }
}

TEST_CASE("checkpoint names are strict, and fresh ones differ") {
  const CheckpointName name = CheckpointName::fresh("lane-3", 42);
  CHECK(CheckpointName::parse(to_string(name)) == name);
  CHECK(name.random.size() == 32);
  CHECK(CheckpointName::fresh("lane-3", 42).random != name.random);
  const std::string hex(32, 'a');
  for (const std::string& bad :
       {"all/01-" + hex, "all/-" + hex, "all/1-" + hex.substr(1), "all/1-" + hex + "a", "/1-" + hex, "../1-" + hex,
        "a b/1-" + hex, "all/1_" + hex, "all/+1-" + hex, std::string("all/1-A") + hex.substr(1),
        "all/99999999999999999999-" + hex, "a/b/1-" + hex, std::string()}) {
    INFO(bad);
    CHECK_FALSE(CheckpointName::parse(bad));
  }
}

TEST_CASE("offset metadata is ours to the letter, or not ours") {
  for (const bool ended : {false, true}) {
    const OffsetMetadata metadata{sample_manifest().name, 7, ended};
    const std::string text = encode_offset_metadata(metadata);
    CHECK(parse_offset_metadata(text) == metadata);
    CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    for (size_t i = 0; i < text.size(); ++i) CHECK_FALSE(parse_offset_metadata(text.substr(0, i)));
    for (const std::string& bad : {text + " ", " " + text, text + "x", "tidemark/2" + text.substr(10)}) {
      CHECK_FALSE(parse_offset_metadata(bad));
    }
  }
  CHECK(newer_offset_metadata_version("tidemark/2 what nobody here can read") == 2);
  for (const char* other : {"tidemark/1 all", "tidemark/0", "tidemark/", "tidemark/02", "tidemark/-2", "tidemark", ""}) {
    CHECK_FALSE(newer_offset_metadata_version(other));
  }
  CHECK_FALSE(parse_offset_metadata("{\"consumer\": 3}"));
  const OffsetMetadata longest{
      {std::string(CheckpointName::kMaxUnit, 'u'), UINT64_MAX, std::string(32, 'f')}, UINT64_MAX, true};
  CHECK(encode_offset_metadata(longest).size() < 512);
}

}  // namespace
}  // namespace tidemark
