// The registry by the text that it exposes, its handles under threads, and the naming rules over the table of all
// metrics.
#include "base/metrics.h"

#include <algorithm>
#include <set>
#include <thread>

#include "base/metric_names.h"
#include "tests/catch.h"

namespace tidemark {

namespace {

constexpr double kBounds[] = {0.5, 1};
constexpr MetricSpec kThings{"things_total", MetricType::kCounter, MetricUnit::kCount, {"pipeline", "topic"},
                             "Things.", ""};
constexpr MetricSpec kLevel{"level", MetricType::kGauge, MetricUnit::kCount, {"pipeline"}, "Level.", ""};
constexpr MetricSpec kTook{"took_seconds", MetricType::kHistogram, MetricUnit::kSeconds, {}, "Took.", "", kBounds};

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("series are made once and exposed in the Prometheus text format") {
  MetricRegistry registry;
  registry.counter(kThings, {"p", "a"}).add(2);
  registry.counter(kThings, {"p", "a"}).add();
  registry.gauge(kLevel, {"p"}).set(-1.5);
  const MetricHistogram took = registry.histogram(kTook);
  took.observe(0.25);
  took.observe(0.75);
  took.observe(9);
  const std::string text = registry.expose();
  CHECK(has_line(text, "# HELP things_total Things."));
  CHECK(has_line(text, "# TYPE things_total counter"));
  CHECK(has_line(text, "things_total{pipeline=\"p\",topic=\"a\"} 3"));
  CHECK(has_line(text, "level{pipeline=\"p\"} -1.5"));
  CHECK(has_line(text, "# TYPE took_seconds histogram"));
  CHECK(has_line(text, "took_seconds_bucket{le=\"0.5\"} 1"));
  CHECK(has_line(text, "took_seconds_bucket{le=\"1\"} 2"));
  CHECK(has_line(text, "took_seconds_bucket{le=\"+Inf\"} 3"));
  CHECK(has_line(text, "took_seconds_count 3"));
  CHECK(took.count() == 3);
}

TEST_CASE("label values are escaped and made valid UTF-8") {
  MetricRegistry registry;
  registry.counter(kThings, {"a\"b\\c\nd", "\xff"}).add();
  CHECK(has_line(registry.expose(), "things_total{pipeline=\"a\\\"b\\\\c\\nd\",topic=\"\xEF\xBF\xBD\"} 1"));
}

TEST_CASE("a label's series go together, and one series goes alone") {
  MetricRegistry registry;
  registry.counter(kThings, {"p", "a"}).add();
  registry.counter(kThings, {"q", "p"}).add();
  registry.gauge(kLevel, {"p"}).set(1);
  registry.gauge(kLevel, {"q"}).set(1);
  registry.remove_all("pipeline", "p");
  std::string text = registry.expose();
  CHECK(text.find("pipeline=\"p\"") == std::string::npos);
  CHECK(has_line(text, "things_total{pipeline=\"q\",topic=\"p\"} 1"));
  registry.remove(kLevel, {"q"});
  text = registry.expose();
  CHECK(text.find("level") == std::string::npos);
  registry.counter(kThings, {"p", "a"}).add();
  CHECK(has_line(registry.expose(), "things_total{pipeline=\"p\",topic=\"a\"} 1"));
}

TEST_CASE("a total that someone else counts never goes down") {
  MetricRegistry registry;
  const MetricCounter counter = registry.counter(kThings, {"p", "a"});
  counter.raise_to(5);
  counter.raise_to(3);
  CHECK(counter.value() == 5);
  counter.raise_to(8.5);
  CHECK(counter.value() == 8.5);
}

TEST_CASE("default handles do nothing") {
  MetricCounter().add(3);
  MetricGauge().set(1);
  MetricHistogram().observe(1);
  CHECK(MetricCounter().value() == 0);
}

TEST_CASE("threads count together while others scrape") {
  MetricRegistry registry;
  constexpr int kThreads = 4, kRounds = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      const MetricCounter counter = registry.counter(kThings, {"p", "a"});
      for (int i = 0; i < kRounds; ++i) counter.add();
    });
  }
  for (int i = 0; i < 20; ++i) registry.expose();
  for (std::thread& thread : threads) thread.join();
  CHECK(registry.counter(kThings, {"p", "a"}).value() == kThreads * kRounds);
}

TEST_CASE("every metric keeps the naming rules") {
  std::set<std::string_view> names;
  for (const MetricSpec* spec : metric::all()) {
    INFO(spec->name);
    CHECK(names.insert(spec->name).second);
    CHECK((spec->name.starts_with("tidemark_") || spec->name.starts_with("process_")));
    CHECK(spec->name.ends_with("_total") == (spec->type == MetricType::kCounter));
    CHECK((spec->type == MetricType::kHistogram) == !spec->buckets.empty());
    if (spec->unit == MetricUnit::kSeconds) CHECK(spec->name.find("_seconds") != std::string_view::npos);
    if (spec->unit == MetricUnit::kRatio) CHECK(spec->name.ends_with("_ratio"));
    if (spec->unit == MetricUnit::kBytes) CHECK(spec->name.find("_bytes") != std::string_view::npos);
    CHECK(spec->help.ends_with('.'));
    CHECK(spec->action.ends_with('.'));
    for (size_t i = 0; i < spec->label_count(); ++i) {
      CHECK(std::ranges::count(metric::labels(), spec->labels[i], &metric::LabelSpec::name) == 1);
    }
  }
}

}  // namespace tidemark
