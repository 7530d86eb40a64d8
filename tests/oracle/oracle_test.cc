// The oracle against cases worked out by hand from the law: who may judge others must first be judged.
#include "tests/oracle/oracle.h"

#include "tests/catch.h"

using namespace tidemark::oracle;

namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;

Record event(int64_t offset, int64_t ts_s, const std::string& user, const std::string& amount) {
  return {offset, ts_s * 1000, user,
          "{\"user\":\"" + user + "\",\"amount\":" + amount + ",\"ts\":" + std::to_string(ts_s * 1000) + "}", {}};
}

Expression field(const std::string& name) {
  return [name](const Row& row) { return std::optional(row.at(name)); };
}

Pipeline tumbling(int64_t size_us = kMinute) {
  Pipeline pipeline;
  pipeline.name = "p";
  pipeline.sources[0].schema = {{"user", FieldType::kString, false, {}},
                     {"amount", FieldType::kDouble, true, {}},
                     {"ts", FieldType::kTimestampMs, false, {}}};
  pipeline.sources[0].event_time.field = "ts";
  pipeline.until_end = true;
  Window window;
  window.name = "window-1";
  window.size_us = window.step_us = size_us;
  window.by = {"user"};
  window.aggregates = {{"n", AggregateKind::kCount, nullptr, nullptr}, {"total", AggregateKind::kSum, field("amount"), nullptr}};
  pipeline.window = window;
  return pipeline;
}

std::vector<std::string> rows(const Outcome& outcome, bool closed = true) {
  std::vector<std::string> out;
  for (const ResultRow& row : outcome.rows) {
    if (row.closed == closed) out.push_back(row.json);
  }
  return out;
}

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("a tumbling window counts and sums per key") {
  const auto outcome = run_oracle(
      tumbling(), {{"t", 0, {event(0, 0, "a", "0.1"), event(1, 10, "b", "5"), event(2, 59, "a", "0.2"), event(3, 60, "a", "null")}}});
  CHECK(rows(outcome) ==
        Rows{R"({"user":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","n":2,"total":0.30000000000000004})",
             R"({"user":"b","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","n":1,"total":5.0})",
             R"({"user":"a","window_start":"1970-01-01T00:01:00Z","window_end":"1970-01-01T00:02:00Z","n":1,"total":null})"});
  CHECK(outcome.rows[0].key == "a");
  CHECK(outcome.rows[0].newest_timestamp_ms == 59'000);
}

Pipeline sessions(int64_t gap_us, int64_t max_us = 0) {
  Pipeline pipeline = tumbling();
  pipeline.window->size_us = pipeline.window->step_us = 0;
  pipeline.window->kind = WindowKind::kSession;
  pipeline.window->gap_us = gap_us;
  pipeline.window->max_us = max_us;
  return pipeline;
}

TEST_CASE("a session goes on while records come less than a gap apart, whatever their order and partition") {
  Pipeline pipeline = sessions(30 * kSecond);
  pipeline.sources[0].event_time.max_delay_us = 20 * kSecond;
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 0, "a", "1"), event(1, 50, "a", "2"), event(2, 80, "a", "4"), event(3, 60, "b", "8")}},
                                             {"t", 1, {event(0, 25, "a", "16")}}});
  // The record at 25 s bridges those at 0 s and 50 s; 80 s lies exactly a gap behind 50 s.
  CHECK(rows(outcome) ==
        Rows{R"({"user":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:20Z","n":3,"total":19.0})",
             R"({"user":"b","window_start":"1970-01-01T00:01:00Z","window_end":"1970-01-01T00:01:30Z","n":1,"total":8.0})",
             R"({"user":"a","window_start":"1970-01-01T00:01:20Z","window_end":"1970-01-01T00:01:50Z","n":1,"total":4.0})"});
  CHECK(outcome.late.empty());
}

