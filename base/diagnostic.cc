// A near word differs in one letter or a third of them at most, neighbours swapped counting as one, whatever the case.
// Who prints what was collected, and whether it ends the work, is not known here.
#include "base/diagnostic.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tidemark {
namespace {

// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

}  // namespace

void Diagnostics::error(Location where, std::string message, std::string hint) {
  all_.push_back({Severity::kError, std::move(where), std::move(message), std::move(hint)});
}

void Diagnostics::warn(Location where, std::string message, std::string hint) {
  all_.push_back({Severity::kWarning, std::move(where), std::move(message), std::move(hint)});
}

bool Diagnostics::has_errors() const {
  return std::ranges::any_of(all_, [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

void Diagnostics::sort() {
  std::ranges::stable_sort(all_, {}, [](const Diagnostic& d) { return std::tie(d.where.file, d.where.line, d.where.column); });
}

std::string to_string(const Location& where) {
  return where.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
}

std::string to_string(const Diagnostic& d) {
  std::string out = to_string(d.where) + ": ";
  out += d.severity == Severity::kError ? "error: " : "warning: ";
  out += d.message;
  if (!d.hint.empty()) out += "; " + d.hint;
  return out;
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  const std::string wanted = lower(word);
  for (std::string_view candidate : candidates) {
    const size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view nearest, std::string_view otherwise) {
  return nearest.empty() ? std::string(otherwise) : "did you mean `" + std::string(nearest) + "`?";
}

}  // namespace tidemark
