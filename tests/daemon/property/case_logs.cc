// Each log walks through time with a mood drawn for the case; duplicates, gaps and poison are sprinkled over good
// records. Which of them count is for the oracle to say.
#include "tests/daemon/property/case_logs.h"

#include <algorithm>

#include "tests/daemon/property/case_csv.h"

namespace tidemark::property {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kSpringUs = 1'741'305'600'000'000;  // 2025-03-07: within a month clocks change in New York and in Stockholm
constexpr int64_t kAutumnUs = 1'761'264'000'000'000;  // 2025-10-24: and back

// How the records of one case are.
struct Mood {
  int64_t keys = 5;
  int64_t step_us = 100'000;      // between records of a partition, on average
  int64_t late_percent = 3;
  int64_t late_us = 20'000'000;   // at most
  int64_t poison_percent = 3;
  int64_t null_percent = 10;
  int64_t zero_percent = 3;       // n = 0, for divisions
  int64_t huge_percent = 1;       // for overflows
  int64_t most_records = 150;
  int64_t begin_us = kBaseUs;
};

class LogWriter {
 public:
  LogWriter(Random& random, const Case& one, const Mood& mood) : random_(random), case_(one), mood_(mood) {}

  oracle::PartitionLog write(const oracle::Source& source, const std::string& topic, int32_t partition, int64_t& end) {
    oracle::PartitionLog log{topic, partition, {}};
    int64_t at_us = mood_.begin_us + random_.in(-3'000'000, 3'000'000);
    int64_t offset = random_.percent(20) ? random_.in(1, 50) : 0;
    const int64_t count = random_.percent(10) ? 0 : random_.in(1, mood_.most_records);
    partition_ = partition;
    source_ = &source;
    place_ = topic + std::to_string(partition);
    for (int64_t i = 0; i < count; ++i) {
      at_us += random_.in(0, 2 * mood_.step_us);
      if (random_.percent(1)) at_us += random_.in(0, 60'000'000);
      if (!log.records.empty() && random_.percent(3)) {
        log.records.push_back(log.records.back());  // a duplicate
        log.records.back().offset = offset;
      } else {
        log.records.push_back(record(offset, at_us));
      }
      offset += random_.percent(5) ? random_.in(2, 5) : 1;
    }
    end = offset + (random_.percent(30) ? random_.in(1, 3) : 0);
    return log;
  }

