// Manifest: the durable word about one checkpoint: what it holds, which positions belong to it, and which shape of
// state; and OffsetMetadata: the few ASCII bytes by which a committed Kafka offset names it. Pure bytes in and out, no
// I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "state/files.h"

namespace tidemark {

// `<unit>/<epoch>-<32 hex digits>`, used once and never overwritten.
struct CheckpointName {
  std::string unit;  // letters, digits, '.', '_' and '-', not beginning with '.', at most kMaxUnit
  uint64_t epoch = 0;
  std::string random;  // 128 random bits as 32 lower-case hex digits

  static constexpr size_t kMaxUnit = 200;
  // The epoch of the empty checkpoint that the very first commit names, made before a record is read; it holds no
  // state.
  static constexpr uint64_t kStartEpoch = 0;
  // With fresh random bits from the operating system.
  static CheckpointName fresh(std::string_view unit, uint64_t epoch);
  static std::optional<CheckpointName> parse(std::string_view text);
  auto operator<=>(const CheckpointName&) const = default;
};
std::string to_string(const CheckpointName& name);
bool is_unit_name(std::string_view text);

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};
std::string to_string(const TopicPartition& tp);  // "shop.events[3]"

struct CoveredPartition {
  TopicPartition id;
  int64_t next_offset = 0;
  Time max_event_time = Time::min();  // Time::min(): nothing moved this partition's watermark yet
  bool idle = false;
  bool found_later = false;  // found after the first start: the lane's watermark judges its records too
  bool woke = false;         // was idle before: the same
  bool operator==(const CoveredPartition&) const = default;
};

struct SignatureField {
  std::string name;
  std::string type;
  bool operator==(const SignatureField&) const = default;
};
struct SignatureAggregate {
  std::string name;
  std::string text;  // as written, normalised: "sum(amount)"
  std::string type;
  bool operator==(const SignatureAggregate&) const = default;
};
// What must not change under a step's name while it has state.
struct StepSignature {
  std::string step;
  std::string kind;                 // "window", "dedupe"
  std::vector<SignatureField> key;  // in `by` order
  std::string window;               // kind and parameters, normalised: "sliding size=5m step=1m offset=0s"
  std::vector<SignatureAggregate> aggregates;
  bool operator==(const StepSignature&) const = default;
};

struct TopicPartitions {
  std::string topic;
  int32_t partitions = 0;
  bool operator==(const TopicPartitions&) const = default;
};

struct Manifest {
  static constexpr uint32_t kVersion = 1;

  std::string pipeline;
  CheckpointName name;
  std::vector<FileEntry> files;
  std::vector<CoveredPartition> partitions;
  std::vector<Time> lane_watermarks;    // by lane; its length is the number of lanes of the unit
  uint32_t lanes = 0;                   // of the whole pipeline, as the plan says
  std::vector<TopicPartitions> topics;  // partition counts when the checkpoint was made
  std::vector<StepSignature> steps;
  bool ended = false;  // `--until-end` closed every window: no later run goes on from here
  std::string blob;    // the daemon's own
  bool operator==(const Manifest&) const = default;
};

// Versioned and checksummed bytes; deterministic. Decoding never trusts a size and fails with a data error that says
// what is wrong; a newer version is told apart in the message.
std::string encode_manifest(const Manifest& manifest);
Result<Manifest> decode_manifest(std::string_view bytes);
// The version of an undamaged manifest that is newer than kVersion: it stands where every version has it.
std::optional<uint32_t> newer_manifest_version(std::string_view bytes);

// What a committed offset says: `tidemark/1 <name> <16 hex digits> open|ended`.
struct OffsetMetadata {
  CheckpointName name;
  uint64_t manifest_checksum = 0;  // checksum64 of the whole manifest file
  bool ended = false;
  bool operator==(const OffsetMetadata&) const = default;
};
std::string encode_offset_metadata(const OffsetMetadata& metadata);
// Strict: nothing for metadata that is not ours to the letter.
std::optional<OffsetMetadata> parse_offset_metadata(std::string_view text);
// The version of metadata that bears our tag with a newer one.
std::optional<uint64_t> newer_offset_metadata_version(std::string_view text);

}  // namespace tidemark
