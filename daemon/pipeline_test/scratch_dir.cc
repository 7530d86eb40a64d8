// Memory first: a test's checkpoints are synced, and a disk takes its time for that.
#include "daemon/pipeline_test/scratch_dir.h"

#include <stdlib.h>  // mkdtemp

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tidemark {

Result<ScratchDir> ScratchDir::make() {
  std::error_code error;
  const std::string usual = std::filesystem::temp_directory_path(error).string();
  for (const std::string& root : {std::string("/dev/shm"), usual, std::string("/tmp")}) {
    std::string path = root + "/tidemark-test-XXXXXX";
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
