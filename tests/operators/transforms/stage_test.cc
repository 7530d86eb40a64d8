// Stage: random plans of filters, maps, selects and windows, run row by row and in bulk, against functions that do the
// same to one row; and what an error means behind a window.
#include "operators/transforms/stage.h"

#include <algorithm>

#include "config/pipeline.h"
#include "operators/formats/decoder.h"
#include "tests/catch.h"
#include "tests/operators/transforms/naive_steps.h"

namespace tidemark {
namespace {

using naive::Json;
using naive::Outcome;

Plan plan_of(const std::string& text) {
  Diagnostics diagnostics;
  std::optional<Plan> plan;
  if (const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics)) plan = make_plan(*spec, diagnostics);
  for (const auto& one : diagnostics.all()) UNSCOPED_INFO(to_string(one));
  REQUIRE(plan.has_value());
  return std::move(*plan);
}

Json value_at(const Column& column, uint32_t row) {
  if (!column.valid[row]) return nullptr;
  return column.type.kind == TypeKind::kBool ? Json(column.bools[row] != 0) : Json(column.ints[row]);
}

// Writes down what leaves a stage, and checks what everyone who takes it may count on.
class Recorder final : public StageOutput {
 public:
  explicit Recorder(const Plan& plan) : plan_(plan) {}
  std::vector<std::string> lines;

  void to_window(size_t step, Batch& batch, Rows rows) override {
    check(batch, rows);
    const PlannedAggregate& sum = plan_.steps[step].window()->window.aggregates.at(0);
    for (const uint32_t row : rows) {
      const Json chosen = sum.where_slot ? value_at(batch.columns[*sum.where_slot], row) : Json(true);
      const Json argument = chosen == Json(true) ? value_at(batch.columns[*sum.arg_slot], row) : Json();
      lines.push_back(naive::window_line(plan_.steps[step].name, batch.offsets[row], chosen, argument));
    }
  }
  void to_sink(size_t sink, Batch& batch, Rows rows) override {
    check(batch, rows);
    for (const uint32_t row : rows) {
      JsonWriter::RecentTimes recent;
      std::string text;
      plan_.sinks[sink].row->append_row(batch, row, recent, text);
      lines.push_back(naive::sink_line(sink, batch.offsets[row], Json::parse(text)));
    }
  }
  // Lets rows with even offsets pass.
  void deduplicate(size_t, Batch& batch, std::vector<uint32_t>& kept, StepCounters& counters) override {
    check(batch, kept);
    counters.deduplicated += std::erase_if(kept, [&](uint32_t row) { return batch.offsets[row] % 2 != 0; });
  }
  void expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) override {
    REQUIRE(row < batch.rows);
    REQUIRE_FALSE(message.empty());
    lines.push_back(naive::error_line(plan_.steps[step].name, batch.offsets[row]));
  }

 private:
  static void check(const Batch& batch, Rows rows) {
    REQUIRE_FALSE(rows.empty());
    REQUIRE(std::ranges::adjacent_find(rows, std::greater_equal()) == rows.end());
    REQUIRE(rows.back() < batch.rows);
  }

  const Plan& plan_;
};

// One stage over all rows in batches of at most `most`, in one batch's memory again and again, as workers do it.
Outcome run_stage(const Plan& plan, const std::vector<naive::Row>& rows, size_t most) {
  auto decoder = Decoder::create("json", plan.sources[0].decode);
  REQUIRE(decoder.has_value());
  Recorder recorder(plan);
  Stage stage(plan, recorder);
  Batch batch;
  for (size_t at = 0; at < rows.size();) {
    batch.clear();
    decoder->prepare(batch);
    for (; at < rows.size() && batch.rows < most; ++at, ++batch.rows) {
      const std::string record = Json(rows[at]).dump();
      REQUIRE(decoder->decode(record).ok());
      decoder->push(batch);
      batch.offsets.push_back(static_cast<int64_t>(at));
    }
    stage.run_source(plan.sources[0], batch);
  }
  Outcome outcome;
  outcome.lines = std::move(recorder.lines);
  std::ranges::sort(outcome.lines);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const StepCounters& counted = stage.counters()[i];
    REQUIRE(counted.result_errors == 0);
    outcome.counts[plan.steps[i].name] = {counted.in, counted.out, counted.filtered, counted.dead_lettered};
  }
  return outcome;
}