TEST_CASE("max cuts sessions at its multiples, and a session that ends before the cut ends there") {
  const auto outcome = run_oracle(
      sessions(30 * kSecond, kMinute), {{"t", 0, {event(0, 40, "a", "1"), event(1, 59, "a", "2"), event(2, 60, "a", "4"), event(3, 89, "a", "8")}}});
  CHECK(rows(outcome) ==
        Rows{R"({"user":"a","window_start":"1970-01-01T00:00:40Z","window_end":"1970-01-01T00:01:00Z","n":2,"total":3.0})",
             R"({"user":"a","window_start":"1970-01-01T00:01:00Z","window_end":"1970-01-01T00:01:59Z","n":2,"total":12.0})"});
}

TEST_CASE("a record counts in a session unless it lies before its partition's watermark") {
  const auto outcome = run_oracle(
      sessions(30 * kSecond), {{"t", 0, {event(0, 60, "a", "1"), event(1, 60, "a", "1"), event(2, 59, "a", "1"), event(3, 100, "b", "1")}}});
  REQUIRE(outcome.late.size() == 1);
  CHECK(outcome.late[0].offset == 2);
  CHECK(outcome.late[0].watermark == "1970-01-01T00:01:00Z");
  CHECK(rows(outcome).size() == 2);
}

TEST_CASE("the watermark moves per record, and a window that ends at it is closed") {
  // After 60 s the window [0, 60 s) is closed for this partition, to the record.
  const auto outcome = run_oracle(
      tumbling(), {{"t", 0, {event(7, 59, "a", "1"), event(8, 60, "a", "1"), event(9, 59, "a", "1")}},
                   {"t", 1, {event(0, 30, "a", "1")}}});
  REQUIRE(outcome.late.size() == 1);
  CHECK(outcome.late[0].offset == 9);
  CHECK(outcome.late[0].step == "window-1");
  CHECK(outcome.late[0].watermark == "1970-01-01T00:01:00Z");
  CHECK(outcome.ledger.steps.at("window-1").late == 1);
  CHECK(outcome.ledger.steps.at("window-1").out == 3);
  CHECK(rows(outcome)[0].find("\"n\":2") != std::string::npos);  // 59 s of partition 0 and 30 s of partition 1
}

TEST_CASE("a record no more than max_delay behind is never late") {
  Pipeline pipeline = tumbling();
  pipeline.sources[0].event_time.max_delay_us = 10 * kSecond;
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 69, "a", "1"), event(1, 59, "a", "1"), event(2, 70, "a", "1"), event(3, 59, "a", "1")}}});
  REQUIRE(outcome.late.size() == 1);
  CHECK(outcome.late[0].offset == 3);
}

TEST_CASE("allowed lateness keeps a window open") {
  Pipeline pipeline = tumbling();
  pipeline.window->allowed_lateness_us = 30 * kSecond;
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 89, "a", "1"), event(1, 5, "a", "1"), event(2, 90, "a", "1"), event(3, 5, "a", "1")}}});
  REQUIRE(outcome.late.size() == 1);
  CHECK(outcome.late[0].offset == 3);
}

TEST_CASE("sliding: a record counts in exactly those windows that are still open") {
  Pipeline pipeline = tumbling(3 * kMinute);
  pipeline.window->step_us = kMinute;
  // At 4 m, W = 4 m. The record of 2 m belongs to windows starting at 0, 1 and 2 m, ending at 3, 4 and 5 m.
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 240, "a", "1"), event(1, 120, "b", "1")}}});
  CHECK(outcome.late.empty());
  CHECK(outcome.ledger.window_updates_missed == 2);
  Rows of_b;
  for (const std::string& row : rows(outcome)) {
    if (row.find("\"b\"") != std::string::npos) of_b.push_back(row);
  }
  CHECK(of_b == Rows{R"({"user":"b","window_start":"1970-01-01T00:02:00Z","window_end":"1970-01-01T00:05:00Z","n":1,"total":1.0})"});
}

TEST_CASE("sliding: the size need not be a multiple of the step, and time before the epoch counts too") {
  Pipeline pipeline = tumbling(90 * kSecond);
  pipeline.window->step_us = kMinute;
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, -10, "a", "1")}}});
  // Starts are multiples of 60 s; -10 lies in [-60, 30) only: [-120, -30) ends before it.
  CHECK(rows(outcome) ==
        Rows{R"({"user":"a","window_start":"1969-12-31T23:59:00Z","window_end":"1970-01-01T00:00:30Z","n":1,"total":1.0})"});
  CHECK(run_oracle(pipeline, {{"t", 0, {event(0, 10, "a", "1")}}}).rows.size() == 2);
}

