// KeyedStore against a map: whatever the order of applying, reading, checkpointing, reopening and deleting.
#include "state/keyed_store.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include <fmt/core.h>

#include "state/generation_writer.h"
#include "tests/state/store_fixture.h"

namespace tidemark {
namespace {

StateKeyHeader slice(int64_t end_s, uint16_t lane = 0, uint16_t step = 0) {
  return {lane, step, Time{end_s * 1'000'000}, kCommonPartial};
}
std::string key_of(int64_t end_s, std::string_view key, uint16_t lane = 0) {
  return encode_state_key(slice(end_s, lane), key);
}
std::string name_of(uint64_t n) { return "key-" + std::to_string(n); }

TEST_CASE("merges add up across write sets, and a view never changes") {
  TempDir dir;
  for (const size_t ingest_bytes : {size_t{0}, size_t{1} << 30}) {
    auto store = must(KeyedStore::open(dir / std::to_string(ingest_bytes), counter_options(ingest_bytes)));
    const auto empty = store->view();
    WriteSet first(0, 1);
    first.merge(slice(60), "b", number(2));
    first.merge(slice(60), "a", number(1));
    first.merge(slice(60), "b", number(5));
    must(store->apply(std::move(first)));
    const auto one = store->view();
    WriteSet second(0, 2);
    second.merge(slice(60), "b", number(10));
    must(store->apply(std::move(second)));

    CHECK(empty->generation(0) == 0);
    CHECK(contents(*empty, lane_range(0)).empty());
    CHECK(one->generation(0) == 1);
    CHECK(contents(*one, lane_range(0)) == std::map<std::string, uint64_t>{{key_of(60, "a"), 1}, {key_of(60, "b"), 7}});
    CHECK(store->view()->generation(0) == 2);
    CHECK(store->view()->generation(1) == 0);
    CHECK(number_in(*must(store->view()->get(key_of(60, "b")))) == 17);
    CHECK(must(store->view()->get(key_of(60, "c"))) == std::nullopt);
  }
}

TEST_CASE("within one set deletions act first, then the entries of a key in their order") {
  TempDir dir;
  for (const size_t ingest_bytes : {size_t{0}, size_t{1} << 30}) {
    auto store = must(KeyedStore::open(dir / std::to_string(ingest_bytes), counter_options(ingest_bytes)));
    WriteSet before(0, 1);
    for (const char* key : {"a", "b", "c", "d", "e"}) before.merge(slice(60), key, number(100));
    must(store->apply(std::move(before)));
    WriteSet set(0, 2);
    set.merge(slice(60), "a", number(1));
    set.put(key_of(60, "b"), number(7));
    set.merge(slice(60), "b", number(1));
    set.delete_range({key_of(60, "a"), key_of(60, "b")});
    set.erase(key_of(60, "c"));
    set.erase(key_of(60, "d"));
    set.merge(slice(60), "d", number(3));
    set.merge(slice(60), "e", number(1));
    set.erase(key_of(60, "e"));
    must(store->apply(std::move(set)));
    CHECK(contents(*store->view(), lane_range(0)) ==
          std::map<std::string, uint64_t>{{key_of(60, "a"), 1}, {key_of(60, "b"), 8}, {key_of(60, "d"), 3}});
  }
}

TEST_CASE("the parts of generations appear together") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options()));
  const auto part = [](uint16_t lane, const char* key) {
    std::vector<WriteSet> sets;
    sets.emplace_back(lane, 1);
    sets.back().merge(slice(60, lane), key, number(lane));
    return sets;
  };
  must(store->apply_part(part(3, "a")));
  must(store->apply_part(part(3, "b")));
  CHECK(contents(*store->view(), lane_range(3)).empty());
  CHECK(store->view()->generation(3) == 0);
  must(store->apply_all(part(4, "a")));
  CHECK(contents(*store->view(), lane_range(3)) ==
        std::map<std::string, uint64_t>{{key_of(60, "a", 3), 3}, {key_of(60, "b", 3), 3}});
  CHECK(contents(*store->view(), lane_range(4)) == std::map<std::string, uint64_t>{{key_of(60, "a", 4), 4}});
  CHECK(store->view()->generation(3) == 1);
  CHECK(store->view()->generation(4) == 1);
}

