// Writing to a descriptor until all is written, and the lines that rest on it.
#include "daemon/stdout_lines.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tidemark {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    pollfd writable{descriptor, POLLOUT, 0};
    ::poll(&writable, 1, 100);
  }
  return true;
}

Status StdoutLines::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  if (write_all(STDOUT_FILENO, lines)) return {};
  return external_error(std::string("standard output cannot be written: ") + std::strerror(errno));
}

}  // namespace tidemark
