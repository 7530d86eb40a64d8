// Reads job descriptions with nlohmann-json, whose exceptions end the command like the kit's own.
#include "tests/integration/testkit/job.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/testkit/kafka.h"

namespace tidemark::testkit {
namespace {

using nlohmann::json;
using namespace oracle;

oracle::Value literal(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_number()) return value.get<int64_t>();
  if (value.is_string()) return value.get<std::string>();
  return std::monostate{};
}

FieldType field_type(const std::string& name) {
  static const std::map<std::string, FieldType> kTypes = {
      {"string", FieldType::kString},           {"int", FieldType::kInt},
      {"double", FieldType::kDouble},           {"bool", FieldType::kBool},
      {"bytes", FieldType::kBytes},             {"timestamp(s)", FieldType::kTimestampS},
      {"timestamp(ms)", FieldType::kTimestampMs}, {"timestamp(us)", FieldType::kTimestampUs},
      {"timestamp(iso)", FieldType::kTimestampIso}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) throw Failure("no such type: " + name);
  return found->second;
}

Field field(const json& spec) {
  Field out;
  out.name = spec.at("name");
  std::string type = spec.at("type");
  out.optional = type.ends_with('?');
  if (out.optional) type.pop_back();
  out.list = type.starts_with("list<");
  if (out.list) type = type.substr(5, type.size() - 6);
  out.type = field_type(type);
  std::string rest = spec.value("path", "");
  while (!rest.empty()) {
    const size_t dot = rest.find('.');
    out.path.push_back(rest.substr(0, dot));
    rest = dot == std::string::npos ? "" : rest.substr(dot + 1);
  }
  return out;
}

bool is_among(const Value& list, const Value& wanted) {
  const Json items = *parse_json(std::get<Rendered>(list).json);
  return std::ranges::any_of(items.items, [&](const Json& item) { return render_json(item) == render_value(wanted); });
}

// Null operands are errors, but for == and !=.
std::optional<bool> holds(const Value& left, const std::string& op, const Value& right) {
  if (op == "has") return !is_null(left);
  if (op == "==") return left == right;
  if (op == "!=") return left != right;
  if (is_null(left)) return std::nullopt;
  if (op == "exists") return is_among(left, right);
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  if (op == ">") return left > right;
  if (op == ">=") return left >= right;
  throw Failure("no such operator: " + op);
}

// All of the list must hold; as in CEL's &&, false wins over an error.
Condition conditions(const json& list) {
  struct One {
    std::string field;
    std::string op;
    Value right;
  };
  std::vector<One> all;
  for (const json& one : list) all.push_back({one.at(0), one.at(1), one.size() > 2 ? literal(one.at(2)) : Value()});
  return [all](const Row& row) -> std::optional<bool> {
    bool failed = false;
    for (const One& one : all) {
      const auto answer = holds(row.at(one.field), one.op, one.right);
      if (answer == false) return false;
      failed |= !answer.has_value();
    }
    if (failed) return std::nullopt;
    return true;
  };
}

// A part of the record beside its value; keys and headers as text.
Value record_part(const Origin& origin, const std::string& part) {
  if (part == "topic") return origin.topic;
  if (part == "partition") return int64_t{origin.partition};
  if (part == "offset") return origin.record.offset;
  if (part == "timestamp") return Timestamp{origin.record.timestamp_ms * 1000};
  const auto text = part == "key" ? origin.record.key : origin.header(part.substr(part.find('.') + 1));
  return text ? Value(*text) : Value();
}

Expression expression(const json& spec) {
  if (spec.contains("kafka")) {
    return [part = spec.at("kafka").get<std::string>()](const Row& row) { return std::optional(record_part(*row.origin, part)); };
  }
  if (spec.contains("field")) {
    return [name = spec.at("field").get<std::string>()](const Row& row) { return std::optional(row.at(name)); };
  }
  if (spec.contains("literal")) return [v = literal(spec.at("literal"))](const Row&) { return std::optional(v); };
  if (spec.contains("has")) {
    return [name = spec.at("has").get<std::string>()](const Row& row) {
      return std::optional<Value>(!is_null(row.at(name)));
    };
  }
  const json& pair = spec.at("coalesce");
  return [name = pair.at(0).get<std::string>(), other = literal(pair.at(1))](const Row& row) {
    return std::optional(is_null(row.at(name)) ? other : row.at(name));
  };
}

Step step(const json& spec) {
  Step out;
  out.name = spec.at("name");
  if (spec.contains("filter")) out.filter = conditions(spec.at("filter"));
  const json map = spec.value("map", json::object());
  for (const auto& [name, value] : map.items()) {
    out.map.emplace_back(name, expression(value));
  }
  out.by = spec.value("dedupe", std::vector<std::string>{});
  out.within_us = spec.value("within_ms", int64_t{0}) * 1000;
  return out;
}

oracle::Aggregate aggregate(const json& spec) {
  static const std::map<std::string, AggregateKind> kKinds = {
      {"count", AggregateKind::kCount}, {"sum", AggregateKind::kSum},     {"avg", AggregateKind::kAvg},
      {"min", AggregateKind::kMin},     {"max", AggregateKind::kMax},     {"first", AggregateKind::kFirst},
      {"last", AggregateKind::kLast},   {"variance", AggregateKind::kVariance}, {"stddev", AggregateKind::kStddev},
      {"distinct", AggregateKind::kDistinct}, {"approx_distinct", AggregateKind::kApproxDistinct},
      {"top_k", AggregateKind::kTopK},  {"approx_top_k", AggregateKind::kTopK}, {"quantile", AggregateKind::kQuantile},
      {"list", AggregateKind::kList},   {"histogram", AggregateKind::kHistogram},
      {"arg_min", AggregateKind::kArgMin}, {"arg_max", AggregateKind::kArgMax}};
  oracle::Aggregate out;
  out.name = spec.at("name");
  out.kind = kKinds.at(spec.at("kind"));
  if (spec.contains("field")) out.argument = expression(spec);
  if (spec.contains("where")) out.where = conditions(spec.at("where"));
  if (spec.contains("by")) out.by = expression(json::object({{"field", spec.at("by")}}));
  out.numbers = spec.value("numbers", std::vector<double>{});
  return out;
}

oracle::Window window(const json& spec) {
  oracle::Window out;
  out.name = spec.at("name");
  const std::string kind = spec.value("kind", "sliding");
  if (kind == "cumulative") out.kind = oracle::WindowKind::kCumulative;
  if (kind == "calendar") out.kind = oracle::WindowKind::kCalendar;
  if (kind == "running") out.kind = oracle::WindowKind::kRunning;
  if (kind == "session") out.kind = oracle::WindowKind::kSession;
  out.gap_us = spec.value("gap_ms", int64_t{0}) * 1000;
  out.max_us = spec.value("max_ms", int64_t{0}) * 1000;
  out.unit = spec.value("unit", "");
  out.timezone = spec.value("timezone", "");
  out.size_us = spec.value("size_ms", int64_t{0}) * 1000;
  out.step_us = spec.value("step_ms", out.size_us / 1000) * 1000;
  out.offset_us = spec.value("offset_ms", int64_t{0}) * 1000;
  out.by = spec.value("by", std::vector<std::string>{});
  out.allowed_lateness_us = spec.value("allowed_lateness_ms", int64_t{0}) * 1000;
  for (const json& one : spec.at("aggregates")) out.aggregates.push_back(aggregate(one));
  if (spec.contains("having")) out.having = conditions(spec.at("having"));
  return out;
}

Csv csv(const json& spec) {
  Csv out;
  out.delimiter = spec.value("delimiter", ",").at(0);
  const std::string quote = spec.value("quote", "\"");
  out.quote = quote == "none" ? std::nullopt : std::optional(quote.at(0));
  out.columns = spec.value("columns", std::vector<std::string>{});
  out.null_text = spec.value("null_text", "");
  out.trim = spec.value("trim", false);
  return out;
}

oracle::Source source(const json& spec) {
  oracle::Source out;
  out.name = spec.value("source", "events");
  out.topics = spec.at("topics").get<std::vector<std::string>>();
  for (const json& one : spec.at("schema")) out.schema.push_back(field(one));
  if (spec.contains("csv")) out.csv = csv(spec.at("csv"));
  const json time = spec.value("event_time", json::object());
  out.event_time.field = time.value("field", "");
  out.event_time.max_delay_us = time.value("max_delay_ms", int64_t{0}) * 1000;
  out.event_time.max_future_us = time.value("max_future_ms", int64_t{3'600'000}) * 1000;
  out.skip_tombstones = spec.value("tombstones", "") == "skip";
  return out;
}

Job job(const json& spec) {
  Job out;
  out.topics = spec.at("topics").get<std::vector<std::string>>();
  out.results = spec.value("results", "");
  out.late = spec.value("late", "");
  out.dead_letters = spec.value("dead_letters", "");
  out.repeats_allowed = spec.value("at_least_once", false);
  oracle::Pipeline& pipeline = out.pipeline;
  pipeline.name = spec.at("name");
  pipeline.sources = {source(spec)};
  for (const json& one : spec.value("more_sources", json::array())) {
    pipeline.sources.push_back(source(one));
    const auto& topics = pipeline.sources.back().topics;
    out.topics.insert(out.topics.end(), topics.begin(), topics.end());
  }
  pipeline.union_step = spec.value("union", "");
  for (const json& one : spec.value("steps", json::array())) pipeline.steps.push_back(step(one));
  if (spec.contains("window")) pipeline.window = window(spec.at("window"));
  for (const json& one : spec.value("over", json::array())) {
    oracle::Level level;
    for (const json& each : one.value("steps", json::array())) level.steps.push_back(step(each));
    level.window = window(one.at("window"));
    pipeline.over.push_back(std::move(level));
  }
  pipeline.lanes = spec.value("lanes", "one") == "one" ? Lanes::kOne : Lanes::kPerPartition;
  pipeline.until_end = spec.value("close", "all") == "all";
  return out;
}

}  // namespace

Job load_job(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw Failure("cannot read " + file);
  try {
    return job(json::parse(in));
  } catch (const json::exception& error) {
    throw Failure(file + ": " + error.what());
  }
}

}  // namespace tidemark::testkit
