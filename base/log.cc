// Lines are made here, as text or as JSON, and given whole to spdlog, which only writes them to standard error: no
// pattern, no registry. Which events deserve a line is the callers' to know.
#include "base/log.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/safe_text.h"

namespace tidemark {

namespace {

std::string_view level_word(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "error";
}

std::string_view level_capitals(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO";
    case LogLevel::kWarn: return "WARN";
    case LogLevel::kError: return "ERROR";
  }
  return "ERROR";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Always three fraction digits, so that lines line up and sort.
void append_timestamp(Time t, std::string& out) {
  const int64_t us = floor_mod(t.us, 1'000'000);
  append_rfc3339({t.us - us}, out);
  if (!out.ends_with('Z')) return;
  out.pop_back();
  fmt::format_to(std::back_inserter(out), ".{:03}Z", us / 1'000);
}

bool is_plain(std::string_view text) {
  constexpr std::string_view kSpecial = "\"\\=";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return c > ' ' && c < 0x7F && kSpecial.find(c) == std::string_view::npos;
  });
}

void append_text(std::string_view text, LogFormat format, std::string& out) {
  if (format == LogFormat::kText && is_plain(text)) {
    out += text;
  } else {
    append_quoted(text, out);
  }
}

struct ValueAppender {
  LogFormat format;
  std::string& out;

  void operator()(bool b) const { out += b ? "true" : "false"; }
  void operator()(int64_t n) const { fmt::format_to(std::back_inserter(out), "{}", n); }
  void operator()(uint64_t n) const { fmt::format_to(std::back_inserter(out), "{}", n); }
  void operator()(double x) const {
    if (std::isfinite(x) || format == LogFormat::kText) {
      fmt::format_to(std::back_inserter(out), "{}", x);
    } else {
      out += "null";
    }
  }
  void operator()(std::string_view text) const { append_text(text, format, out); }
  void operator()(Time t) const { append_text(format_rfc3339(t), format, out); }
  void operator()(Duration d) const { append_text(format_duration(d), format, out); }
};

std::string text_line(const LogEvent& event) {
  std::string out;
  append_timestamp(event.time, out);
  out += ' ';
  out += level_capitals(event.level);
  out += ' ';
  out += event.name;
  const ValueAppender append{LogFormat::kText, out};
  for (const auto& [key, value] : event.context) {
    fmt::format_to(std::back_inserter(out), " {}=", key);
    append(std::string_view(value));
  }
  for (const LogField& field : event.fields) {
    fmt::format_to(std::back_inserter(out), " {}=", field.key);
    std::visit(append, field.value.value());
  }
  return out;
}

std::string json_line(const LogEvent& event) {
  std::string out = R"({"time":")";
  append_timestamp(event.time, out);
  fmt::format_to(std::back_inserter(out), R"(","level":"{}","event":)", level_word(event.level));
  append_quoted(event.name, out);
  const ValueAppender append{LogFormat::kJson, out};
  const auto append_key = [&](std::string_view key) {
    out += ',';
    append_quoted(key, out);
    out += ':';
  };
  for (const auto& [key, value] : event.context) {
    append_key(key);
    append(std::string_view(value));
  }
  for (const LogField& field : event.fields) {
    append_key(field.key);
    std::visit(append, field.value.value());
  }
  out += '}';
  return out;
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view word) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (word == level_word(level)) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view word) {
  if (word == "text") return LogFormat::kText;
  if (word == "json") return LogFormat::kJson;
  return std::nullopt;
}

std::string format_log_line(const LogEvent& event, LogFormat format) {
  return format == LogFormat::kText ? text_line(event) : json_line(event);
}

// The logger is our own, not in spdlog's registry: no globals.
struct StderrLogSink::Writer {
  spdlog::logger logger{"tidemark", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

StderrLogSink::StderrLogSink(LogFormat format) : format_(format), writer_(std::make_unique<Writer>()) {
  writer_->logger.set_pattern("%v");
  writer_->logger.set_level(spdlog::level::trace);
  writer_->logger.flush_on(spdlog::level::trace);
}

StderrLogSink::~StderrLogSink() = default;

void StderrLogSink::write(const LogEvent& event) {
  writer_->logger.log(spdlog_level(event.level), spdlog::string_view_t(format_log_line(event, format_)));
}

void CapturingLogSink::write(const LogEvent& event) {
  std::string line = format_log_line(event, LogFormat::kText);
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  names_.emplace_back(event.name);
}

std::vector<std::string> CapturingLogSink::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

bool CapturingLogSink::saw(std::string_view event_name) const {
  const std::lock_guard lock(mutex_);
  return std::find(names_.begin(), names_.end(), event_name) != names_.end();
}

Logger Logger::with(std::string_view key, std::string_view value) const {
  Context context = context_ ? *context_ : Context{};
  const auto bound = std::find_if(context.begin(), context.end(), [&](const auto& pair) { return pair.first == key; });
  if (bound != context.end()) {
    bound->second = value;
  } else {
    context.emplace_back(key, value);
  }
  Logger copy = *this;
  copy.context_ = std::make_shared<const Context>(std::move(context));
  return copy;
}

void Logger::log(LogLevel level, std::string_view event, std::span<const LogField> fields) const {
  if (!enabled(level)) return;
  LogEvent line{clock_->now(), level, event, {}, fields};
  if (context_) line.context = *context_;
  sink_->write(line);
}

RateLimited::RateLimited(Logger logger, Duration every) : logger_(std::move(logger)), every_(every) {}

RateLimited::~RateLimited() {
  for (const auto& [event, repeats] : repeats_) {
    if (repeats.suppressed == 0) continue;
    const LogField field{"suppressed", repeats.suppressed};
    logger_.log(repeats.level, event, {&field, 1});
  }
}

std::optional<uint64_t> RateLimited::admit(LogLevel level, std::string_view event) {
  const Duration now = logger_.clock()->elapsed();
  const std::lock_guard lock(mutex_);
  const auto found = repeats_.find(event);
  if (found == repeats_.end()) {
    repeats_.emplace(event, Repeats{now, 0, level});
    return 0;
  }
  Repeats& repeats = found->second;
  if (now - repeats.last_passed < every_) {
    ++repeats.suppressed;
    repeats.level = level;
    return std::nullopt;
  }
  repeats.last_passed = now;
  return std::exchange(repeats.suppressed, 0);
}

void RateLimited::log(LogLevel level, std::string_view event, Fields fields) {
  if (!logger_.enabled(level)) return;
  const std::optional<uint64_t> suppressed = admit(level, event);
  if (!suppressed) return;
  std::vector<LogField> all(fields);
  if (*suppressed > 0) all.push_back({"suppressed", *suppressed});
  logger_.log(level, event, all);
}

}  // namespace tidemark
