// Kernels over strings and bytes. Sizes of strings are in code points, as CEL has it; everything else works on bytes,
// which for valid UTF-8 comes to the same.
#include "operators/expr/strings.h"

#include <cstring>
#include <unordered_map>

#include <fmt/format.h>
#include <re2/re2.h>

#include "operators/expr/kernels.h"
#include "operators/expr/utf8.h"

namespace tidemark::expr {

struct Pattern::Compiled {
  explicit Compiled(std::string_view pattern, const RE2::Options& options)
      : re(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 re;
};

Pattern::Pattern(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

std::expected<Pattern, std::string> Pattern::compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<const Compiled>(pattern, options);
  if (!compiled->re.ok()) return std::unexpected(compiled->re.error());
  return Pattern(std::move(compiled));
}

bool Pattern::found_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->re);
}

namespace {

void concatenate(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<std::string_view>();
  const auto b = args[1].in<std::string_view>();
  auto* result = out.values<std::string_view>();
  Arena& arena = out.context().arena();
  for_each_row(rows, [&](uint32_t row) {
    const std::string_view x = a[row];
    const std::string_view y = b[row];
    char* p = arena.allocate(x.size() + y.size());
    if (!x.empty()) std::memcpy(p, x.data(), x.size());
    if (!y.empty()) std::memcpy(p + x.size(), y.data(), y.size());
    result[row] = {p, x.size() + y.size()};
  });
}

void size_of_string(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<std::string_view>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = count_code_points(a[row]); });
}

void size_of_bytes(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<std::string_view>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = static_cast<int64_t>(a[row].size()); });
}

struct Contains {
  static bool apply(std::string_view a, std::string_view b) { return a.find(b) != std::string_view::npos; }
};
struct StartsWith {
  static bool apply(std::string_view a, std::string_view b) { return a.starts_with(b); }
};
struct EndsWith {
  static bool apply(std::string_view a, std::string_view b) { return a.ends_with(b); }
};

template <class Test>
void test(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<std::string_view>();
  const auto b = args[1].in<std::string_view>();
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = Test::apply(a[row], b[row]); });
}

// Patterns that are data. Compiled ones are kept for the rest of the batch, up to a bound.
void matches(std::span<const Vec> args, Rows rows, Out& out) {
  constexpr size_t kMaxPatterns = 64;
  const auto texts = args[0].in<std::string_view>();
  const auto patterns = args[1].in<std::string_view>();
  auto* result = out.values<uint8_t>();
  std::unordered_map<std::string_view, std::expected<Pattern, std::string>> known;
  for_each_row(rows, [&](uint32_t row) {
    auto at = known.find(patterns[row]);
    if (at == known.end()) {
      if (known.size() == kMaxPatterns) known.clear();
      at = known.emplace(patterns[row], Pattern::compile(patterns[row])).first;
    }
    if (at->second) {
      result[row] = at->second->found_in(texts[row]);
    } else {
      out.fail(row, fmt::format("bad pattern for `matches`: {}", at->second.error()));
    }
  });
}

}  // namespace

std::vector<Overload> string_overloads() {
  using enum TypeKind;
  return {
      {"+", {kString, kString}, kString, concatenate},
      {"+", {kBytes, kBytes}, kBytes, concatenate},
      {"size", {kString}, kInt, size_of_string, false, true, true},
      {"size", {kBytes}, kInt, size_of_bytes, false, true, true},
      {"contains", {kString, kString}, kBool, test<Contains>, false, false, true},
      {"startsWith", {kString, kString}, kBool, test<StartsWith>, false, false, true},
      {"endsWith", {kString, kString}, kBool, test<EndsWith>, false, false, true},
      {"matches", {kString, kString}, kBool, matches, true, true, true},
  };
}

}  // namespace tidemark::expr
