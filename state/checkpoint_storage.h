// CheckpointStorage: where the checkpoints of one pipeline are kept. The local one is a folder; an object store takes
// its place later. It keeps names unique and contents verified; which checkpoint counts is decided elsewhere
// (state/decisions.h).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "state/files.h"
#include "state/manifest.h"

namespace tidemark {

enum class LoadProblem {
  kMissing,      // no such checkpoint, or one without a manifest
  kDamaged,      // a manifest or file that is not what its checksum says
  kNewer,        // a whole manifest in a format that is newer than what this program reads
  kUnreachable,  // the storage cannot be read now: try again
};
struct LoadFailure {
  LoadProblem problem = LoadProblem::kMissing;
  std::string message;
};

struct StoredCheckpoint {
  Manifest manifest;
  uint64_t manifest_checksum = 0;  // of its encoded bytes, for the offset metadata
};

// Something under the root that is no whole checkpoint: no manifest, or a name that is not ours.
struct Leftover {
  std::string path;  // for remove_leftover
  Time modified;
};

// Single-threaded per unit: two units may be worked on at once.
class CheckpointStorage {
 public:
  virtual ~CheckpointStorage() = default;

  // Keeps the files of `local_dir` that the manifest lists under the manifest's name, the manifest last, durable when
  // this returns. `local_dir` may be removed by the caller afterwards; empty = no files. The name must be new: a taken
  // one is an error and is left as it is. After a failure nothing is named valid. Answers the manifest's checksum.
  virtual Result<uint64_t> store(const Manifest& manifest, const std::string& local_dir) = 0;

  virtual Result<std::vector<std::string>> units() = 0;
  // Names of the checkpoints that have a manifest, by epoch, then random bits. Nothing is verified.
  virtual Result<std::vector<CheckpointName>> list(const std::string& unit) = 0;

  // Reads the manifest and verifies it and every file. `expected_checksum`: what the commit says; nothing = not known
  // (an older checkpoint that no commit names any more).
  virtual std::expected<StoredCheckpoint, LoadFailure> load(const CheckpointName& name,
                                                            std::optional<uint64_t> expected_checksum) = 0;

  // Makes `live_dir` (removed first if there) a store that can be opened and written. Call load() before: this trusts
  // it.
  virtual Status restore(const Manifest& manifest, const std::string& live_dir) = 0;

  // The manifest goes first, so that a half-deleted checkpoint is a leftover. A shared file goes with its last link.
  virtual Status remove(const CheckpointName& name) = 0;

  virtual Result<std::vector<Leftover>> leftovers(const std::string& unit) = 0;
  virtual Status remove_leftover(const Leftover& leftover) = 0;
};

// Under `<root>/<unit>/<epoch>-<random>/`: the files and MANIFEST. `root` is `<state-dir>/<pipeline>/checkpoints` and
// is made when needed. Files are hard links where the file system allows, so that checkpoints share what did not
// change.
class LocalCheckpointStorage final : public CheckpointStorage {
 public:
  // `manifest_written` is called on the storing thread when a manifest stands durably beside its name, not under it yet.
  LocalCheckpointStorage(Files& files, std::string root, std::function<void()> manifest_written = {})
      : files_(files), root_(std::move(root)), manifest_written_(std::move(manifest_written)) {}

  Result<uint64_t> store(const Manifest& manifest, const std::string& local_dir) override;
  Result<std::vector<std::string>> units() override;
  Result<std::vector<CheckpointName>> list(const std::string& unit) override;
  std::expected<StoredCheckpoint, LoadFailure> load(const CheckpointName& name,
                                                    std::optional<uint64_t> expected_checksum) override;
  Status restore(const Manifest& manifest, const std::string& live_dir) override;
  Status remove(const CheckpointName& name) override;
  Result<std::vector<Leftover>> leftovers(const std::string& unit) override;
  Status remove_leftover(const Leftover& leftover) override;

 private:
  std::string path_of(const CheckpointName& name) const;
  Status fill(const Manifest& manifest, const std::string& local_dir, const std::string& dir, std::string_view bytes);

  Files& files_;
  std::string root_;
  std::function<void()> manifest_written_;
};

}  // namespace tidemark
