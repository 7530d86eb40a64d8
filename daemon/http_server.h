// The HTTP server for operators: it owns the listening socket, the connections and two threads, and asks the routes
// what to answer. It does not know what the answers mean.
//
// One thread serves all connections with poll and never blocks: a client that reads or writes slowly costs a buffer,
// not a thread, and `/livez` is answered by that thread itself, so no other request can be in its way. Everything else,
// which may take a while to compute, is computed by a second thread. Libraries that give each connection a thread
// cannot know what a client wants before one is spent on it, so that a few idle clients would make a healthy daemon
// look dead; that, and the small part of HTTP that is needed, is why there is none here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/http_address.h"
#include "daemon/http_routes.h"

namespace tidemark {

struct HttpLimits {
  size_t max_connections = 64;                  // beyond it the one nearest to its deadline is closed
  Duration request_within = Duration::seconds(5);   // from accept to a complete head
  Duration response_within = Duration::seconds(15);  // from the answer to its last byte
};

class HttpServer {
 public:
  // Listens and serves until destroyed. An address in use or not of this machine is the user's error and says what to
  // do. `status` and `clock` outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(const HttpAddress& address, StatusProvider& status,
                                                   const Clock& clock, Logger logger, HttpLimits limits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the port that was picked.
  const HttpAddress& address() const;

 private:
  class Loop;
  explicit HttpServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace tidemark
