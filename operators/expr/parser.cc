// The parser: recursive descent over CEL's grammar, binary operators by precedence climbing. It answers the first thing
// that does not fit; it knows no types, and macros are calls to it like any other.
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "operators/expr/ast.h"
#include "operators/expr/expr.h"
#include "operators/expr/foreign.h"
#include "operators/expr/lexer.h"

namespace tidemark::expr {
namespace {

constexpr int kMaxDescent = 2 * Node::kMaxDepth;  // a bracket costs two steps: expression() and unary()
constexpr int kLowest = 1;
constexpr int kOr = 1;
constexpr int kAnd = 2;

int precedence_of(const Token& token) {
  if (token.kind == TokenKind::kWord) return token.text == "in" ? 3 : 0;
  if (token.kind != TokenKind::kSymbol) return 0;
  const std::string_view t = token.text;
  if (t == "||") return kOr;
  if (t == "&&") return kAnd;
  if (t == "==" || t == "!=" || t == "<" || t == "<=" || t == ">" || t == ">=") return 3;
  if (t == "+" || t == "-") return 4;
  if (t == "*" || t == "/" || t == "%") return 5;
  return 0;
}

std::string rename_hint(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kShort{
      {{"namespace", "ns"}, {"package", "pkg"}, {"function", "fn"}}};
  std::string name = std::string(word) + "_";
  for (const auto& [from, to] : kShort) {
    if (from == word) name = to;
  }
  return fmt::format("rename the field in the schema: `{}: {{type: string, path: {}}}`", name, word);
}

std::string describe(const Token& token) {
  return token.kind == TokenKind::kEnd ? "the end of the expression" : fmt::format("`{}`", token.text);
}

// Every parse function answers null once a problem is noted.
class Parser {
 public:
  explicit Parser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::expected<NodePtr, Problem> run() {
    NodePtr root = expression();
    if (root && token().kind != TokenKind::kEnd) root = unexpected_token("an operator or the end");
    if (!root) return std::unexpected(std::move(*problem_));
    return root;
  }

 private:
  // Counts how deep the descent is, so that brackets without end become a message and no stack overflow.
  struct Descent {
    explicit Descent(Parser& p) : parser(p) { ++parser.descent_; }
    ~Descent() { --parser.descent_; }
    Parser& parser;
  };

