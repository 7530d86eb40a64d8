// All fields in one order, under one version and one checksum; a damaged length makes the reader fail instead of asking
// for memory. Names end in random digits, so that no two instances ever take the same one.
#include "state/manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "base/bytes.h"

namespace tidemark {
namespace {

// u32 magic | u32 version | body | u64 checksum64 of all that stands before it.
constexpr uint32_t kMagic = 0x544d4b4d;  // "MKMT" as bytes
constexpr size_t kRandomDigits = 32;
constexpr std::string_view kMetadataName = "tidemark/";
constexpr uint64_t kMetadataVersion = 1;
constexpr std::string_view kMetadataTag = "tidemark/1";

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Decimal without sign or leading zeros.
std::optional<uint64_t> parse_decimal(std::string_view text) {
  uint64_t value = 0;
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_hex16(std::string_view text) {
  uint64_t value = 0;
  if (text.size() != 16 || !is_lower_hex(text)) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

// A file of a checkpoint lies directly in its folder.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
}

template <class T, class WriteOne>
void write_list(ByteWriter& out, const std::vector<T>& list, WriteOne write_one) {
  out.varint(list.size());
  for (const T& one : list) write_one(out, one);
}

void write_file(ByteWriter& out, const FileEntry& file) {
  out.text(file.name);
  out.fixed(file.size);
  out.fixed(file.checksum);
}

void write_partition(ByteWriter& out, const CoveredPartition& covered) {
  out.text(covered.id.topic);
  out.fixed(covered.id.partition);
  out.fixed(covered.next_offset);
  out.fixed(covered.max_event_time.us);
  out.fixed(static_cast<uint8_t>(covered.idle | covered.found_later << 1 | covered.woke << 2));
}

void write_step(ByteWriter& out, const StepSignature& step) {
  out.text(step.step);
  out.text(step.kind);
  out.text(step.window);
  write_list(out, step.key, [](ByteWriter& o, const SignatureField& field) {
    o.text(field.name);
    o.text(field.type);
  });
  write_list(out, step.aggregates, [](ByteWriter& o, const SignatureAggregate& aggregate) {
    o.text(aggregate.name);
    o.text(aggregate.text);
    o.text(aggregate.type);
  });
}

// Marks the reader failed: asks for more than there is.
void fail(ByteReader& in) { in.raw(in.rest().size() + 1); }

// Reads a list whose every element takes at least one byte, so that a damaged length cannot ask for more than there is.
template <class T, class ReadOne>
std::vector<T> read_list(ByteReader& in, ReadOne read_one) {
  std::vector<T> list;
  const uint64_t count = in.varint();
  if (count > in.rest().size()) fail(in);
  for (uint64_t i = 0; i < count && in.ok(); ++i) list.push_back(read_one(in));
  return list;
}

std::string read_text(ByteReader& in) { return std::string(in.text()); }

FileEntry read_file(ByteReader& in) {
  FileEntry file;
  file.name = read_text(in);
  file.size = in.fixed<uint64_t>();
  file.checksum = in.fixed<uint64_t>();
  return file;
}

CoveredPartition read_partition(ByteReader& in) {
  CoveredPartition covered;
  covered.id.topic = read_text(in);
  covered.id.partition = in.fixed<int32_t>();
  covered.next_offset = in.fixed<int64_t>();
  covered.max_event_time = {in.fixed<int64_t>()};
  const auto flags = in.fixed<uint8_t>();
  if (flags > 7) fail(in);
  covered.idle = (flags & 1) != 0;
  covered.found_later = (flags & 2) != 0;
  covered.woke = (flags & 4) != 0;
  return covered;
}

StepSignature read_step(ByteReader& in) {
  StepSignature step;
  step.step = read_text(in);
  step.kind = read_text(in);
  step.window = read_text(in);
  step.key = read_list<SignatureField>(in, [](ByteReader& i) {
    SignatureField field;
    field.name = read_text(i);
    field.type = read_text(i);
    return field;
  });
  step.aggregates = read_list<SignatureAggregate>(in, [](ByteReader& i) {
    SignatureAggregate aggregate;
    aggregate.name = read_text(i);
    aggregate.text = read_text(i);
    aggregate.type = read_text(i);
    return aggregate;
  });
  return step;
}

TopicPartitions read_topic(ByteReader& in) {
  TopicPartitions topic;
  topic.topic = read_text(in);
  topic.partitions = in.fixed<int32_t>();
  return topic;
}

}  // namespace

bool is_unit_name(std::string_view text) {
  if (text.empty() || text.size() > CheckpointName::kMaxUnit || text[0] == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

CheckpointName CheckpointName::fresh(std::string_view unit, uint64_t epoch) {
  std::random_device device;  // getrandom(2) under glibc
  std::string random;
  for (int i = 0; i < 4; ++i) random += fmt::format("{:08x}", static_cast<uint32_t>(device()));
  return {std::string(unit), epoch, std::move(random)};
}

std::optional<CheckpointName> CheckpointName::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::string_view unit = text.substr(0, slash);
  const std::string_view rest = text.substr(slash + 1);
  const size_t dash = rest.find('-');
  if (dash == rest.npos || !is_unit_name(unit)) return std::nullopt;
  const auto epoch = parse_decimal(rest.substr(0, dash));
  const std::string_view random = rest.substr(dash + 1);
  if (!epoch || random.size() != kRandomDigits || !is_lower_hex(random)) return std::nullopt;
  return CheckpointName{std::string(unit), *epoch, std::string(random)};
}

std::string to_string(const CheckpointName& name) {
  return fmt::format("{}/{}-{}", name.unit, name.epoch, name.random);
}

std::string to_string(const TopicPartition& tp) { return fmt::format("{}[{}]", tp.topic, tp.partition); }

std::string encode_manifest(const Manifest& manifest) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kMagic);
  out.fixed(Manifest::kVersion);
  out.text(manifest.pipeline);
  out.text(to_string(manifest.name));
  out.fixed(static_cast<uint8_t>(manifest.ended));
  out.fixed(manifest.lanes);
  write_list(out, manifest.files, write_file);
  write_list(out, manifest.partitions, write_partition);
  write_list(out, manifest.lane_watermarks, [](ByteWriter& o, Time t) { o.fixed(t.us); });
  write_list(out, manifest.topics, [](ByteWriter& o, const TopicPartitions& topic) {
    o.text(topic.topic);
    o.fixed(topic.partitions);
  });
  write_list(out, manifest.steps, write_step);
  out.text(manifest.blob);
  out.fixed(checksum64(bytes));
  return bytes;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t)) return data_error("the manifest is cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  ByteReader tail(bytes.substr(body.size()));
  if (tail.fixed<uint64_t>() != checksum64(body)) return data_error("the manifest does not match its checksum");
  ByteReader in(body);
  if (in.fixed<uint32_t>() != kMagic) return data_error("this is no manifest");
  const auto version = in.fixed<uint32_t>();
  if (in.ok() && version != Manifest::kVersion) {
    return data_error(fmt::format("the manifest has version {}, this program reads {}", version, Manifest::kVersion));
  }
  Manifest manifest;
  manifest.pipeline = read_text(in);
  const auto name = CheckpointName::parse(in.text());
  const auto ended = in.fixed<uint8_t>();
  manifest.lanes = in.fixed<uint32_t>();
  manifest.files = read_list<FileEntry>(in, read_file);
  manifest.partitions = read_list<CoveredPartition>(in, read_partition);
  manifest.lane_watermarks = read_list<Time>(in, [](ByteReader& i) { return Time{i.fixed<int64_t>()}; });
  manifest.topics = read_list<TopicPartitions>(in, read_topic);
  manifest.steps = read_list<StepSignature>(in, read_step);
  manifest.blob = read_text(in);
  const bool safe_names = std::all_of(manifest.files.begin(), manifest.files.end(),
                                      [](const FileEntry& f) { return is_file_name(f.name); });
  if (!in.done() || !name || ended > 1 || !safe_names) return data_error("the manifest is malformed");
  manifest.name = *name;
  manifest.ended = ended == 1;
  return manifest;
}

