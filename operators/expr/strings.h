// Regular expressions for `matches`, by RE2 (linear time, bounded memory). Hides RE2 from everyone else.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::expr {

// A compiled pattern. Immutable and thread-safe.
class Pattern {
 public:
  // The error is RE2's reason.
  static std::expected<Pattern, std::string> compile(std::string_view pattern);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();
  // Whether the pattern matches some part of `text`.
  bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  explicit Pattern(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace tidemark::expr
