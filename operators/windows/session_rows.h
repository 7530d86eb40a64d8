// SessionRows: turns sessions into result rows, and takes back what was said of sessions that are none any more. Knows heads
// and states, not where they come from.
#pragma once

#include <string_view>

#include "operators/windows/result_writer.h"
#include "operators/windows/session_head.h"
#include "operators/windows/state_block.h"

namespace tidemark {

// Single-threaded. What it is given outlives it. All answer false when `key` was not made by encode_keys.
class SessionRows {
 public:
  SessionRows(const WindowPlan& plan, const StateBlock& block, ResultWriter& rows)
      : revises_(plan.revises()), withdraws_(plan.withdraws()), block_(block), rows_(rows) {}
  // How many rows are likely to follow.
  void expect(size_t rows) { expected_rows_ = rows; }

  // The last row of a session, whose states these are, ending at `end`.
  [[nodiscard]] bool finish(std::string_view key, const std::byte* states, Time end);
  // A row that another one will follow.
  [[nodiscard]] bool speak(std::string_view key, const std::byte* states, const SessionNote& note);
  // The session of `note` is none any more.
  [[nodiscard]] bool withdraw(std::string_view key, const SessionNote& note, Time newest_kafka_time);

 private:
  const bool revises_;
  const bool withdraws_;
  const StateBlock& block_;
  ResultWriter& rows_;
  size_t expected_rows_ = 0;
};

}  // namespace tidemark
