// Every metric of the table comes from some handle, with its labels, and series come and go with what they are about.
#include "daemon/pipeline_metrics.h"

#include "base/metric_names.h"
#include "daemon/client_feed.h"
#include "tests/catch.h"

namespace tidemark {

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

bool has_family(const std::string& text, std::string_view name) {
  return text.find("# TYPE " + std::string(name) + " ") != std::string::npos;
}

}  // namespace

TEST_CASE("a pipeline with a partition, a step, a sink and a client exposes every metric of the table") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  PartitionMetrics& partition = metrics.partition("events", "t", 0);
  for (LateGauge* gauge : {&partition.consumer_lag, &partition.committed_lag, &partition.consumer_lag_seconds,
                           &partition.committed_lag_seconds, &partition.position_offset, &partition.committed_offset,
                           &partition.log_end_offset, &partition.watermark_timestamp_seconds, &partition.watermark_holder,
                           &partition.idle, &partition.paused, &metrics.watermark_lag_seconds,
                           &metrics.checkpoint_last_success_timestamp_seconds, &metrics.checkpoint_size_bytes}) {
    gauge->set(1);
  }
  metrics.step("per_user");
  metrics.sink("kafka-1");
  metrics.dead_lettered("events", "decode");
  metrics.late("per_user", "idle");
  metrics.ledger("per_user", "counted");
  HotKeys keys;
  keys.add(1);
  metrics.show_hot_keys("per_user", keys);
  metrics.show_heavy_keys("per_user", keys);
  metrics.ledger_open("per_user");
  metrics.kafka_client("consumer");
  const std::string text = registry.expose();
  for (const MetricSpec* spec : metric::all()) {
    const bool of_pipeline = spec->labels[0] == "pipeline";
    INFO(spec->name);
    CHECK(has_family(text, spec->name) == of_pipeline);
  }
}

TEST_CASE("look-ups give the same series each time, labelled in full") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  CHECK(&metrics.partition("events", "t", 3) == &metrics.partition("events", "t", 3));
  CHECK(&metrics.step("s") == &metrics.step("s"));
  metrics.partition("events", "t", 3).records_read.add(7);
  metrics.step("s").records_counted.add(2);
  metrics.sink("out").records_emitted.add(1);
  metrics.dead_lettered("events", "decode").add(1);
  metrics.dead_lettered("events", "decode").add(1);
  metrics.late("s", "idle").add(1);
  metrics.checkpoints_failed.add(1);
  metrics.state_cold_bytes.set(5);
  metrics.kafka_client("producer").sent_bytes.raise_to(9);
  const std::string text = registry.expose();
  CHECK(has_line(text, R"(tidemark_records_read_total{pipeline="p",topic="t",partition="3",step="events"} 7)"));
  CHECK(has_line(text, R"(tidemark_records_counted_total{pipeline="p",step="s"} 2)"));
  CHECK(has_line(text, R"(tidemark_records_emitted_total{pipeline="p",sink="out"} 1)"));
  CHECK(has_line(text, R"(tidemark_records_dead_lettered_total{pipeline="p",step="events",reason="decode"} 2)"));
  CHECK(has_line(text, R"(tidemark_records_late_total{pipeline="p",step="s",reason="idle"} 1)"));
  CHECK(has_line(text, R"(tidemark_checkpoints_total{pipeline="p",result="failure"} 1)"));
  CHECK(has_line(text, R"(tidemark_checkpoints_total{pipeline="p",result="success"} 0)"));
  CHECK(has_line(text, R"(tidemark_state_bytes{pipeline="p",tier="cold"} 5)"));
  CHECK(has_line(text, R"(tidemark_kafka_sent_bytes_total{pipeline="p",client="producer"} 9)"));
}

