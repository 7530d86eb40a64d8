// BrokerConnection: one plain TCP connection over which requests go out and whole answers come in, without ever waiting.
// Knows sizes and nothing else of what it carries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tidemark {

// Single-threaded.
class BrokerConnection {
 public:
  BrokerConnection() = default;
  ~BrokerConnection() { close(); }
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;

  // Begins to connect, each time to the next of the name's addresses. Looking the name up may wait for the resolver.
  Status open(const std::string& host, int32_t port);
  void close();
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }          // for poll()
  bool wants_to_write() const { return connecting_ || !out_.empty(); }

  // A whole request, size included, to go out with the next flush() or progress().
  void send(std::string_view request) { out_ += request; }
  // Sends what can be sent at once.
  Status flush();
  // Sends and reads what can be done at once. True when a whole answer is there.
  Result<bool> progress();
  // The answer behind its size, until the next call of drop_answer(), close() or open().
  std::string_view answer() const;
  // Makes way for the next one.
  void drop_answer();
  int64_t bytes_sent() const { return sent_; }
  int64_t bytes_received() const { return received_; }

 private:
  Result<bool> read_some();

  int fd_ = -1;
  size_t tries_ = 0;
  bool connecting_ = false;
  std::string out_;
  std::vector<char> in_;
  size_t filled_ = 0;  // of in_
  int64_t sent_ = 0;
  int64_t received_ = 0;
};

}  // namespace tidemark
