// A lock on a file inside tells the living from the dead: folders whose lock can be taken are removed. Locks go with
// their process, so that a crash leaves none behind.
#include "daemon/work_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

namespace tidemark {
namespace {

constexpr int kAttempts = 100;  // of which each can be lost to one process that starts at the same moment

// Whether the open file is still the one of that name.
bool is_file_of(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// An open, locked descriptor, or -1 when somebody else holds the lock or took the file away meanwhile.
int lock_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && is_file_of(fd, path)) return fd;
  ::close(fd);
  return -1;
}

void remove_dead(Files& files, const std::string& root) {
  const auto entries = files.list(root);
  if (!entries) return;
  for (const DirEntry& entry : *entries) {
    const std::string path = root + "/" + entry.name;
    const int lock = lock_file(path + "/lock");
    if (lock < 0) continue;
    (void)files.remove_tree(path);
    ::close(lock);
  }
}

}  // namespace

Result<std::unique_ptr<WorkDir>> WorkDir::make(Files& files, const std::string& root) {
  if (Status made = files.make_dirs(root); !made) return std::unexpected(made.error());
  remove_dead(files, root);
  std::random_device random;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string path = root + "/" + std::to_string(::getpid()) + "-" + std::to_string(random());
    if (Status made = files.make_dirs(path); !made) return std::unexpected(made.error());
    // Until it is locked, a process that starts now takes it for a dead one's.
    const int lock = lock_file(path + "/lock");
    if (lock < 0) continue;
    std::unique_ptr<WorkDir> dir(new WorkDir(files, path, lock));
    for (const char* part : {"/live", "/scratch"}) {
      if (Status made = files.make_dirs(path + part); !made) return std::unexpected(made.error());
    }
    return dir;
  }
  return external_error("no folder below " + root + " can be locked");
}

WorkDir::~WorkDir() {
  (void)files_.remove_tree(path_);
  ::close(lock_);
}

}  // namespace tidemark
