// Folders of processes that start at the same moment: each gets one of its own and keeps it; the dead ones' are cleared.
#include "daemon/work_dir.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/catch.h"
#include "tests/state/store_fixture.h"

namespace tidemark {

TEST_CASE("folders that are made at the same moment stay whole while they are held, and go with their holders") {
  TempDir dir;
  LocalFiles files;
  const std::string root = dir / "work";
  std::atomic<int> broken{0};
  const auto start_again_and_again = [&] {
    for (int n = 0; n < 200; ++n) {
      const auto made = WorkDir::make(files, root);
      if (!made) {
        ++broken;
        continue;
      }
      std::ofstream((*made)->path() + "/scratch/file") << "x";
      std::this_thread::yield();
      const bool whole = std::filesystem::exists((*made)->path() + "/live") &&
                         std::filesystem::exists((*made)->path() + "/scratch/file");
      if (!whole) ++broken;
    }
  };
  std::vector<std::thread> starters;
  for (int n = 0; n < 4; ++n) starters.emplace_back(start_again_and_again);
  for (std::thread& starter : starters) starter.join();
  CHECK(broken == 0);
  CHECK(std::filesystem::is_empty(root));
}

TEST_CASE("what a dead process left is cleared by the next one; what a living one holds is not") {
  TempDir dir;
  LocalFiles files;
  const std::string root = dir / "work";
  std::filesystem::create_directories(root + "/dead/live");
  std::ofstream(root + "/dead/lock") << "";
  const auto first = WorkDir::make(files, root);
  REQUIRE(first);
  CHECK_FALSE(std::filesystem::exists(root + "/dead"));
  const auto second = WorkDir::make(files, root);
  REQUIRE(second);
  CHECK(std::filesystem::exists((*first)->path() + "/live"));
  CHECK(std::filesystem::exists((*second)->path() + "/live"));
}

}  // namespace tidemark