TEST_CASE("what is too large to be gathered reaches the store in parts, and appears as one") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options()));
  constexpr uint64_t kKeys = 30'000;  // several parts of each lane
  for (uint64_t round = 1; round <= 2; ++round) {
    GenerationWriter out(*store);
    for (const uint16_t lane : {uint16_t{1}, uint16_t{5}, uint16_t{9}}) {
      out.begin(lane);
      if (lane == 5) out.expire(lane_range(lane));
      for (uint64_t k = 0; k < kKeys; ++k) must(out.merge(slice(60, lane), fmt::format("{:08}", k), number(round)));
      CHECK(store->view()->generation(lane) == round - 1);
    }
    must(out.finish());
  }
  for (const uint16_t lane : {uint16_t{1}, uint16_t{5}, uint16_t{9}}) {
    const auto found = contents(*store->view(), lane_range(lane));
    CHECK(found.size() == kKeys);
    const uint64_t sum = lane == 5 ? 2 : 3;
    CHECK(std::ranges::all_of(found, [&](const auto& entry) { return entry.second == sum; }));
    CHECK(store->view()->generation(lane) == 2);
  }
}

TEST_CASE("generations of several lanes go in together") {
  TempDir dir;
  for (const size_t ingest_bytes : {size_t{0}, size_t{1} << 30}) {
    auto store = must(KeyedStore::open(dir / std::to_string(ingest_bytes), counter_options(ingest_bytes)));
    for (uint64_t generation = 1; generation <= 3; ++generation) {
      std::vector<WriteSet> sets;
      for (const uint16_t lane : {uint16_t{2}, uint16_t{0}, uint16_t{300}}) {
        sets.emplace_back(lane, generation);
        if (lane == 0 && generation == 2) sets.back().delete_range(lane_range(0));
        for (const char* key : {"b", "a"}) sets.back().merge(slice(60, lane), key, number(lane + 1));
      }
      sets.emplace_back(uint16_t{7}, generation);
      must(store->apply_all(std::move(sets)));
      CHECK(store->view()->generation(300) == generation);
    }
    const auto expected = [](uint16_t lane, uint64_t sum) {
      return std::map<std::string, uint64_t>{{key_of(60, "a", lane), sum}, {key_of(60, "b", lane), sum}};
    };
    CHECK(contents(*store->view(), lane_range(0)) == expected(0, 2));
    CHECK(contents(*store->view(), lane_range(2)) == expected(2, 9));
    CHECK(contents(*store->view(), lane_range(300)) == expected(300, 903));
    CHECK(store->view()->generation(7) == 3);
  }
}

TEST_CASE("a view outlives its store") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options()));
  WriteSet set(0, 1);
  set.merge(slice(60), "a", number(1));
  must(store->apply(std::move(set)));
  const auto view = store->view();
  Scan scan = view->scan(lane_range(0).begin, lane_range(0).end);
  store.reset();
  CHECK(contents(*view, lane_range(0)).size() == 1);
  CHECK(scan.valid());
}

TEST_CASE("steps keep their numbers across restarts, and a dropped one's number never returns") {
  TempDir dir;
  LocalFiles files;
  uint16_t hourly = 0;
  {
    auto store = must(KeyedStore::open(dir / "live", counter_options()));
    CHECK(must(store->step_id("daily")) == 0);
    hourly = must(store->step_id("hourly"));
    CHECK(must(store->step_id("daily")) == 0);
    WriteSet set(1, 1);
    set.merge(slice(60, 1, 0), "a", number(1));
    set.merge(slice(60, 1, hourly), "a", number(2));
    must(store->apply(std::move(set)));
    WriteSet far(40, 1);
    far.merge(slice(60, 40, hourly), "a", number(2));
    must(store->apply(std::move(far)));
    must(store->checkpoint(dir / "checkpoint", files));
  }
  auto store = must(KeyedStore::open(dir / "checkpoint", counter_options()));
  CHECK(store->steps() == std::map<std::string, uint16_t, std::less<>>{{"daily", 0}, {"hourly", hourly}});
  must(store->drop_step("hourly", std::vector<uint16_t>{1, 40}));
  CHECK(store->steps().size() == 1);
  CHECK(must(store->step_id("hourly")) == hourly + 1);
  CHECK(contents(*store->view(), lane_range(1)).size() == 1);
  CHECK(contents(*store->view(), lane_range(40)).empty());
}