TEST_CASE("a pipeline is in one state") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  CHECK(has_line(registry.expose(), R"(tidemark_pipeline_state{pipeline="p",state="starting"} 1)"));
  metrics.set_state(PipelineState::kFenced);
  const std::string text = registry.expose();
  for (const PipelineState state : kAllPipelineStates) {
    const std::string value = state == PipelineState::kFenced ? "1" : "0";
    const std::string name(to_string(state));
    CHECK(has_line(text, R"(tidemark_pipeline_state{pipeline="p",state=")" + name + "\"} " + value));
  }
}

TEST_CASE("a partition that went elsewhere leaves its counters and takes its gauges") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  metrics.partition("events", "t", 0).consumer_lag.set(4);
  metrics.partition("events", "t", 0).records_read.add(5);
  metrics.partition("events", "t", 1).consumer_lag.set(6);
  metrics.forget_partition("events", "t", 0);
  metrics.forget_partition("events", "t", 9);
  std::string text = registry.expose();
  CHECK(text.find(R"(tidemark_consumer_lag{pipeline="p",topic="t",partition="0"})") == std::string::npos);
  CHECK(has_line(text, R"(tidemark_consumer_lag{pipeline="p",topic="t",partition="1"} 6)"));
  metrics.partition("events", "t", 0).records_read.add(1);
  text = registry.expose();
  CHECK(has_line(text, R"(tidemark_records_read_total{pipeline="p",topic="t",partition="0",step="events"} 6)"));
}

TEST_CASE("a pipeline takes its series with it and leaves the others'") {
  MetricRegistry registry;
  PipelineMetrics other(registry, "q");
  {
    PipelineMetrics metrics(registry, "p");
    metrics.step("s");
    CHECK(registry.expose().find("pipeline=\"p\"") != std::string::npos);
  }
  CHECK(registry.expose().find("pipeline=\"p\"") == std::string::npos);
  CHECK(registry.expose().find("pipeline=\"q\"") != std::string::npos);
}

TEST_CASE("what is not known yet has no series") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  PartitionMetrics& partition = metrics.partition("events", "t", 0);
  const LabelValues labels = {"p", "t", "0"};
  CHECK(registry.expose().find("watermark") == std::string::npos);
  CHECK(registry.expose().find("last_success") == std::string::npos);
  CHECK_FALSE(registry.gauge_value(metric::kWatermarkTimestamp, labels));
  partition.watermark_timestamp_seconds.set(12);
  CHECK(registry.gauge_value(metric::kWatermarkTimestamp, labels) == 12);
  metrics.forget_partition("events", "t", 0);
  CHECK_FALSE(registry.gauge_value(metric::kWatermarkTimestamp, labels));
  metrics.partition("events", "t", 0).watermark_timestamp_seconds.set(13);
  CHECK(registry.gauge_value(metric::kWatermarkTimestamp, labels) == 13);
}

TEST_CASE("a client's totals rise on through clients that are made anew") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  ClientFeed feed(metrics, "producer");
  ClientStatistics now;
  now.sent_bytes = 100;
  now.brokers_up = 3;
  feed.show(now);
  now.sent_bytes = 150;
  feed.show(now);
  CHECK(has_line(registry.expose(), R"(tidemark_kafka_sent_bytes_total{pipeline="p",client="producer"} 150)"));
  feed.show({});
  CHECK(has_line(registry.expose(), R"(tidemark_kafka_brokers_up{pipeline="p",client="producer"} 0)"));
  now.sent_bytes = 30;
  feed.show(now);
  CHECK(has_line(registry.expose(), R"(tidemark_kafka_sent_bytes_total{pipeline="p",client="producer"} 180)"));
}

