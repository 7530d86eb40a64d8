// Secrets: values of a client's properties that nobody may be told, and their removal from what librdkafka says, which names
// some of them in its logs and refusals. Knows neither clients nor where texts go.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark {

// Immutable after construction, so that any thread may ask.
class Secrets {
 public:
  Secrets() = default;
  explicit Secrets(const std::vector<std::pair<std::string, std::string>>& properties);

  bool empty() const { return pieces_.empty(); }
  // The text with `***` in place of each secret. Of a list of settings, or of a key of many lines, each part is one; a
  // value of one or two characters is none: it stands in every text.
  std::string hidden(std::string_view text) const;

 private:
  void add(std::string_view value);
  void keep(std::string_view piece, size_t least);

  std::vector<std::string> pieces_;  // the longest first
};

}  // namespace tidemark
