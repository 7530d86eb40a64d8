// A broker in a few threads of this process: it speaks ApiVersions and Fetch over a real socket, holds the logs that a
// test gives it, keeps what it was asked, and misbehaves as the test says. Knows no groups, no metadata, no producers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "operators/sources/partition_fetch.h"
#include "tests/operators/sources/native/batch_kit.h"

namespace tidemark {

struct FakeLog {
  std::vector<std::pair<int64_t, std::string>> batches;  // each with the offset behind it
  int64_t end = 0;
  int64_t last_stable = -1;  // -1: its end
  std::vector<std::pair<int64_t, int64_t>> aborted;  // producer, first offset
  int16_t error = 0;

  // Whole batches from the one that holds `offset` on; the first is cut off at `most` unless `whole`.
  std::string read(int64_t offset, size_t most, bool whole) const {
    std::string out;
    for (const auto& [behind, bytes] : batches) {
      if (behind <= offset || (last_stable >= 0 && behind > last_stable)) continue;
      if (out.size() + bytes.size() > most && !(whole && out.empty())) {
        out += bytes.substr(0, most - std::min(most, out.size()));
        break;
      }
      out += bytes;
    }
    return out;
  }
};

struct FetchQuestion {
  struct Place {
    std::string topic;
    int32_t partition = 0;
    int64_t offset = 0;
    int32_t most = 0;
  };
  int16_t version = 0;
  int32_t correlation = 0;
  int32_t wait_ms = 0;
  int32_t most = 0;
  std::vector<Place> places;
  std::chrono::steady_clock::time_point at;
};

class FakeBroker {
 public:
  using Key = std::pair<std::string, int32_t>;
  // What a test changes while the broker runs, under its lock.
  struct State {
    std::map<Key, FakeLog> logs;
    int16_t newest_version = 11;
    int32_t throttle_ms = 0;     // told with every answer
    int32_t delay_ms = 0;        // before an answer
    bool silent = false;         // no fetch is answered
    bool twice = false;          // each partition is in an answer twice
    size_t cut_at = 0;           // 0: not at all; else the next answer ends after so many bytes, and the connection too
    std::function<void(std::string&)> garble;  // done to the next answer
    std::vector<FetchQuestion> asked;
    int connections = 0;
    bool stopping = false;
  };

  template <class Change>
  auto with(Change change) {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    return change(state_);
  }

