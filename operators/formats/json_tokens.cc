// Runs simdjson's first stage through its internal interface and lends its indexes out as they are. Room grows by
// powers of two, and what one large text took is given back with the next usual one.
#include "operators/formats/json_tokens.h"

#include <bit>

#include <simdjson.h>

namespace tidemark {
namespace {

constexpr size_t kUsualBytes = size_t{64} << 10;
constexpr size_t kLargeBytes = size_t{1} << 20;

const char* explain(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return "the value is not UTF-8";
  if (error == simdjson::EMPTY) return "the value holds nothing but whitespace";
  if (error == simdjson::UNCLOSED_STRING) return "a string is not closed";
  if (error == simdjson::UNESCAPED_CHARS) return "a string holds a control character that is not escaped";
  if (error == simdjson::CAPACITY || error == simdjson::MEMALLOC) return "the value is too large to be parsed";
  return "the value is not JSON";
}

}  // namespace

// The stage is chosen for the processor when the program runs, whatever the compiler was told.
struct JsonTokens::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

JsonTokens::JsonTokens() : stage_(std::make_unique<Stage>()) {}
JsonTokens::~JsonTokens() = default;

bool JsonTokens::make_room(size_t bytes) {
  const bool too_small = bytes > capacity_;
  const bool too_large = capacity_ > kLargeBytes && bytes <= kLargeBytes;
  if (!too_small && !too_large) return true;
  const size_t capacity = std::bit_ceil(bytes > kUsualBytes ? bytes : kUsualBytes);
  capacity_ = 0;
  stage_->parser.reset();
  constexpr size_t kUnusedDepth = 1;  // of the second stage, which is not run
  if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, kUnusedDepth, stage_->parser) !=
      simdjson::SUCCESS) {
    return false;
  }
  capacity_ = capacity;
  return true;
}

const char* JsonTokens::index(std::string_view text) {
  if (!make_room(text.size())) return explain(simdjson::CAPACITY);
  auto& parser = *stage_->parser;
  // The first stage reads the text in whole blocks and copies the last, partial one; it does not read behind the end.
  const auto error =
      parser.stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) return explain(error);
  count_ = parser.n_structural_indexes;
  parser.structural_indexes[count_] = static_cast<uint32_t>(text.size());
  offsets_ = parser.structural_indexes.get();
  return nullptr;
}

}  // namespace tidemark
