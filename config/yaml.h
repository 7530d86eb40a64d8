// YAML text -> our own tree, in which every node knows where it was written. Hides yaml-cpp altogether; refuses what
// YAML allows and a person rarely means (duplicate keys, tags, several documents, keys without a value inside braces).
// It deliberately does not know what a pipeline is.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"

namespace tidemark {

// What `${NAME}` may refer to.
using Environment = std::map<std::string, std::string, std::less<>>;

// The text of a scalar, and where its bytes were written: quotes, escapes, folded lines and replaced references make
// the text differ from the file. Used wherever a later stage reports problems by offset, as for expressions.
struct SourceText : Located<std::string> {
  struct Piece {
    size_t offset = 0;  // from this byte of `value` on ...
    int line = 0;       // ... the file goes on from here, byte for byte
    int column = 0;
    bool fixed = false;  // a replaced reference: all of the piece stands for this one place
  };
  std::vector<Piece> pieces;  // ascending by offset; empty: the text stands in the file as it is, from `where`
};

// The place in the file of the byte at `offset` of the text; one past the end is allowed.
Location locate(const SourceText& text, size_t offset);

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kBlock };
  struct Entry;

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;      // of scalars
  bool flow = false;                // of sequences and maps: written with [] or {}
  bool cut_by_comment = false;      // plain scalars: ` #` ends the line
  bool bad = false;                 // already reported: readers refuse it without another word
  SourceText text;  // of scalars; of nulls the word as written, maybe none. `text.where` is the place of any node
  std::vector<Node> items;          // of sequences
  std::vector<Entry> entries;       // of maps, in their written order, without duplicates

  const Location& where() const { return text.where; }
  const Node* find(std::string_view key) const;
};

struct Node::Entry {
  Located<std::string> key;
  Node value;
};

// "a map", "a list", "the text 'x'", "nothing": for messages.
std::string describe(const Node& node);

struct YamlLimits {
  size_t max_bytes = 1 << 20;
  size_t max_nodes = 200'000;  // after aliases are written out
  int max_depth = 64;
};

// Parses one document, whose top must be a map, and replaces `${NAME}`, `${NAME:-default}` and `$${` in its values.
// Everything wrong is added to `diagnostics`. The tree is answered whenever the syntax was understood, so that what
// else is wrong in it can be reported along with that.
std::optional<Node> parse_yaml(std::string_view text, const std::string& file, const Environment& environment,
                               Diagnostics& diagnostics, const YamlLimits& limits = {});

}  // namespace tidemark
