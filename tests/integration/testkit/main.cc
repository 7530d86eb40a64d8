// tidemark_testkit: what tests need of Kafka without a JVM a call, and the judge of what pipelines wrote. The command
// line only; exit 0 done, 1 judged wrong, 2 could not be done.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "tests/integration/testkit/generator.h"
#include "tests/integration/testkit/job.h"
#include "tests/integration/testkit/kafka.h"
#include "tests/integration/testkit/verify.h"

namespace tidemark::testkit {
namespace {

using nlohmann::ordered_json;

// ---- Records as JSON lines

// Text under `name`, or base64 under `name_b64` where the bytes are no text.
void put_bytes(ordered_json& out, const std::string& name, const std::optional<std::string>& bytes) {
  if (!bytes) {
    out[name] = nullptr;
  } else if (oracle::is_utf8(*bytes)) {
    out[name] = *bytes;
  } else {
    out[name + "_b64"] = ordered_json::parse(oracle::render_value(oracle::Bytes{*bytes}));
  }
}

std::optional<std::string> get_bytes(const ordered_json& in, const std::string& name) {
  if (in.contains(name + "_b64")) {
    oracle::Value value;
    const auto record = oracle::parse_json("{\"v\":" + in[name + "_b64"].dump() + "}");
    const oracle::Field field{"v", oracle::FieldType::kBytes, false, {}};
    if (!record || read_field(*record, field, value) != oracle::Reading::kValue) throw Failure("bad base64");
    return std::get<oracle::Bytes>(value).data;
  }
  if (!in.contains(name) || in[name].is_null()) return std::nullopt;
  return in[name].is_string() ? in[name].get<std::string>() : in[name].dump();
}

std::string to_line(const std::string& topic, int32_t partition, const oracle::Record& record) {
  ordered_json out{{"topic", topic}, {"partition", partition}, {"offset", record.offset}, {"timestamp", record.timestamp_ms}};
  put_bytes(out, "key", record.key);
  put_bytes(out, "value", record.value);
  ordered_json headers = ordered_json::array();
  for (const oracle::Header& header : record.headers) {
    ordered_json one{{"name", header.name}};
    put_bytes(one, "value", header.value);
    headers.push_back(one);
  }
  out["headers"] = headers;
  return out.dump();
}

OutRecord from_line(const std::string& line) {
  const auto in = ordered_json::parse(line);
  OutRecord out;
  out.topic = in.at("topic");
  out.partition = in.value("partition", -1);
  out.record.timestamp_ms = in.value("timestamp", int64_t{-1});
  out.record.key = get_bytes(in, "key");
  out.record.value = get_bytes(in, "value");
  for (const auto& header : in.value("headers", ordered_json::array())) {
    out.record.headers.push_back({header.at("name"), get_bytes(header, "value")});
  }
  return out;
}

// ---- Commands; each adds itself to the command line

// What the command line said; each command uses what it names.
struct Options {
  std::string topic, group, metadata, transactional_id, job_file, dump;
  int partitions = 1;
  int partition = 0;
  int timeout_ms = 60'000;
  int64_t rate = 0;
  bool committed = false;
  bool random_partitions = false;
  size_t max_differences = 20;
  std::vector<std::string> config;      // NAME=VALUE
  std::vector<std::string> positions;   // PARTITION=OFFSET
  std::vector<int> chosen_partitions;
  GeneratorSettings generator;
};

struct Kit {
  CLI::App app{"Kafka for Tidemark's tests, and the judge of its results"};
  std::string brokers = "localhost:9092";
  Options options;
  int exit_code = 0;
};

std::vector<Place> places_of(const Admin& admin, const std::string& topic) {
  std::vector<Place> places;
  const int count = admin.partitions(topic);
  if (count == 0) throw Failure("no topic " + topic);
  for (int p = 0; p < count; ++p) places.emplace_back(topic, p);
  return places;
}

Settings to_settings(const std::vector<std::string>& pairs) {
  Settings out;
  for (const std::string& pair : pairs) {
    const size_t at = pair.find('=');
    if (at == std::string::npos) throw Failure("NAME=VALUE is meant: " + pair);
    out[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return out;
}

void add_topic_commands(Kit& kit) {
  Options& o = kit.options;
  CLI::App* topic = kit.app.add_subcommand("topic", "create, delete, grow, list topics; the cluster's id")->require_subcommand(1);
  CLI::App* create = topic->add_subcommand("create");
  create->add_option("name", o.topic)->required();
  create->add_option("--partitions,-p", o.partitions);
  create->add_option("--config,-c", o.config, "NAME=VALUE");
  create->callback([&kit, &o] { Admin(kit.brokers).create_topic(o.topic, o.partitions, to_settings(o.config)); });
  CLI::App* remove = topic->add_subcommand("delete");
  remove->add_option("name", o.topic)->required();
  remove->callback([&kit, &o] { Admin(kit.brokers).delete_topic(o.topic); });
  CLI::App* grow = topic->add_subcommand("grow");
  grow->add_option("name", o.topic)->required();
  grow->add_option("--partitions,-p", o.partitions)->required();
  grow->callback([&kit, &o] { Admin(kit.brokers).grow_topic(o.topic, o.partitions); });
  topic->add_subcommand("ids", "the cluster's id, and each topic's number of partitions")->callback([&kit, &o] {
    const Admin admin(kit.brokers);
    ordered_json out{{"cluster_id", admin.cluster_id()}, {"topics", ordered_json::object()}};
    for (const std::string& one : admin.topics()) out["topics"][one] = admin.partitions(one);
    std::cout << out.dump() << "\n";
  });
}

void add_record_commands(Kit& kit) {
  Options& o = kit.options;
  CLI::App* produce = kit.app.add_subcommand("produce", "JSON lines from stdin into Kafka");
  produce->add_option("--property", o.config, "NAME=VALUE for librdkafka");
  produce->callback([&kit, &o] {
    Producer producer(kit.brokers, to_settings(o.config));
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty()) producer.produce(from_line(line));
    }
    producer.flush();
  });
  CLI::App* consume = kit.app.add_subcommand("consume", "a topic up to its present end as JSON lines");
  consume->add_option("topic", o.topic)->required();
  consume->add_flag("--committed", o.committed, "read_committed");
  consume->callback([&kit, &o] {
    read_topic(kit.brokers, o.topic, o.committed,
               [&o](int32_t p, oracle::Record&& record) { std::cout << to_line(o.topic, p, record) << "\n"; });
  });
  CLI::App* ends = kit.app.add_subcommand("end-offsets", "low and high watermark of each partition");
  ends->add_option("topic", o.topic)->required();
  ends->callback([&kit, &o] {
    const Admin admin(kit.brokers);
    ordered_json out = ordered_json::object();
    for (const Place& place : places_of(admin, o.topic)) out[std::to_string(place.second)] = admin.watermarks(place);
    std::cout << out.dump() << "\n";
  });
  CLI::App* remove = kit.app.add_subcommand("delete-records", "drop the oldest records of partitions");
  remove->add_option("topic", o.topic)->required();
  remove->add_option("before", o.positions, "PARTITION=OFFSET; -1: all")->required();
  remove->callback([&kit, &o] {
    std::map<Place, int64_t> offsets;
    for (const auto& [partition, offset] : to_settings(o.positions)) offsets[{o.topic, std::stoi(partition)}] = std::stoll(offset);
    Admin(kit.brokers).delete_records(offsets);
  });
}

void add_generator(Kit& kit) {
  Options& o = kit.options;
  CLI::App* generate_command = kit.app.add_subcommand("generate", "seeded events into a topic, good and bad");
  const auto option = [&](const char* name, auto& value) { generate_command->add_option(name, value)->capture_default_str(); };
  generate_command->add_option("topic", o.generator.topic)->required();
  option("--seed", o.generator.seed);
  option("--events", o.generator.events);
  option("--partitions", o.generator.partitions);
  option("--keys", o.generator.keys);
  option("--start-ms", o.generator.start_ms);
  option("--events-per-minute", o.generator.events_per_minute);
  option("--max-delay-ms", o.generator.max_delay_ms);
  option("--max-future-ms", o.generator.max_future_ms);
  option("--disorder", o.generator.disorder);
  option("--far-disorder", o.generator.far_disorder);
  option("--very-late", o.generator.very_late);
  option("--duplicates", o.generator.duplicates);
  option("--repeats", o.generator.repeats);
  option("--poison", o.generator.poison);
  option("--future", o.generator.future);
  option("--missing", o.generator.missing);
  option("--headers", o.generator.headers);
  generate_command->add_flag("--sentinels", o.generator.sentinels, "end with a record per partition that closes all windows");
  generate_command->add_flag("--random-partitions", o.random_partitions, "keys in any partition");
  generate_command->add_option("--rate", o.rate, "records a second; 0: as fast as it goes");
  generate_command->add_option("--dump", o.dump, "also write the records as JSON lines; offsets as if the topic was empty");
  generate_command->callback([&kit, &o] {
    o.generator.keyed = !o.random_partitions;
    Producer producer(kit.brokers, {});
    std::ofstream file;
    if (!o.dump.empty()) file.open(o.dump);
    std::map<int32_t, int64_t> next;
    const auto start = std::chrono::steady_clock::now();
    int64_t written = 0;
    generate(o.generator, [&](OutRecord&& out) {
      if (o.rate > 0) std::this_thread::sleep_until(start + std::chrono::microseconds(written * 1'000'000 / o.rate));
      ++written;
      producer.produce(out);
      if (!file.is_open()) return;
      out.record.offset = next[out.partition]++;
      file << to_line(out.topic, out.partition, out.record) << "\n";
    });
    producer.flush();
    std::cout << written << "\n";
  });
}

// ---- Numbered keys: a load so regular that its results can be judged row by row without holding it in memory

constexpr int64_t kPieces = 997;
constexpr int64_t kMinuteMs = 60'000;

std::string numbered_user(int64_t key) { return "u" + std::to_string(key); }

void produce_numbered(const std::string& brokers, const GeneratorSettings& settings) {
  Producer producer(brokers, {{"compression.type", "lz4"}});
  for (int64_t i = 0; i < settings.events; ++i) {
    const std::string user = numbered_user(i % settings.keys);
    const int64_t ts = settings.start_ms + i * (kMinuteMs - 1) / settings.events;
    OutRecord out{settings.topic, -1, {0, ts, user, {}, {}}};
    out.record.value = "{\"event_id\":\"e\",\"user_id\":\"" + user + "\",\"event_type\":\"view\",\"quantity\":" +
                       std::to_string(i % kPieces) + ",\"ts\":" + std::to_string(ts) + "}";
    producer.produce(out);
  }
  producer.flush();
}

// One row a key, with the count and the sum that its number demands.
int tally_numbered(const std::string& brokers, const GeneratorSettings& settings) {
  std::vector<uint8_t> seen(static_cast<size_t>(settings.keys), 0);
  int64_t rows = 0, wrong = 0, repeated = 0;
  wait_until_stable(brokers, settings.topic, std::chrono::seconds(100));
  read_topic(brokers, settings.topic, true, [&](int32_t, oracle::Record&& record) {
    ++rows;
    const auto row = ordered_json::parse(record.value.value_or("null"));
    const int64_t key = std::stoll(row.at("user_id").get<std::string>().substr(1));
    int64_t count = 0, pieces = 0;
    for (int64_t i = key; i < settings.events; i += settings.keys) ++count, pieces += i % kPieces;
    wrong += row.at("n") != count || row.at("pieces") != pieces ? 1 : 0;
    repeated += std::exchange(seen.at(static_cast<size_t>(key)), 1);
  });
  const int64_t missing = std::count(seen.begin(), seen.end(), 0);
  std::cout << rows << " rows, " << missing << " missing, " << repeated << " repeated, " << wrong << " wrong\n";
  return missing + repeated + wrong == 0 ? 0 : 1;
}

void add_numbered_commands(Kit& kit) {
  Options& o = kit.options;
  const auto settings = [&o](CLI::App* command) {
    command->add_option("topic", o.generator.topic)->required();
    command->add_option("--events", o.generator.events);
    command->add_option("--keys", o.generator.keys);
    return command;
  };
  settings(kit.app.add_subcommand("generate-numbered", "events whose key is their number modulo --keys, in one minute"))
      ->callback([&kit, &o] { produce_numbered(kit.brokers, o.generator); });
  settings(kit.app.add_subcommand("tally-numbered", "judge the rows of such events: n = count(), pieces = sum(quantity)"))
      ->callback([&kit, &o] { kit.exit_code = tally_numbered(kit.brokers, o.generator); });
}

[[noreturn]] void watch_commits(const std::string& brokers, const std::string& group, const std::string& topic) {
  constexpr auto kBetween = std::chrono::milliseconds(20);
  const Commits commits(brokers, group, places_of(Admin(brokers), topic));
  ordered_json last;
  while (true) {
    ordered_json offsets = ordered_json::object();
    for (const auto& [place, position] : commits.now()) offsets[std::to_string(place.second)] = position.offset;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    if (offsets != last) {
      std::cout << ordered_json{{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()}, {"offsets", offsets}}.dump() << std::endl;
    }
    last = std::move(offsets);
    std::this_thread::sleep_for(kBetween);
  }
}

void add_offset_commands(Kit& kit) {
  Options& o = kit.options;
  CLI::App* offsets = kit.app.add_subcommand("offsets", "committed offsets of a group")->require_subcommand(1);
  CLI::App* get = offsets->add_subcommand("get");
  get->add_option("group", o.group)->required();
  get->add_option("topic", o.topic)->required();
  get->callback([&kit, &o] {
    const Admin admin(kit.brokers);
    ordered_json out = ordered_json::object();
    for (const auto& [place, position] : admin.offsets(o.group, places_of(admin, o.topic))) {
      out[std::to_string(place.second)] = {{"offset", position.offset}, {"metadata", position.metadata}};
    }
    std::cout << out.dump() << "\n";
  });
  CLI::App* watch = offsets->add_subcommand("watch", "a JSON line for each commit that is seen, with the wall clock's time, until killed");
  watch->add_option("group", o.group)->required();
  watch->add_option("topic", o.topic)->required();
  watch->callback([&kit, &o] { watch_commits(kit.brokers, o.group, o.topic); });
  CLI::App* set = offsets->add_subcommand("set", "as the Kafka tools do: without metadata, unless told");
  set->add_option("group", o.group)->required();
  set->add_option("topic", o.topic)->required();
  set->add_option("values", o.positions, "PARTITION=OFFSET")->required();
  set->add_option("--metadata", o.metadata);
  set->callback([&kit, &o] {
    std::map<Place, Position> positions;
    for (const auto& [p, offset] : to_settings(o.positions)) positions[{o.topic, std::stoi(p)}] = {std::stoll(offset), o.metadata};
    Admin(kit.brokers).set_offsets(o.group, positions);
  });
  CLI::App* remove = offsets->add_subcommand("delete", "of some partitions, or the whole group");
  remove->add_option("group", o.group)->required();
  remove->add_option("topic", o.topic);
  remove->add_option("partitions", o.chosen_partitions);
  remove->callback([&kit, &o] {
    const Admin admin(kit.brokers);
    if (o.topic.empty()) return admin.delete_group(o.group);
    std::vector<Place> places;
    for (const int p : o.chosen_partitions) places.emplace_back(o.topic, p);
    admin.delete_offsets(o.group, places.empty() ? places_of(admin, o.topic) : places);
  });
}

void check_transaction(rd_kafka_error_t* error, const char* what) {
  if (error == nullptr) return;
  const std::string why = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw Failure(std::string(what) + ": " + why);
}

void add_transaction_commands(Kit& kit) {
  Options& o = kit.options;
  CLI::App* fence = kit.app.add_subcommand("fence", "init_transactions with that transactional.id: fences who holds it");
  fence->add_option("id", o.transactional_id)->required();
  fence->callback([&kit, &o] {
    const Producer producer(kit.brokers, {{"transactional.id", o.transactional_id}});
    check_transaction(rd_kafka_init_transactions(producer.get(), 30'000), "init_transactions");
  });
  CLI::App* hang = kit.app.add_subcommand("transaction-hang", "hold a transaction open over a topic until stdin ends");
  hang->add_option("id", o.transactional_id)->required();
  hang->add_option("topic", o.topic)->required();
  hang->add_option("--partition", o.partition);
  hang->add_option("--timeout-ms", o.timeout_ms);
  hang->callback([&kit, &o] {
    Producer producer(kit.brokers, {{"transactional.id", o.transactional_id}, {"transaction.timeout.ms", std::to_string(o.timeout_ms)}});
    check_transaction(rd_kafka_init_transactions(producer.get(), 30'000), "init_transactions");
    check_transaction(rd_kafka_begin_transaction(producer.get()), "begin_transaction");
    producer.produce({o.topic, o.partition, {0, -1, "hang", "hang", {}}});
    producer.flush();
    std::cout << "open" << std::endl;
    for (char byte = 0; read(0, &byte, 1) > 0;) {
    }
    check_transaction(rd_kafka_abort_transaction(producer.get(), 30'000), "abort_transaction");
  });
}

ordered_json ledger_json(const oracle::Ledger& ledger) {
  ordered_json steps = ordered_json::object();
  for (const auto& [name, step] : ledger.steps) {
    steps[name] = {{"in", step.in}, {"out", step.out}, {"filtered", step.filtered}, {"late", step.late},
                   {"dead_lettered", step.dead_lettered}, {"deduplicated", step.deduplicated}};
  }
  const oracle::SourceLedger sources = ledger.all_sources();
  return {{"read", sources.read}, {"dead_lettered", sources.dead_lettered}, {"filtered", sources.filtered},
          {"passed_on", sources.passed_on}, {"steps", steps}, {"window_updates_missed", ledger.window_updates_missed},
          {"results_filtered", ledger.results_filtered}};
}

void add_judge(Kit& kit) {
  Options& o = kit.options;
  CLI::App* judge = kit.app.add_subcommand("verify", "compare a job's topics with the oracle; the last line sums up as JSON");
  judge->add_option("job", o.job_file, "the job's description (tests/integration/testkit/job.h)")->required();
  judge->add_option("--max-differences", o.max_differences);
  judge->callback([&kit, &o] {
    const Verdict verdict = verify(kit.brokers, load_job(o.job_file));
    for (size_t i = 0; i < std::min(o.max_differences, verdict.differences.size()); ++i) std::cout << verdict.differences[i] << "\n";
    if (verdict.differences.size() > o.max_differences) std::cout << "... and " << verdict.differences.size() - o.max_differences << " more\n";
    size_t closed = 0;
    for (const auto& row : verdict.expected.rows) closed += row.closed ? 1 : 0;
    std::cout << ordered_json{{"differences", verdict.differences.size()},
                              {"results", {{"expected", closed}, {"found", verdict.results}}},
                              {"late", {{"expected", verdict.expected.late.size()}, {"found", verdict.late}}},
                              {"dead_letters", {{"expected", verdict.expected.dead_letters.size()}, {"found", verdict.dead_letters}}},
                              {"ledger", ledger_json(verdict.expected.ledger)}}
                     .dump()
              << "\n";
    kit.exit_code = verdict.differences.empty() ? 0 : 1;
  });
  CLI::App* expect = kit.app.add_subcommand("expect", "what the oracle expects of a job, as JSON lines");
  expect->add_option("job", o.job_file)->required();
  expect->callback([&kit, &o] {
    const Job job = load_job(o.job_file);
    const auto outcome = oracle::run_oracle(job.pipeline, load_inputs(kit.brokers, job));
    for (const auto& row : outcome.rows) std::cout << (row.closed ? "row " : "open ") << row.json << "\n";
    for (const auto* list : {&outcome.late, &outcome.dead_letters}) {
      for (const auto& one : *list) {
        std::cout << one.reason << " " << one.topic << " " << one.partition << " " << one.offset << " " << one.step << " "
                  << one.watermark.value_or("-") << "\n";
      }
    }
  });
}

}  // namespace

int run(int argc, char** argv) {
  Kit kit;
  kit.app.require_subcommand(1);
  kit.app.add_option("--brokers,-b", kit.brokers)->envname("KAFKA_BROKERS");
  add_topic_commands(kit);
  add_record_commands(kit);
  add_generator(kit);
  add_numbered_commands(kit);
  add_offset_commands(kit);
  add_transaction_commands(kit);
  add_judge(kit);
  try {
    kit.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return kit.app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "tidemark_testkit: " << error.what() << "\n";
    return 2;
  }
  return kit.exit_code;
}

}  // namespace tidemark::testkit

int main(int argc, char** argv) { return tidemark::testkit::run(argc, argv); }
