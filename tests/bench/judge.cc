// Window rows fall into a table by window and user and are judged when the topic is drained; sessions and filtered rows are
// judged by their number and a digest that no order can change.
#include "tests/bench/judge.h"

#include <simdjson.h>
#include <xxhash.h>

#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "tests/bench/client.h"

namespace tidemark::bench {

namespace {

// A message's JSON, in memory that simdjson may overread.
class Reader {
 public:
  bool open(const rd_kafka_message_t& message) {
    const size_t needed = message.len + simdjson::SIMDJSON_PADDING;
    if (padded_.size() < needed) padded_.resize(needed);
    std::memcpy(padded_.data(), message.payload, message.len);
    return !parser_.iterate(padded_.data(), message.len, padded_.size()).get(document_);
  }

  bool user(uint64_t& out) {
    std::string_view text;
    if (document_["user_id"].get_string().get(text) || !text.starts_with("user-")) return false;
    const auto [end, error] = std::from_chars(text.data() + 5, text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  }

  bool time_ms(const char* field, int64_t& out) {
    simdjson::ondemand::value value;
    if (document_[field].get(value)) return false;
    std::string_view text;
    if (value.type() == simdjson::ondemand::json_type::number) return !value.get_int64().get(out);
    if (value.get_string().get(text)) return false;
    out = parse_time_ms(text);
    return out >= 0;
  }

  bool integer(const char* field, int64_t& out) { return !document_[field].get_int64().get(out); }
  bool number(const char* field, double& out) { return !document_[field].get_double().get(out); }

 private:
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::vector<char> padded_;
};

std::string text_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), std::min<size_t>(message.len, 300)};
}

struct Cell {
  double sum = 0;
  int32_t count = 0;
  int32_t rows = 0;
};

struct WindowJudge {
  const Expected& expected;
  Judgement judgement{};
  std::vector<Cell> cells{};
  Reader reader{};

  size_t place(int64_t window, uint64_t user) const { return static_cast<size_t>(window * expected.keys()) + user; }

  void take(const rd_kafka_message_t& message) {
    ++judgement.rows;
    uint64_t user = 0;
    int64_t start_ms = 0, count = 0;
    double sum = 0;
    const bool read = reader.open(message) && reader.user(user) && reader.time_ms("window_start", start_ms) &&
                      reader.integer("n", count) && reader.number("spent", sum);
    const int64_t window = read ? expected.window_at(start_ms) : -1;
    if (window < 0 || user >= static_cast<uint64_t>(expected.keys())) {
      ++judgement.wrong;
      if (judgement.first_wrong.empty()) judgement.first_wrong = text_of(message);
      return;
    }
    Cell& cell = cells[place(window, user)];
    cell.count = static_cast<int32_t>(count);
    cell.sum = sum;
    ++cell.rows;
  }

  void close(Sums sums, const Output& output) {
    for (int64_t window = 0; window < expected.windows(); ++window) {
      for (uint64_t user = 0; user < static_cast<uint64_t>(expected.keys()); ++user) {
        close(window, user, cells[place(window, user)], sums, output);
      }
    }
  }

  static bool same(double sum, const Row& row, Sums sums) {
    switch (sums) {
      case Sums::kExact: return std::bit_cast<uint64_t>(sum) == std::bit_cast<uint64_t>(row.exact);
      case Sums::kNaive: return std::bit_cast<uint64_t>(sum) == std::bit_cast<uint64_t>(row.naive);
      case Sums::kNear: return std::abs(sum - row.exact) <= 1e-12 * std::abs(row.exact);
    }
    return false;
  }

  void close(int64_t window, uint64_t user, const Cell& cell, Sums sums, const Output& output) {
    const Row row = expected.row(expected.start_of(window), user);
    const bool may_miss = expected.start_of(window) + expected.size_ms() > output.closed_until_ms;
    if (cell.rows == 0 && may_miss) return;
    judgement.expected += row.count > 0 ? 1 : 0;
    if (cell.rows == 0) {
      judgement.missing += row.count > 0 ? 1 : 0;
      return;
    }
    if (cell.rows > 1 && !output.upserts) judgement.repeated += cell.rows - 1;
    if (cell.count == row.count && same(cell.sum, row, sums)) return;
    ++judgement.wrong;
    if (judgement.first_wrong.empty()) {
      judgement.first_wrong = user_name(user) + " " + std::to_string(cell.count) + " " + std::to_string(cell.sum) +
                              " instead of " + render(expected, window, user, row);
    }
  }
};

uint64_t digest_of(uint64_t user, double amount, int64_t ts_ms) {
  const uint64_t parts[3] = {user, std::bit_cast<uint64_t>(amount), static_cast<uint64_t>(ts_ms)};
  return XXH3_64bits(parts, sizeof parts);
}

