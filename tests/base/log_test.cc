// Log lines to the letter, in both forms; what is bound, dropped or held back; and whole lines from many threads.
#include "base/log.h"

#include <limits>
#include <thread>

#include <unistd.h>

#include "tests/catch.h"

namespace tidemark {

namespace {

const Time kMoment = {*parse_rfc3339("2026-01-01T00:00:00.123456Z")};

// What `body` writes to standard error.
template <class Body>
std::string stderr_of(Body body) {
  char path[] = "/tmp/tidemark-log-XXXXXX";
  const int file = mkstemp(path);
  const int before = dup(STDERR_FILENO);
  dup2(file, STDERR_FILENO);
  body();
  dup2(before, STDERR_FILENO);
  std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t n = pread(file, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<size_t>(n));
  close(file);
  close(before);
  unlink(path);
  return text;
}

}  // namespace

TEST_CASE("an event is one text line with its bound fields first") {
  CapturingLogSink sink;
  ManualClock clock(kMoment);
  const Logger logger = Logger(sink, clock).with("pipeline", "x");
  logger.info("checkpoint_committed", {{"epoch", 12}, {"took_ms", 35}});
  logger.with("component", "source").warn("slow");
  CHECK(sink.lines() == std::vector<std::string>{
                            "2026-01-01T00:00:00.123Z INFO checkpoint_committed pipeline=x epoch=12 took_ms=35",
                            "2026-01-01T00:00:00.123Z WARN slow pipeline=x component=source"});
  CHECK(sink.saw("slow"));
  CHECK_FALSE(sink.saw("fast"));
}

TEST_CASE("binding a field again replaces it and leaves the first logger as it was") {
  CapturingLogSink sink;
  ManualClock clock(kMoment);
  const Logger first = Logger(sink, clock).with("pipeline", "x");
  first.with("pipeline", "y").info("a");
  first.info("b");
  CHECK(sink.lines()[0].ends_with("a pipeline=y"));
  CHECK(sink.lines()[1].ends_with("b pipeline=x"));
}

TEST_CASE("values of every kind are written, and no text breaks the line") {
  CapturingLogSink sink;
  ManualClock clock(kMoment);
  const std::string text = "two words";
  Logger(sink, clock).error("e", {{"b", true},
                                  {"u", std::numeric_limits<uint64_t>::max()},
                                  {"x", 0.5},
                                  {"s", text},
                                  {"q", "say \"hi\"\n\x01"},
                                  {"empty", ""},
                                  {"bad", "\xff!"},
                                  {"assign", "a=b"},
                                  {"t", kMoment},
                                  {"d", Duration::seconds(90)}});
  CHECK(sink.lines()[0] ==
        "2026-01-01T00:00:00.123Z ERROR e b=true u=18446744073709551615 x=0.5 s=\"two words\" "
        "q=\"say \\\"hi\\\"\\n\\u0001\" empty=\"\" bad=\"\xEF\xBF\xBD!\" assign=\"a=b\" "
        "t=2026-01-01T00:00:00.123456Z d=1m30s");
}

TEST_CASE("the JSON form is one object with typed values") {
  const LogField fields[] = {{"epoch", 12}, {"why", "no \"space\""}, {"x", std::numeric_limits<double>::infinity()}};
  const std::pair<std::string, std::string> context[] = {{"pipeline", "x"}};
  const LogEvent event{{kMoment.us - 123456}, LogLevel::kError, "checkpoint_failed", context, fields};
  CHECK(format_log_line(event, LogFormat::kJson) ==
        R"({"time":"2026-01-01T00:00:00.000Z","level":"error","event":"checkpoint_failed","pipeline":"x",)"
        R"("epoch":12,"why":"no \"space\"","x":null})");
}

TEST_CASE("levels below the logger's are dropped, and a default logger drops all") {
  CapturingLogSink sink;
  ManualClock clock(kMoment);
  Logger(sink, clock).debug("hidden");
  Logger(sink, clock, LogLevel::kDebug).debug("shown");
  Logger().error("nowhere");
  CHECK(sink.lines().size() == 1);
  CHECK(sink.saw("shown"));
}

TEST_CASE("words for levels and formats") {
  CHECK(parse_log_level("warn") == LogLevel::kWarn);
  CHECK_FALSE(parse_log_level("loud"));
  CHECK(parse_log_format("json") == LogFormat::kJson);
  CHECK_FALSE(parse_log_format("xml"));
}

TEST_CASE("repeats are held back per event and counted in the next line that passes") {
  CapturingLogSink sink;
  ManualClock clock(kMoment);
  {
    RateLimited limited(Logger(sink, clock), Duration::seconds(10));
    for (int i = 0; i < 5; ++i) limited.warn("broker_down", {{"n", i}});
    limited.warn("other");
    CHECK(sink.lines().size() == 2);
    clock.advance(Duration::seconds(10));
    limited.warn("broker_down", {{"n", 5}});
    CHECK(sink.lines().at(2).ends_with("broker_down n=5 suppressed=4"));
    limited.error("broker_down", {{"n", 6}});
    CHECK(sink.lines().size() == 3);
  }
  REQUIRE(sink.lines().size() == 4);
  CHECK(sink.lines()[3].ends_with("ERROR broker_down suppressed=1"));
}

TEST_CASE("lines from several threads arrive whole on standard error") {
  constexpr int kThreads = 4, kLines = 200;
  const std::string long_value(300, 'v');
  const std::string text = stderr_of([&] {
    StderrLogSink sink(LogFormat::kText);
    const SystemClock clock;
    const Logger logger(sink, clock);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kLines; ++i) logger.info("e", {{"v", long_value}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  size_t lines = 0, start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start = end + 1)) {
    ++lines;
    REQUIRE(text.substr(start, end - start).ends_with("Z INFO e v=" + long_value));
  }
  CHECK(lines == kThreads * kLines);
  CHECK(start == text.size());
}

}  // namespace tidemark
