// Puts rows, log lines and the status line in each other's way as little as a terminal allows.
#include "daemon/demo_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/stdout_lines.h"

namespace tidemark {
namespace {

constexpr Duration kPrintEvery = Duration::seconds(3);
constexpr std::string_view kClearLine = "\r\033[K";

size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

DemoTerminal::DemoTerminal(const Clock& clock) : clock_(clock), in_place_(::isatty(STDERR_FILENO) == 1) {}

DemoTerminal::~DemoTerminal() { end_status(); }

Status DemoTerminal::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  clear();
  if (!write_all(STDOUT_FILENO, lines)) reader_gone_ = true;
  rows_ += static_cast<uint64_t>(std::ranges::count(lines, '\n'));
  redraw();
  return {};  // where the reader has gone, the demo ends by itself
}

// The client library remarks on what the embedded broker lacks; what goes wrong is told by the pipeline itself.
void DemoTerminal::write(const LogEvent& event) {
  if (event.name != "librdkafka") say(format_log_line(event, LogFormat::kText) + "\n");
}

void DemoTerminal::say(std::string_view text) {
  const std::lock_guard lock(mutex_);
  clear();
  (void)write_all(STDERR_FILENO, text);
  redraw();
}

void DemoTerminal::show_status(std::string_view line) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  if (in_place_) {
    clear();
    status_ = line;
    return redraw();
  }
  const Duration now = clock_.elapsed();
  if (printed_at_ >= Duration{0} && now - printed_at_ < kPrintEvery) return;
  printed_at_ = now;
  scratch_.assign(line).push_back('\n');
  (void)write_all(STDERR_FILENO, scratch_);
}

void DemoTerminal::end_status() {
  const std::lock_guard lock(mutex_);
  clear();
  status_.clear();
}

void DemoTerminal::clear() {
  if (!status_.empty()) (void)write_all(STDERR_FILENO, kClearLine);
}

// The last column stays free: terminals differ in what a full line does.
void DemoTerminal::redraw() {
  if (!status_.empty()) (void)write_all(STDERR_FILENO, std::string_view(status_).substr(0, columns() - 1));
}

}  // namespace tidemark
