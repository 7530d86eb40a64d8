// Life: one process as far as the outside can tell: a count of its acts on the world, at one of which it dies. After that
// nothing it does reaches disk or broker, which is what SIGKILL leaves behind, whatever its threads go on to do.
// It deliberately does not know what the acts are.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "base/clock.h"
#include "state/files.h"

namespace tidemark::property {

// The acts that a death can be tied to.
enum class Act : uint8_t { kFile, kProduce, kTransaction, kDeliver };

// When to die: at the `nth` act of a kind, from 1, before or after it has taken effect.
struct Death {
  Act at = Act::kFile;
  int64_t nth = std::numeric_limits<int64_t>::max();  // never
  bool after = false;
};

// Thread-safe.
class Life {
 public:
  explicit Life(Death death = {}) : death_(death), left_(death.nth) {}

  enum class Fate : uint8_t { kGoesOn, kDiesBefore, kDiesAfter, kIsDead };
  Fate act(Act act) {
    if (dead_) return Fate::kIsDead;
    if (act != death_.at || --left_ != 0) return Fate::kGoesOn;
    dead_ = true;
    return death_.after ? Fate::kDiesAfter : Fate::kDiesBefore;
  }
  bool dead() const { return dead_; }
  void kill() { dead_ = true; }

 private:
  const Death death_;
  std::atomic<int64_t> left_;
  std::atomic<bool> dead_{false};
};

// The local disk as a mortal process has it. Thread-safe. `life` outlives it.
class MortalFiles : public Files {
 public:
  explicit MortalFiles(Life& life) : life_(life) {}
  Result<bool> make_new_dir(const std::string& path) override;
  Status make_dirs(const std::string& path) override;
  Status write_synced(const std::string& path, std::string_view bytes) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_dir(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status copy_synced(const std::string& from, const std::string& to) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::string> read(const std::string& path, uint64_t max_bytes) override { return disk_.read(path, max_bytes); }
  Result<std::vector<DirEntry>> list(const std::string& path) override { return disk_.list(path); }
  Result<FileEntry> digest(const std::string& path) override { return disk_.digest(path); }

 private:
  template <class Effect>
  auto act(Effect effect) -> decltype(effect());
  Life& life_;
  LocalFiles disk_;
};

// The time of day stands still; intervals pass `speed` times as fast, so that waits cost little.
class FastClock final : public Clock {
 public:
  FastClock(Time now, int64_t speed) : now_(now), speed_(speed) {}
  Time now() const override { return now_; }
  Duration elapsed() const override { return {steady_.elapsed().us * speed_}; }

 private:
  Time now_;
  int64_t speed_;
  SystemClock steady_;
};

}  // namespace tidemark::property
