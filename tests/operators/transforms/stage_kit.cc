// One reader and one stage, as a worker has them.
#include "tests/operators/transforms/stage_kit.h"

#include "base/clock.h"
#include "config/pipeline.h"
#include "operators/plan/plan.h"
#include "operators/sources/partition_reader.h"
#include "operators/transforms/stage.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

std::string file_of(const std::string& source, const std::string& steps) {
  return "name: p\nsources:\n  in:\n    {kafka: {brokers: b, topic: in}, " + source + "}\nsteps:\n  " + steps +
         "\nsinks:\n  - stdout: {}\n  - {from: late, drop: {}}\n  - {from: dead_letter, drop: {}}\n";
}

class StillClock final : public Clock {
 public:
  Time now() const override { return Time::from_millis(1'800'000'000'000); }
  Duration elapsed() const override { return {}; }
};

class Lines final : public StageOutput, public ReaderEvents {
 public:
  Lines(const Plan& plan, const std::vector<Sent>& records) : plan_(plan), records_(records), lines_(records.size(), "filtered") {}

  void add_headers(Arena& arena, RawRecord& record) override {
    for (const auto& [name, value] : records_[current_].headers) {
      std::optional<std::string_view> copy;
      if (value) copy = arena.copy(*value);
      record.headers.emplace_back(arena.copy(name), copy);
    }
  }
  void refused(const SourceRecord& record, Reason reason, const std::string& message) override {
    lines_[static_cast<size_t>(record.offset - 7)] = std::string(to_string(reason)) + " in: " + message;
  }
  void to_window(size_t, Batch&, Rows) override {}
  void deduplicate(size_t, Batch&, std::vector<uint32_t>&, StepCounters&) override {}
  void to_sink(size_t sink, Batch& batch, Rows rows) override {
    for (const uint32_t row : rows) {
      JsonWriter::RecentTimes recent;
      std::string line;
      plan_.sinks[sink].row->append_row(batch, row, recent, line);
      lines_[static_cast<size_t>(batch.offsets[row] - 7)] = line;
    }
  }
  void expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) override {
    lines_[static_cast<size_t>(batch.offsets[row] - 7)] = "expression " + plan_.steps[step].name + ": " + message;
  }

  std::vector<std::string> run() {
    const PlannedSource& source = plan_.sources[0];
    auto decoder = Decoder::create(source.format, source.decode, source.csv);
    INFO((decoder ? "" : decoder.error().message));
    REQUIRE(decoder);
    const StillClock clock;
    PartitionReader reader(source, *decoder, clock, plan_.topics->number_of("in"), 3, {});
    Stage stage(plan_, *this);
    Batch batch;
    reader.begin(batch);
    for (current_ = 0; current_ < records_.size(); ++current_) {
      const Sent& sent = records_[current_];
      SourceRecord record;
      record.offset = static_cast<int64_t>(current_) + 7;
      if (sent.timestamp_ms >= 0) record.timestamp = Time::from_millis(sent.timestamp_ms);
      record.key_is_null = !sent.key;
      record.value_is_null = !sent.value;
      if (sent.key) record.key = *sent.key;
      if (sent.value) record.value = *sent.value;
      reader.append(record, batch, *this);
    }
    stage.run_source(source, batch);
    return lines_;
  }

 private:
  const Plan& plan_;
  const std::vector<Sent>& records_;
  size_t current_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> rows_of(const std::string& source, const std::string& steps, const std::vector<Sent>& records) {
  Diagnostics diagnostics;
  const auto spec = load_pipeline(file_of(source, steps), "p.yaml", {}, diagnostics);
  auto plan = spec ? make_plan(*spec, diagnostics) : std::nullopt;
  std::string said;
  for (const Diagnostic& d : diagnostics.all()) said += to_string(d) + "\n";
  INFO(said);
  REQUIRE(plan);
  return Lines(*plan, records).run();
}

std::string said_of_file(const std::string& source, const std::string& steps) {
  Diagnostics diagnostics;
  const auto spec = draft_pipeline(file_of(source, steps), "p.yaml", {}, diagnostics);
  if (spec) (void)make_plan(*spec, diagnostics);
  std::string said;
  for (const Diagnostic& d : diagnostics.all()) said += to_string(d) + "\n";
  return said;
}

}  // namespace tidemark
