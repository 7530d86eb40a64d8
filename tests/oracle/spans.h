// Which windows of a kind contain an instant, by stepping from one to the next. Knows no rows and no watermark.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "tests/oracle/oracle.h"

namespace tidemark::oracle {

// A window [start, end).
struct Span {
  int64_t start_us = 0;
  int64_t end_us = 0;
  auto operator<=>(const Span&) const = default;
};

std::vector<Span> spans_of(const Window& window, int64_t t_us);

}  // namespace tidemark::oracle