TEST_CASE("random steps do to rows in bulk what functions do to each, errors and counts included") {
  uint64_t failed = 0, filtered = 0, passed = 0, to_windows = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    naive::Rng rng{std::mt19937_64(seed)};
    const naive::Pipeline pipeline = naive::random_pipeline(rng);
    const std::string text = pipeline.text();
    INFO(text);
    const Plan plan = plan_of(text);
    std::vector<naive::Row> rows;
    for (int64_t left = rng.between(1, 150); left > 0; --left) rows.push_back(naive::random_row(rng));
    Outcome expected;
    for (const naive::Step& step : pipeline.steps) expected.counts[step.name] = {};
    for (size_t i = 0; i < rows.size(); ++i) naive::run_row(pipeline, rows[i], static_cast<int64_t>(i), expected);
    std::ranges::sort(expected.lines);
    for (const size_t most : {size_t{1}, size_t{7}, Batch::kMaxRows}) {
      INFO("batches of " << most);
      const Outcome got = run_stage(plan, rows, most);
      REQUIRE(got.lines == expected.lines);
      REQUIRE(got.counts == expected.counts);
    }
    for (const auto& [step, counts] : expected.counts) {
      failed += counts.dead_lettered;
      filtered += counts.filtered;
      passed += counts.out;
      to_windows += counts.in - counts.out - counts.filtered - counts.dead_lettered;
    }
  }
  // It would prove little if steps did not fail, drop and pass rows, each of them often.
  CHECK(failed > 5'000);
  CHECK(filtered > 5'000);
  CHECK(passed > 20'000);
  CHECK(to_windows > 3'000);
}

TEST_CASE("what a dedupe stops reaches no later step, as a dead letter neither; what fails before it is one all the same") {
  const Plan plan = plan_of(R"(
name: p
sources: {in: {kafka: {brokers: b, topic: t}, schema: {n: int, m: int}}}
steps:
  - {name: before, map: {a: 12 / n}}
  - {name: once, dedupe: {by: [n], within: 1m}}
  - {name: after, map: {b: 12 / m}}
sinks:
  - {name: all, kafka: {topic: t0}}
)");
  // Of (n, m), odd ones are repeats.
  const std::vector<naive::Row> rows = {{{"n", 1}, {"m", 2}}, {{"n", 1}, {"m", 0}}, {{"n", 1}, {"m", 0}},
                                        {{"n", 0}, {"m", 2}}, {{"n", 0}, {"m", 2}}, {{"n", 2}, {"m", 3}}};
  std::vector<std::string> lines = {naive::sink_line(0, 0, {{"n", 1}, {"m", 2}, {"a", 12}, {"b", 6}}), naive::error_line("after", 2),
                                    naive::error_line("before", 3), naive::error_line("before", 4)};
  std::ranges::sort(lines);
  for (const size_t most : {size_t{1}, Batch::kMaxRows}) CHECK(run_stage(plan, rows, most).lines == lines);
}

// Rows (k, window, c, total) as a lane gives them.
void fill_results(Batch& batch, const std::vector<std::pair<int64_t, std::optional<int64_t>>>& counts_and_totals) {
  const auto rows = static_cast<uint32_t>(counts_and_totals.size());
  batch.clear();
  batch.rows = rows;
  batch.columns.resize(std::max<size_t>(batch.columns.size(), 5));
  const TypeKind types[] = {TypeKind::kInt, TypeKind::kTimestamp, TypeKind::kTimestamp, TypeKind::kInt, TypeKind::kInt};
  for (size_t i = 0; i < 5; ++i) {
    batch.columns[i].reset(types[i], rows);
    std::ranges::fill(batch.columns[i].valid, 1);
  }
  for (uint32_t row = 0; row < rows; ++row) {
    const auto& [count, total] = counts_and_totals[row];
    batch.columns[0].ints[row] = row;
    batch.columns[3].ints[row] = count;
    batch.columns[4].ints[row] = total.value_or(0);
    batch.columns[4].valid[row] = total.has_value();
    batch.offsets.push_back(row);  // for the recorder
  }
}

TEST_CASE("behind a window an error is counted: a field is null, a filter drops the row, nothing is a dead letter") {
  const Plan plan = plan_of(R"(
name: p
sources: {in: {kafka: {brokers: b, topic: t}, schema: {k: int, n: int}}}
steps:
  - {name: w, window: {tumbling: 1m, by: [k], aggregates: {c: count(), mean: sum(n) / (count() - 2)}}}
  - {name: m, map: {d: 12 / (c - 3)}}
  - {name: f, filter: d > 3}
sinks:
  - {name: all, from: m, kafka: {topic: t0}}
  - {name: some, from: f, kafka: {topic: t1}}
)");
  // c, and sum(n): nothing wrong; mean fails; d fails; sum(n) is null, and so mean fails; d is too small; d fails.
  const std::vector<std::pair<int64_t, std::optional<int64_t>>> given = {{4, 10},           {2, 10}, {3, 10},
                                                                         {5, std::nullopt}, {9, 70}, {3, 12}};
  const auto expected = [](bool all) {
    std::vector<std::string> lines;
    const Json d[] = {12, -12, nullptr, 6, 2, nullptr}, mean[] = {5, nullptr, 10, nullptr, 10, 12};
    const int64_t c[] = {4, 2, 3, 5, 9, 3};
    for (int64_t i = 0; i < 6; ++i) {
      if (!all && !(d[i].is_number() && d[i].get<int64_t>() > 3)) continue;
      lines.push_back(naive::sink_line(all ? 0 : 1, i, {{"k", i}, {"c", c[i]}, {"mean", mean[i]}, {"d", d[i]}}));
    }
    return lines;
  };
  std::vector<std::string> lines = expected(true);
  std::ranges::copy(expected(false), std::back_inserter(lines));
  std::ranges::sort(lines);
  for (const bool bulk : {true, false}) {
    INFO((bulk ? "in bulk" : "row by row"));
    Recorder recorder(plan);
    Stage stage(plan, recorder);
    Batch batch;
    for (size_t at = 0; at < given.size(); at += bulk ? given.size() : 1) {
      fill_results(batch, bulk ? given : std::vector(1, given[at]));
      if (!bulk) batch.columns[0].ints[0] = batch.offsets[0] = static_cast<int64_t>(at);
      stage.run_results(plan.windows[0], batch);
    }
    for (std::string& line : recorder.lines) {
      Json fields = Json::parse(line.substr(line.find('{')));
      fields.erase("window_start");
      fields.erase("window_end");
      line = line.substr(0, line.find('{')) + fields.dump();
    }
    std::ranges::sort(recorder.lines);
    CHECK(recorder.lines == lines);
    const auto& counters = stage.counters();
    CHECK(counters[0].out == 6);
    CHECK(counters[0].result_errors == 2);
    CHECK(counters[1].result_errors == 2);
    CHECK(counters[1].out == 6);
    CHECK(counters[2].in == 6);
    CHECK(counters[2].out == 2);
    CHECK(counters[2].filtered == 4);
    CHECK(counters[2].result_errors == 2);
    for (const StepCounters& one : counters) CHECK(one.dead_lettered == 0);
  }
}

}  // namespace
}  // namespace tidemark
