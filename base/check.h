// CHECK guards invariants, in release builds too; never input. A failed CHECK prints where and why and aborts the
// process: the next start resumes from the committed checkpoint.
#pragma once

namespace tidemark {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why);
}  // namespace tidemark

#define CHECK_OR_DIE(cond, why)                                              \
  do {                                                                       \
    if (!(cond)) [[unlikely]] ::tidemark::check_failed(__FILE__, __LINE__, #cond, why); \
  } while (0)