TEST_CASE("cumulative: windows begin together and end after every step") {
  Pipeline pipeline = tumbling(150 * kSecond);
  pipeline.window->kind = WindowKind::kCumulative;
  pipeline.window->step_us = kMinute;
  // Of the windows that end at 60, 120 and 150 s, the record of 70 s is in the last two; at W = 120 s in the last.
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 70, "a", "1"), event(1, 120, "b", "1"), event(2, 70, "c", "1")}}});
  CHECK(outcome.late.empty());
  CHECK(outcome.ledger.window_updates_missed == 1);
  CHECK(outcome.rows.size() == 2 + 1 + 1);
  CHECK(rows(outcome)[0] == R"({"user":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:02:00Z","n":1,"total":1.0})");
}

TEST_CASE("calendar: a day goes from local midnight to local midnight") {
  Pipeline pipeline = tumbling();
  pipeline.window->kind = WindowKind::kCalendar;
  pipeline.window->unit = "day";
  pipeline.window->timezone = "Asia/Kolkata";  // five and a half hours ahead
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 66'599, "a", "1"), event(1, 66'600, "a", "1")}}});
  CHECK(rows(outcome) ==
        Rows{R"({"user":"a","window_start":"1969-12-31T18:30:00Z","window_end":"1970-01-01T18:30:00Z","n":1,"total":1.0})",
             R"({"user":"a","window_start":"1970-01-01T18:30:00Z","window_end":"1970-01-02T18:30:00Z","n":1,"total":1.0})"});
}

TEST_CASE("what the source refuses moves no watermark, what steps refuse does") {
  Pipeline pipeline = tumbling();
  pipeline.steps = {{"filter-1", [](const Row& row) { return std::optional(row.at("user") != Value(std::string("x"))); }, {}}};
  Record poison = event(0, 600, "a", "\"text\"");
  const auto refused = run_oracle(pipeline, {{"t", 0, {poison, event(1, 5, "a", "1")}}});
  CHECK(refused.late.empty());
  REQUIRE(refused.dead_letters.size() == 1);
  CHECK(refused.dead_letters[0].reason == "type");
  CHECK(refused.dead_letters[0].step == "events");
  const auto filtered = run_oracle(pipeline, {{"t", 0, {event(0, 600, "x", "1"), event(1, 5, "a", "1")}}});
  CHECK(filtered.late.size() == 1);
  CHECK(filtered.ledger.steps.at("filter-1").filtered == 1);
}

TEST_CASE("a record is as large as its key and its value") {
  Pipeline pipeline = tumbling();
  const std::string value = R"({"user":"a","amount":1,"ts":0})";
  pipeline.sources[0].max_record_bytes = static_cast<int64_t>(value.size()) + 3;
  const auto refused = [&](const std::string& key) {
    return run_oracle(pipeline, {{"t", 0, {{0, 0, key, value, {}}}}}).dead_letters.size();
  };
  CHECK(refused("123") == 0);
  CHECK(refused("1234") == 1);
}

TEST_CASE("what a condition keeps away from an aggregate is not worked out for it") {
  Pipeline pipeline = tumbling();
  const auto fails = [](const Row&) -> std::optional<Value> { return std::nullopt; };
  const auto when = [](bool wanted) { return [wanted](const Row&) { return std::optional(wanted); }; };
  pipeline.window->aggregates = {{"x", AggregateKind::kArgMax, fails, when(false), fails}};
  CHECK(run_oracle(pipeline, {{"t", 0, {event(0, 1, "a", "1")}}}).dead_letters.empty());
  pipeline.window->aggregates[0].where = when(true);
  CHECK(run_oracle(pipeline, {{"t", 0, {event(0, 1, "a", "1")}}}).dead_letters.size() == 1);
}

