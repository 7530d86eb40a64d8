// Adds member by member; of two lists the longer one sets the length. Nothing is judged here.
#include "daemon/tally.h"

#include <algorithm>

#include "base/counters.h"

namespace tidemark {
namespace {

void add_counters(uint64_t& sum, uint64_t more) { sum += more; }

template <class T>
void add_each(std::vector<T>& sums, const std::vector<T>& more) {
  sums.resize(std::max(sums.size(), more.size()));
  for (size_t i = 0; i < more.size(); ++i) add_counters(sums[i], more[i]);
}

void add_refused(RefusedCounts& sums, const RefusedCounts& more) {
  for (const auto& [step, reasons] : more) {
    for (const auto& [reason, n] : reasons) sums[step][reason] += n;
  }
}

}  // namespace

void Tally::add(const Tally& more) {
  // Bound by name, so that a new member does not compile until it is added.
  const auto& [more_steps, more_windows, more_sinks, more_refused, more_violations] = more;
  add_each(steps, more_steps);
  add_each(windows, more_windows);
  add_each(sinks, more_sinks);
  add_refused(refused, more_refused);
  add_each(partitioning_violations, more_violations);
}

}  // namespace tidemark
