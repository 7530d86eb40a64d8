// Families are kept here, by name and label values, under a mutex that is held to find or make a series; counting does
// not pass it. Labels become valid UTF-8 first, whoever wrote them.
#include "base/metrics.h"

#include <utility>
#include <variant>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/check.h"
#include "base/safe_text.h"

namespace tidemark {

namespace {

prometheus::MetricType prometheus_type(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return prometheus::MetricType::Counter;
    case MetricType::kGauge: return prometheus::MetricType::Gauge;
    case MetricType::kHistogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

void MetricCounter::add(uint64_t n) const {
  if (series_ != nullptr) series_->Increment(static_cast<double>(n));
}

void MetricCounter::add_seconds(double seconds) const {
  if (series_ != nullptr) series_->Increment(seconds);
}

void MetricCounter::raise_to(double total) const {
  if (series_ == nullptr) return;
  const double now = series_->Value();
  if (total > now) series_->Increment(total - now);
}

double MetricCounter::value() const { return series_ == nullptr ? 0 : series_->Value(); }

void MetricGauge::set(double value) const {
  if (series_ != nullptr) series_->Set(value);
}

void MetricGauge::add(double delta) const {
  if (series_ != nullptr) series_->Increment(delta);
}

double MetricGauge::value() const { return series_ == nullptr ? 0 : series_->Value(); }

void LateGauge::set(double value) {
  if (!is_there_ && registry_ != nullptr) gauge_ = registry_->gauge(*spec_, values_);
  is_there_ = true;
  gauge_.set(value);
}

void MetricHistogram::observe(double value) const {
  if (series_ != nullptr) series_->Observe(value);
}

uint64_t MetricHistogram::count() const {
  return series_ == nullptr ? 0 : series_->Collect().histogram.sample_count;
}

// prometheus-cpp's own families keep series in hash order and can forget only one by its address; these keep them by
// label values, so that the text is stable and a pipeline's series go in one sweep.
struct MetricRegistry::Family {
  using Series = std::variant<std::unique_ptr<prometheus::Counter>, std::unique_ptr<prometheus::Gauge>,
                              std::unique_ptr<prometheus::Histogram>>;

  MetricSpec spec;
  std::map<LabelValues, Series> series;

  template <class T, class... Args>
  T* get_or_make(LabelValues values, Args&&... args) {
    const auto found = series.find(values);
    if (found != series.end()) return std::get<std::unique_ptr<T>>(found->second).get();
    auto made = std::make_unique<T>(std::forward<Args>(args)...);
    T* handle = made.get();
    series.emplace(std::move(values), std::move(made));
    return handle;
  }

  bool bears(const LabelValues& values, std::string_view label, std::string_view value) const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (spec.labels[i] == label) return values[i] == value;
    }
    return false;
  }

  prometheus::MetricFamily collect() const {
    prometheus::MetricFamily out{std::string(spec.name), std::string(spec.help), prometheus_type(spec.type), {}};
    for (const auto& [values, one] : series) {
      prometheus::ClientMetric metric = std::visit([](const auto& s) { return s->Collect(); }, one);
      for (size_t i = 0; i < values.size(); ++i) metric.label.push_back({std::string(spec.labels[i]), values[i]});
      out.metric.push_back(std::move(metric));
    }
    return out;
  }
};

MetricRegistry::MetricRegistry() = default;
MetricRegistry::~MetricRegistry() = default;

// Called with mutex_ held.
MetricRegistry::Family& MetricRegistry::family(const MetricSpec& spec, MetricType type, const LabelValues& values) {
  CHECK_OR_DIE(spec.type == type, "a metric is asked for by the type that its spec names");
  CHECK_OR_DIE(values.size() == spec.label_count(), "a metric is asked for with a value for each of its labels");
  const auto found = families_.find(spec.name);
  if (found == families_.end()) {
    auto made = std::make_unique<Family>(Family{spec, {}});
    return *families_.emplace(std::string(spec.name), std::move(made)).first->second;
  }
  CHECK_OR_DIE(found->second->spec.type == type && found->second->spec.labels == spec.labels,
               "one metric name has one type and one set of labels");
  return *found->second;
}

namespace {

LabelValues cleaned(LabelValues values) {
  for (std::string& value : values) value = valid_utf8(value);
  return values;
}

}  // namespace

MetricCounter MetricRegistry::counter(const MetricSpec& spec, LabelValues values) {
  const std::lock_guard lock(mutex_);
  MetricCounter handle;
  Family& owner = family(spec, MetricType::kCounter, values);
  handle.series_ = owner.get_or_make<prometheus::Counter>(cleaned(std::move(values)));
  return handle;
}

MetricGauge MetricRegistry::gauge(const MetricSpec& spec, LabelValues values) {
  const std::lock_guard lock(mutex_);
  MetricGauge handle;
  Family& owner = family(spec, MetricType::kGauge, values);
  handle.series_ = owner.get_or_make<prometheus::Gauge>(cleaned(std::move(values)));
  return handle;
}

MetricHistogram MetricRegistry::histogram(const MetricSpec& spec, LabelValues values) {
  const std::lock_guard lock(mutex_);
  MetricHistogram handle;
  Family& owner = family(spec, MetricType::kHistogram, values);
  const prometheus::Histogram::BucketBoundaries bounds(spec.buckets.begin(), spec.buckets.end());
  handle.series_ = owner.get_or_make<prometheus::Histogram>(cleaned(std::move(values)), bounds);
  return handle;
}

std::optional<double> MetricRegistry::gauge_value(const MetricSpec& spec, LabelValues values) const {
  const std::lock_guard lock(mutex_);
  const auto family = families_.find(spec.name);
  if (family == families_.end()) return std::nullopt;
  const auto found = family->second->series.find(cleaned(std::move(values)));
  if (found == family->second->series.end()) return std::nullopt;
  return std::get<std::unique_ptr<prometheus::Gauge>>(found->second)->Value();
}

void MetricRegistry::remove(const MetricSpec& spec, LabelValues values) {
  const std::lock_guard lock(mutex_);
  const auto found = families_.find(spec.name);
  if (found != families_.end()) found->second->series.erase(cleaned(std::move(values)));
}

void MetricRegistry::remove_all(std::string_view label, std::string_view value) {
  const std::string wanted = valid_utf8(value);
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    std::erase_if(family->series, [&](const auto& entry) { return family->bears(entry.first, label, wanted); });
  }
}

std::string MetricRegistry::expose() const {
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) {
      if (!family->series.empty()) families.push_back(family->collect());
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tidemark