TEST_CASE("the first reason that applies is told") {
  const auto reason = [](const std::string& value, int64_t timestamp_ms) {
    Pipeline pipeline = tumbling();
    pipeline.sources[0].max_record_bytes = 200;
    const auto outcome = run_oracle(pipeline, {{"t", 0, {{0, timestamp_ms, std::nullopt, value, {}}}}});
    return outcome.dead_letters.empty() ? "" : outcome.dead_letters[0].reason;
  };
  CHECK(reason(std::string(201, ' '), 0) == "oversize");
  CHECK(reason(std::string(200, ' '), 0) == "decode");
  CHECK(reason("", 0) == "decode");
  CHECK(reason("[1]", 0) == "decode");
  CHECK(reason("{\"user\":", 0) == "decode");
  CHECK(reason(R"({"user":"a"})", 0) == "event_time");
  CHECK(reason(R"({"user":"a","ts":"x"})", 0) == "event_time");
  CHECK(reason(R"({"user":"a","ts":null})", 0) == "event_time");
  CHECK(reason(R"({"amount":"x","ts":3600001})", 0) == "future");
  CHECK(reason(R"({"amount":"x","ts":3600000})", 0) == "missing_field");
  CHECK(reason(R"({"user":null,"ts":0})", 0) == "missing_field");
  CHECK(reason(R"({"user":"a","amount":"x","ts":0})", 0) == "type");
  CHECK(reason(R"({"user":"a","ts":0})", 0) == "");
}

TEST_CASE("beyond the wall clock is the future too") {
  Pipeline pipeline = tumbling();
  pipeline.wall_clock_ms = 1'000;
  CHECK(run_oracle(pipeline, {{"t", 0, {event(0, 3601, "a", "1")}}}).dead_letters.empty());
  CHECK(run_oracle(pipeline, {{"t", 0, {event(0, 3602, "a", "1")}}}).dead_letters.size() == 1);
  Record untold = event(0, 3602, "a", "1");
  untold.timestamp_ms = -1;
  CHECK(run_oracle(pipeline, {{"t", 0, {untold}}}).dead_letters.size() == 1);
}

TEST_CASE("errors in the window's own expressions are dead letters and go before late") {
  Pipeline pipeline = tumbling();
  pipeline.window->aggregates.push_back(
      {"bad", AggregateKind::kSum,
       [](const Row& row) -> std::optional<Value> {
         if (is_null(row.at("amount"))) return std::nullopt;
         return row.at("amount");
       },
       nullptr});
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 600, "a", "1"), event(1, 5, "a", "null")}}});
  CHECK(outcome.late.empty());
  REQUIRE(outcome.dead_letters.size() == 1);
  CHECK(outcome.dead_letters[0].reason == "expression");
  CHECK(outcome.dead_letters[0].step == "window-1");
}

TEST_CASE("min, max, avg, first and last skip nulls; where narrows") {
  Pipeline pipeline = tumbling();
  const Condition big = [](const Row& row) { return std::optional(row.at("amount") > Value(2.0)); };
  pipeline.window->aggregates = {{"lo", AggregateKind::kMin, field("amount"), nullptr},
                                 {"hi", AggregateKind::kMax, field("amount"), nullptr},
                                 {"mean", AggregateKind::kAvg, field("amount"), nullptr},
                                 {"first", AggregateKind::kFirst, field("amount"), nullptr},
                                 {"last", AggregateKind::kLast, field("amount"), nullptr},
                                 {"some", AggregateKind::kCount, field("amount"), nullptr},
                                 {"bigs", AggregateKind::kCount, nullptr, big}};
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 1, "a", "null"), event(1, 20, "a", "4"), event(2, 3, "a", "2"), event(3, 20, "a", "3")}}});
  REQUIRE(outcome.rows.size() == 1);
  CHECK(outcome.rows[0].json.ends_with(R"("lo":2.0,"hi":4.0,"mean":3.0,"first":2.0,"last":3.0,"some":3,"bigs":2})"));
}

