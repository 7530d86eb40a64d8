// What the tests of the state room share: a folder that goes away, small stores of counters, and a Files that fails on
// command. Knows nothing of the tests themselves.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/bytes.h"
#include "state/files.h"
#include "state/keyed_store.h"
#include "tests/catch.h"

namespace tidemark {

class TempDir {
 public:
  TempDir() {
    // In memory where there is enough of it: these tests are about contents, and many fsyncs take their time.
    std::error_code error;
    const auto space = std::filesystem::space("/dev/shm", error);
    const bool shm = !error && space.available >= uint64_t{512} << 20;
    std::string pattern =
        (shm ? "/dev/shm" : std::filesystem::temp_directory_path()) / std::filesystem::path("tidemark-state-XXXXXX");
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string number(uint64_t n) {
  std::string bytes;
  ByteWriter(bytes).fixed(n);
  return bytes;
}
inline uint64_t number_in(std::string_view bytes) { return ByteReader(bytes).fixed<uint64_t>(); }

// Partials are u64 sums; anything that has not eight bytes is corrupt.
inline bool add_numbers(std::string_view, std::string& accumulator, std::string_view operand) {
  if (accumulator.size() != 8 || operand.size() != 8) return false;
  accumulator = number(number_in(accumulator) + number_in(operand));
  return true;
}

inline StoreOptions counter_options(size_t ingest_bytes = size_t{4} << 20) {
  StoreOptions options;
  options.memory = std::make_shared<StoreMemory>(size_t{8} << 20, size_t{8} << 20);
  options.merge = add_numbers;
  options.memtable_bytes = size_t{1} << 20;
  options.ingest_bytes = ingest_bytes;
  return options;
}

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}
inline void must(Status status) {
  if (!status) FAIL(status.error().message);
}

inline std::map<std::string, uint64_t> contents(const View& view, const KeyRange& range) {
  std::map<std::string, uint64_t> found;
  Scan scan = view.scan(range.begin, range.end);
  for (; scan.valid(); scan.next()) found.emplace(scan.key(), number_in(scan.value()));
  must(scan.status());
  return found;
}

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
// A new file in the old one's place: truncating an old one makes some file systems wait for the disk.
inline void spill(const std::string& path, std::string_view bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Passes everything to the disk but for the operation number `fail_at` (from 1 on) among those that change something. A
// failing write leaves half of the file, a failing fsync all of it: neither may be trusted afterwards.
class FaultyFiles final : public Files {
 public:
  enum class How { kNothing, kHalf, kDoneButFailed };
  int fail_at = 0;  // 0 = never
  bool fail_all_after = false;
  How how = How::kNothing;
  int count = 0;

  Result<bool> make_new_dir(const std::string& path) override {
    if (fails()) return external_error("injected: mkdir");
    return disk_.make_new_dir(path);
  }
  Status make_dirs(const std::string& path) override {
    if (fails()) return external_error("injected: mkdirs");
    return disk_.make_dirs(path);
  }
  Status write_synced(const std::string& path, std::string_view bytes) override {
    if (!fails()) return disk_.write_synced(path, bytes);
    if (how == How::kHalf) (void)disk_.write_synced(path, bytes.substr(0, bytes.size() / 2));
    if (how == How::kDoneButFailed) (void)disk_.write_synced(path, bytes);
    return external_error("injected: write or fsync");
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (!fails()) return disk_.rename(from, to);
    if (how == How::kDoneButFailed) (void)disk_.rename(from, to);
    return external_error("injected: rename");
  }
  Status sync_dir(const std::string& path) override {
    if (fails()) return external_error("injected: fsync of a folder");
    return disk_.sync_dir(path);
  }
  Status link(const std::string& from, const std::string& to) override {
    if (!fails()) return disk_.link(from, to);
    if (how == How::kDoneButFailed) (void)disk_.link(from, to);
    return external_error("injected: link");
  }
  Status copy_synced(const std::string& from, const std::string& to) override {
    if (!fails()) return disk_.copy_synced(from, to);
    if (how == How::kHalf) spill(to, slurp(from).substr(0, 10));
    return external_error("injected: copy");
  }
  Status remove_file(const std::string& path) override {
    if (fails()) return external_error("injected: unlink");
    return disk_.remove_file(path);
  }
  Status remove_tree(const std::string& path) override {
    if (fails()) return external_error("injected: remove");
    return disk_.remove_tree(path);
  }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::string> read(const std::string& path, uint64_t max_bytes) override { return disk_.read(path, max_bytes); }
  Result<std::vector<DirEntry>> list(const std::string& path) override { return disk_.list(path); }
  Result<FileEntry> digest(const std::string& path) override { return disk_.digest(path); }

 private:
  bool fails() {
    ++count;
    return fail_at != 0 && (count == fail_at || (fail_all_after && count > fail_at));
  }
  LocalFiles disk_;
};

}  // namespace tidemark
