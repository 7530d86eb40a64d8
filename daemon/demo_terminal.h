// The terminal of the demo, shared by rows on standard output and by log lines and one status line on standard error.
// Where standard error is a terminal the status line is redrawn in place, otherwise it is printed now and then.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/sinks.h"

namespace tidemark {

// Thread-safe. The clock outlives it.
class DemoTerminal final : public LineOutput, public LogSink {
 public:
  explicit DemoTerminal(const Clock& clock);
  ~DemoTerminal() override;

  Status write(std::string_view lines) override;
  void write(const LogEvent& event) override;
  // Ends with a newline.
  void say(std::string_view text);
  // One line without its end. Skipped while a row waits for a slow reader.
  void show_status(std::string_view line);
  // From here on nothing is redrawn; what was said stays.
  void end_status();

  uint64_t rows() const { return rows_; }
  // Nobody reads standard output any more.
  bool reader_gone() const { return reader_gone_; }

 private:
  void clear();
  void redraw();

  const Clock& clock_;
  const bool in_place_;
  std::mutex mutex_;    // keeps lines whole; guards the three below, and is held while a row is written
  std::string status_;  // as it stands on the terminal; empty: none
  Duration printed_at_{-1};
  std::string scratch_;
  std::atomic<uint64_t> rows_{0};
  std::atomic<bool> reader_gone_{false};
};

}  // namespace tidemark
