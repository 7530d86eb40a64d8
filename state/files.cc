// POSIX calls where a sync or an errno matters, std::filesystem for trees and lists. A link that the file system
// refuses becomes a synced copy. What else has to be synced, and when, is for the callers to say.
#include "state/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/bytes.h"

namespace tidemark {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

std::unexpected<Error> os_error(std::string_view what, std::string_view path, int error) {
  return external_error(fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

// Closes on the way out; close_now() tells what close said.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int close_now() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Fills `block` as far as the file goes; -1 after an error.
ssize_t read_block(int fd, std::string& block) {
  size_t filled = 0;
  while (filled < block.size()) {
    const ssize_t n = ::read(fd, block.data() + filled, block.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    filled += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(filled);
}

Status sync_and_close(Fd& fd, const std::string& path) {
  if (::fsync(fd.get()) != 0) return os_error("fsync", path, errno);
  if (fd.close_now() != 0) return os_error("close", path, errno);
  return {};
}

}  // namespace

Result<bool> LocalFiles::make_new_dir(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  if (errno == EEXIST) return false;
  return os_error("make the folder", path, errno);
}

Status LocalFiles::make_dirs(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return os_error("make the folder", path, error.value());
  return {};
}

Status LocalFiles::write_synced(const std::string& path, std::string_view bytes) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.open()) return os_error("create", path, errno);
  if (!write_all(fd.get(), bytes)) return os_error("write", path, errno);
  return sync_and_close(fd, path);
}

Status LocalFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return os_error("rename to", to, errno);
  return {};
}

Status LocalFiles::sync_dir(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return os_error("open the folder", path, errno);
  return sync_and_close(fd, path);
}

Status LocalFiles::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  if (errno == EXDEV || errno == EMLINK || errno == EPERM || errno == EOPNOTSUPP) return copy_synced(from, to);
  return os_error("link to", to, errno);
}

Status LocalFiles::copy_synced(const std::string& from, const std::string& to) {
  Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.open()) return os_error("open", from, errno);
  Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!out.open()) return os_error("create", to, errno);
  std::string block(kBlock, '\0');
  while (true) {
    const ssize_t n = read_block(in.get(), block);
    if (n < 0) return os_error("read", from, errno);
    if (n == 0) break;
    if (!write_all(out.get(), std::string_view(block).substr(0, static_cast<size_t>(n)))) {
      return os_error("write", to, errno);
    }
  }
  return sync_and_close(out, to);
}

Status LocalFiles::remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return os_error("remove", path, errno);
  return {};
}

Status LocalFiles::remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return os_error("remove", path, error.value());
  return {};
}

Result<bool> LocalFiles::exists(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return os_error("look at", path, errno);
}

Result<std::string> LocalFiles::read(const std::string& path, uint64_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return os_error("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return os_error("look at", path, errno);
  if (static_cast<uint64_t>(info.st_size) > max_bytes) {
    return external_error(fmt::format("{} has {} bytes, more than the {} allowed", path, info.st_size, max_bytes));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  const ssize_t n = read_block(fd.get(), bytes);
  if (n < 0) return os_error("read", path, errno);
  bytes.resize(static_cast<size_t>(n));
  return bytes;
}

Result<std::vector<DirEntry>> LocalFiles::list(const std::string& path) {
  std::error_code error;
  std::vector<DirEntry> entries;
  std::filesystem::directory_iterator it(path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0) {
      if (errno == ENOENT) continue;  // went away meanwhile
      return os_error("look at", it->path().native(), errno);
    }
    const int64_t modified_us = int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1'000;
    entries.push_back(
        {it->path().filename(), S_ISDIR(info.st_mode), static_cast<uint64_t>(info.st_size), {modified_us}});
  }
  if (error) return os_error("list", path, error.value());
  std::sort(entries.begin(), entries.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Result<FileEntry> LocalFiles::digest(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return os_error("open", path, errno);
  FileEntry entry;
  entry.name = std::filesystem::path(path).filename();
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return os_error("look at", path, errno);
  std::string block(std::min<size_t>(kBlock, static_cast<size_t>(info.st_size) + 1), '\0');
  while (true) {
    const ssize_t n = read_block(fd.get(), block);
    if (n < 0) return os_error("read", path, errno);
    if (n == 0 && entry.size > 0) break;
    entry.checksum = checksum64(std::string_view(block).substr(0, static_cast<size_t>(n)), entry.checksum);
    entry.size += static_cast<uint64_t>(n);
    if (n < static_cast<ssize_t>(block.size())) break;
  }
  return entry;
}

Status write_file_durably(Files& files, const std::string& path, std::string_view bytes,
                          const std::function<void()>& before_rename) {
  const std::string temporary = path + ".tmp";
  Status done = files.write_synced(temporary, bytes);
  if (done && before_rename) before_rename();
  if (done) done = files.rename(temporary, path);
  if (!done) {
    (void)files.remove_file(temporary);
    return done;
  }
  return files.sync_dir(parent_of(path));
}

Status make_dirs_durably(Files& files, const std::string& path) {
  std::vector<std::string> missing;
  for (std::string at = path; !at.empty() && at != "/" && at != "."; at = parent_of(at)) {
    const Result<bool> there = files.exists(at);
    if (!there) return std::unexpected(there.error());
    if (*there) break;
    missing.push_back(at);
  }
  if (missing.empty()) return {};
  if (Status made = files.make_dirs(path); !made) return made;
  for (const std::string& made : missing) {
    if (Status synced = files.sync_dir(parent_of(made)); !synced) return synced;
  }
  return {};
}

std::string parent_of(const std::string& path) {
  std::filesystem::path p(path);
  if (!p.has_filename()) p = p.parent_path();
  std::string parent = p.parent_path();
  return parent.empty() ? "." : parent;
}

}  // namespace tidemark
