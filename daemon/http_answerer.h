// HttpAnswerer: the thread that computes answers which may take a while, and the queues to it and back. It knows
// connections by their numbers only, and no sockets.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "daemon/http_protocol.h"

namespace tidemark {

struct HttpAnswer {
  std::vector<uint64_t> connections;         // all that asked for it
  std::shared_ptr<const std::string> bytes;  // as they are sent
};

// ask() and take_answers() by one thread, which `wake_fd`, an eventfd, wakes when there is an answer. At most `most`
// questions wait. Those for the same path (of GET and HEAD: reading changes nothing) are answered by one call, and all
// take no more than `share` of a core in the long run.
class HttpAnswerer {
 public:
  // All outlive it.
  HttpAnswerer(HttpHandler& handler, const Clock& clock, int wake_fd, size_t most, double share);
  ~HttpAnswerer();
  HttpAnswerer(const HttpAnswerer&) = delete;
  HttpAnswerer& operator=(const HttpAnswerer&) = delete;

  // False if too many wait already.
  bool ask(uint64_t connection, HttpRequest request);
  std::vector<HttpAnswer> take_answers();

 private:
  struct Question {
    uint64_t connection = 0;
    HttpRequest request;
  };
  void work();
  // The first question, and all that its answer serves.
  std::vector<Question> take_questions();
  std::vector<HttpAnswer> answer(const std::vector<Question>& questions);

  HttpHandler& handler_;
  const Clock& clock_;
  const int wake_fd_;
  const size_t most_;
  const double share_;
  std::mutex mutex_;  // guards the three below
  std::deque<Question> questions_;
  std::vector<HttpAnswer> answers_;
  bool stop_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last, so that it starts when all else is there
};

}  // namespace tidemark
