// State that an earlier Tidemark has left is gone on from: every folder tests/state/golden/state-* is opened, and its rows and
// those that come now are together the rows of a run that nothing interrupted. A folder holds the records and, for each of a
// few pipelines, its file, the offsets and last words that were committed, and the checkpoints as they lay on disk.
//
// Before a format changes, the present one is kept: TIDEMARK_KEEP_STATE=tests/state/golden/state-N test_property "[.keep]"
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "base/bytes.h"
#include "state/manifest.h"
#include "tests/catch.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/run.h"

using namespace tidemark;
using namespace tidemark::property;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kGolden = fs::path(TIDEMARK_SOURCE_DIR) / "tests" / "state" / "golden";
constexpr int32_t kPartitions = 2;
constexpr int64_t kRecords = 120;  // in each
constexpr const char* kPipeline = "kept";

// The kinds of windows, dedupe, a window over a window, and each aggregate somewhere.
constexpr const char* kEveryKind = R"(name: kept
sources:
  events:
    kafka: {brokers: 'fake:9092', topics: [in]}
    schema: {id: string, user: string, region: 'string?', n: int, x: double, flag: 'bool?', ts: timestamp(ms)}
    event_time: {field: ts, max_delay: 2s, idle_after: 7d}
steps:
  - name: tumbling
    from: events
    window:
      tumbling: 10s
      by: [user]
      allowed_lateness: 5s
      aggregates:
        c: count()
        s: sum(n)
        x: sum(x)
        mean: avg(x)
        least: min(n)
        most: max(x)
        flagged: count().where(coalesce(flag, false))
  - name: sliding
    from: events
    window:
      sliding: {size: 10s, step: 3s}
      by: [user, region]
      aggregates:
        c: count()
        first_id: first(id)
        last_n: last(n)
        spread: stddev(x)
        wide: variance(n)
        p90: quantile(x, 0.9)
  - name: sessions
    from: events
    window:
      session: {gap: 3s, max: 60s}
      by: [user]
      aggregates:
        c: count()
        some: list(n, 5)
        exact: distinct(region)
  - name: early_sessions
    from: events
    window:
      session: {gap: 4s, max: 60s}
      by: [region]
      emit: on_change
      aggregates:
        c: count()
        low: arg_min(id, n)
        high: arg_max(id, x)
  - name: running
    from: events
    window:
      running: {ttl: 20s}
      by: [user]
      aggregates:
        c: count()
        about: approx_distinct(id)
        often: top_k(region, 2)
  - name: changes
    from: events
    window:
      tumbling: 20s
      by: []
      emit: on_change
      aggregates:
        c: count()
        spread: histogram(n, [20, 50])
        users: approx_top_k(user, 3)
  - name: early
    from: events
    window:
      cumulative: {size: 30s, step: 10s}
      by: [region]
      emit: {every: 5s}
      aggregates:
        c: count()
        x: sum(x)
  - name: days
    from: events
    window:
      calendar: {unit: day, timezone: Europe/Stockholm}
      by: [user]
      aggregates:
        c: count()
        users: approx_distinct(user)
  - {name: once, from: events, dedupe: {by: [id], within: 20s}}
  - name: deduplicated
    window:
      tumbling: 10s
      by: [region]
      aggregates: {c: count()}
  - name: over
    from: sliding
    window:
      tumbling: 30s
      by: [region]
      aggregates:
        c: count()
        all: sum(c)
sinks:
)";

constexpr const char* kByPartition = R"(name: kept
sources:
  events:
    kafka: {brokers: 'fake:9092', topics: [in], partitioned_by: [user]}
    schema: {id: string, user: string, n: int, ts: timestamp(ms)}
    event_time: {field: ts, max_delay: 2s, idle_after: 7d}
steps:
  - name: sliding
    window:
      sliding: {size: 12s, step: 4s}
      by: [user]
      aggregates: {c: count(), s: sum(n)}
sinks:
)";

constexpr const char* kWithoutState = R"(name: kept
sources:
  events:
    kafka: {brokers: 'fake:9092', topics: [in]}
    schema: {id: string, user: string, n: int, ts: timestamp(ms)}
    event_time: {field: ts, max_delay: 2s, idle_after: 7d}
