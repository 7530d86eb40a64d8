#include "daemon/work_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <random>

namespace tidemark {
namespace {

// An open, locked descriptor, or -1 when somebody else holds the lock.
int lock_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
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
  const std::string path = root + "/" + std::to_string(::getpid()) + "-" + std::to_string(random());
  for (const char* part : {"/live", "/scratch"}) {
    if (Status made = files.make_dirs(path + part); !made) return std::unexpected(made.error());
  }
  const int lock = lock_file(path + "/lock");
  if (lock < 0) return external_error("cannot lock " + path);
  return std::unique_ptr<WorkDir>(new WorkDir(files, path, lock));
}

WorkDir::~WorkDir() {
  (void)files_.remove_tree(path_);
  ::close(lock_);
}

}  // namespace tidemark