TEST_CASE("hot keys are shown by their hash, at most ten, and go when they cool down") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  const auto show = [&](std::initializer_list<std::pair<uint64_t, int>> counts) {
    HotKeys keys;
    for (const auto& [hash, n] : counts) {
      for (int i = 0; i < n; ++i) keys.add(hash);
    }
    metrics.show_hot_keys("s", keys);
    return registry.expose();
  };
  std::string text = show({{255, 50}, {16, 30}, {1, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 4}});
  CHECK(has_line(text, R"(tidemark_hottest_key_ratio{pipeline="p",step="s"} 0.5)"));
  CHECK(has_line(text, R"(tidemark_hot_key_ratio{pipeline="p",step="s",key="00000000000000ff"} 0.5)"));
  CHECK(has_line(text, R"(tidemark_hot_key_ratio{pipeline="p",step="s",key="0000000000000010"} 0.3)"));
  CHECK(text.find("0000000000000001") == std::string::npos);
  text = show({{16, 8}, {1, 2}});
  CHECK(text.find("00000000000000ff") == std::string::npos);
  CHECK(has_line(text, R"(tidemark_hot_key_ratio{pipeline="p",step="s",key="0000000000000001"} 0.2)"));
  text = show({{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {10, 1}, {11, 1}, {12, 1}});
  size_t shown = 0;
  for (size_t at = text.find("\ntidemark_hot_key_ratio{"); at != std::string::npos; at = text.find("\ntidemark_hot_key_ratio{", at + 1)) ++shown;
  CHECK(shown == 10);
}

TEST_CASE("keys that are hot by rows and by state have series of their own") {
  MetricRegistry registry;
  PipelineMetrics metrics(registry, "p");
  HotKeys rows, state;
  rows.add(1, 3);
  rows.add(2, 1);
  state.add(2, 9);
  state.add(1, 1);
  metrics.show_hot_keys("s", rows);
  metrics.show_heavy_keys("s", state);
  const std::string text = registry.expose();
  CHECK(has_line(text, R"(tidemark_hottest_key_ratio{pipeline="p",step="s"} 0.75)"));
  CHECK(has_line(text, R"(tidemark_heaviest_key_ratio{pipeline="p",step="s"} 0.9)"));
  CHECK(has_line(text, R"(tidemark_hot_key_ratio{pipeline="p",step="s",key="0000000000000002"} 0.25)"));
  CHECK(has_line(text, R"(tidemark_heavy_key_ratio{pipeline="p",step="s",key="0000000000000002"} 0.9)"));
  metrics.show_heavy_keys("s", {});
  CHECK(registry.expose().find("tidemark_heavy_key_ratio{") == std::string::npos);
  CHECK(registry.expose().find("tidemark_hot_key_ratio{") != std::string::npos);
}

TEST_CASE("the number of series follows from the file and the assignment, as docs/metrics.md says") {
  const auto series = [](int partitions, int steps, int sinks) {
    MetricRegistry registry;
    PipelineMetrics metrics(registry, "p");
    for (int n = 0; n < partitions; ++n) {
      PartitionMetrics& p = metrics.partition("events", "t", n);
      for (LateGauge* gauge : {&p.consumer_lag, &p.committed_lag, &p.consumer_lag_seconds, &p.committed_lag_seconds,
                               &p.position_offset, &p.committed_offset, &p.log_end_offset, &p.watermark_timestamp_seconds,
                               &p.watermark_holder, &p.idle, &p.paused}) {
        gauge->set(1);
      }
    }
    for (int n = 0; n < steps; ++n) {
      const std::string step = "step-" + std::to_string(n);
      metrics.step(step);
      metrics.dead_lettered(step, "expression");
      for (const char* reason : {"late", "idle"}) metrics.late(step, reason);
      for (const char* entry : {"in", "out", "dead_lettered", "counted", "late"}) metrics.ledger(step, entry);
      metrics.ledger_open(step);
    }
    for (int n = 0; n < sinks; ++n) {
      metrics.sink("sink-" + std::to_string(n));
      metrics.dead_lettered("sink-" + std::to_string(n), "oversize");
    }
    for (const char* client : {"consumer", "producer"}) metrics.kafka_client(client);
    const std::string text = registry.expose();
    size_t lines = 0;
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] != '#';
    return lines;
  };
  const size_t bare = series(0, 0, 0);
  CHECK(bare < 120);
  CHECK(series(100, 0, 0) - bare == 100 * 13);
  CHECK(series(0, 10, 0) - bare == 10 * 16);
  CHECK(series(0, 0, 10) - bare == 10 * 2);
}

}  // namespace tidemark
