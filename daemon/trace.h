// Traces as plain data: spans that form a tree, and who takes them. Knows neither what is traced nor how traces travel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"

namespace tidemark {

using SpanAttributes = std::vector<std::pair<std::string, std::variant<int64_t, std::string>>>;

struct Span {
  uint64_t id = 0;      // never 0; unique in its trace
  uint64_t parent = 0;  // 0: the root
  std::string name;
  Time start;
  Time end;
  SpanAttributes attributes;
  std::optional<std::string> error;  // why what it stands for failed
};

struct Trace {
  std::array<uint64_t, 2> id{};  // random
  std::vector<Span> spans;       // the root first
};

// Thread-safe. Takes a trace at once, whatever becomes of it.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void take(Trace trace) = 0;
};

}  // namespace tidemark
