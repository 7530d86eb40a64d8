// Each name is replaced by a plain field. Keys and headers are bytes of which nearly all are text, so they are read as
// text, by expr::kTextCall; `bytes(...)` and `has(...)` see what is below it.
#include "operators/plan/record_names.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/diagnostic.h"
#include "operators/expr/ast.h"

namespace tidemark {
namespace {

using expr::Node;
using expr::NodeKind;
using expr::NodePtr;
using expr::Problem;

constexpr std::string_view kHeaders = "headers";
constexpr std::string_view kAllNames =
    "there are kafka.key, kafka.headers['name'], kafka.partition, kafka.offset, kafka.timestamp and kafka.topic";

struct PlainName {
  std::string_view word;
  RecordPart part;
};
constexpr std::array kPlainNames = std::to_array<PlainName>({
    {"key", RecordPart::kKey},
    {"partition", RecordPart::kPartition},
    {"offset", RecordPart::kOffset},
    {"timestamp", RecordPart::kTimestamp},
    {"topic", RecordPart::kTopic},
});

bool is_record(const Node& node) { return node.kind == NodeKind::kIdent && node.name == kRecordName; }

bool is_headers(const Node& node) {
  return node.kind == NodeKind::kSelect && node.name == kHeaders && !node.optional && is_record(*node.children[0]);
}

const std::string* text_of(const Node& node) {
  return node.kind == NodeKind::kLiteral ? std::get_if<std::string>(&node.literal) : nullptr;
}

bool is_call(const Node& node, std::string_view name) {
  return node.kind == NodeKind::kCall && !node.receiver && node.name == name && node.children.size() == 1;
}

// Whether a macro's argument makes `kafka` a name of its own.
bool binds_the_name(const Node& node) {
  if (node.kind != NodeKind::kCall || !node.receiver || node.children.size() < 3) return false;
  return std::ranges::any_of(node.children.begin() + 1, node.children.end() - 1,
                             [](const NodePtr& argument) { return is_record(*argument); });
}

bool is_text(RecordPart part) { return part == RecordPart::kKey || part == RecordPart::kHeader; }

class Finder {
 public:
  RecordNames run(const expr::Ast& ast) {
    out_.rest = {replace(ast.root), ast.text};
    return std::move(out_);
  }

 private:
  NodePtr replace(const NodePtr& node);
  NodePtr replace_children(const NodePtr& node, size_t count);
  NodePtr replace_inside(const NodePtr& node);
  std::optional<RecordName> name_in(const Node& node) const;
  NodePtr field_for(const Node& node, RecordName found);
  void note_misuse(const Node& node);

  RecordNames out_;
};

std::optional<RecordName> Finder::name_in(const Node& node) const {
  if (node.kind == NodeKind::kSelect && !node.optional) {
    const Node& target = *node.children[0];
    if (is_headers(target)) return RecordName{"", RecordPart::kHeader, node.name, node.begin};
    const auto plain = std::ranges::find(kPlainNames, node.name, &PlainName::word);
    if (is_record(target) && plain != kPlainNames.end()) return RecordName{"", plain->part, "", node.begin};
  }
  if (node.kind == NodeKind::kOperator && node.name == "[]" && is_headers(*node.children[0])) {
    const std::string* const header = text_of(*node.children[1]);
    if (header != nullptr) return RecordName{"", RecordPart::kHeader, *header, node.begin};
  }
  return std::nullopt;
}

NodePtr Finder::field_for(const Node& node, RecordName found) {
  found.name = written(found.part, found.header);
  Node field;
  field.kind = NodeKind::kIdent;
  field.name = found.name;
  field.offset = field.begin = node.begin;
  field.end = node.end;
  if (std::ranges::find(out_.names, found.name, &RecordName::name) == out_.names.end()) out_.names.push_back(std::move(found));
  return std::make_shared<const Node>(std::move(field));
}

// has(x) and bytes(x), which look below the text; nothing where `node` is neither.
NodePtr Finder::replace_inside(const NodePtr& node) {
  if (node->kind == NodeKind::kOperator && node->name == "in" && is_headers(*node->children[1])) {
    const std::string* const header = text_of(*node->children[0]);
    if (header == nullptr) return nullptr;
    Node has = *node;
    has.kind = NodeKind::kCall;
    has.name = "has";
    has.children = {field_for(*node, {"", RecordPart::kHeader, *header, node->begin})};
    return std::make_shared<const Node>(std::move(has));
  }
  const bool below = is_call(*node, "has") || is_call(*node, "bytes");
  auto found = below ? name_in(*node->children[0]) : std::nullopt;
  if (!found || (node->name == "bytes" && !is_text(found->part))) return nullptr;
  NodePtr field = field_for(*node->children[0], std::move(*found));
  if (node->name == "bytes") return field;
  Node has = *node;
  has.children = {std::move(field)};
  return std::make_shared<const Node>(std::move(has));
}

NodePtr Finder::replace_children(const NodePtr& node, size_t count) {
  std::vector<NodePtr> children = node->children;
  for (size_t i = 0; i < count; ++i) children[i] = replace(children[i]);
  if (children == node->children) return node;
  Node copy = *node;
  copy.children = std::move(children);
  return std::make_shared<const Node>(std::move(copy));
}

NodePtr Finder::replace(const NodePtr& node) {
  if (NodePtr replaced = replace_inside(node)) return replaced;
  if (auto found = name_in(*node)) {
    const RecordPart part = found->part;
    NodePtr field = field_for(*node, std::move(*found));
    if (!is_text(part)) return field;
    Node text = *field;
    text.kind = NodeKind::kCall;
    text.name = expr::kTextCall;
    text.children = {std::move(field)};
    return std::make_shared<const Node>(std::move(text));
  }
  const size_t before = out_.problems.size();
  note_misuse(*node);
  if (out_.problems.size() > before) return node;
  return replace_children(node, binds_the_name(*node) ? 1 : node->children.size());
}

void Finder::note_misuse(const Node& node) {
  if (is_record(node)) {
    out_.problems.push_back({node.begin, "`kafka` stands for a record, which is no value", std::string(kAllNames)});
  } else if (is_headers(node) || (!node.children.empty() && is_headers(*node.children[0]))) {
    out_.problems.push_back({node.begin, "headers are read one by one, each by a name that is written out",
                             "write `kafka.headers['name']`, which is null where there is no such header"});
  } else if (node.kind == NodeKind::kSelect && is_record(*node.children[0])) {
    std::vector<std::string_view> words{kHeaders};
    for (const PlainName& plain : kPlainNames) words.push_back(plain.word);
    const std::string_view near = nearest_word(node.name, words);
    out_.problems.push_back({node.begin, fmt::format("a record has no `kafka.{}`", node.name),
                             near.empty() ? std::string(kAllNames) : fmt::format("did you mean `kafka.{}`?", near)});
  }
}

}  // namespace

RecordNames find_record_names(const expr::Ast& ast) { return Finder().run(ast); }

}  // namespace tidemark
