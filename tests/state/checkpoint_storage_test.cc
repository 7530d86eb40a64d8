// Checkpoints in a folder: unique, whole or absent whatever fails on the way, and never silently damaged.
#include "state/checkpoint_storage.h"

#include <fstream>
#include <random>

#include "base/bytes.h"
#include "tests/state/store_fixture.h"

namespace tidemark {
namespace {

KeyRange everything() { return lane_range(0); }

// A pipeline's folder: one live store, its counter state, and the storage of its checkpoints.
struct Site {
  Site() {
    must(disk.make_dirs(work));
    store = must(KeyedStore::open(work + "/live", counter_options(2'000)));
  }
  void count(uint64_t keys) {
    WriteSet set(0, ++generation);
    for (uint64_t k = 0; k < keys; ++k)
      set.merge({0, 0, Time{60}, kCommonPartial}, "key-" + std::to_string(k), number(1));
    must(store->apply(std::move(set)));
  }
  // A local checkpoint and the manifest that belongs to it.
  Manifest snapshot(uint64_t epoch) {
    Manifest manifest;
    manifest.pipeline = "p";
    manifest.name = CheckpointName::fresh("all", epoch);
    local = work + "/local-" + std::to_string(epoch);
    manifest.files = must(store->checkpoint(local, disk));
    return manifest;
  }
  std::map<std::string, uint64_t> restored(CheckpointStorage& storage, const Manifest& manifest) {
    const std::string live = work + "/restored";
    must(storage.restore(manifest, live));
    const auto opened = must(KeyedStore::open(live, counter_options(2'000)));
    return contents(*opened->view(), everything());
  }

  TempDir dir;
  LocalFiles disk;
  std::string root = dir / "checkpoints";
  std::string work = dir / "work";
  std::string local;
  std::unique_ptr<KeyedStore> store;
  uint64_t generation = 0;
};

TEST_CASE("a stored checkpoint is listed, loads, and restores to what the store held") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  CHECK(must(storage.units()).empty());
  CHECK(must(storage.list("all")).empty());
  site.count(300);
  const auto expected = contents(*site.store->view(), everything());
  const Manifest manifest = site.snapshot(1);
  const uint64_t checksum = must(storage.store(manifest, site.local));
  must(site.disk.remove_tree(site.local));
  site.count(400);

  CHECK(must(storage.units()) == std::vector<std::string>{"all"});
  CHECK(must(storage.list("all")) == std::vector<CheckpointName>{manifest.name});
  CHECK(must(storage.leftovers("all")).empty());
  const auto loaded = storage.load(manifest.name, checksum);
  REQUIRE(loaded.has_value());
  CHECK(loaded->manifest == manifest);
  CHECK(loaded->manifest_checksum == checksum);
  CHECK(site.restored(storage, manifest) == expected);
  CHECK_FALSE(storage.load(manifest.name, checksum + 1).has_value());
}

TEST_CASE("a restored store that goes on does not touch the checkpoint") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(300);
  const Manifest manifest = site.snapshot(1);
  const uint64_t checksum = must(storage.store(manifest, site.local));
  must(storage.restore(manifest, site.work + "/again"));
  {
    const auto again = must(KeyedStore::open(site.work + "/again", counter_options(2'000)));
    for (uint64_t g = 1; g <= 12; ++g) {
      WriteSet set(0, g);
      for (uint64_t k = 0; k < 300; ++k)
        set.merge({0, 0, Time{60}, kCommonPartial}, "key-" + std::to_string(k), number(1));
      must(again->apply(std::move(set)));
      must(again->checkpoint(site.work + "/again-" + std::to_string(g), site.disk));
    }
    WriteSet expiry(0, 13);
    expiry.expire(lane_range(0));
    must(again->apply(std::move(expiry)));
  }
  CHECK(storage.load(manifest.name, checksum).has_value());
  CHECK(site.restored(storage, manifest).size() == 300);
}

TEST_CASE("a name is used once") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(10);
  const Manifest manifest = site.snapshot(1);
  const uint64_t checksum = must(storage.store(manifest, site.local));
  Manifest other = manifest;
  other.blob = "other";
  CHECK_FALSE(storage.store(other, site.local).has_value());
  CHECK(storage.load(manifest.name, checksum).has_value());
}

TEST_CASE("checkpoints share files, and a shared file goes with its last link") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(300);
  const Manifest first = site.snapshot(1);
  must(storage.store(first, site.local));
  site.count(5);
  const Manifest second = site.snapshot(2);
  const uint64_t checksum = must(storage.store(second, site.local));
  std::string shared;
  for (const FileEntry& file : first.files) {
    const bool in_second = std::find(second.files.begin(), second.files.end(), file) != second.files.end();
    if (file.name.ends_with(".sst") && in_second) shared = file.name;
  }
  REQUIRE_FALSE(shared.empty());
  const std::string old_path = site.root + "/" + to_string(first.name) + "/" + shared;
  const std::string new_path = site.root + "/" + to_string(second.name) + "/" + shared;
  CHECK(std::filesystem::equivalent(old_path, new_path));
  must(storage.remove(first.name));
  CHECK(must(storage.list("all")) == std::vector<CheckpointName>{second.name});
  CHECK(storage.load(first.name, std::nullopt).error().problem == LoadProblem::kMissing);
  CHECK(storage.load(second.name, checksum).has_value());
  must(storage.remove(first.name));
}

TEST_CASE("an empty checkpoint restores to an empty store") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  Manifest manifest;
  manifest.name = CheckpointName::fresh("all", CheckpointName::kStartEpoch);
  const uint64_t checksum = must(storage.store(manifest, ""));
  CHECK(storage.load(manifest.name, checksum).has_value());
  CHECK(site.restored(storage, manifest).empty());
}

TEST_CASE("whatever operation fails, old checkpoints stay and no half one is named valid") {
  using How = FaultyFiles::How;
  for (const How how : {How::kNothing, How::kHalf, How::kDoneButFailed}) {
    for (const bool all_after : {false, true}) {
      Site site;
      LocalCheckpointStorage sound(site.disk, site.root);
      site.count(50);
      const Manifest old = site.snapshot(1);
      const uint64_t old_checksum = must(sound.store(old, site.local));
      site.count(50);
      const Manifest pattern = site.snapshot(2);
      bool stored = false;
      for (int fail_at = 1; !stored; ++fail_at) {
        REQUIRE(fail_at < 100);
        FaultyFiles faulty;
        faulty.fail_at = fail_at;
        faulty.how = how;
        faulty.fail_all_after = all_after;
        LocalCheckpointStorage storage(faulty, site.root);
        Manifest fresh = pattern;
        fresh.name = CheckpointName::fresh("all", 2);
        const auto result = storage.store(fresh, site.local);
        stored = faulty.count < fail_at;
        CHECK(result.has_value() == stored);
        CHECK(sound.load(old.name, old_checksum).has_value());
        for (const CheckpointName& name : must(sound.list("all"))) CHECK(sound.load(name, std::nullopt).has_value());
        if (result) CHECK(sound.load(fresh.name, *result).has_value());
        if (!all_after && !stored) CHECK(sound.load(fresh.name, std::nullopt).error().problem == LoadProblem::kMissing);
      }
      for (const Leftover& leftover : must(sound.leftovers("all"))) must(sound.remove_leftover(leftover));
      CHECK(must(sound.leftovers("all")).empty());
    }
  }
}

TEST_CASE("a failing removal leaves a whole checkpoint or a leftover") {
  Site site;
  LocalCheckpointStorage sound(site.disk, site.root);
  site.count(50);
  Manifest manifest = site.snapshot(1);
  bool removed = false;
  for (int fail_at = 1; !removed; ++fail_at) {
    manifest.name = CheckpointName::fresh("all", 1);
    must(sound.store(manifest, site.local));
    FaultyFiles faulty;
    faulty.fail_at = fail_at;
    LocalCheckpointStorage storage(faulty, site.root);
    removed = storage.remove(manifest.name).has_value();
    const auto loaded = sound.load(manifest.name, std::nullopt);
    const bool missing = !loaded && loaded.error().problem == LoadProblem::kMissing;
    CHECK((loaded.has_value() || missing));
    if (missing && !removed) CHECK(must(sound.leftovers("all")).size() >= 1);
  }
}

TEST_CASE("a failing restore can be tried again") {
  Site site;
  LocalCheckpointStorage sound(site.disk, site.root);
  site.count(50);
  const auto expected = contents(*site.store->view(), everything());
  const Manifest manifest = site.snapshot(1);
  must(sound.store(manifest, site.local));
  bool done = false;
  for (int fail_at = 1; !done; ++fail_at) {
    FaultyFiles faulty;
    faulty.fail_at = fail_at;
    faulty.how = FaultyFiles::How::kHalf;
    LocalCheckpointStorage storage(faulty, site.root);
    done = storage.restore(manifest, site.work + "/restored").has_value();
    CHECK(site.restored(sound, manifest) == expected);
  }
}

// One random injury to one of the files of a folder; answers which file it may have changed.
std::string injure(const std::string& dir, const std::map<std::string, std::string>& originals, std::mt19937& random) {
  const auto victim = std::next(originals.begin(), static_cast<ptrdiff_t>(random() % originals.size()));
  const std::string path = dir + "/" + victim->first;
  std::string bytes = victim->second;
  const auto somewhere = [&] { return bytes.empty() ? 0 : random() % bytes.size(); };
  switch (random() % 7) {
    case 0:
      bytes[somewhere()] ^= static_cast<char>(1 << (random() % 8));
      break;
    case 1:
      bytes.resize(somewhere());
      break;
    case 2:
      bytes += std::string(1 + random() % 20, static_cast<char>(random()));
      break;
    case 3:
      std::filesystem::remove(path);
      return victim->first;
    case 4:
      bytes.replace(somewhere(), 8, std::string(8, '\0'));
      break;
    case 5:
      bytes = std::next(originals.begin(), static_cast<ptrdiff_t>(random() % originals.size()))->second;
      break;
    case 6:
      bytes.clear();
      break;
  }
  spill(path, bytes);
  return victim->first;
}

TEST_CASE("ten thousand injuries: refused, or nothing was changed") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(40);
  site.count(30);
  const Manifest manifest = site.snapshot(1);
  const uint64_t checksum = must(storage.store(manifest, site.local));
  const std::string path = site.root + "/" + to_string(manifest.name);
  std::map<std::string, std::string> originals;
  for (const DirEntry& file : must(site.disk.list(path))) {
    originals[file.name] = slurp(path + "/" + file.name);
    std::filesystem::remove(path + "/" + file.name);  // ends the sharing by links
    spill(path + "/" + file.name, originals[file.name]);
  }
  REQUIRE(originals.size() >= 5);
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string victim = injure(path, originals, random);
    const auto loaded = storage.load(manifest.name, i % 2 == 0 ? std::optional(checksum) : std::nullopt);
    const bool same = std::filesystem::exists(path + "/" + victim) && slurp(path + "/" + victim) == originals[victim];
    REQUIRE(loaded.has_value() == same);
    if (loaded) REQUIRE(loaded->manifest == manifest);
    refused += !loaded;
    spill(path + "/" + victim, originals[victim]);
  }
  CHECK(refused > 9'000);
  CHECK(storage.load(manifest.name, checksum).has_value());
}

TEST_CASE("a manifest under another checkpoint's name is damage") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(10);
  const Manifest manifest = site.snapshot(1);
  must(storage.store(manifest, site.local));
  const CheckpointName other = CheckpointName::fresh("all", 2);
  std::filesystem::rename(site.root + "/" + to_string(manifest.name), site.root + "/" + to_string(other));
  CHECK(storage.load(other, std::nullopt).error().problem == LoadProblem::kDamaged);
}

TEST_CASE("a whole manifest of a newer format is told from a damaged one") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(10);
  const Manifest manifest = site.snapshot(1);
  must(storage.store(manifest, site.local));
  const std::string path = site.root + "/" + to_string(manifest.name) + "/MANIFEST";
  std::string bytes = must(site.disk.read(path, 1 << 20));
  bytes.resize(bytes.size() - 8);
  bytes[4] = 9;
  const uint64_t checksum = checksum64(bytes);
  ByteWriter(bytes).fixed(checksum);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto loaded = storage.load(manifest.name, checksum64(bytes));
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().problem == LoadProblem::kNewer);
  CHECK_THAT(loaded.error().message, Contains("its manifest has format 9, and this program reads up to 1"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  CHECK(storage.load(manifest.name, checksum64(bytes)).error().problem == LoadProblem::kDamaged);
}

TEST_CASE("leftovers are folders without a manifest and names that are not ours") {
  Site site;
  LocalCheckpointStorage storage(site.disk, site.root);
  site.count(10);
  const Manifest manifest = site.snapshot(1);
  must(storage.store(manifest, site.local));
  must(site.disk.make_dirs(site.root + "/" + to_string(CheckpointName::fresh("all", 9))));
  must(site.disk.make_dirs(site.root + "/all/something"));
  spill(site.root + "/all/file", "x");
  CHECK(must(storage.leftovers("all")).size() == 3);
  for (const Leftover& leftover : must(storage.leftovers("all"))) must(storage.remove_leftover(leftover));
  CHECK(must(storage.leftovers("all")).empty());
  CHECK(must(storage.list("all")).size() == 1);
}

TEST_CASE("a durable write leaves the old file or the new one") {
  TempDir dir;
  const std::string path = dir / "file";
  for (int fail_at = 1; fail_at <= 3; ++fail_at) {
    for (const auto how : {FaultyFiles::How::kNothing, FaultyFiles::How::kHalf}) {
      spill(path, "old");
      FaultyFiles faulty;
      faulty.fail_at = fail_at;
      faulty.how = how;
      CHECK_FALSE(write_file_durably(faulty, path, "new contents").has_value());
      CHECK(slurp(path) == (fail_at == 3 ? "new contents" : "old"));
      CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
    }
  }
}

TEST_CASE("a manifest that is written stands beside its name until it is renamed") {
  Site site;
  site.count(10);
  const Manifest manifest = site.snapshot(1);
  const std::string file = site.root + "/" + to_string(manifest.name) + "/MANIFEST";
  int told = 0;
  LocalCheckpointStorage storage(site.disk, site.root, [&] {
    told += 1;
    CHECK(slurp(file + ".tmp") == encode_manifest(manifest));
    CHECK_FALSE(std::filesystem::exists(file));
  });
  must(storage.store(manifest, site.local));
  CHECK(told == 1);
  CHECK(slurp(file) == encode_manifest(manifest));
}

TEST_CASE("a digest chains blocks and tells empty files apart by size") {
  TempDir dir;
  LocalFiles files;
  for (const size_t size :
       {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20, (size_t{1} << 20) + 1, size_t{5} << 19}) {
    std::string bytes(size, 'x');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    spill(dir / "file", bytes);
    uint64_t chained = checksum64(std::string_view(bytes).substr(0, size_t{1} << 20));
    for (size_t at = size_t{1} << 20; at < size; at += size_t{1} << 20) {
      chained = checksum64(std::string_view(bytes).substr(at, size_t{1} << 20), chained);
    }
    CHECK(must(files.digest(dir / "file")) == FileEntry{"file", size, chained});
  }
}

}  // namespace
}  // namespace tidemark
