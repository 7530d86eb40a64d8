// Where the text of a YAML node begins and ends in its file. The text must be the one that the node was read from.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "config/yaml.h"

namespace tidemark {

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

class YamlSpans {
 public:
  explicit YamlSpans(std::string_view text);  // without a byte-order mark; outlives this

  size_t position(const Location& where) const;
  // Nothing where the text stands for something else, such as `${NAME}`. A null that is not written has an empty span.
  std::optional<Span> of(const Node& node) const;
  // Behind the colon of a key that has no value.
  size_t behind_colon(const Located<std::string>& key) const;
  size_t column(size_t position) const;

 private:
  std::optional<size_t> end_of(const Node& node) const;
  std::optional<size_t> end_of_scalar(const Node& node) const;
  // Behind the bracket that closes a collection whose last part ends at `at`.
  size_t behind_bracket(size_t at, char bracket) const;

  std::string_view text_;
  std::vector<size_t> lines_;  // where each begins
};

}  // namespace tidemark
