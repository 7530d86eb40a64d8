// Control groups as they look on machines and in containers, as files in a temporary folder.
#include "daemon/memory_limit.h"

#include <cstdlib>
#include <fstream>

#include "tests/catch.h"

namespace tidemark {

namespace {

constexpr uint64_t kMiB = 1 << 20;

class FakeRoot {
 public:
  FakeRoot() {
    char folder[] = "/tmp/tidemark-cgroup-XXXXXX";
    root_ = mkdtemp(folder);
    write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  100 kB\n");
  }
  ~FakeRoot() { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  MemoryLimit limit() const {
    const auto found = find_memory_limit(root_);
    REQUIRE(found);
    return *found;
  }
  const std::filesystem::path& path() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace

TEST_CASE("without control groups the machine is the limit") {
  FakeRoot root;
  CHECK(root.limit().bytes == 8192 * kMiB);
  CHECK(root.limit().source == "the machine");
}

TEST_CASE("v2: the group's own limit") {
  FakeRoot root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.max", "536870912\n");
  CHECK(root.limit().bytes == 512 * kMiB);
  CHECK(root.limit().source.ends_with("/sys/fs/cgroup/a/b/memory.max"));
}

TEST_CASE("v2: an ancestor's tighter limit counts, `max` does not") {
  FakeRoot root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  root.write("sys/fs/cgroup/a/memory.max", "268435456\n");
  CHECK(root.limit().bytes == 256 * kMiB);
  root.write("sys/fs/cgroup/a/b/memory.max", "536870912\n");
  CHECK(root.limit().bytes == 256 * kMiB);
}

TEST_CASE("v2: in a container the mount point is the group") {
  FakeRoot root;
  root.write("sys/fs/cgroup/memory.max", "134217728\n");
  for (const char* group : {"0::/\n", "0::/kubepods/pod1/c1\n", "0::/../..\n"}) {
    INFO(group);
    root.write("proc/self/cgroup", group);
    CHECK(root.limit().bytes == 128 * kMiB);
  }
}

TEST_CASE("v1: the memory controller's limit, whatever stands beside it") {
  FakeRoot root;
  root.write("proc/self/cgroup", "12:cpu,cpuacct:/x\n5:memory:/docker/c1\n1:name=systemd:/x\n0::/x\n");
  root.write("sys/fs/cgroup/cpu/x/memory.limit_in_bytes", "1048576\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(root.limit().bytes == 8192 * kMiB);
  root.write("sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes", "1073741824\n");
  CHECK(root.limit().bytes == 1024 * kMiB);
}

TEST_CASE("v1: in a container the mount point is the group") {
  FakeRoot root;
  root.write("proc/self/cgroup", "5:cpuset,memory:/docker/c1\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n");
  CHECK(root.limit().bytes == 64 * kMiB);
}

TEST_CASE("a limit beyond the machine is no limit, and nonsense is none either") {
  FakeRoot root;
  root.write("proc/self/cgroup", "nonsense\n0::/a\n");
  for (const char* text : {"99999999999999\n", "0\n", "many\n", "", "-1\n", "99999999999999999999999\n"}) {
    INFO(text);
    root.write("sys/fs/cgroup/a/memory.max", text);
    CHECK(root.limit().source == "the machine");
  }
}

TEST_CASE("a machine that does not say its memory is an error") {
  FakeRoot root;
  root.write("proc/meminfo", "MemFree: 1 kB\n");
  CHECK_FALSE(find_memory_limit(root.path()));
}

TEST_CASE("the default budget is 60% of the limit") {
  CHECK(default_memory_budget({1000, ""}) == 600);
  CHECK(default_memory_budget({UINT64_MAX, ""}) > UINT64_MAX / 2);
}

TEST_CASE("this machine has a limit") {
  const auto limit = find_memory_limit();
  REQUIRE(limit);
  CHECK(limit->bytes > 16 * kMiB);
}

}  // namespace tidemark
