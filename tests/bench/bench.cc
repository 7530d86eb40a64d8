// tidemark_bench: the tool under the benchmarks. Fills topics, climbs the ladder of yardsticks, judges what
// contestants wrote, and measures latencies; bench.py says when and why. Holds no code of the engine.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "tests/bench/events.h"
#include "tests/bench/expected.h"
#include "tests/bench/flow.h"
#include "tests/bench/judge.h"
#include "tests/bench/ladder.h"

namespace tidemark::bench {

namespace {

struct Options {
  std::string brokers = "localhost:9092";
  Fill fill;
  Windows windows;
  Rung rung = Rung::kRaw;
  Sums sums = Sums::kExact;
  Output output;
  Watch watch;
  int64_t least_cents = 0;
  int64_t gap_ms = 30'000;
};

struct Tool {
  CLI::App app{"Fills, empties and judges Kafka topics at full speed"};
  Options options;
  int exit_code = 0;
};

CLI::App* command(Tool& tool, const char* name, const char* help, const std::function<void(Options&)>& run) {
  CLI::App* out = tool.app.add_subcommand(name, help);
  out->callback([&tool, run] { run(tool.options); });
  return out;
}

void add_stream(CLI::App* to, Stream& stream) {
  to->add_option("--events", stream.events);
  to->add_option("--keys", stream.keys);
  to->add_option("--events-per-minute", stream.events_per_minute);
  to->add_option("--start-ms", stream.start_ms, "event time of the first; 0: now");
  to->add_flag("--each-key", stream.each_key, "every key once before any comes again");
}

void add_windows(CLI::App* to, Windows& windows) {
  to->add_option("--size-ms", windows.size_ms);
  to->add_option("--step-ms", windows.step_ms);
}

int report(const Judgement& judgement) {
  std::printf("{\"rows\":%" PRId64 ",\"expected\":%" PRId64 ",\"missing\":%" PRId64 ",\"repeated\":%" PRId64
              ",\"wrong\":%" PRId64 "}\n",
              judgement.rows, judgement.expected, judgement.missing, judgement.repeated, judgement.wrong);
  if (!judgement.first_wrong.empty()) std::fprintf(stderr, "wrong: %s\n", judgement.first_wrong.c_str());
  return judgement.good() ? 0 : 1;
}

void add_filling(Tool& tool, Options& o) {
  CLI::App* one = command(tool, "fill", "JSON events into an existing topic",
                          [](Options& all) { fill(all.brokers, all.fill); });
  one->add_option("topic", o.fill.topic)->required();
  one->add_flag("--paced", o.fill.paced, "at the pace of their own times");
  add_stream(one, o.fill.stream);
  one = command(tool, "rows", "the expected rows into an existing topic, as fast as it goes",
                [](Options& all) {
                  produce_rows(all.brokers, all.output.topic, Expected(all.fill.stream, all.windows));
                });
  one->add_option("topic", o.output.topic)->required();
  add_stream(one, o.fill.stream);
  add_windows(one, o.windows);
}

void add_ladder(Tool& tool, Options& o) {
  static const std::map<std::string, Rung> kRungs = {
      {"raw", Rung::kRaw}, {"three", Rung::kThreeFields}, {"four", Rung::kFourFields}, {"aggregate", Rung::kAggregate}};
  CLI::App* one = command(tool, "consume", "a whole topic, by consume_callback_queue",
                          [](Options& all) { climb(all.brokers, all.output.topic, all.output.partitions, all.rung); });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
  one->add_option("--rung", o.rung, "how much is done with each event")->transform(CLI::CheckedTransformer(kRungs));
  one = command(tool, "totals", "the digest that `consume --rung aggregate` must print",
                [](Options& all) { std::printf("{\"digest\":\"%016" PRIx64 "\"}\n", totals_digest(all.fill.stream)); });
  add_stream(one, o.fill.stream);
}

void add_judges(Tool& tool, Options& o) {
  static const std::map<std::string, Sums> kSums = {
      {"exact", Sums::kExact}, {"naive", Sums::kNaive}, {"near", Sums::kNear}};
  CLI::App* one = command(tool, "judge", "compare a topic of window rows with the truth", [&tool](Options& all) {
    tool.exit_code = report(judge_windows(all.brokers, all.output, Expected(all.fill.stream, all.windows), all.sums));
  });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
  one->add_option("--sums", o.sums)->transform(CLI::CheckedTransformer(kSums));
  one->add_flag("--upserts", o.output.upserts, "of several rows of a window the last counts");
  one->add_option("--closed-until-ms", o.output.closed_until_ms, "rows of windows that end later may be missing");
  add_stream(one, o.fill.stream);
  add_windows(one, o.windows);
  one = command(tool, "judge-sessions", "compare a topic of session rows with the truth", [&tool](Options& all) {
    tool.exit_code = report(judge_sessions(all.brokers, all.output, all.fill.stream, all.gap_ms));
  });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
  one->add_option("--gap-ms", o.gap_ms);
  add_stream(one, o.fill.stream);
  one = command(tool, "judge-filter", "compare a topic of filtered events with the truth", [&tool](Options& all) {
    tool.exit_code = report(judge_filter(all.brokers, all.output, all.fill.stream, all.least_cents));
  });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
  one->add_option("--least-cents", o.least_cents);
  add_stream(one, o.fill.stream);
}

void add_clocks(Tool& tool, Options& o) {
  CLI::App* one = command(tool, "watch", "how long after their due time rows are visible",
                          [](Options& all) { watch(all.brokers, all.watch); });
  one->add_option("topic", o.watch.topic)->required();
  one->add_option("--partitions", o.watch.partitions);
  one->add_option("--field", o.watch.field);
  one->add_option("--from-ms", o.watch.from_ms);
  one->add_option("--quiet-s", o.watch.quiet_s);
  one = command(tool, "first-row", "when the first row is committed from now on",
                [](Options& all) { first_row(all.brokers, all.output.topic, all.output.partitions); });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
  one = command(tool, "join", "what a client pays Kafka before its first record",
                [](Options& all) { join(all.brokers, all.output.topic, all.output.partitions); });
  one->add_option("topic", o.output.topic)->required();
  one->add_option("--partitions", o.output.partitions);
}

}  // namespace

int run(int argc, char** argv) {
  Tool tool;
  tool.app.require_subcommand(1);
  tool.app.add_option("--brokers,-b", tool.options.brokers);
  add_filling(tool, tool.options);
  add_ladder(tool, tool.options);
  add_judges(tool, tool.options);
  add_clocks(tool, tool.options);
  try {
    CLI11_PARSE(tool.app, argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidemark_bench: %s\n", error.what());
    return 1;
  }
  return tool.exit_code;
}

}  // namespace tidemark::bench

int main(int argc, char** argv) { return tidemark::bench::run(argc, argv); }
