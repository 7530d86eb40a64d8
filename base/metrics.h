// Typed metrics over prometheus-cpp: a spec per metric family, handles that are resolved once and then cost an atomic
// addition, and the Prometheus text form of all of them.
// It does not know which metrics there are (base/metric_names.h) and never reads a clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace tidemark {

enum class MetricType { kCounter, kGauge, kHistogram };
enum class MetricUnit { kCount, kBytes, kSeconds, kRatio, kInfo };

// One metric family. All specs are constants in base/metric_names.h.
struct MetricSpec {
  std::string_view name;
  MetricType type = MetricType::kCounter;
  MetricUnit unit = MetricUnit::kCount;
  std::array<std::string_view, 4> labels{};  // names in order; empty ones are unused
  std::string_view help;
  std::string_view action;            // what to do about it, in Markdown, for the reference
  std::span<const double> buckets{};  // upper bounds, for histograms

  constexpr size_t label_count() const {
    size_t n = 0;
    while (n < labels.size() && !labels[n].empty()) ++n;
    return n;
  }
};

// The handles refer to a series that the registry owns: they are valid until the series is removed or the registry
// dies. All are thread-safe, lock-free but for histograms, cheap to copy. A default-constructed handle does nothing.
class MetricCounter {
 public:
  void add(uint64_t n = 1) const;
  void add_seconds(double seconds) const;
  // For totals that someone else counts: raises the counter to `total`; a smaller one is ignored.
  // Not to be called from two threads at once.
  void raise_to(double total) const;
  double value() const;

 private:
  friend class MetricRegistry;
  prometheus::Counter* series_ = nullptr;
};

class MetricGauge {
 public:
  void set(double value) const;
  void add(double delta) const;
  double value() const;

 private:
  friend class MetricRegistry;
  prometheus::Gauge* series_ = nullptr;
};

class MetricHistogram {
 public:
  void observe(double value) const;
  uint64_t count() const;

 private:
  friend class MetricRegistry;
  prometheus::Histogram* series_ = nullptr;
};

// Label values, in the order of the spec's label names.
using LabelValues = std::vector<std::string>;

class MetricRegistry;

// A gauge whose series appears with its first value: before that there is nothing to tell, and 0 would be a lie.
// Single-threaded; the same series may not be removed while this is used.
class LateGauge {
 public:
  LateGauge() = default;
  LateGauge(MetricRegistry& registry, const MetricSpec& spec, LabelValues values)
      : registry_(&registry), spec_(&spec), values_(std::move(values)) {}
  void set(double value);

 private:
  MetricRegistry* registry_ = nullptr;
  const MetricSpec* spec_ = nullptr;
  LabelValues values_;
  MetricGauge gauge_;
  bool is_there_ = false;
};

// Owns every series of the process; main owns it. Thread-safe. Asking for a series makes it or gets it.
// Bytes that are not UTF-8 in label values are replaced.
class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // The spec's type must be the function's, and there must be as many values as labels: an invariant, checked.
  MetricCounter counter(const MetricSpec& spec, LabelValues values = {});
  MetricGauge gauge(const MetricSpec& spec, LabelValues values = {});
  MetricHistogram histogram(const MetricSpec& spec, LabelValues values = {});

  // The gauge as it stands; nothing where it has no such series.
  std::optional<double> gauge_value(const MetricSpec& spec, LabelValues values) const;

  // Forgets one series. No handle to it may be used afterwards.
  void remove(const MetricSpec& spec, LabelValues values);
  // Forgets every series that bears this label, for example all of a pipeline. The same holds for their handles.
  void remove_all(std::string_view label, std::string_view value);

  // The Prometheus text format, families by name, series by label values.
  std::string expose() const;

 private:
  struct Family;
  Family& family(const MetricSpec& spec, MetricType type, const LabelValues& values);

  mutable std::mutex mutex_;  // guards families_
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
};

}  // namespace tidemark
