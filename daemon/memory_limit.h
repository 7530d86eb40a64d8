// How much memory the process may use: the tightest limit of its control groups (v1 and v2, ancestors included), or the
// machine's memory. It does not know who shares it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace tidemark {

struct MemoryLimit {
  uint64_t bytes = 0;
  std::string source;  // "the machine", or the file that set it
};

// Reads /proc and /sys/fs/cgroup below `root`, which is / but in tests.
Result<MemoryLimit> find_memory_limit(const std::filesystem::path& root = "/");

// The budget that `--memory` stands for when it is not given: 60% of the limit. The rest is for librdkafka, threads,
// the allocator's slack and the page cache, which no budget of ours counts.
uint64_t default_memory_budget(const MemoryLimit& limit);

}  // namespace tidemark
