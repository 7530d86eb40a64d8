// What is wrong in a file that a person wrote: where, what, and what was probably meant. Collected, not thrown, so that
// all of them are reported at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// A place in a text file; lines and columns count from 1. Column counts bytes.
struct Location {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Severity { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  Location where;
  std::string message;  // what is wrong
  std::string hint;     // what was meant, or the way out; may be empty
};

// A value with the place it was written at.
template <class T>
struct Located {
  T value{};
  Location where;
};

class Diagnostics {
 public:
  void error(Location where, std::string message, std::string hint = {});
  void warn(Location where, std::string message, std::string hint = {});
  bool has_errors() const;
  const std::vector<Diagnostic>& all() const { return all_; }
  // Orders by file, line and column; keeps the order of equal places.
  void sort();

 private:
  std::vector<Diagnostic> all_;
};

// `file:line:col`
std::string to_string(const Location& where);
// `file:line:col: error: what is wrong; what was meant`
std::string to_string(const Diagnostic& diagnostic);

// The candidate nearest to `word` by edit distance, whatever the case of letters, when near enough to be what was meant; else empty.
std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates);
// A hint: "did you mean `nearest`?", or `otherwise` where there is none.
std::string did_you_mean(std::string_view nearest, std::string_view otherwise = {});

}  // namespace tidemark