TEST_CASE("an int sum beyond 64 bits is null, its average is not") {
  Pipeline pipeline = tumbling();
  pipeline.sources[0].schema[1].type = FieldType::kInt;
  pipeline.window->aggregates.push_back({"mean", AggregateKind::kAvg, field("amount"), nullptr});
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 1, "a", "9223372036854775807"), event(1, 1, "a", "9223372036854775807")}}});
  CHECK(outcome.rows[0].json.ends_with(R"("n":2,"total":null,"mean":9223372036854775808.0})"));
}

TEST_CASE("without an end, only what every partition of the lane has passed is closed") {
  Pipeline pipeline = tumbling();
  pipeline.until_end = false;
  const std::vector<PartitionLog> logs{{"t", 0, {event(0, 5, "a", "1"), event(1, 60, "a", "1")}}, {"t", 1, {event(0, 5, "b", "1"), event(1, 59, "b", "1")}}};
  CHECK(rows(run_oracle(pipeline, logs)).empty());
  pipeline.lanes = Lanes::kPerPartition;
  CHECK(rows(run_oracle(pipeline, logs)).size() == 1);
  CHECK(rows(run_oracle(pipeline, logs), false).size() == 2);
  pipeline.lanes = Lanes::kOne;
  CHECK(rows(run_oracle(pipeline, {logs[0], {"t", 1, {}}})).empty());
}

TEST_CASE("the ledger closes") {
  Pipeline pipeline = tumbling();
  pipeline.sources[0].skip_tombstones = true;
  Record tombstone{0, 0, "k", std::nullopt, {}};
  const auto ledger = run_oracle(pipeline, {{"t", 0, {tombstone, {1, 0, "k", "x", {}}, event(2, 90, "a", "1"), event(3, 5, "a", "1")}}}).ledger;
  CHECK(ledger.all_sources().read == 4);
  CHECK(ledger.all_sources().filtered == 1);
  CHECK(ledger.all_sources().dead_lettered == 1);
  CHECK(ledger.all_sources().passed_on == 2);
  CHECK(ledger.steps.at("window-1").in == 2);
  CHECK(ledger.steps.at("window-1").late == 1);
}

TEST_CASE("without a window rows leave with their own key, maps applied in place") {
  Pipeline pipeline = tumbling();
  pipeline.window.reset();
  pipeline.steps = {{"map-1", nullptr, {{"user", field("amount")}, {"was", field("user")}}}};
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 1, "a", "2")}}});
  CHECK(rows(outcome) == Rows{R"({"user":2.0,"amount":2.0,"ts":"1970-01-01T00:00:01Z","was":"a"})"});
  CHECK(outcome.rows[0].key == "a");
}

TEST_CASE("keys are written as the contract says") {
  CHECK(kafka_key({Value(std::string("a\"b"))}) == "a\"b");
  CHECK(kafka_key({Value()}) == std::nullopt);
  CHECK(kafka_key({Value(int64_t{5})}) == "5");
  CHECK(kafka_key({Value(std::string("a")), Value(int64_t{5}), Value()}) == R"(["a",5,null])");
}

