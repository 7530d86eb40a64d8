// Whatever changes the disk is an act. Of the one at which death comes, the case says whether it still happens; a write
// can also happen by half.
#include "tests/daemon/property/life.h"

namespace tidemark::property {

template <class Effect>
auto MortalFiles::act(Effect effect) -> decltype(effect()) {
  switch (life_.act(Act::kFile)) {
    case Life::Fate::kGoesOn: return effect();
    case Life::Fate::kDiesAfter: (void)effect(); break;
    case Life::Fate::kDiesBefore:
    case Life::Fate::kIsDead: break;
  }
  return external_error("the process is dead");
}

Result<bool> MortalFiles::make_new_dir(const std::string& path) {
  return act([&] { return disk_.make_new_dir(path); });
}
Status MortalFiles::make_dirs(const std::string& path) {
  return act([&] { return disk_.make_dirs(path); });
}
// Who dies before the end of a write leaves half a file.
Status MortalFiles::write_synced(const std::string& path, std::string_view bytes) {
  const Life::Fate fate = life_.act(Act::kFile);
  if (fate == Life::Fate::kGoesOn) return disk_.write_synced(path, bytes);
  if (fate == Life::Fate::kDiesAfter) (void)disk_.write_synced(path, bytes);
  if (fate == Life::Fate::kDiesBefore) (void)disk_.write_synced(path, bytes.substr(0, bytes.size() / 2));
  return external_error("the process is dead");
}
Status MortalFiles::rename(const std::string& from, const std::string& to) {
  return act([&] { return disk_.rename(from, to); });
}
Status MortalFiles::sync_dir(const std::string& path) {
  return act([&] { return disk_.sync_dir(path); });
}
Status MortalFiles::link(const std::string& from, const std::string& to) {
  return act([&] { return disk_.link(from, to); });
}
Status MortalFiles::copy_synced(const std::string& from, const std::string& to) {
  return act([&] { return disk_.copy_synced(from, to); });
}
Status MortalFiles::remove_file(const std::string& path) {
  return act([&] { return disk_.remove_file(path); });
}
Status MortalFiles::remove_tree(const std::string& path) {
  return act([&] { return disk_.remove_tree(path); });
}

}  // namespace tidemark::property
