// Who asks while an answer is computed waits for the next one: an answer is never older than its question.
#include "daemon/http_answerer.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <utility>

#include <sys/eventfd.h>

#include "base/thread_name.h"
#include "daemon/cpu_share.h"

namespace tidemark {

namespace {

constexpr Duration kAtOnce = Duration::millis(500);  // of CPU time, by who was quiet

bool only_reads(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

HttpAnswerer::HttpAnswerer(HttpHandler& handler, const Clock& clock, int wake_fd, size_t most, double share)
    : handler_(handler), clock_(clock), wake_fd_(wake_fd), most_(most), share_(share), thread_([this] { work(); }) {}

HttpAnswerer::~HttpAnswerer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool HttpAnswerer::ask(uint64_t connection, HttpRequest request) {
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() >= most_) return false;
    questions_.push_back({connection, std::move(request)});
  }
  changed_.notify_one();
  return true;
}

std::vector<HttpAnswer> HttpAnswerer::take_answers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void HttpAnswerer::work() {
  name_this_thread("http-worker");
  CpuShare ration(share_, kAtOnce);
  std::unique_lock lock(mutex_);
  while (true) {
    const Duration rest = ration.rest(clock_.elapsed(), thread_cpu_time());
    if (rest > Duration{0}) changed_.wait_for(lock, std::chrono::microseconds(rest.us), [&] { return stop_; });
    changed_.wait(lock, [&] { return stop_ || !questions_.empty(); });
    if (stop_) return;
    const std::vector<Question> questions = take_questions();
    lock.unlock();
    std::vector<HttpAnswer> made = answer(questions);
    lock.lock();
    std::ranges::move(made, std::back_inserter(answers_));
    eventfd_write(wake_fd_, 1);
  }
}

std::vector<HttpAnswerer::Question> HttpAnswerer::take_questions() {
  std::vector<Question> taken;
  taken.push_back(std::move(questions_.front()));
  questions_.pop_front();
  const HttpRequest& first = taken.front().request;
  if (!only_reads(first)) return taken;
  const auto alike = [path = first.path](const Question& one) {
    return only_reads(one.request) && one.request.path == path;
  };
  const auto others = std::ranges::stable_partition(questions_, std::not_fn(alike));
  std::ranges::move(others, std::back_inserter(taken));
  questions_.erase(others.begin(), others.end());
  return taken;
}

std::vector<HttpAnswer> HttpAnswerer::answer(const std::vector<Question>& questions) {
  const HttpResponse response = handler_.answer(questions.front().request);
  std::vector<HttpAnswer> made;
  for (const bool head_only : {false, true}) {
    HttpAnswer one;
    for (const Question& question : questions) {
      if ((question.request.method == "HEAD") == head_only) one.connections.push_back(question.connection);
    }
    if (one.connections.empty()) continue;
    one.bytes = std::make_shared<const std::string>(render_http(response, head_only));
    made.push_back(std::move(one));
  }
  return made;
}

}  // namespace tidemark