uint64_t digest_of(const Session& session) {
  const uint64_t parts[5] = {session.user, static_cast<uint64_t>(session.start_ms), static_cast<uint64_t>(session.end_ms),
                             static_cast<uint64_t>(session.count), std::bit_cast<uint64_t>(session.exact)};
  return XXH3_64bits(parts, sizeof parts);
}

struct SessionJudge {
  Judgement judgement{};
  uint64_t digest = 0;  // a sum, so that no order matters
  Reader reader{};

  void take(const rd_kafka_message_t& message) {
    ++judgement.rows;
    Session row;
    if (reader.open(message) && reader.user(row.user) && reader.time_ms("window_start", row.start_ms) &&
        reader.time_ms("window_end", row.end_ms) && reader.integer("n", row.count) && reader.number("spent", row.exact)) {
      digest += digest_of(row);
    } else {
      ++judgement.wrong;
      if (judgement.first_wrong.empty()) judgement.first_wrong = text_of(message);
    }
  }
};

// Says what a number of rows and a digest say.
void compare(Judgement& out, uint64_t wanted, uint64_t found) {
  out.missing += std::max<int64_t>(0, out.expected - out.rows);
  out.repeated += std::max<int64_t>(0, out.rows - out.expected);
  if (!out.good() || wanted == found) return;
  out.wrong = 1;
  out.first_wrong = "the rows are as many as they must be, but not the same";
}

struct FilterJudge {
  Judgement judgement{};
  uint64_t digest = 0;  // a sum, so that no order matters
  Reader reader{};

  void take(const rd_kafka_message_t& message) {
    ++judgement.rows;
    uint64_t user = 0;
    double amount = 0;
    int64_t ts_ms = 0;
    if (reader.open(message) && reader.user(user) && reader.number("amount", amount) && reader.time_ms("ts", ts_ms)) {
      digest += digest_of(user, amount, ts_ms);
    } else {
      ++judgement.wrong;
      if (judgement.first_wrong.empty()) judgement.first_wrong = text_of(message);
    }
  }
};

int digits(std::string_view text, size_t at, size_t count) {
  int value = -1;
  if (at + count <= text.size()) std::from_chars(text.data() + at, text.data() + at + count, value);
  return value;
}

}  // namespace

int64_t parse_time_ms(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 19) return -1;
  const year_month_day date(year(digits(text, 0, 4)), month(static_cast<unsigned>(digits(text, 5, 2))),
                            day(static_cast<unsigned>(digits(text, 8, 2))));
  if (!date.ok()) return -1;
  int64_t ms = sys_days(date).time_since_epoch().count() * 86'400'000LL;
  ms += (digits(text, 11, 2) * 3600LL + digits(text, 14, 2) * 60LL + digits(text, 17, 2)) * 1000;
  if (text.size() > 20 && text[19] == '.') {
    int64_t scale = 100;
    for (size_t at = 20; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      ms += (text[at] - '0') * scale;
    }
  }
  return ms;
}

Judgement judge_windows(const std::string& brokers, const Output& output, const Expected& expected, Sums sums) {
  WindowJudge judge{expected};
  judge.cells.resize(static_cast<size_t>(expected.windows() * expected.keys()));
  Drain how{.partitions = output.partitions, .failure = {}};
  drain(brokers, output.topic, how, [](rd_kafka_message_t* message, void* opaque) {
    static_cast<WindowJudge*>(opaque)->take(*message);
  }, &judge);
  judge.close(sums, output);
  return judge.judgement;
}

Judgement judge_sessions(const std::string& brokers, const Output& output, const Stream& stream, int64_t gap_ms) {
  SessionJudge judge;
  Drain how{.partitions = output.partitions, .failure = {}};
  drain(brokers, output.topic, how, [](rd_kafka_message_t* message, void* opaque) {
    static_cast<SessionJudge*>(opaque)->take(*message);
  }, &judge);
  uint64_t digest = 0;
  for_each_session(stream, gap_ms, [&](const Session& session) {
    ++judge.judgement.expected;
    digest += digest_of(session);
  });
  compare(judge.judgement, digest, judge.digest);
  return judge.judgement;
}

Judgement judge_filter(const std::string& brokers, const Output& output, const Stream& stream, int64_t least_cents) {
  FilterJudge judge;
  Drain how{.partitions = output.partitions, .failure = {}};
  drain(brokers, output.topic, how, [](rd_kafka_message_t* message, void* opaque) {
    static_cast<FilterJudge*>(opaque)->take(*message);
  }, &judge);
  uint64_t digest = 0;
  Judgement& out = judge.judgement;
  for (int64_t i = 0; i < stream.events; ++i) {
    if (cents_of(i) < least_cents || std::string_view(type_of(i)) != "purchase") continue;
    ++out.expected;
    digest += digest_of(user_of(stream, i), amount_of(i), time_ms_of(stream, i));
  }
  compare(out, digest, judge.digest);
  return out;
}

}  // namespace tidemark::bench
