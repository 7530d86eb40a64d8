// Structured logging: one line per event that an operator can act on, as text or as JSON, on standard error. A Logger
// is passed through constructors and carries bound fields such as pipeline and component.
// It knows nothing of who logs what; there is no global logger and no per-record logging.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/time.h"

namespace tidemark {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };

// "debug", "info", "warn", "error"; nothing for any other word.
std::optional<LogLevel> parse_log_level(std::string_view word);
// "text", "json"; nothing for any other word.
std::optional<LogFormat> parse_log_format(std::string_view word);

// A field's value. Text is referred to, not copied: it lives as long as the call that logs it. A Time is written as
// RFC 3339, a Duration as `1m30s`.
class LogValue {
 public:
  using Value = std::variant<bool, int64_t, uint64_t, double, std::string_view, Time, Duration>;

  LogValue(bool b) : value_(b) {}
  LogValue(std::signed_integral auto n) : value_(static_cast<int64_t>(n)) {}
  LogValue(std::unsigned_integral auto n) : value_(static_cast<uint64_t>(n)) {}
  LogValue(std::floating_point auto x) : value_(static_cast<double>(x)) {}
  LogValue(const char* text) : value_(std::string_view(text)) {}
  LogValue(std::string_view text) : value_(text) {}
  LogValue(const std::string& text) : value_(std::string_view(text)) {}
  LogValue(Time t) : value_(t) {}
  LogValue(Duration d) : value_(d) {}

  const Value& value() const { return value_; }

 private:
  Value value_;
};

struct LogField {
  std::string_view key;  // snake_case, units last: took_ms
  LogValue value;
};

// One event on its way to a sink; refers to the caller's memory.
struct LogEvent {
  Time time;
  LogLevel level = LogLevel::kInfo;
  std::string_view name;                                         // stable snake_case: checkpoint_committed
  std::span<const std::pair<std::string, std::string>> context;  // the logger's bound fields, in order
  std::span<const LogField> fields;
};

// One line without its end:
//   text  2026-01-01T00:00:00.123Z INFO checkpoint_committed pipeline=x epoch=12 took_ms=35
//   JSON  {"time":"2026-01-01T00:00:00.123Z","level":"info","event":"checkpoint_committed","pipeline":"x","epoch":12}
// Text values with spaces, quotes, `=` or control characters are quoted and escaped, so that an event is one line.
std::string format_log_line(const LogEvent& event, LogFormat format);

// Where events go. Implementations are thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogEvent& event) = 0;
};

// Lines on standard error, whole even when threads write at once.
class StderrLogSink final : public LogSink {
 public:
  explicit StderrLogSink(LogFormat format);
  ~StderrLogSink() override;
  void write(const LogEvent& event) override;

 private:
  struct Writer;
  LogFormat format_;
  std::unique_ptr<Writer> writer_;
};

// Keeps the text lines, for tests.
class CapturingLogSink final : public LogSink {
 public:
  void write(const LogEvent& event) override;
  std::vector<std::string> lines() const;
  // Whether an event of this name was logged.
  bool saw(std::string_view event_name) const;

 private:
  mutable std::mutex mutex_;  // guards the two below
  std::vector<std::string> lines_;
  std::vector<std::string> names_;
};

// Thread-safe, cheap to copy. Sink and clock outlive it. A default-constructed logger discards everything.
class Logger {
 public:
  Logger() = default;
  Logger(LogSink& sink, const Clock& clock, LogLevel least = LogLevel::kInfo)
      : sink_(&sink), clock_(&clock), least_(least) {}

  // The same logger with one more bound field, or with a new value for it.
  [[nodiscard]] Logger with(std::string_view key, std::string_view value) const;

  bool enabled(LogLevel level) const { return sink_ != nullptr && level >= least_; }
  const Clock* clock() const { return clock_; }

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view event, Fields fields = {}) const { log(LogLevel::kDebug, event, span(fields)); }
  void info(std::string_view event, Fields fields = {}) const { log(LogLevel::kInfo, event, span(fields)); }
  void warn(std::string_view event, Fields fields = {}) const { log(LogLevel::kWarn, event, span(fields)); }
  void error(std::string_view event, Fields fields = {}) const { log(LogLevel::kError, event, span(fields)); }
  void log(LogLevel level, std::string_view event, std::span<const LogField> fields) const;

 private:
  static std::span<const LogField> span(Fields fields) { return {fields.begin(), fields.size()}; }

  using Context = std::vector<std::pair<std::string, std::string>>;
  LogSink* sink_ = nullptr;
  const Clock* clock_ = nullptr;
  LogLevel least_ = LogLevel::kInfo;
  std::shared_ptr<const Context> context_;
};

// Lets each event name through at most once in `every`; the next line that passes, or the end of this object, says in
// `suppressed` how many were held back. Thread-safe. Event names are a fixed, small set: each is remembered.
class RateLimited {
 public:
  RateLimited(Logger logger, Duration every);
  ~RateLimited();
  RateLimited(const RateLimited&) = delete;
  RateLimited& operator=(const RateLimited&) = delete;

  using Fields = Logger::Fields;
  void info(std::string_view event, Fields fields = {}) { log(LogLevel::kInfo, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { log(LogLevel::kWarn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { log(LogLevel::kError, event, fields); }
  void log(LogLevel level, std::string_view event, Fields fields);

 private:
  struct Repeats {
    Duration last_passed;  // on the clock's elapsed()
    uint64_t suppressed = 0;
    LogLevel level = LogLevel::kInfo;
  };
  // How many were suppressed before this one, if it passes; nothing if it is suppressed itself.
  std::optional<uint64_t> admit(LogLevel level, std::string_view event);

  Logger logger_;
  Duration every_;
  std::mutex mutex_;  // guards repeats_; never held while a line is written
  std::map<std::string, Repeats, std::less<>> repeats_;
};

}  // namespace tidemark
