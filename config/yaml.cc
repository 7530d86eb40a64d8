// Listens to yaml-cpp's events instead of taking its tree, to see places, repeated keys and anchors that nobody uses.
// Bytes are checked before, limits while the tree grows, references replaced when it is whole.
#include "config/yaml.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/check.h"
#include "config/source_text.h"
#include "config/yaml_advice.h"

namespace tidemark {

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key.value == key) return &entry.value;
  }
  return nullptr;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kSequence: return "a list";
    case Node::Kind::kMap: return "a map";
    case Node::Kind::kScalar: break;
  }
  constexpr size_t kShown = 60;
  const std::string& text = node.text.value;
  if (text.size() <= kShown) return fmt::format("'{}'", text);
  size_t cut = kShown;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return fmt::format("'{}...'", text.substr(0, cut));
}

namespace {

// Leaves yaml-cpp from inside a callback, after a report. Never leaves this file.
struct Stop {};

struct Extent {
  size_t nodes = 1;
  int depth = 1;
};

Extent extent_of(const Node& node) {
  Extent extent;
  const auto add = [&](const Node& child) {
    const Extent inner = extent_of(child);
    extent.nodes += inner.nodes;
    extent.depth = std::max(extent.depth, inner.depth + 1);
  };
  for (const Node& item : node.items) add(item);
  for (const Node::Entry& entry : node.entries) add(entry.value);
  return extent;
}

// Whether the quoted text that begins at `at` has an end. yaml-cpp takes the end of the file for one.
bool quote_closes(std::string_view source, size_t at) {
  const char quote = source[at];
  for (size_t i = at + 1; i < source.size(); ++i) {
    if (quote == '"' && source[i] == '\\') ++i;
    else if (source[i] == quote && quote == '\'' && source.substr(i, 2) == "''") ++i;
    else if (source[i] == quote) return true;
  }
  return false;
}

// Builds the tree from yaml-cpp's events.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view source, const std::string& file, const LineIndex& lines, const YamlLimits& limits,
          Diagnostics& diagnostics)
      : source_(source), file_(file), lines_(lines), limits_(limits), diagnostics_(diagnostics) {}

  std::optional<Node>& root() { return root_; }
  size_t last_position() const { return last_position_; }

  std::optional<size_t> open_flow() const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
      const char c = frame->position < source_.size() ? source_[frame->position] : '\0';
      if (frame->node.flow && (c == '{' || c == '[')) return frame->position;
    }
    return std::nullopt;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!root_) return;
    const size_t at = position(mark);
    if (lines_.line_at(at).starts_with("---") || source_.substr(0, at).rfind("\n---") != source_.npos ||
        source_.substr(0, at).rfind("\n...") != source_.npos) {
      stop(at, "a second document begins here", "write one pipeline a file");
    }
    stop(at, "this does not belong to what stands above it", "check the indentation and the kind (`- ` or `key:`)");
  }
  void OnDocumentEnd() override {
    for (const Diagnostic& d : empty_places_.all()) diagnostics_.error(d.where, d.message, d.hint);
    for (const auto& [anchor, where] : unused_) {
      diagnostics_.error(where, "`&` before this value makes it an anchor that nothing refers to",
                         "quote the whole value if `&` belongs to it, for example with '...'");
    }
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const size_t at = enter(mark, "");
    Node node = make(Node::Kind::kNull, at);
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (source_.substr(at).starts_with(word)) node.text.value = word;
    }
    add(std::move(node), at, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const size_t at = enter(mark, tag);
    Node node = make(Node::Kind::kScalar, at);
    const char first = at < source_.size() ? source_[at] : '\0';
    if (tag == "!") {
      node.style = first == '\'' ? Node::Style::kSingleQuoted
                   : first == '"' ? Node::Style::kDoubleQuoted
                                  : Node::Style::kBlock;
      if (node.style != Node::Style::kBlock && !quote_closes(source_, at)) {
        stop(at, fmt::format("the quote {} is never closed", first), "close it at the end of the value");
      }
    } else if (first == '\t') {
      stop(at, "a tab may not indent", "use spaces");
    }
    node.text.value = value;
    node.text.pieces = align(source_, lines_, at, node.style, value);
    if (node.style == Node::Style::kPlain) node.cut_by_comment = comment_follows(at + value.size());
    add(std::move(node), at, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const size_t at = enter(mark, "");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(at, "this alias stands inside its own anchor", "");
    unused_.erase(anchor);
    const Extent extent = extent_of(found->second);
    count(extent.nodes, at);
    if (static_cast<int>(frames_.size()) + extent.depth > limits_.max_depth) too_deep(at);
    Node node = found->second;
    add(std::move(node), at, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::Kind::kSequence, mark, tag, anchor, style);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::Kind::kMap, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    size_t position = 0;
    YAML::anchor_t anchor = 0;
    std::optional<Located<std::string>> key;       // of a map: read, and waiting for its value
    bool keep = true;                              // false: a repeated key, whose value is dropped
    std::unordered_map<std::string, int> seen;     // keys so far, and their lines
  };

  size_t position(const YAML::Mark& mark) const {
    return std::min(static_cast<size_t>(std::max(mark.pos, 0)), source_.size());
  }

  // What begins every node: its place behind an anchor, the limits, and no tags.
  size_t enter(const YAML::Mark& mark, const std::string& tag) {
    size_t at = position(mark);
    last_position_ = at;
    count(1, at);
    const char first = at < source_.size() ? source_[at] : '\0';
    if (first == '!' || (!tag.empty() && tag != "?" && tag != "!")) {
      stop(at, "`!` at the beginning of a value is a YAML tag, and tags mean nothing here",
           "quote the whole value, for example with '...'");
    }
    if (first == '&') {
      at = std::min(source_.find_first_of(" \t\r\n,[]{}", at), source_.size());
      at = std::min(source_.find_first_not_of(" \t\r\n", at), source_.size());
      if (at < source_.size() && source_[at] == '!') stop(at, "YAML tags mean nothing here", "remove the tag");
    }
    return at;
  }

  Node make(Node::Kind kind, size_t at) const {
    Node node;
    node.kind = kind;
    node.text.where = lines_.at(file_, at);
    return node;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    const size_t at = enter(mark, tag);
    if (static_cast<int>(frames_.size()) >= limits_.max_depth) too_deep(at);
    if (expects_key()) {
      stop(at, fmt::format("a key must be a word, not {}", kind == Node::Kind::kMap ? "a map" : "a list"),
           "quote the key if it is text that begins with a bracket");
    }
    Frame& frame = frames_.emplace_back();
    frame.node = make(kind, at);
    frame.node.flow = style == YAML::EmitterStyle::Flow;
    frame.position = at;
    frame.anchor = anchor;
  }

  void close() {
    CHECK_OR_DIE(!frames_.empty(), "the parser closes what it opened");
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    add(std::move(frame.node), frame.position, frame.anchor);
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().node.kind == Node::Kind::kMap && !frames_.back().key;
  }

  void add(Node node, size_t at, YAML::anchor_t anchor) {
    if (anchor != 0) {
      anchors_[anchor] = node;
      unused_[anchor] = node.text.where;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (frames_.back().node.kind == Node::Kind::kSequence) {
      if (frames_.back().node.flow && node.kind == Node::Kind::kNull && node.text.value.empty()) {
        empty_places_.error(node.text.where, "the list has an empty place here", std::string(kQuoteInFlow));
        node.bad = true;
      }
      frames_.back().node.items.push_back(std::move(node));
    } else if (!frames_.back().key) {
      add_key(std::move(node), at);
    } else {
      add_value(std::move(node));
    }
  }

  void add_key(Node node, size_t at) {
    Frame& frame = frames_.back();
    if (node.kind != Node::Kind::kScalar) {
      stop(at, "a key must be a word", frame.node.flow ? std::string(kQuoteInFlow) : "write `key: value`");
    }
    frame.key = node.text;
    const auto [seen, fresh] = frame.seen.emplace(node.text.value, node.text.where.line);
    frame.keep = fresh;
    if (!fresh) {
      diagnostics_.error(node.text.where, fmt::format("the key `{}` is repeated", node.text.value),
                         fmt::format("it was first written in line {}", seen->second));
    }
    if (node.text.value.find("${") != std::string::npos) {
      diagnostics_.error(node.text.where, "a reference stands in a key", "references are replaced in values only");
    }
    if (node.text.value == "<<" && node.style == Node::Style::kPlain) {
      diagnostics_.error(node.text.where, "merge keys `<<` are not supported", "write the keys out");
    }
  }

  void add_value(Node node) {
    Frame& frame = frames_.back();
    Located<std::string> key = std::move(*frame.key);
    frame.key.reset();
    if (node.kind == Node::Kind::kNull && node.text.value.empty()) {
      node.text.where = key.where;
      if (frame.node.flow) {
        empty_places_.error(key.where, fmt::format("`{}` stands inside braces without a value", key.value),
                           "write `key: value`; " + std::string(kQuoteInFlow));
        node.bad = true;
      }
    }
    if (frame.keep) frame.node.entries.push_back({std::move(key), std::move(node)});
  }

  // Whether ` #` ends the line at `position`.
  bool comment_follows(size_t position) const {
    if (position >= source_.size() || (source_[position] != ' ' && source_[position] != '\t')) return false;
    const size_t next = source_.find_first_not_of(" \t", position);
    return next != source_.npos && source_[next] == '#';
  }

  void count(size_t nodes, size_t at) {
    nodes_ += nodes;
    if (nodes_ > limits_.max_nodes) {
      stop(at, fmt::format("the file has more than {} values, with its aliases written out", limits_.max_nodes), "");
    }
  }

  [[noreturn]] void too_deep(size_t at) {
    stop(at, fmt::format("values are nested more than {} deep", limits_.max_depth), "");
  }

  [[noreturn]] void stop(size_t at, std::string message, std::string hint) {
    diagnostics_.error(lines_.at(file_, at), std::move(message), std::move(hint));
    throw Stop{};
  }

  std::string_view source_;
  const std::string& file_;
  const LineIndex& lines_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  Diagnostics empty_places_;  // reported with a whole document only: a bracket left open makes some that are none
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  std::unordered_map<YAML::anchor_t, Location>
      unused_;  // anchors without an alias so far, and the places of their values
  std::optional<Node> root_;
  size_t nodes_ = 0;
  size_t last_position_ = 0;
};

// The length of the UTF-8 sequence at `at`, or 0 if there is none.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead < 0xf0) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead < 0xf5) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// yaml-cpp guesses encodings and takes byte 4 for the end of the file, so what it may see is checked before.
bool check_bytes(std::string_view source, const std::string& file, const LineIndex& lines, Diagnostics& diagnostics) {
  for (size_t at = 0; at < source.size();) {
    const auto c = static_cast<unsigned char>(source[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
      diagnostics.error(lines.at(file, at), fmt::format("the control character 0x{:02x} may not stand in YAML", c));
      return false;
    }
    const size_t length = utf8_length(source, at);
    if (length == 0) {
      diagnostics.error(lines.at(file, at), "the file is not UTF-8 here", "save it as UTF-8");
      return false;
    }
    at += length;
  }
  return true;
}

// Answers whether the syntax was understood.
bool parse_into(Builder& builder, std::string_view source, const std::string& file, const LineIndex& lines,
                Diagnostics& diagnostics) {
  try {
    std::istringstream in{std::string(source)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return true;
  } catch (const Stop&) {
  } catch (const YAML::Exception& e) {
    const size_t at =
        e.mark.pos < 0 ? builder.last_position() : std::min(static_cast<size_t>(e.mark.pos), source.size());
    const Advice advice = explain_syntax({source, lines, e.msg, at, builder.last_position(), builder.open_flow()});
    diagnostics.error(lines.at(file, advice.position), advice.message, advice.hint);
  } catch (const std::exception& e) {
    diagnostics.error(lines.at(file, builder.last_position()), fmt::format("the YAML cannot be read: {}", e.what()));
  }
  return false;
}

void replace_all(Node& node, const Environment& environment, Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::kScalar) node.bad = !replace_references(node.text, environment, diagnostics);
  for (Node& item : node.items) replace_all(item, environment, diagnostics);
  for (Node::Entry& entry : node.entries) replace_all(entry.value, environment, diagnostics);
}

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, const std::string& file, const Environment& environment,
                               Diagnostics& diagnostics, const YamlLimits& limits) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.size() > limits.max_bytes) {
    diagnostics.error({file, 1, 1}, fmt::format("the file is larger than {} bytes", limits.max_bytes));
    return std::nullopt;
  }
  const LineIndex lines(text);
  if (!check_bytes(text, file, lines, diagnostics)) return std::nullopt;
  Builder builder(text, file, lines, limits, diagnostics);
  if (!parse_into(builder, text, file, lines, diagnostics)) return std::nullopt;
  std::optional<Node> root = std::move(builder.root());
  if (!root || root->kind == Node::Kind::kNull) {
    diagnostics.error({file, 1, 1}, "the file is empty", "a pipeline is a map that begins with `name:`");
    return std::nullopt;
  }
  if (root->kind != Node::Kind::kMap) {
    diagnostics.error(root->where(), fmt::format("the file must hold a map, not {}", describe(*root)),
                      "a pipeline is a map that begins with `name:`");
    return std::nullopt;
  }
  replace_all(*root, environment, diagnostics);
  return root;
}

}  // namespace tidemark