  const Token& token(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool sees(std::string_view symbol, size_t ahead = 0) const {
    return token(ahead).kind == TokenKind::kSymbol && token(ahead).text == symbol;
  }
  bool take(std::string_view symbol) {
    if (!sees(symbol)) return false;
    ++at_;
    return true;
  }

  NodePtr fail(size_t offset, std::string message, std::string hint = {}) {
    if (!problem_) problem_ = Problem{offset, std::move(message), std::move(hint)};
    return nullptr;
  }
  NodePtr unexpected_token(std::string_view wanted) {
    return fail(token().begin, fmt::format("{} where {} should be", describe(token()), wanted), hint_here(wanted));
  }
  // What the token here is meant to be, by itself and by what stands around it.
  std::string hint_here(std::string_view wanted) const {
    const Token& here = token();
    if (here.kind == TokenKind::kQuotedName) return fmt::format("write {} without backticks", here.text.substr(1, here.text.size() - 2));
    if (here.text == "," && wanted == "`)`") return "write a list in brackets: `[a, b]`";
    std::string hint = here.kind == TokenKind::kWord ? hint_for_word(here.text) : std::string();
    if (here.text == ":") hint = hint_for_pair(here.text, token(1).text);
    if (!hint.empty() || at_ == 0) return hint;
    const Token& before = tokens_[at_ - 1];
    hint = before.kind == TokenKind::kWord ? hint_behind_word(before.text) : std::string();
    const bool adjacent = before.end == here.begin || before.text == "(";
    return hint.empty() && adjacent ? hint_for_pair(before.text, here.text) : hint;
  }
  NodePtr too_deep(size_t offset) {
    return fail(offset, fmt::format("expression is nested deeper than {} levels", Node::kMaxDepth),
                "split it over several `map` steps");
  }

  NodePtr finish(Node node) {
    for (const NodePtr& child : node.children) node.depth = std::max(node.depth, child->depth + 1);
    if (node.depth > Node::kMaxDepth) return too_deep(node.offset);
    return std::make_shared<const Node>(std::move(node));
  }
  NodePtr make_operator(std::string_view name, size_t offset, size_t begin, std::vector<NodePtr> children) {
    Node node;
    node.kind = NodeKind::kOperator;
    node.name = name;
    node.offset = offset;
    node.begin = begin;
    node.end = last_end();
    node.children = std::move(children);
    return finish(std::move(node));
  }
  size_t last_end() const { return at_ == 0 ? 0 : tokens_[at_ - 1].end; }

  NodePtr expression() {
    const Descent descent(*this);
    if (descent_ > kMaxDescent) return too_deep(token().begin);
    const size_t begin = token().begin;
    NodePtr condition = binary(kLowest);
    if (!condition || !sees("?")) return condition;
    const size_t offset = token().begin;
    ++at_;
    NodePtr yes = binary(kLowest);
    if (!yes) return nullptr;
    if (!take(":")) return unexpected_token("the `:` of `? :`");
    NodePtr no = expression();
    if (!no) return nullptr;
    return make_operator("?:", offset, begin, {std::move(condition), std::move(yes), std::move(no)});
  }

  // Operators of at least `lowest` precedence, all left-associative.
  NodePtr binary(int lowest) {
    const size_t begin = token().begin;
    NodePtr left = unary();
    while (left) {
      const Token& op = token();
      const int precedence = precedence_of(op);
      if (precedence == 0 || precedence < lowest) return left;
      if (precedence <= kAnd) {
        left = logic_chain(std::move(left), op.text, precedence, begin);
        continue;
      }
      ++at_;
      NodePtr right = binary(precedence + 1);
      if (!right) return nullptr;
      left = make_operator(op.text, op.begin, begin, {std::move(left), std::move(right)});
    }
    return nullptr;
  }

  struct Term {
    NodePtr node;
    size_t operator_offset;  // of the operator before it
    size_t begin;            // with the parentheses around it
    size_t end;
  };

  // `a && b && c ...` becomes a balanced tree, since order means nothing to && and ||; so long chains stay shallow.
  NodePtr logic_chain(NodePtr first, std::string_view op, int precedence, size_t begin) {
    std::vector<Term> terms{{std::move(first), begin, begin, last_end()}};
    while (sees(op)) {
      const size_t offset = token().begin;
      ++at_;
      const size_t term_begin = token().begin;
      NodePtr next = binary(precedence + 1);
      if (!next) return nullptr;
      terms.push_back({std::move(next), offset, term_begin, last_end()});
    }
    return balance(op, terms, 0, terms.size());
  }
  NodePtr balance(std::string_view op, const std::vector<Term>& terms, size_t from, size_t to) {
    if (to - from == 1) return terms[from].node;
    const size_t middle = from + (to - from + 1) / 2;
    NodePtr left = balance(op, terms, from, middle);
    NodePtr right = left ? balance(op, terms, middle, to) : nullptr;
    if (!right) return nullptr;
    Node node;
    node.kind = NodeKind::kOperator;
    node.name = op;
    node.offset = terms[middle].operator_offset;
    node.begin = terms[from].begin;
    node.end = terms[to - 1].end;
    node.children = {std::move(left), std::move(right)};
    return finish(std::move(node));
  }

  NodePtr unary() {
    const Descent descent(*this);
    if (descent_ > kMaxDescent) return too_deep(token().begin);
    if (!sees("!") && !sees("-")) return member();
    const Token& op = token();
    const TokenKind next = token(1).kind;
    if (sees("-") && (next == TokenKind::kInt || next == TokenKind::kDouble)) return member();
    if (sees("-") && next == TokenKind::kUint) return fail(op.begin, "a uint cannot be negative");
    ++at_;
    if ((sees("!") || sees("-")) && token().text != op.text) return unexpected_token("an operand");
    NodePtr operand = unary();
    if (!operand) return nullptr;
    return make_operator(op.text, op.begin, op.begin, {std::move(operand)});
  }

  NodePtr member() {
    const size_t begin = token().begin;
    NodePtr node = primary();
    while (node) {
      if (sees(".")) {
        ++at_;
        node = select(std::move(node), begin);
      } else if (sees("[")) {
        node = index(std::move(node), begin);
      } else if (sees("{") && is_name(*node)) {
        node = message(*node, begin);
      } else {
        return node;
      }
    }
    return nullptr;
  }

  static bool is_name(const Node& node) {
    return node.kind == NodeKind::kIdent || (node.kind == NodeKind::kSelect && is_name(*node.children[0]));
  }

  NodePtr select(NodePtr target, size_t begin) {
    const bool optional = take("?");
    const Token& name = token();
    const bool quoted = name.kind == TokenKind::kQuotedName;
    if (name.kind != TokenKind::kWord && !quoted) return unexpected_token("a name");
    if (!quoted && is_keyword(name.text)) return fail(name.begin, fmt::format("`{}` is a keyword and names no field", name.text));
    ++at_;
    Node node;
    node.kind = NodeKind::kSelect;
    node.name = quoted ? name.text.substr(1, name.text.size() - 2) : name.text;
    node.offset = name.begin;
    node.begin = begin;
    node.optional = optional;
    node.children.push_back(std::move(target));
    if (!optional && !quoted && take("(")) {
      node.kind = NodeKind::kCall;
      node.receiver = true;
      if (!expressions(")", false, node.children)) return nullptr;
    }
    node.end = last_end();
    return finish(std::move(node));
  }

  NodePtr index(NodePtr target, size_t begin) {
    const size_t offset = token().begin;
    ++at_;
    const std::string_view name = take("?") ? "[?]" : "[]";
    NodePtr at = expression();
    if (!at) return nullptr;
    if (!take("]")) return unexpected_token("`]`");
    return make_operator(name, offset, begin, {std::move(target), std::move(at)});
  }

  static std::string qualified_name(const Node& node) {
    if (node.kind == NodeKind::kIdent) return (node.rooted ? "." : "") + node.name;
    return qualified_name(*node.children[0]) + "." + node.name;
  }

  NodePtr message(const Node& name, size_t begin) {
    Node node;
    node.kind = NodeKind::kMessage;
    node.name = qualified_name(name);
    node.offset = node.begin = begin;
    ++at_;
    while (!take("}")) {
      if (!node.children.empty() && !take(",")) return unexpected_token("`,` or `}`");
      if (take("}")) break;
      take("?");
      const bool word = token().kind == TokenKind::kWord && !is_keyword(token().text);
      if (!word && token().kind != TokenKind::kQuotedName) return unexpected_token("a field's name");
      node.fields.emplace_back(token().text);
      ++at_;
      if (!take(":")) return unexpected_token("`:`");
      NodePtr value = expression();
      if (!value) return nullptr;
      node.children.push_back(std::move(value));
    }
    node.end = last_end();
    return finish(std::move(node));
  }

  // Expressions between commas up to `close`, which is taken. With `optionals`, a `?` may stand before each.
  bool expressions(std::string_view close, bool trailing_comma, std::vector<NodePtr>& out,
                   std::vector<bool>* optionals = nullptr) {
    if (take(close)) return true;
    while (true) {
      if (optionals != nullptr) optionals->push_back(take("?"));
      NodePtr next = expression();
      if (!next) return false;
      out.push_back(std::move(next));
      if (take(close)) return true;
      if (!take(",")) return unexpected_token(fmt::format("`,` or `{}`", close)), false;
      if (trailing_comma && take(close)) return true;
    }
  }

  NodePtr primary() {
    switch (token().kind) {
      case TokenKind::kEnd: return unexpected_token("a value");
      case TokenKind::kInt:
      case TokenKind::kUint:
      case TokenKind::kDouble:
      case TokenKind::kString:
      case TokenKind::kBytes: return literal();
      case TokenKind::kWord: return word();
      case TokenKind::kQuotedName: return unexpected_token("a value");
      case TokenKind::kSymbol: break;
    }
    if (sees("-")) return literal();
    if (sees("(")) return parenthesised();
    if (sees("[")) return list();
    if (sees("{")) return map();
    if (sees(".") && token(1).kind == TokenKind::kWord) return word();
    return unexpected_token("a value");
  }

  NodePtr literal() {
    Node node;
    node.offset = node.begin = token().begin;
    const bool negative = take("-");
    const Token& t = token();
    ++at_;
    node.end = t.end;
    node.literal = t.literal;
    if (t.kind == TokenKind::kInt) {
      const uint64_t magnitude = std::get<uint64_t>(t.literal);
      const uint64_t limit = uint64_t{std::numeric_limits<int64_t>::max()} + (negative ? 1 : 0);
      if (magnitude > limit) {
        return fail(node.begin, "number does not fit an int",
                    "write a `u` behind it for a uint, or a `.` for a double");
      }
      node.literal = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
    } else if (t.kind == TokenKind::kDouble && negative) {
      node.literal = -std::get<double>(t.literal);
    }
    return finish(std::move(node));
  }

  NodePtr word() {
    const size_t begin = token().begin;
    const bool rooted = take(".");
    const Token& t = token();
    if (is_keyword(t.text)) return rooted ? unexpected_token("a name") : keyword();
    const bool call = sees("(", 1);
    if (is_reserved_word(t.text) && !names_message()) {
      return fail(t.begin, fmt::format("`{}` is a word that CEL reserves", t.text), call ? hint_for_word(t.text) : rename_hint(t.text));
    }
    ++at_;
    Node node;
    node.kind = call ? NodeKind::kCall : NodeKind::kIdent;
    node.name = t.text;
    node.offset = t.begin;
    node.begin = begin;
    node.rooted = rooted;
    if (call) {
      ++at_;
      if (!expressions(")", false, node.children)) return nullptr;
    }
    node.end = last_end();
    return finish(std::move(node));
  }

  // Whether the words from here on, joined by dots, lead up to a `{`.
  bool names_message() const {
    size_t ahead = 1;
    while (sees(".", ahead) && token(ahead + 1).kind == TokenKind::kWord) ahead += 2;
    return sees("{", ahead);
  }

  NodePtr keyword() {
    const Token& t = token();
    if (t.text == "in") return unexpected_token("a value");
    ++at_;
    Node node;
    node.offset = node.begin = t.begin;
    node.end = t.end;
    if (t.text != "null") node.literal = t.text == "true";
    return finish(std::move(node));
  }

  NodePtr parenthesised() {
    ++at_;
    NodePtr inner = expression();
    if (!inner) return nullptr;
    if (!take(")")) return unexpected_token("`)`");
    return inner;
  }

  NodePtr list() {
    Node node;
    node.kind = NodeKind::kList;
    node.offset = node.begin = token().begin;
    ++at_;
    if (sees(",") && sees("]", 1)) ++at_;
    if (!expressions("]", true, node.children, &node.optionals)) return nullptr;
    node.end = last_end();
    return finish(std::move(node));
  }

  NodePtr map() {
    Node node;
    node.kind = NodeKind::kMap;
    node.offset = node.begin = token().begin;
    ++at_;
    if (sees(",") && sees("}", 1)) ++at_;
    while (!take("}")) {
      if (!node.children.empty() && !take(",")) return unexpected_token("`,` or `}`");
      if (!node.children.empty() && take("}")) break;
      const bool optional = take("?");
      NodePtr key = expression();
      if (!key) return nullptr;
      if (!take(":")) return unexpected_token("`:`");
      NodePtr value = expression();
      if (!value) return nullptr;
      node.children.push_back(std::move(key));
      node.children.push_back(std::move(value));
      node.optionals.insert(node.optionals.end(), {false, optional});
    }
    node.end = last_end();
    return finish(std::move(node));
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  int descent_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace

std::expected<Ast, std::vector<Problem>> parse(std::string_view text) {
  const auto tokens = tokenize(text);
  if (!tokens) return std::unexpected(std::vector{tokens.error()});
  auto root = Parser(*tokens).run();
  if (!root) return std::unexpected(std::vector{std::move(root.error())});
  return Ast{std::move(*root), std::string(text)};
}

}  // namespace tidemark::expr