std::optional<uint32_t> newer_manifest_version(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t)) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (ByteReader(bytes.substr(body.size())).fixed<uint64_t>() != checksum64(body)) return std::nullopt;
  ByteReader in(body);
  const bool ours = in.fixed<uint32_t>() == kMagic;
  const auto version = in.fixed<uint32_t>();
  return ours && in.ok() && version > Manifest::kVersion ? std::optional(version) : std::nullopt;
}

std::string encode_offset_metadata(const OffsetMetadata& metadata) {
  return fmt::format("{} {} {:016x} {}", kMetadataTag, to_string(metadata.name), metadata.manifest_checksum,
                     metadata.ended ? "ended" : "open");
}

std::optional<OffsetMetadata> parse_offset_metadata(std::string_view text) {
  std::vector<std::string_view> words;
  while (words.size() < 5) {
    const size_t space = text.find(' ');
    words.push_back(text.substr(0, space));
    if (space == text.npos) break;
    text.remove_prefix(space + 1);
  }
  if (words.size() != 4 || words[0] != kMetadataTag) return std::nullopt;
  auto name = CheckpointName::parse(words[1]);
  const auto checksum = parse_hex16(words[2]);
  const bool ended = words[3] == "ended";
  if (!name || !checksum || (!ended && words[3] != "open")) return std::nullopt;
  return OffsetMetadata{std::move(*name), *checksum, ended};
}

std::optional<uint64_t> newer_offset_metadata_version(std::string_view text) {
  if (!text.starts_with(kMetadataName)) return std::nullopt;
  text.remove_prefix(kMetadataName.size());
  const auto version = parse_decimal(text.substr(0, text.find(' ')));
  return version && *version > kMetadataVersion ? version : std::nullopt;
}

}  // namespace tidemark
