// Rows on standard output: lines stay whole however many threads write. Knows nothing of what they say.
#pragma once

#include <mutex>
#include <string_view>

#include "daemon/sinks.h"

namespace tidemark {

// All of it, waiting while the reader is slow; false when the reader has gone.
bool write_all(int descriptor, std::string_view text);

class StdoutLines final : public LineOutput {
 public:
  Status write(std::string_view lines) override;

 private:
  std::mutex mutex_;  // keeps lines whole
};

}  // namespace tidemark