steps:
  - {name: big, filter: n > 50}
sinks:
)";

std::string with_sinks(std::string yaml, const std::vector<std::string>& streams) {
  for (const std::string& stream : streams) yaml += fmt::format("  - {{from: {0}, kafka: {{topic: {0}}}}}\n", stream);
  return yaml;
}

const std::map<std::string, std::string>& pipelines() {
  static const std::map<std::string, std::string> all = {
      {"every-kind", with_sinks(kEveryKind, {"tumbling", "sliding", "sessions", "early_sessions", "running", "changes", "early", "days",
                                             "deduplicated", "over", "late", "dead_letter"})},
      {"by-partition", with_sinks(kByPartition, {"sliding", "late", "dead_letter"})},
      {"without-state", with_sinks(kWithoutState, {"big", "dead_letter"})}};
  return all;
}

// ---- What a folder holds

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

void write_all(const fs::path& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<Json> read_lines(const fs::path& path) {
  std::istringstream in(read_all(path));
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

std::vector<oracle::PartitionLog> read_logs(const fs::path& path) {
  std::vector<oracle::PartitionLog> logs;
  for (int32_t p = 0; p < kPartitions; ++p) logs.push_back({"in", p, {}});
  for (const Json& line : read_lines(path)) {
    logs.at(line.at("partition").get<size_t>())
        .records.push_back({line.at("offset"), line.at("timestamp_ms"), std::nullopt, line.at("value").get<std::string>(), {}});
  }
  return logs;
}

// Some late, some broken, some twice, and users that stay in their partition.
std::vector<oracle::PartitionLog> make_logs() {
  Random random(7);
  std::vector<oracle::PartitionLog> logs;
  for (int32_t p = 0; p < kPartitions; ++p) {
    oracle::PartitionLog log{"in", p, {}};
    int64_t ms = kBaseUs / 1000;
    for (int64_t i = 0; i < kRecords; ++i) {
      ms += random.in(0, 1200);
      const int64_t ts = ms - random.in(0, random.percent(10) ? 9000 : 2000);
      const std::string id = fmt::format("e{}-{}", p, random.percent(20) ? i / 2 : i);
      const std::string region = random.percent(10) ? "null" : fmt::format("\"r{}\"", random.in(0, 2));
      const std::string value =
          fmt::format(R"({{"id":"{}","user":"u{}","region":{},"n":{},"x":{}.{},"flag":{},"ts":{}}})", id, 2 * random.in(0, 2) + p, region,
                      random.in(-20, 100), random.in(-9, 99), random.in(0, 99), random.one_of({"true", "false", "null"}), ts);
      log.records.push_back({i, ts, std::nullopt, random.percent(3) ? "broken" : value, {}});
    }
    logs.push_back(std::move(log));
  }
  return logs;
}

std::vector<int64_t> ends_of(const std::vector<oracle::PartitionLog>& logs) {
  std::vector<int64_t> ends;
  for (const oracle::PartitionLog& log : logs) ends.push_back(static_cast<int64_t>(log.records.size()));
  return ends;
}

// ---- Lives

Shape small_shape() {
  Shape shape;
  shape.lanes = 2;
  shape.checkpoint_every_ms = 50;
  return shape;
}

LifeEnd live_on(const std::string& yaml, RunMode mode, FakeBroker& broker, const StateDir& dir) {
  Case one;
  one.yaml = yaml;
  LifePlan plan;
  plan.mode = mode;
  plan.workers = 2;
  plan.batch_rows = 16;
  return live(one, small_shape(), plan, broker, dir);
}

void live_well(const std::string& yaml, RunMode mode, FakeBroker& broker, const StateDir& dir) {
  const LifeEnd end = live_on(yaml, mode, broker, dir);
  INFO(end.error);
  for (const std::string& line : end.log) UNSCOPED_INFO(line);
  REQUIRE(end.exit_code == 0);
}

Json row_json(const Written& row) {
  return {{"topic", row.topic}, {"key", row.key ? Json(*row.key) : Json()}, {"value", row.value ? Json(*row.value) : Json()}};
}

// What must be the same whatever came between: the last word of each window, by topic.
using LastWords = std::map<std::string, std::map<std::string, int>>;

bool is_last_word(const Json& row) {
  if (row.at("topic") == "late" || row.at("topic") == "dead_letter") return true;
  const Json fields = Json::parse(row.at("value").get<std::string>());
  return fields.value("is_final", true) && !fields.value("withdrawn", false);
}

void add_row(const Json& row, LastWords& rows) {
  if (!is_last_word(row)) return;
  std::string value = row.at("value").is_null() ? "null" : row.at("value").get<std::string>();
  if (row.at("topic") != "late" && row.at("topic") != "dead_letter") {
    Json fields = Json::parse(value);
    fields.erase("revision");
    value = fields.dump();
  }
  rows[row.at("topic")][row.at("key").dump() + " " + value] += 1;
}

LastWords rows_of(const FakeBroker& broker, const std::vector<Json>& before = {}) {
  LastWords rows;
  for (const Json& row : before) add_row(row, rows);
  for (const Written& row : broker.committed_rows()) add_row(row_json(row), rows);
  return rows;
}

// ---- Keeping and opening

void keep_logs(const fs::path& file, const std::vector<oracle::PartitionLog>& logs) {
  std::string input;
  for (const oracle::PartitionLog& log : logs) {
    for (const oracle::Record& r : log.records) {
      input += Json{{"partition", log.partition}, {"offset", r.offset}, {"timestamp_ms", r.timestamp_ms}, {"value", *r.value}}.dump() + "\n";
    }
  }
  write_all(file, input);
}

void keep(const fs::path& folder, const std::string& yaml, const std::vector<oracle::PartitionLog>& logs) {
  fs::create_directories(folder);
  std::vector<oracle::PartitionLog> shown;
  for (const oracle::PartitionLog& log : logs) shown.push_back({log.topic, log.partition, {}});
  FakeBroker broker(shown, ends_of(shown), 1);
  const StateDir dir;
  // In two lives, so that the store holds what was written at several times.
  for (const auto& [from, to] : {std::pair{0, 40}, std::pair{40, 80}}) {
    for (size_t p = 0; p < logs.size(); ++p) {
      const auto& all = logs[p].records;
      broker.append(p, {all.begin() + from, all.begin() + to}, to);
    }
    live_well(yaml, RunMode::kUntilEndKeepOpen, broker, dir);
  }
  write_all(folder / "pipeline.yaml", yaml);
  std::string rows, offsets;
  for (const Written& row : broker.committed_rows()) {
    if (const Json json = row_json(row); is_last_word(json)) rows += json.dump() + "\n";
  }
  for (const PartitionOffset& o : broker.committed(broker.partitions())) {
    offsets += Json{{"partition", o.where.partition}, {"offset", o.offset}, {"metadata", o.metadata}}.dump() + "\n";
  }
  write_all(folder / "rows.jsonl", rows);
  write_all(folder / "offsets.jsonl", offsets);
  fs::copy(fs::path(dir.path()) / kPipeline / "checkpoints", folder / "checkpoints", fs::copy_options::recursive);
}

std::vector<PartitionOffset> kept_offsets(const fs::path& folder) {
  std::vector<PartitionOffset> offsets;
  for (const Json& line : read_lines(folder / "offsets.jsonl")) {
    offsets.push_back({{"in", line.at("partition")}, line.at("offset"), line.at("metadata")});
  }
  return offsets;
}

void copy_state(const fs::path& folder, const StateDir& dir) {
  const fs::path home = fs::path(dir.path()) / kPipeline;
  fs::create_directories(home);
  fs::copy(folder / "checkpoints", home / "checkpoints", fs::copy_options::recursive);
}

// state-N/PIPELINE, of every version that was kept.
std::vector<fs::path> kept_folders() {
  std::vector<fs::path> found;
  for (const auto& version : fs::directory_iterator(kGolden)) {
    if (!version.is_directory() || !version.path().filename().string().starts_with("state-")) continue;
    for (const auto& one : fs::directory_iterator(version.path())) {
      if (one.is_directory()) found.push_back(one.path());
    }
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

TEST_CASE("kept state of each format is gone on from, as if nothing had come between") {
  const std::vector<fs::path> folders = kept_folders();
  REQUIRE(folders.size() >= pipelines().size());
  for (const fs::path& folder : folders) {
    CAPTURE(folder.string());
    const std::string yaml = read_all(folder / "pipeline.yaml");
    const std::vector<oracle::PartitionLog> logs = read_logs(folder.parent_path() / "records.jsonl");
    FakeBroker resumed(logs, ends_of(logs), 1);
    REQUIRE(resumed.commit_offsets(kept_offsets(folder), resumed.join()));
    const StateDir kept;
    copy_state(folder, kept);
    live_well(yaml, RunMode::kUntilEnd, resumed, kept);

    FakeBroker whole(logs, ends_of(logs), 1);
    const StateDir fresh;
    live_well(yaml, RunMode::kUntilEnd, whole, fresh);
    CHECK(resumed.violations() == std::vector<std::string>{});
    CHECK(whole.violations() == std::vector<std::string>{});

    const LastWords after = rows_of(resumed), together = rows_of(resumed, read_lines(folder / "rows.jsonl")), uninterrupted = rows_of(whole);
    CHECK(together.size() == uninterrupted.size());
    for (const auto& [topic, rows] : uninterrupted) {
      CAPTURE(topic);
      CHECK(after.contains(topic));  // something of it came now
      const auto found = together.find(topic);
      REQUIRE(found != together.end());
      CHECK(found->second == rows);
    }
  }
}

TEST_CASE("a bounded run that keeps its windows open writes nothing behind its last commit") {
  const std::vector<oracle::PartitionLog> logs = make_logs();
  for (int i = 0; i < 30; ++i) {
    FakeBroker broker(logs, ends_of(logs), 1);
    const StateDir dir;
    live_well(pipelines().at("every-kind"), RunMode::kUntilEndKeepOpen, broker, dir);
    REQUIRE(broker.violations() == std::vector<std::string>{});
  }
}

TEST_CASE("kept state whose format is newer than this program is refused with a way out") {
  const fs::path folder = kept_folders().front();
  const StateDir dir;
  copy_state(folder, dir);
  std::vector<PartitionOffset> offsets = kept_offsets(folder);
  const auto named = parse_offset_metadata(offsets.front().metadata);
  REQUIRE(named);
  const fs::path path = fs::path(dir.path()) / kPipeline / "checkpoints" / to_string(named->name) / "MANIFEST";
  std::string bytes = read_all(path);
  bytes.resize(bytes.size() - sizeof(uint64_t));
  bytes[4] = static_cast<char>(Manifest::kVersion + 1);
  const uint64_t checksum = checksum64(bytes);
  ByteWriter(bytes).fixed(checksum);
  write_all(path, bytes);
  for (PartitionOffset& offset : offsets) offset.metadata = encode_offset_metadata({named->name, checksum64(bytes), named->ended});
  const std::vector<oracle::PartitionLog> logs = read_logs(folder.parent_path() / "records.jsonl");
  FakeBroker broker(logs, ends_of(logs), 1);
  REQUIRE(broker.commit_offsets(offsets, broker.join()));
  const LifeEnd end = live_on(read_all(folder / "pipeline.yaml"), RunMode::kUntilEnd, broker, dir);
  CHECK(end.exit_code == 2);
  CHECK_THAT(end.error, Contains("was written by a newer Tidemark") && Contains(fmt::format("its manifest has format {}", Manifest::kVersion + 1)) &&
                            Contains("start the version of Tidemark that wrote it, or a newer one"));
  CHECK(broker.committed_rows().empty());
}

TEST_CASE("keep the present state for later versions", "[.keep]") {
  const char* where = std::getenv("TIDEMARK_KEEP_STATE");
  REQUIRE(where != nullptr);
  REQUIRE_FALSE(fs::exists(where));
  const std::vector<oracle::PartitionLog> logs = make_logs();
  for (const auto& [name, yaml] : pipelines()) keep(fs::path(where) / name, yaml, logs);
  keep_logs(fs::path(where) / "records.jsonl", logs);
}
