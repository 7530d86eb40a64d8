// JsonShapes remembers the shapes that a stream's records had lately, and stops trying them where they rarely fit.
// Knows no verdicts: what no shape reads is the full walk's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/formats/json_shape.h"

namespace tidemark {

class JsonShapes {
 public:
  static constexpr size_t kKept = 8;
  static constexpr size_t kMaxBytes = 16 * 1024;  // of a record: longer ones are not tried

  JsonShapes() { shapes_.reserve(kKept); }

  // Whether a known shape read the record; see JsonShape::read.
  bool read(std::string_view record, std::string& scratch, std::span<StagedField> staged) {
    if (resting_ > 0) [[unlikely]] {
      --resting_;
      return false;
    }
    if (record.size() > kMaxBytes) return false;
    for (size_t i = 0; i < shapes_.size(); ++i) {
      if (!shapes_[i].read(record, scratch, staged)) continue;
      note_hit(i);
      return true;
    }
    note_miss();
    return false;
  }
  // Learns the shape of a record that read() refused and the full walk found good; see JsonShape::learn.
  void learn(std::string_view record, const JsonCursor& cursor, const JsonFields& fields, const DecodeSpec& spec);

 private:
  static constexpr int32_t kTrust = 256;
  static constexpr int32_t kPriceOfMiss = 2;  // in hits: what the tries cost against what a hit saves
  static constexpr uint32_t kRest = 1024;     // records
  static constexpr uint32_t kMaxPatience = 256;

  // The oftener a shape fits the sooner it is tried.
  void note_hit(size_t at) {
    trust_ = std::min(trust_ + 1, kTrust);
    if (at > 0) [[unlikely]] std::swap(shapes_[at], shapes_[at - 1]);
  }
  void note_miss();

  std::vector<JsonShape> shapes_;
  int32_t trust_ = kTrust;
  uint32_t resting_ = 0;   // records for which nothing is tried
  uint32_t passed_ = 0;    // that might have been learned from, since the last that was
  uint32_t patience_ = 1;  // so many of these make the next lesson
};

}  // namespace tidemark