  FakeBroker() {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(bind(listening_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(listen(listening_, 64) == 0);
    REQUIRE(getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~FakeBroker() {
    with([&](State& state) {
      state.stopping = true;
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    });
    shutdown(listening_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : connections_) thread.join();
    close(listening_);
  }

  BrokerAddress address(int32_t id) const { return {id, "127.0.0.1", port_}; }
  void append(const Key& key, const batch_kit::TestBatch& batch) {
    const std::string bytes = to_bytes(batch);
    with([&](State& state) {
      FakeLog& log = state.logs[key];
      log.end = batch.base + last_delta(batch) + 1;
      log.batches.emplace_back(log.end, bytes);
    });
  }
  // `count` more records with their offsets as values, in batches of `each`.
  void fill(const Key& key, int count, int each = 10, batch_kit::Packing packing = batch_kit::Packing::kNone) {
    int64_t at = with([&](State& state) { return state.logs[key].end; });
    for (; count > 0; count -= each, at += each) append(key, batch_kit::numbered(at, std::min(count, each), packing));
  }
  std::vector<FetchQuestion> asked() {
    return with([](State& state) { return state.asked; });
  }
  void cut_connections() {
    with([&](State&) {
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    });
  }

 private:
  static constexpr int16_t kFetch = 1;
  static constexpr int16_t kApiVersions = 18;

  // Over a request, which is trusted.
  struct Cursor {
    std::string_view left;
    template <class T>
    T get() {
      uint64_t value = 0;
      for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<uint8_t>(left[i]);
      left.remove_prefix(sizeof(T));
      return static_cast<T>(value);
    }
    std::string text() {
      const auto size = static_cast<size_t>(get<int16_t>());
      std::string out(left.substr(0, size));
      left.remove_prefix(size);
      return out;
    }
  };

  void accept_all() {
    while (true) {
      const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      if (state_.stopping) return void(close(fd));
      ++state_.connections;
      open_.push_back(fd);
      connections_.emplace_back([this, fd] { serve(fd); });
    }
  }

  static bool receive(int fd, char* to, size_t size) {
    while (size > 0) {
      const ssize_t n = recv(fd, to, size, 0);
      if (n <= 0) return false;
      to += n;
      size -= static_cast<size_t>(n);
    }
    return true;
  }
  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  void serve(int fd) {
    char size[4];
    while (receive(fd, size, sizeof size)) {
      std::string request(static_cast<size_t>(Cursor{{size, sizeof size}}.get<int32_t>()), '\0');
      if (!receive(fd, request.data(), request.size()) || !answer(fd, request)) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    close(fd);
  }

  // False: the connection is to end.
  bool answer(int fd, const std::string& request) {
    Cursor in{request};
    const auto api = in.get<int16_t>();
    const auto version = in.get<int16_t>();
    const auto correlation = in.get<int32_t>();
    in.text();
    std::string out;
    if (api == kApiVersions) return send_all(fd, framed(versions(correlation)));
    const FetchQuestion question = read_question(in, version, correlation);
    std::unique_lock lock(mutex_);
    state_.asked.push_back(question);
    if (state_.silent) return true;
    const auto until = std::chrono::system_clock::now() + std::chrono::milliseconds(question.wait_ms);
    changed_.wait_until(lock, until, [&] { return state_.stopping || has_news(question); });
    out = framed(fetched(question));
    if (state_.garble) std::exchange(state_.garble, nullptr)(out);
    const size_t cut = std::exchange(state_.cut_at, 0);
    const int delay_ms = state_.delay_ms;
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    if (cut == 0) return send_all(fd, out);
    send_all(fd, std::string_view(out).substr(0, cut));
    return false;
  }

  static std::string framed(std::string answer) {
    std::string out;
    batch_kit::put(out, static_cast<int32_t>(answer.size()));
    return out + answer;
  }

  std::string versions(int32_t correlation) {
    std::string out;
    batch_kit::put(out, correlation);
    batch_kit::put(out, int16_t{0});
    batch_kit::put(out, int32_t{2});
    const int16_t newest = with([](State& state) { return state.newest_version; });
    for (const int16_t number : {kFetch, int16_t{0}, newest, kApiVersions, int16_t{0}, int16_t{3}}) {
      batch_kit::put(out, number);
    }
    return out;
  }

  static FetchQuestion read_question(Cursor in, int16_t version, int32_t correlation) {
    FetchQuestion out;
    out.version = version;
    out.correlation = correlation;
    out.at = std::chrono::steady_clock::now();
    in.get<int32_t>();
    out.wait_ms = in.get<int32_t>();
    in.get<int32_t>();
    out.most = in.get<int32_t>();
    in.get<int8_t>();
    if (version >= 7) in.get<int64_t>();
    for (auto topics = in.get<int32_t>(); topics > 0; --topics) {
      const std::string topic = in.text();
      for (auto partitions = in.get<int32_t>(); partitions > 0; --partitions) {
        FetchQuestion::Place place;
        place.topic = topic;
        place.partition = in.get<int32_t>();
        if (version >= 9) in.get<int32_t>();
        place.offset = in.get<int64_t>();
        if (version >= 5) in.get<int64_t>();
        place.most = in.get<int32_t>();
        out.places.push_back(place);
      }
    }
    return out;
  }

  bool has_news(const FetchQuestion& question) {
    return std::ranges::any_of(question.places, [&](const auto& place) {
      const FakeLog& log = state_.logs[{place.topic, place.partition}];
      return log.error != 0 || !log.read(place.offset, 1, false).empty();
    });
  }

  std::string fetched(const FetchQuestion& question) {
    using batch_kit::put;
    std::string out;
    put(out, question.correlation);
    put(out, state_.throttle_ms);
    if (question.version >= 7) put(out, int16_t{0}), put(out, int32_t{0});
    const int times = state_.twice ? 2 : 1;
    put(out, static_cast<int32_t>(question.places.size()) * times);
    auto left = static_cast<size_t>(question.most);
    bool none = true;
    for (const auto& place : question.places) {
      const FakeLog& log = state_.logs[{place.topic, place.partition}];
      const size_t most = std::min(left, static_cast<size_t>(place.most));
      const std::string records = log.error != 0 ? "" : log.read(place.offset, most, none);
      none = none && records.empty();
      left -= std::min(left, records.size());
      for (int i = 0; i < times; ++i) {
        batch_kit::put_text(out, place.topic);
        put(out, int32_t{1});
        out += partition(question.version, place, log, records);
      }
    }
    return out;
  }

  static std::string partition(int16_t version, const FetchQuestion::Place& place, const FakeLog& log,
                               const std::string& records) {
    using batch_kit::put;
    std::string out;
    put(out, place.partition);
    put(out, log.error);
    put(out, log.error != 0 ? int64_t{-1} : log.end);
    put(out, log.error != 0 ? int64_t{-1} : log.last_stable >= 0 ? log.last_stable : log.end);
    if (version >= 5) put(out, int64_t{0});
    put(out, static_cast<int32_t>(log.aborted.size()));
    for (const auto& [producer, first] : log.aborted) put(out, producer), put(out, first);
    if (version >= 11) put(out, int32_t{-1});
    put(out, static_cast<int32_t>(records.size()));
    return out + records;
  }

  int listening_ = -1;
  int32_t port_ = 0;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  State state_;
  std::vector<int> open_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace tidemark
