// Reads proc and the control files below a root that tests may choose. A group whose files are not there leaves the
// word to those above it; what is no number is no limit.
#include "daemon/memory_limit.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace tidemark {

namespace {

namespace fs = std::filesystem;

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

// The number that a control file holds; nothing for `max` or where there is no such file.
std::optional<uint64_t> read_limit(const fs::path& file) {
  std::ifstream in(file);
  std::string word;
  if (!(in >> word)) return std::nullopt;
  return parse_number(word);
}

std::optional<uint64_t> machine_memory(const fs::path& root) {
  std::ifstream in(root / "proc/meminfo");
  std::string name, amount;
  while (in >> name >> amount) {
    if (name == "MemTotal:") {
      const std::optional<uint64_t> kib = parse_number(amount);
      return kib ? std::optional(*kib * 1024) : std::nullopt;
    }
    in.ignore(1024, '\n');
  }
  return std::nullopt;
}

// Lowers `limit` to the lowest that `group` and its ancestors up to `mount` set in `file`. Inside a container `group`
// is often a path of the host that does not exist here; the mount point itself then is the container's group.
void apply_hierarchy(const fs::path& mount, const std::string& group, const char* file, MemoryLimit& limit) {
  fs::path below;
  for (const fs::path& part : fs::path(group).relative_path()) {
    if (part == "..") return apply_hierarchy(mount, "", file, limit);
    below /= part;
  }
  while (true) {
    const fs::path control = mount / below / file;
    const std::optional<uint64_t> found = read_limit(control);
    // 0 is no limit that a running process can have; v1 writes a huge number where there is none.
    if (found && *found > 0 && *found < limit.bytes) limit = {*found, control.string()};
    if (below.empty()) return;
    below = below.parent_path();
  }
}

bool names_memory(std::string_view controllers) {
  std::istringstream list{std::string(controllers)};
  for (std::string one; std::getline(list, one, ',');) {
    if (one == "memory") return true;
  }
  return false;
}

// A line of /proc/self/cgroup: `ID:CONTROLLERS:PATH`; v2 has the id 0 and no controllers.
void apply_group_line(const fs::path& root, const std::string& line, MemoryLimit& limit) {
  const size_t first = line.find(':');
  const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
  if (second == std::string::npos) return;
  const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
  const std::string group = line.substr(second + 1);
  const fs::path mounts = root / "sys/fs/cgroup";
  if (controllers.empty()) {
    apply_hierarchy(mounts, group, "memory.max", limit);
  } else if (names_memory(controllers)) {
    apply_hierarchy(mounts / "memory", group, "memory.limit_in_bytes", limit);
  }
}

}  // namespace

Result<MemoryLimit> find_memory_limit(const fs::path& root) {
  const std::optional<uint64_t> machine = machine_memory(root);
  if (!machine) return external_error("cannot read the machine's memory from /proc/meminfo", false);
  MemoryLimit limit{*machine, "the machine"};
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) apply_group_line(root, line, limit);
  return limit;
}

uint64_t default_memory_budget(const MemoryLimit& limit) { return limit.bytes / 5 * 3; }

}  // namespace tidemark