TEST_CASE("any order of applying, deleting, checkpointing, reopening and reading agrees with a map") {
  for (const uint32_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    TempDir dir;
    LocalFiles files;
    std::mt19937 random(seed);
    const size_t ingest_bytes = seed % 2 == 0 ? 6'000 : size_t{1} << 30;
    std::string live = dir / "live-0";
    auto store = must(KeyedStore::open(live, counter_options(ingest_bytes)));
    std::map<std::string, uint64_t> oracle;
    std::map<uint16_t, uint64_t> generation;
    std::vector<std::pair<std::shared_ptr<const View>, std::map<std::string, uint64_t>>> held;
    const auto pick = [&](uint32_t below) { return std::uniform_int_distribution<uint32_t>(0, below - 1)(random); };
    for (int step = 0; step < 120; ++step) {
      const auto lane = static_cast<uint16_t>(pick(3));
      const uint32_t what = pick(20);
      if (what < 14) {
        WriteSet set(lane, ++generation[lane]);
        if (pick(4) == 0) {
          const int64_t first = pick(8);
          const KeyRange range = slice_range(lane, 0, Time{first * 1'000'000}, Time{(first + pick(3)) * 1'000'000});
          set.delete_range(range);
          oracle.erase(oracle.lower_bound(range.begin), oracle.lower_bound(range.end));
        }
        for (uint32_t n = pick(200); n > 0; --n) {
          const std::string key = encode_state_key(slice(pick(8), lane), name_of(pick(50)));
          const uint64_t value = pick(1000);
          set.merge(key, number(value));
          oracle[key] += value;
        }
        must(store->apply(std::move(set)));
      } else if (what < 16) {
        held.emplace_back(store->view(), oracle);
        if (held.size() > 4) held.erase(held.begin());
      } else if (what < 18) {
        const std::string path = dir / ("checkpoint-" + std::to_string(step));
        const auto listed = must(store->checkpoint(path, files));
        CHECK(listed.size() >= 3);
        for (const FileEntry& file : listed) CHECK(must(files.digest(path + "/" + file.name)) == file);
        if (pick(2) == 0) {
          held.clear();
          store.reset();
          store = must(KeyedStore::open(path, counter_options(ingest_bytes)));
          generation.clear();
        }
      } else {
        const KeyRange range = lane_range(lane);
        const std::map<std::string, uint64_t> expected(oracle.lower_bound(range.begin), oracle.lower_bound(range.end));
        CHECK(contents(*store->view(), range) == expected);
      }
      for (const auto& [view, seen] : held) {
        if (step % 10 == 0) CHECK(contents(*view, {std::string(1, '\0'), "\xff"}) == seen);
      }
    }
    CHECK(contents(*store->view(), {std::string(1, '\0'), "\xff"}) == oracle);
  }
}

TEST_CASE("lanes read whole generations while the writer goes on") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options(20'000)));
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::thread lane([&] {
    while (!done) {
      const auto view = store->view();
      Scan scan = view->scan(lane_range(0).begin, lane_range(0).end);
      uint64_t keys = 0;
      for (; scan.valid(); scan.next(), ++keys) wrong += number_in(scan.value()) != view->generation(0);
      wrong += keys != (view->generation(0) == 0 ? 0u : 500u);
    }
  });
  for (uint64_t generation = 1; generation <= 60; ++generation) {
    WriteSet set(0, generation);
    for (uint64_t k = 0; k < 500; ++k) set.merge(slice(60), name_of(k), number(1));
    must(store->apply(std::move(set)));
  }
  done = true;
  lane.join();
  CHECK(wrong == 0);
}