TEST_CASE("partitions are those of the Java client") {
  // From Kafka's own UtilsTest.testMurmur2: the hashes of these strings.
  CHECK(java_partition("21", 1 << 30) == ((-973932308 & 0x7fffffff) % (1 << 30)));
  CHECK(java_partition("foobar", 1 << 30) == ((-790332482 & 0x7fffffff) % (1 << 30)));
  CHECK(java_partition("a-little-bit-long-string", 1 << 30) == ((-985981536 & 0x7fffffff) % (1 << 30)));
  CHECK(java_partition("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 1 << 30) == ((-58897971 & 0x7fffffff) % (1 << 30)));
}

namespace {

// Minutes of users, and over them hours of all.
Pipeline minutes_and_hours() {
  Pipeline pipeline = tumbling();
  Window hours;
  hours.name = "hours";
  hours.size_us = hours.step_us = 60 * kMinute;
  hours.aggregates = {{"users", AggregateKind::kCount, nullptr, nullptr},
                      {"total", AggregateKind::kSum, field("n"), nullptr},
                      {"first", AggregateKind::kFirst, field("user"), nullptr},
                      {"last", AggregateKind::kLast, field("user"), nullptr}};
  pipeline.over.push_back({{}, hours});
  return pipeline;
}

}  // namespace

TEST_CASE("a window over a window counts its rows, each a millisecond before its end") {
  // The row that ends at 1:00:00 belongs to the first hour.
  const auto outcome = run_oracle(minutes_and_hours(), {{"t", 0, {event(0, 10, "b", "1"), event(1, 20, "a", "1"), event(2, 21, "a", "1"),
                                                                  event(3, 3599, "c", "1"), event(4, 3600, "d", "1")}}});
  CHECK(rows(outcome) ==
        Rows{R"({"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T01:00:00Z","users":3,"total":4,"first":"a","last":"c"})",
             R"({"window_start":"1970-01-01T01:00:00Z","window_end":"1970-01-01T02:00:00Z","users":1,"total":1,"first":"d","last":"d"})"});
  CHECK(outcome.rows[0].newest_timestamp_ms == 3'599'000);
  CHECK(outcome.ledger.steps.at("hours").in == 4);
}

TEST_CASE("a window over a window closes with the watermark that closed its rows") {
  Pipeline pipeline = minutes_and_hours();
  pipeline.until_end = false;
  const std::vector<Record> log = {event(0, 10, "b", "1"), event(1, 3'599, "c", "1")};
  CHECK(rows(run_oracle(pipeline, {{"t", 0, log}})).empty());
  std::vector<Record> on_time = log;
  on_time.push_back(event(2, 3'600, "d", "1"));
  CHECK(rows(run_oracle(pipeline, {{"t", 0, on_time}})).size() == 1);
}

TEST_CASE("steps between windows drop rows and write no dead letters") {
  Pipeline pipeline = minutes_and_hours();
  pipeline.over[0].steps = {{"some", [](const Row& row) { return std::optional(std::get<int64_t>(row.at("n")) > 1); }, {}},
                            {"none", nullptr, {{"n", [](const Row&) { return std::optional<Value>(); }}}}};
  const auto outcome = run_oracle(pipeline, {{"t", 0, {event(0, 10, "b", "1"), event(1, 20, "a", "1"), event(2, 21, "a", "1")}}});
  CHECK(rows(outcome) ==
        Rows{R"({"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T01:00:00Z","users":1,"total":null,"first":"a","last":"a"})"});
  CHECK(outcome.ledger.steps.at("some").filtered == 1);
  CHECK(outcome.dead_letters.empty());
}

TEST_CASE("sources of a union are judged each by its own settings, and close windows together") {
  Pipeline pipeline = tumbling();
  pipeline.until_end = false;
  pipeline.union_step = "union-1";
  Source& other = pipeline.sources.emplace_back(pipeline.sources[0]);
  other.name = "lines";
  other.topics = {"u"};
  other.csv = Csv{};
  other.schema = {pipeline.sources[0].schema[2], pipeline.sources[0].schema[0], pipeline.sources[0].schema[1]};
  other.event_time.max_delay_us = 60 * kSecond;
  const auto line = [](int64_t offset, int64_t ts_s) { return Record{offset, 1'000'000, std::nullopt, std::to_string(ts_s * 1000) + ",a,2", {}}; };
  const std::vector<Record> early = {event(0, 10, "a", "1"), event(1, 70, "a", "1"), event(2, 20, "a", "1")};
  // The second of them is behind the watermark of its own partition; the line is not, and holds the window open.
  const auto open = run_oracle(pipeline, {{"t", 0, early}, {"u", 0, {line(0, 119), line(1, 59), Record{2, 1'000'000, "k", "none", {}}}}});
  CHECK(rows(open).empty());
  CHECK(open.late.size() == 1);
  CHECK(open.ledger.sources.at("lines").dead_lettered == 1);
  CHECK(open.ledger.steps.at("union-1").in == 5);
  const auto closed = run_oracle(pipeline, {{"t", 0, early}, {"u", 0, {line(0, 59), line(1, 120)}}});
  CHECK(rows(closed) == Rows{R"({"user":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","n":2,"total":3.0})"});
}
