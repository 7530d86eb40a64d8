// The last words go straight to standard error, past the logger, and abort() unwinds nothing: there is nothing to save
// that the next start would need.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidemark {

void check_failed(const char* file, int line, const char* condition, const char* why) {
  std::fprintf(stderr, "tidemark: broken invariant at %s:%d: %s (%s)\n", file, line, condition, why);
  std::fflush(stderr);
  std::abort();
}

}  // namespace tidemark
