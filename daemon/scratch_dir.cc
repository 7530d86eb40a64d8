// What is synced in memory takes no time; a disk takes its own.
#include "daemon/scratch_dir.h"

#include <stdlib.h>  // mkdtemp

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tidemark {

namespace {

constexpr uintmax_t kRoomInMemory = uintmax_t{512} << 20;

// Containers often have next to none of it.
bool has_room_in_memory() {
  std::error_code error;
  const auto space = std::filesystem::space("/dev/shm", error);
  return !error && space.available >= kRoomInMemory;
}

std::string temporary_root() {
  std::error_code error;
  return std::filesystem::temp_directory_path(error).string();
}

}  // namespace

Result<ScratchDir> ScratchDir::make(std::string_view name) { return make_in({temporary_root()}, name); }

Result<ScratchDir> ScratchDir::make_in_memory(std::string_view name) {
  std::vector<std::string> roots{temporary_root(), "/tmp"};
  if (has_room_in_memory()) roots.insert(roots.begin(), "/dev/shm");
  return make_in(roots, name);
}

Result<ScratchDir> ScratchDir::make_in(const std::vector<std::string>& roots, std::string_view name) {
  for (const std::string& root : roots) {
    std::string path = root + "/" + std::string(name) + "-XXXXXX";
    if (mkdtemp(path.data()) != nullptr) return ScratchDir(path);
  }
  return external_error("no temporary folder can be made: " + std::generic_category().message(errno));
}

ScratchDir::~ScratchDir() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tidemark