 private:
  oracle::Record record(int64_t offset, int64_t at_us) {
    oracle::Record r;
    r.offset = offset;
    int64_t event_us = at_us - random_.in(0, source_->event_time.max_delay_us);
    if (random_.percent(mood_.late_percent)) event_us = at_us - random_.in(0, mood_.late_us);
    if (!random_.percent(30)) event_us = event_us / 1000 * 1000;
    if (random_.percent(20)) event_us = event_us / 1'000'000 * 1'000'000;  // on the edges of windows
    r.timestamp_ms = (event_us + random_.in(0, 500'000)) / 1000;
    if (source_->event_time.field.empty()) event_us = r.timestamp_ms * 1000;
    if (random_.percent(2)) future(r, event_us);
    if (random_.percent(80)) r.key = "k" + std::to_string(random_.in(0, mood_.keys));
    if (random_.percent(1)) r.key = std::string("k\0\xff", 3);
    for (int64_t n = random_.percent(20) ? random_.in(1, 3) : 0; n > 0; --n) {
      r.headers.push_back({random_.percent(50) ? "h" : "trace", std::nullopt});
      if (random_.percent(80)) r.headers.back().value = "v" + std::to_string(n);
      if (random_.percent(2)) r.headers.back().value = "\xfe";
    }
    r.value = value(event_us);
    if (random_.percent(mood_.poison_percent)) poison(r);
    return r;
  }

  // Around the border of max_future, beyond the wall clock, or without a Kafka timestamp.
  void future(oracle::Record& r, int64_t& event_us) {
    const bool by_kafka = source_->event_time.field.empty();
    switch (random_.in(0, 2)) {
      case 0:
        if (!by_kafka) event_us = r.timestamp_ms * 1000 + source_->event_time.max_future_us + random_.in(0, 1) * 1000;
        return;
      case 1:
        r.timestamp_ms = kWallMs + source_->event_time.max_future_us / 1000 + random_.in(1, 100'000);
        if (by_kafka) event_us = r.timestamp_ms * 1000;
        return;
      default:
        if (!by_kafka) r.timestamp_ms = -1;
    }
  }

  std::string time_text(oracle::FieldType type, int64_t us) {
    switch (type) {
      case oracle::FieldType::kTimestampUs: return std::to_string(us);
      case oracle::FieldType::kTimestampIso: return oracle::quote_json(oracle::rfc3339(us));
      case oracle::FieldType::kTimestampS: {
        std::string fraction = std::to_string(1'000'000 + us % 1'000'000).substr(1);
        return std::to_string(us / 1'000'000) + (us % 1'000'000 != 0 ? "." + fraction : "");
      }
      default: return std::to_string(us / 1000);
    }
  }

  std::string number() {
    if (random_.percent(mood_.zero_percent)) return "0";
    if (random_.percent(mood_.huge_percent)) return random_.one_of({"9223372036854775807", "-9223372036854775808", "4611686018427387904"});
    return std::to_string(random_.in(-20, 100));
  }
  std::string real() {
    switch (random_.in(0, 5)) {
      case 0: return std::to_string(random_.in(-100, 100));
      case 1: return std::to_string(random_.in(-9, 9)) + "e" + std::to_string(random_.in(-12, 15));
      default: return std::to_string(random_.in(-99, 99)) + "." + std::to_string(random_.in(0, 999));
    }
  }
  // With the promise of `partitioned_by`, a user lives in one partition number.
  std::string user() {
    const int64_t n = random_.in(0, mood_.keys - 1);
    return oracle::quote_json("u" + std::to_string(n) + (case_.pipeline.lanes == oracle::Lanes::kPerPartition
                                                             ? "p" + std::to_string(partition_) : ""));
  }

  // Mostly a new one, sometimes one of the last, now and then any.
  std::string id() {
    int64_t n = ids_;
    if (random_.percent(70)) ++ids_;
    else n -= random_.in(0, std::min<int64_t>(ids_, random_.percent(80) ? 10 : ids_));
    return oracle::quote_json("e" + place_ + "-" + std::to_string(n));
  }

  std::string list(const oracle::Field& field) {
    std::string items;
    for (int64_t n = random_.in(0, 3); n > 0; --n) {
      const bool time = field.type == oracle::FieldType::kTimestampMs;
      items += (items.empty() ? "" : random_.one_of<std::string>({",", " , "})) +
               (time ? time_text(field.type, kBaseUs + random_.in(0, 100'000)) : oracle::quote_json(random_.one_of({"a", "b", "\xC3\xA5\"\n", ""})));
    }
    if (random_.percent(mood_.poison_percent) && random_.percent(20)) items = random_.one_of<std::string>({"null", "true", "[]", "1.5"});
    return "[" + items + "]";
  }

  std::string field_text(const oracle::Field& field, int64_t event_us) {
    if (field.name == source_->event_time.field) return time_text(field.type, event_us);
    if (field.optional && random_.percent(mood_.null_percent)) return "null";
    if (field.list) return list(field);
    if (field.name == "user") return user();
    if (field.name == "id") return id();
    if (field.name == "region") return oracle::quote_json(random_.one_of({"eu", "us", "\xC3\xA5\"x", ""}));
    if (field.name == "n") return number();
    if (field.name == "x") return real();
    if (field.name == "flag") return random_.percent(50) ? "true" : "false";
    if (field.name == "ts") return time_text(field.type, event_us);  // not its time, here
    if (field.name == "seen") return time_text(field.type, kBaseUs + random_.in(0, 100'000) * 1000);
    const std::string note = oracle::quote_json("note " + std::to_string(random_.in(0, 3)));
    return field.path.empty() ? note : "{\"note\":" + note + "}";
  }

  // A field's text in a CSV record; nothing for null.
  std::optional<std::string> cell(const oracle::Field& field, int64_t event_us) {
    // Equal ids never lie in two partitions: which of them is read first would be nobody's to say.
    if (field.name != "id" && random_.percent(mood_.poison_percent) && random_.percent(20)) {
      return random_.one_of<std::string>({"1.5", "text", "", "007", " 1", "null", "[]", "99999999999999999999"});
    }
    const auto json = oracle::parse_json(field_text(field, event_us));
    if (json->kind == oracle::Json::Kind::kNull) return std::nullopt;
    if (json->kind == oracle::Json::Kind::kBool) return json->boolean ? "true" : "false";
    return json->text;
  }

  std::string csv_value(int64_t event_us) {
    const oracle::Csv& csv = *source_->csv;
    const auto& schema = source_->schema;
    std::vector<std::string> columns = csv.columns;
    for (const oracle::Field& field : schema) {
      if (csv.columns.empty()) columns.push_back(field.name);
    }
    std::string text;
    for (const std::string& column : columns) {
      const auto field = std::ranges::find(schema, column, &oracle::Field::name);
      if (&column != columns.data()) text += csv.delimiter;
      text += csv_cell(random_, csv, field == schema.end() ? "any\nthing" : cell(*field, event_us));
    }
    if (random_.percent(mood_.poison_percent) && random_.percent(30)) poison_line(random_, csv, text);
    return text + random_.one_of<std::string>({"", "", "\n", "\r\n"});
  }

  std::string value(int64_t event_us) {
    if (source_->csv) return csv_value(event_us);
    std::vector<std::string> members;
    for (const oracle::Field& field : source_->schema) {
      if (field.optional && random_.percent(5)) continue;
      const std::string& name = field.path.empty() ? field.name : field.path.front();
      members.push_back(oracle::quote_json(name) + ":" + field_text(field, event_us));
    }
    if (random_.percent(20)) members.push_back(R"("pad":{"n":[1,2,{"user":"other"}]})");
    for (size_t i = members.size(); i > 1 && random_.percent(50); --i) {
      std::swap(members[i - 1], members[static_cast<size_t>(random_.in(0, static_cast<int64_t>(i) - 1))]);
    }
    if (random_.percent(3)) members.push_back(R"("n":77)");  // a duplicate key: the first counts
    std::string json;
    for (const std::string& member : members) json += (json.empty() ? "" : ",") + member;
    return "{" + json + "}";
  }

  void poison(oracle::Record& r) {
    const auto replace = [&](const std::string& from, const std::string& to) {
      const size_t at = r.value->find(from);
      if (at != std::string::npos) r.value->replace(at, from.size(), to);
    };
    switch (random_.in(0, 10)) {
      case 0: r.value = "not json"; return;
      case 1: r.value = "[1,2]"; return;
      case 2: r.value.reset(); return;
      case 3: r.value = ""; return;
      case 4: replace("\"n\":", "\"m\":"); return;
      case 5: replace("\"n\":", "\"n\":\"text\",\"n2\":"); return;
      case 6: replace("\"n\":", "\"n\":1.5,\"n2\":"); return;
      case 7: replace("\"ts\":", "\"ts\":[],\"ts2\":"); return;
      case 8: r.value = *r.value + std::string(600, ' '); return;  // oversize where the limit is low
      default: on_the_limit(r); return;
    }
  }

  // Key and value together as large as the lower limit, or a byte larger.
  void on_the_limit(oracle::Record& r) {
    const auto limit = static_cast<size_t>(kLowLimit + random_.in(0, 1));
    if (r.value->size() + 1 >= limit) return;
    r.key = std::string(limit - r.value->size(), 'k');
  }

  Random& random_;
  const Case& case_;
  const Mood mood_;
  const oracle::Source* source_ = nullptr;
  int32_t partition_ = 0;
  std::string place_;  // topic and partition
  int64_t ids_ = 0;    // given so far
};

}  // namespace

void make_logs(Random& random, Case& one) {
  Mood mood;
  mood.keys = random.one_of<int64_t>({1, 3, 10, 50});
  mood.step_us = random.one_of<int64_t>({20'000, 200'000, 1'000'000});
  mood.late_percent = random.one_of<int64_t>({0, 5, 30});
  mood.late_us = random.one_of<int64_t>({3'000'000, 30'000'000});
  mood.poison_percent = random.one_of<int64_t>({0, 5});
  mood.null_percent = random.one_of<int64_t>({0, 20});
  mood.zero_percent = random.one_of<int64_t>({0, 5});
  mood.huge_percent = random.one_of<int64_t>({0, 0, 3});
  mood.most_records = random.one_of<int64_t>({10, 100, 300});
  if (random.percent(10)) {  // much state
    mood.keys = 2000;
    mood.most_records = 3000;
  }
  if (one.pipeline.window && one.pipeline.window->kind == oracle::WindowKind::kCalendar) {  // days on which clocks are changed
    mood.begin_us = random.one_of<int64_t>({kSpringUs, kAutumnUs});
    mood.step_us = random.one_of<int64_t>({5 * kMinuteUs, 60 * kMinuteUs});
    mood.late_us = random.one_of<int64_t>({60 * kMinuteUs, 48 * 60 * kMinuteUs});
    mood.most_records = std::min<int64_t>(mood.most_records, 300);
  }
  const auto& sources = one.pipeline.sources;
  const int64_t topics = sources.size() > 1 || random.percent(25) ? 2 : 1;
  const int64_t partitions = topics == 2 ? random.in(1, 2) : random.in(1, 4);
  LogWriter writer(random, one, mood);
  for (int64_t t = 0; t < topics; ++t) {
    for (int64_t p = 0; p < partitions; ++p) {
      const oracle::Source& source = t == 0 ? sources.front() : sources.back();
      one.logs.push_back(writer.write(source, t == 0 ? "in" : "also-in", static_cast<int32_t>(p), one.log_ends.emplace_back()));
    }
  }
}

}  // namespace tidemark::property
