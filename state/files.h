// Files: the seam between the state room and the file system, small enough to be faked with faults in tests. RocksDB's
// own reads and writes do not pass here. Knows nothing of checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace tidemark {

// A file as a manifest lists it. `checksum` is checksum64 chained over blocks of 1 MiB, each seeded with the one before
// (the first with 0).
struct FileEntry {
  std::string name;
  uint64_t size = 0;
  uint64_t checksum = 0;
  bool operator==(const FileEntry&) const = default;
};

struct DirEntry {
  std::string name;
  bool is_dir = false;
  uint64_t size = 0;
  Time modified;
};

// Thread-safe. All errors are external; a path that is not there is told apart by exists(). A file whose fsync failed
// must be removed by the caller, never synced again or trusted.
class Files {
 public:
  virtual ~Files() = default;
  // Makes one folder; answers false when the name is taken already (put-if-absent).
  virtual Result<bool> make_new_dir(const std::string& path) = 0;
  virtual Status make_dirs(const std::string& path) = 0;
  // Creates or truncates, writes and fsyncs the file itself; not its parent.
  virtual Status write_synced(const std::string& path, std::string_view bytes) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status sync_dir(const std::string& path) = 0;
  // A hard link; copy_synced when the file systems differ.
  virtual Status link(const std::string& from, const std::string& to) = 0;
  virtual Status copy_synced(const std::string& from, const std::string& to) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  // Removes a folder with all that is in it; no error when there is none.
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Refuses files larger than `max_bytes`.
  virtual Result<std::string> read(const std::string& path, uint64_t max_bytes) = 0;
  // Sorted by name; without "." and "..".
  virtual Result<std::vector<DirEntry>> list(const std::string& path) = 0;
  // Size and checksum of a file; the name is the last part of `path`.
  virtual Result<FileEntry> digest(const std::string& path) = 0;
};

class LocalFiles final : public Files {
 public:
  Result<bool> make_new_dir(const std::string& path) override;
  Status make_dirs(const std::string& path) override;
  Status write_synced(const std::string& path, std::string_view bytes) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_dir(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status copy_synced(const std::string& from, const std::string& to) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::string> read(const std::string& path, uint64_t max_bytes) override;
  Result<std::vector<DirEntry>> list(const std::string& path) override;
  Result<FileEntry> digest(const std::string& path) override;
};

// Temporary file beside it, fsync, rename, fsync of the parent. After a failure the old file, or none, is there.
// `before_rename`, where given, is called when the temporary file is durable.
Status write_file_durably(Files& files, const std::string& path, std::string_view bytes,
                          const std::function<void()>& before_rename = {});
// make_dirs, and every folder that was made is durable in its parent.
Status make_dirs_durably(Files& files, const std::string& path);
std::string parent_of(const std::string& path);

}  // namespace tidemark
