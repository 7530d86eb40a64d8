// A checkpoint is a folder that counts once its manifest stands in it: written last, removed first. Files are linked
// into it; on restore, whatever a live store may write to again is copied instead.
#include "state/checkpoint_storage.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"

namespace tidemark {
namespace {

constexpr const char* kManifestFile = "MANIFEST";
constexpr uint64_t kMaxManifestBytes = uint64_t{256} << 20;

// What RocksDB never writes again once it is whole; everything else is small and gets a copy of its own.
bool is_immutable(std::string_view file) { return file.ends_with(".sst"); }

std::unexpected<LoadFailure> load_failure(LoadProblem problem, const CheckpointName& name, std::string_view why) {
  return std::unexpected(LoadFailure{problem, fmt::format("checkpoint {}: {}", to_string(name), why)});
}

// The first step that fails ends the work.
template <class T, class Step>
Status for_all(const std::vector<T>& list, Step step) {
  for (const T& one : list) {
    if (Status done = step(one); !done) return done;
  }
  return {};
}

// What is wrong with the files that the manifest lists, if anything is.
std::optional<LoadFailure> verify_files(Files& files, const Manifest& manifest, const std::string& dir) {
  const auto failure = [&](LoadProblem problem, std::string_view why) {
    return load_failure(problem, manifest.name, why).error();
  };
  const auto listed = files.list(dir);
  if (!listed) return failure(LoadProblem::kUnreachable, listed.error().message);
  for (const FileEntry& wanted : manifest.files) {
    const auto found =
        std::find_if(listed->begin(), listed->end(), [&](const DirEntry& e) { return e.name == wanted.name; });
    if (found == listed->end() || found->is_dir) {
      return failure(LoadProblem::kDamaged, fmt::format("the file {} is missing", wanted.name));
    }
    if (found->size != wanted.size) {
      return failure(LoadProblem::kDamaged,
                     fmt::format("the file {} has {} bytes, not {}", wanted.name, found->size, wanted.size));
    }
    const auto digest = files.digest(dir + "/" + wanted.name);
    if (!digest) return failure(LoadProblem::kUnreachable, digest.error().message);
    if (digest->size != wanted.size || digest->checksum != wanted.checksum) {
      return failure(LoadProblem::kDamaged, fmt::format("the file {} does not match its checksum", wanted.name));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string LocalCheckpointStorage::path_of(const CheckpointName& name) const { return root_ + "/" + to_string(name); }

Status LocalCheckpointStorage::fill(const Manifest& manifest, const std::string& local_dir, const std::string& dir,
                                    std::string_view bytes) {
  const auto take = [&](const FileEntry& file) {
    return files_.link(local_dir + "/" + file.name, dir + "/" + file.name);
  };
  Status done = for_all(manifest.files, take);
  if (done) done = files_.sync_dir(dir);
  if (done) done = files_.sync_dir(parent_of(dir));
  if (done) done = write_file_durably(files_, dir + "/" + kManifestFile, bytes, manifest_written_);
  return done;
}

Result<uint64_t> LocalCheckpointStorage::store(const Manifest& manifest, const std::string& local_dir) {
  const std::string dir = path_of(manifest.name);
  if (Status made = make_dirs_durably(files_, parent_of(dir)); !made) return std::unexpected(made.error());
  const Result<bool> is_new = files_.make_new_dir(dir);
  if (!is_new) return std::unexpected(is_new.error());
  if (!*is_new) return internal_error(fmt::format("the checkpoint name {} is taken", to_string(manifest.name)));
  const std::string bytes = encode_manifest(manifest);
  const Status filled = fill(manifest, local_dir, dir, bytes);
  if (filled) return checksum64(bytes);
  // The manifest may stand there without being known as durable: it goes before anything else can go wrong.
  (void)files_.remove_file(dir + "/" + kManifestFile);
  (void)files_.remove_tree(dir);
  return std::unexpected(filled.error());
}

Result<std::vector<std::string>> LocalCheckpointStorage::units() {
  const Result<bool> there = files_.exists(root_);
  if (!there) return std::unexpected(there.error());
  std::vector<std::string> units;
  if (!*there) return units;
  const auto listed = files_.list(root_);
  if (!listed) return std::unexpected(listed.error());
  for (const DirEntry& entry : *listed) {
    if (entry.is_dir && is_unit_name(entry.name)) units.push_back(entry.name);
  }
  return units;
}

Result<std::vector<CheckpointName>> LocalCheckpointStorage::list(const std::string& unit) {
  const std::string dir = root_ + "/" + unit;
  const Result<bool> there = files_.exists(dir);
  if (!there) return std::unexpected(there.error());
  std::vector<CheckpointName> names;
  if (!*there) return names;
  const auto listed = files_.list(dir);
  if (!listed) return std::unexpected(listed.error());
  for (const DirEntry& entry : *listed) {
    auto name = CheckpointName::parse(unit + "/" + entry.name);
    if (!name || !entry.is_dir) continue;
    const Result<bool> whole = files_.exists(path_of(*name) + "/" + kManifestFile);
    if (!whole) return std::unexpected(whole.error());
    if (*whole) names.push_back(std::move(*name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::expected<StoredCheckpoint, LoadFailure> LocalCheckpointStorage::load(const CheckpointName& name,
                                                                          std::optional<uint64_t> expected_checksum) {
  const std::string dir = path_of(name);
  const std::string path = dir + "/" + kManifestFile;
  const Result<bool> there = files_.exists(path);
  if (!there) return load_failure(LoadProblem::kUnreachable, name, there.error().message);
  if (!*there) return load_failure(LoadProblem::kMissing, name, fmt::format("there is no {}", path));
  const auto bytes = files_.read(path, kMaxManifestBytes);
  if (!bytes) return load_failure(LoadProblem::kUnreachable, name, bytes.error().message);
  const uint64_t checksum = checksum64(*bytes);
  if (expected_checksum && *expected_checksum != checksum) {
    return load_failure(LoadProblem::kDamaged, name, "the manifest is not the one that was committed");
  }
  if (const auto newer = newer_manifest_version(*bytes)) {
    return load_failure(LoadProblem::kNewer, name,
                        fmt::format("its manifest has format {}, and this program reads up to {}", *newer, Manifest::kVersion));
  }
  auto manifest = decode_manifest(*bytes);
  if (!manifest) return load_failure(LoadProblem::kDamaged, name, manifest.error().message);
  if (manifest->name != name) return load_failure(LoadProblem::kDamaged, name, "the manifest bears another name");
  if (auto failure = verify_files(files_, *manifest, dir)) return std::unexpected(std::move(*failure));
  return StoredCheckpoint{std::move(*manifest), checksum};
}

Status LocalCheckpointStorage::restore(const Manifest& manifest, const std::string& live_dir) {
  if (Status removed = files_.remove_tree(live_dir); !removed) return removed;
  if (Status made = files_.make_dirs(live_dir); !made) return made;
  const std::string dir = path_of(manifest.name);
  return for_all(manifest.files, [&](const FileEntry& file) {
    const std::string from = dir + "/" + file.name;
    const std::string to = live_dir + "/" + file.name;
    return is_immutable(file.name) ? files_.link(from, to) : files_.copy_synced(from, to);
  });
}

Status LocalCheckpointStorage::remove(const CheckpointName& name) {
  const std::string dir = path_of(name);
  const Result<bool> whole = files_.exists(dir + "/" + kManifestFile);
  if (!whole) return std::unexpected(whole.error());
  if (*whole) {
    if (Status removed = files_.remove_file(dir + "/" + kManifestFile); !removed) return removed;
    if (Status synced = files_.sync_dir(dir); !synced) return synced;
  }
  return files_.remove_tree(dir);
}

Result<std::vector<Leftover>> LocalCheckpointStorage::leftovers(const std::string& unit) {
  const std::string dir = root_ + "/" + unit;
  const Result<bool> there = files_.exists(dir);
  if (!there) return std::unexpected(there.error());
  std::vector<Leftover> found;
  if (!*there) return found;
  const auto listed = files_.list(dir);
  if (!listed) return std::unexpected(listed.error());
  for (const DirEntry& entry : *listed) {
    const std::string path = dir + "/" + entry.name;
    if (entry.is_dir && CheckpointName::parse(unit + "/" + entry.name)) {
      const Result<bool> whole = files_.exists(path + "/" + kManifestFile);
      if (!whole) return std::unexpected(whole.error());
      if (*whole) continue;
    }
    found.push_back({path, entry.modified});
  }
  return found;
}

Status LocalCheckpointStorage::remove_leftover(const Leftover& leftover) { return files_.remove_tree(leftover.path); }

}  // namespace tidemark
