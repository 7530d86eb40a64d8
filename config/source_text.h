// How the text of a scalar lies in the file: through quotes, escapes, folded lines and replaced references. Serves
// config/yaml.cc; everyone else only asks locate() of config/yaml.h. It deliberately does not parse YAML: the value is
// given, and only laid beside the source again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "config/yaml.h"

namespace tidemark {

// Line and column of every byte of a text.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  Location at(const std::string& file, size_t position) const;
  // The line without its end.
  std::string_view line_at(size_t position) const;
  size_t line_start(size_t position) const;

 private:
  size_t line_of(size_t position) const;
  std::string_view text_;
  std::vector<size_t> starts_;  // of the lines, ascending
};

// Lays `value` beside the source of the scalar that starts at `position`. Where the two cannot be followed to the end,
// the rest counts from the last place that could.
std::vector<SourceText::Piece> align(std::string_view source, const LineIndex& lines, size_t position,
                                     Node::Style style, std::string_view value);

// Replaces `${NAME}`, `${NAME:-default}` and `$${` in `text`, pieces included; false after a report.
bool replace_references(SourceText& text, const Environment& environment, Diagnostics& diagnostics);

}  // namespace tidemark
