// An HTTP server for operators: it owns the listening socket, the connections and two threads, and asks its handler what
// to answer. It does not know what the answers mean.
//
// One thread serves all connections with poll and never blocks: a client that reads or writes slowly costs a buffer,
// not a thread, and what the handler answers at once, probes above all, is answered by that thread itself, so no other
// request can be in its way. Everything else, which may take a while to compute, is computed by a second thread.
// Libraries that give each connection a thread cannot know what a client wants before one is spent on it, so that a few
// idle clients would make a healthy daemon look dead; that, and the small part of HTTP that is needed, is why there is
// none here.
//
// Clients may be slow, many and hostile. What they cost is bounded: connections and the bytes of answers by number, each
// phase of a connection by a deadline, both threads by a share of one core. A full house loses the connection that is
// nearest to its deadline, so that a newcomer, which may be a probe, always finds a place.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/http_address.h"
#include "daemon/http_protocol.h"

namespace tidemark {

struct HttpLimits {
  size_t max_connections = 64;
  Duration request_within = Duration::seconds(5);    // from accept to a complete head
  Duration response_within = Duration::seconds(15);  // from the head to the answer, and then to its last byte
  size_t max_answer_bytes = 16 << 20;  // that clients have not taken yet; one answer always has room
  // Of one core, in the long run.
  double serving_share = 0.07;
  double answering_share = 0.03;
};

class HttpServer {
 public:
  // Listens and serves until destroyed. An address in use or not of this machine is the user's error and says what to
  // do: `option` is the word of the command line that gave it. `handler` and `clock` outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(const HttpAddress& address, HttpHandler& handler, const Clock& clock,
                                                   Logger logger, HttpLimits limits = {},
                                                   std::string_view option = "--http");
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
