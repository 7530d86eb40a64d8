// File descriptors that close themselves, and a listening TCP socket. It knows nothing of HTTP.
#pragma once

#include <string_view>
#include <utility>

#include "base/error.h"
#include "daemon/http_address.h"

namespace tidemark {

// Owns one descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  void close();

  int fd_ = -1;
};

struct Listener {
  Descriptor socket;    // non-blocking
  HttpAddress address;  // with the port that was picked
};

// Errors are the user's: the address does not resolve, is in use, or is not of this machine. `option` is the word of the
// command line that gave it.
Result<Listener> open_listener(const HttpAddress& address, std::string_view option = "--http");

}  // namespace tidemark