TEST_CASE("expired slices are gone from disk, their neighbours stay") {
  TempDir dir;
  LocalFiles files;
  auto store = must(KeyedStore::open(dir / "live", counter_options(1'000)));
  std::mt19937_64 random(7);
  for (uint64_t s = 1; s <= 4; ++s) {
    WriteSet set(0, s);
    for (uint64_t k = 0; k < 20'000; ++k) set.merge(slice(static_cast<int64_t>(s) * 60), name_of(random()), number(1));
    must(store->apply(std::move(set)));
  }
  must(store->checkpoint(dir / "full", files));
  const uint64_t before = store->stats().disk_bytes;
  WriteSet expiry(0, 5);
  expiry.expire(slice_range(0, 0, Time::min(), Time{120'000'000}));
  must(store->apply(std::move(expiry)));
  must(store->checkpoint(dir / "half", files));
  CHECK(contents(*store->view(), slice_range(0, 0, Time::min(), Time{120'000'000})).empty());
  CHECK(contents(*store->view(), step_range(0, 0)).size() == 40'000);
  CHECK(store->stats().disk_bytes < before * 9 / 10);
  CHECK(store->stats().approximate_keys >= 40'000);
}

TEST_CASE("a corrupt partial is an error, never a value") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options()));
  WriteSet set(0, 1);
  set.merge(slice(60), "a", "short");
  set.merge(slice(60), "a", number(1));
  must(store->apply(std::move(set)));
  CHECK_FALSE(store->view()->get(key_of(60, "a")).has_value());
  Scan scan = store->view()->scan(lane_range(0).begin, lane_range(0).end);
  CHECK_FALSE(scan.valid());
  CHECK_FALSE(scan.status().has_value());
}

TEST_CASE("a corrupt partial stops an ingested generation") {
  TempDir dir;
  auto store = must(KeyedStore::open(dir / "live", counter_options(0)));
  WriteSet set(0, 1);
  set.merge(slice(60), "a", "short");
  set.merge(slice(60), "a", number(1));
  CHECK_FALSE(store->apply(std::move(set)).has_value());
  CHECK(store->broken());
}

// Files cannot grow beyond the limit while this lives: what a full disk looks like from within.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit now{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = SIG_DFL;
};

TEST_CASE("when the disk is full the store is broken until it is restored from a checkpoint") {
  TempDir dir;
  LocalFiles files;
  for (const size_t ingest_bytes : {size_t{1} << 30, size_t{0}}) {
    const std::string root = dir / std::to_string(ingest_bytes);
    must(files.make_dirs(root));
    auto store = must(KeyedStore::open(root + "/live", counter_options(ingest_bytes)));
    WriteSet first(0, 1);
    first.merge(slice(60), "a", number(1));
    must(store->apply(std::move(first)));
    must(store->checkpoint(root + "/good", files));
    {
      FullDisk full(8 << 10);
      WriteSet second(0, 2);
      std::mt19937_64 random(7);
      for (uint64_t k = 0; k < 20'000; ++k) second.merge(slice(60), name_of(random()), number(1));
      const Status applied = store->apply(std::move(second));
      const bool checkpointed = applied && store->checkpoint(root + "/bad", files).has_value();
      CHECK_FALSE(checkpointed);
      if (!applied) CHECK((applied.error().fault == Fault::kExternal && applied.error().retriable));
      CHECK(store->broken());
    }
    WriteSet third(0, 3);
    third.merge(slice(60), "b", number(1));
    CHECK_FALSE(store->apply(std::move(third)).has_value());
    CHECK_FALSE(store->checkpoint(root + "/later", files).has_value());
    store.reset();
    store = must(KeyedStore::open(root + "/good", counter_options(ingest_bytes)));
    CHECK(contents(*store->view(), lane_range(0)) == std::map<std::string, uint64_t>{{key_of(60, "a"), 1}});
  }
}

size_t files_in(const std::string& dir) {
  const auto is_table = [](const auto& file) { return file.path().extension() == ".sst"; };
  return static_cast<size_t>(std::ranges::count_if(std::filesystem::directory_iterator(dir), is_table));
}

// Each checkpoint of a quiet stream leaves a small file behind; windows of an hour see hundreds of them.
TEST_CASE("files of many small generations do not pile up, and what expired leaves the disk") {
  constexpr int64_t kGenerations = 400;
  constexpr int64_t kEachWindow = 100;
  constexpr size_t kKeys = 200;
  TempDir dir;
  LocalFiles files;
  auto store = must(KeyedStore::open(dir / "live", counter_options()));
  must(store->start_compaction());
  size_t most = 0;
  int patience = 20'000;
  for (int64_t generation = 1; generation <= kGenerations; ++generation) {
    const int64_t window = (generation - 1) / kEachWindow;
    WriteSet set(0, static_cast<uint64_t>(generation));
    set.expire(slice_range(0, 0, Time::min(), Time{(window - 2) * 60'000'000}));
    for (size_t k = 0; k < kKeys; ++k) set.merge(slice(60 * window), fmt::format("{:03}", k), number(1));
    must(store->apply(std::move(set)));
    must(files.remove_tree(dir / "checkpoint"));
    must(store->checkpoint(dir / "checkpoint", files));
    for (; files_in(dir / "live") > 40 && patience > 0; --patience) ::usleep(1'000);
    most = std::max(most, files_in(dir / "live"));
  }
  CHECK(most <= 40);
  const auto all = contents(*store->view(), lane_range(0));
  CHECK(all.size() == 2 * kKeys);
  CHECK(std::ranges::all_of(all, [](const auto& one) { return one.second == kEachWindow; }));
}

TEST_CASE("memory stays inside the shared bounds while far more is written") {
  TempDir dir;
  StoreOptions options = counter_options(size_t{1} << 30);
  auto store = must(KeyedStore::open(dir / "live", options));
  std::mt19937_64 random(7);
  for (uint64_t generation = 1; generation <= 40; ++generation) {
    WriteSet set(0, generation);
    for (uint64_t k = 0; k < 5'000; ++k) set.merge(slice(60), name_of(random()), number(1));
    must(store->apply(std::move(set)));
    CHECK(options.memory->memtables_used() <= size_t{9} << 20);
    CHECK(options.memory->cache_used() <= size_t{17} << 20);
  }
  CHECK(store->stats().disk_bytes > size_t{1} << 20);
}

}  // namespace
}  // namespace tidemark
