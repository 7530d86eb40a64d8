// JsonTokens finds where the tokens of a JSON text begin, by simdjson's first stage. It checks the encoding, that
// strings end and that they hold no bare control characters; it does not know whether the tokens make sense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace tidemark {

// Single-threaded. Memory: about five bytes for each byte of the largest text; after a text of more than 1 MiB it
// shrinks again at the next one.
//
// A token is a bracket, a colon, a comma, or the first byte of a string, number or word. Anything but whitespace
// between tokens belongs to the one before it.
class JsonTokens {
 public:
  JsonTokens();
  JsonTokens(const JsonTokens&) = delete;
  JsonTokens& operator=(const JsonTokens&) = delete;
  ~JsonTokens();

  // Null when the text could be indexed; otherwise what is wrong with it, a constant. Needs no padding behind `text`.
  const char* index(std::string_view text);

  size_t count() const { return count_; }
  // count() + 1 offsets, ascending; the last is the text's length. Valid until the next index().
  const uint32_t* offsets() const { return offsets_; }

 private:
  struct Stage;
  bool make_room(size_t bytes);

  std::unique_ptr<Stage> stage_;
  const uint32_t* offsets_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tidemark
