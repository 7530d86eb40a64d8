// The specs of sources: where records come from, how they are decoded, what their time is.
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "config/format_spec.h"
#include "config/kafka_properties.h"
#include "config/names.h"
#include "config/specs.h"
#include "config/type_text.h"

namespace tidemark {

namespace {

// "HOST", "HOST:PORT", with "PROTOCOL://" before it as librdkafka takes it: what is wrong, or nothing.
std::string wrong_with_address(std::string_view address) {
  if (address.starts_with("http://") || address.starts_with("https://")) return "is a web address";
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find(']', colon) != std::string_view::npos) return {};
  const std::string_view port = address.substr(colon + 1);
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool ok = error == std::errc{} && end == port.data() + port.size() && number >= 1 && number <= 65'535;
  return ok ? std::string() : std::string("has no port from 1 to 65535 behind its `:`");
}

bool check_addresses(const Node& node, std::string_view what, const std::string& brokers, Diagnostics& diagnostics) {
  for (size_t at = 0; at <= brokers.size();) {
    const size_t comma = std::min(brokers.find(',', at), brokers.size());
    std::string_view address(brokers.data() + at, comma - at);
    while (address.ends_with(' ')) address.remove_suffix(1);
    while (address.starts_with(' ')) address.remove_prefix(1);
    const std::string wrong = wrong_with_address(address);
    if (!wrong.empty()) {
      diagnostics.error(node.where(), fmt::format("{}: '{}' {}", what, address, wrong), "write addresses as HOST:PORT, such as kafka:9092");
      return false;
    }
    at = comma + 1;
  }
  return true;
}

}  // namespace

Kind<std::string> brokers_kind() {
  Kind<std::string> kind = kinds::text();
  const Kind<std::vector<std::string>> list = kinds::list(kinds::text(), true);
  kind.shape = list.shape;
  kind.read = [list](const Node& node, std::string_view what, std::string& out, Diagnostics& diagnostics) {
    std::vector<std::string> addresses;
    if (!list.read(node, what, addresses, diagnostics)) return false;
    if (addresses.empty()) return wrong_kind(node, what, "at least one address", diagnostics);
    out.clear();
    for (const std::string& address : addresses) out += (out.empty() ? "" : ",") + address;
    return check_addresses(node, what, out, diagnostics);
  };
  return kind;
}

Kind<std::string> name_kind() { return kinds::text(name_rules()); }

Kind<std::vector<Located<std::string>>> names_kind(kinds::TextRules rules) {
  Kind<std::vector<Located<std::string>>> kind =
      kinds::list(kinds::lift<Located<std::string>>(kinds::text(std::move(rules))), true);
  kind.read = [read = kind.read](const Node& node, std::string_view what, std::vector<Located<std::string>>& out,
                                 Diagnostics& diagnostics) {
    bool ok = read(node, what, out, diagnostics);
    for (size_t i = 0; i < out.size() && ok; ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (out[i].value != out[j].value) continue;
        diagnostics.error(out[i].where, fmt::format("{} names `{}` twice", what, out[i].value));
        ok = false;
        break;
      }
    }
    return ok;
  };
  return kind;
}

Kind<std::vector<Located<std::string>>> field_names_kind() { return names_kind(field_rules()); }

namespace {

Kind<Start> start_kind() {
  const auto earliest = Spec<StartEarliest>("earliest", "The oldest record that the topic still has.").kind();
  const auto latest = Spec<StartLatest>("latest", "Only records that come after the very first start.").kind();
  const auto timestamp = Spec<StartTimestamp>("timestamp", "The first record with this Kafka timestamp or a later one.")
                             .required("time", &StartTimestamp::time, kinds::time(), "RFC 3339")
                             .shorthand("time")
                             .kind();
  Kind<Start> kind =
      Spec<Start>("start", "Where the very first start begins; afterwards the committed offsets count.",
                  "start: {timestamp: 2026-01-01T00:00:00Z}")
          .choice("start", "earliest", &Start::at, earliest, "The oldest record that the topic still has.")
          .choice("start", "latest", &Start::at, latest, "Only records that come later.")
          .choice("start", "timestamp", &Start::at, timestamp, "From this Kafka timestamp on.")
          .word_shorthand()
          .foreign({"oldest", "beginning", "from_beginning", "earliest_offset", "smallest"}, "earliest")
          .foreign({"newest", "end", "latest_offset", "largest", "now"}, "latest")
          .foreign({"time", "date", "at", "since", "from"}, "timestamp", "write `timestamp: 2026-01-01T00:00:00Z`")
          .kind();
  kind.show = [](const Start&) { return std::string("earliest"); };
  return kind;
}

// `topic: x` is `topics: [x]`.
Kind<std::vector<Located<std::string>>> one_topic_kind() {
  const auto one = kinds::lift<Located<std::string>>(kinds::text(topic_rules()));
  Kind<std::vector<Located<std::string>>> kind{one.shape, nullptr, nullptr};
  kind.read = [one](const Node& node, std::string_view what, std::vector<Located<std::string>>& out,
                    Diagnostics& diagnostics) {
    const std::string_view text = node.text.value;
    if (node.kind == Node::Kind::kSequence || text.find(',') != text.npos) {
      return wrong_kind(node, what, "one topic", diagnostics, "write `topics: [a, b]` for several");
    }
    if (text.find_first_of("^*") != text.npos) {
      return wrong_kind(node, what, "one topic", diagnostics, "write `topic_pattern: '^shop\\.'` for all that match");
    }
    out.resize(1);
    return one.read(node, what, out.front(), diagnostics);
  };
  return kind;
}

Kind<std::vector<Located<std::string>>> topics_kind() {
  Kind<std::vector<Located<std::string>>> kind =
      kinds::list(kinds::lift<Located<std::string>>(kinds::text(topic_rules())));
  kind.read = [read = kind.read](const Node& node, std::string_view what, std::vector<Located<std::string>>& out,
                                 Diagnostics& diagnostics) {
    if (!read(node, what, out, diagnostics)) return false;
    if (out.empty()) {
      diagnostics.error(node.where(), fmt::format("{} is empty", what), "write at least one topic");
      return false;
    }
    std::set<std::string_view> seen;
    for (const Located<std::string>& topic : out) {
      if (seen.insert(topic.value).second) continue;
      diagnostics.error(topic.where, fmt::format("{} names `{}` twice", what, topic.value), "remove one of them");
      return false;
    }
    return true;
  };
  return kind;
}

Kind<std::string> topic_pattern_kind() {
  return kinds::text({"^\\^", 1024, false, [](std::string_view pattern) {
                        return pattern.starts_with('^') ? std::string() : "must begin with `^`";
                      }});
}

Kind<KafkaSourceSpec> kafka_source_kind() {
  return Spec<KafkaSourceSpec>("kafka source", "Reads Kafka topics as a consumer group, with read_committed isolation.",
                               "kafka: {brokers: localhost:9092, topic: shop.events}")
      .required("brokers", &KafkaSourceSpec::brokers, brokers_kind(), "addresses HOST:PORT, with commas or as a list")
      .choice("topic", "topic", &KafkaSourceSpec::topics, one_topic_kind(), "One topic.")
      .choice("topic", "topics", &KafkaSourceSpec::topics, topics_kind(), "Several topics.")
      .choice("topic", "topic_pattern", &KafkaSourceSpec::topic_pattern, topic_pattern_kind(),
              "All topics that match this regular expression, which begins with `^`.")
      .field("group", &KafkaSourceSpec::group, name_kind(), "The consumer group. Default: the pipeline's name.")
      .field("start", &KafkaSourceSpec::start, start_kind(), "Where the very first start begins.")
      .field("partitioned_by", &KafkaSourceSpec::partitioned_by, field_names_kind(),
             "A promise that equal values of these fields lie in one partition number; saves the exchange.")
      .field("fetch", &KafkaSourceSpec::fetch,
             kinds::words<Fetch>({{"native", Fetch::kNative}, {"librdkafka", Fetch::kLibrdkafka}}),
             "Who fetches records: the engine itself, which costs least, or librdkafka. With TLS, SASL or properties of the "
             "connection it is librdkafka in any case.")
      .field("properties", &KafkaSourceSpec::properties, properties_kind(KafkaRole::kConsumer),
             "Anything else goes to librdkafka as it is.")
      .field("insecure", &KafkaSourceSpec::insecure, kinds::boolean(), std::string(kInsecureDoc))
      .foreign({"bootstrap_servers", "bootstrap", "seed_brokers", "addresses", "servers", "hosts", "metadata_broker_list"}, "brokers")
      .foreign({"group_id", "consumer_group", "consumer_group_id"}, "group")
      .foreign({"auto_offset_reset", "start_from_oldest", "startup_mode", "scan_startup_mode", "offset", "offset_reset",
                "from_beginning", "start_offset"},
               "start", "write `start: earliest`, `start: latest` or `start: {timestamp: ...}`")
      .foreign({"pattern", "regex", "topic_regex", "regexp_topics", "topics_pattern"}, "topic_pattern", "write `topic_pattern: '^...'`")
      .foreign({"key", "keys", "key_by", "partition_key"}, "partitioned_by",
               "if equal values of a field lie in one partition, write `partitioned_by: [FIELD]`")
      .foreign(client_property_words(), "", std::string(kPropertyHint))
      .place(&KafkaSourceSpec::where)
      .check([](const KafkaSourceSpec& s, Diagnostics& d) { check_insecure(s.properties, s.insecure, d); },
             {"properties", "insecure"})
      .kind();
}

// A path into a JSON object: text with dots, or a list where names have dots themselves.
Kind<std::vector<std::string>> path_kind() {
  const Kind<std::vector<std::string>> list = kinds::list(kinds::text(), true);
  Kind<std::vector<std::string>> kind{list.shape, nullptr, nullptr};
  kind.read = [list](const Node& node, std::string_view what, std::vector<std::string>& out, Diagnostics& diagnostics) {
    if (!list.read(node, what, out, diagnostics)) return false;
    if (node.kind == Node::Kind::kScalar) {
      const std::string text = std::move(out.front());
      out.clear();
      for (size_t at = 0; at <= text.size();) {
        const size_t dot = std::min(text.find('.', at), text.size());
        out.push_back(text.substr(at, dot - at));
        at = dot + 1;
      }
    }
    for (const std::string& step : out) {
      if (step.empty()) return wrong_kind(node, what, "a path such as address.city", diagnostics);
    }
    return !out.empty() || wrong_kind(node, what, "a path of at least one name", diagnostics);
  };
  return kind;
}

struct WrittenField {
  Located<TypeText> type;
  std::vector<std::string> path;
};

Kind<SchemaFieldSpec> schema_field_kind() {
  const Kind<WrittenField> written =
      Spec<WrittenField>("schema field", "A type, or a map with a type and the path of the field.",
                         "city: {type: 'string?', path: address.city}")
          .required("type", &WrittenField::type, type_kind(),
                    "one of string, int, double, bool, bytes and timestamp(s|ms|us|iso), or a list of one, as in list<string>; `?` "
                    "allows null and absence")
          .field("path", &WrittenField::path, path_kind(),
                 "Where the field lies in the record, with dots. Default: the field's name.")
          .shorthand("type")
          .foreign({"optional", "nullable", "required", "null", "default"}, "",
                   "a field that may be missing or null has a `?` behind its type, as in `type: 'double?'`")
          .foreign({"from", "json_path", "jsonpath", "pointer", "field", "source"}, "path")
          .foreign({"format", "unit", "precision"}, "", "write it in the type: timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)")
          .foreign({}, "type", "a field inside of an object is declared with its path, as in `city: {type: string, path: address.city}`")
          .kind();
  Kind<SchemaFieldSpec> kind{written.shape, nullptr, nullptr};
  kind.read = [written](const Node& node, std::string_view what, SchemaFieldSpec& out, Diagnostics& diagnostics) {
    WrittenField field;
    const bool ok = written.read(node, what, field, diagnostics);
    out.sound = ok && field_rules().check(out.name.value).empty();
    out.type = field.type.value.type;
    out.nullable = field.type.value.nullable;
    out.timestamp_form = field.type.value.timestamp_form;
    out.type_where = field.type.where;
    out.path = field.path.empty() ? std::vector<std::string>{out.name.value} : std::move(field.path);
    return ok;
  };
  return kind;
}

Kind<EventTimeSpec> event_time_kind() {
  return Spec<EventTimeSpec>("event_time", "Where a record's time comes from, and how long is waited for what is late.",
                             "event_time: {field: ts, max_delay: 2s}")
      .field("field", &EventTimeSpec::field, kinds::text(field_rules()),
             "A timestamp field of the schema. Default: the Kafka timestamp.")
      .field("max_delay", &EventTimeSpec::max_delay, kinds::duration(),
             "How far behind the newest record of its partition a record may be and still be on time.")
      .field("max_future", &EventTimeSpec::max_future, kinds::duration(),
             "How far ahead of its Kafka timestamp a record's time may be; beyond, it goes to `dead_letter`.")
      .field("idle_after", &EventTimeSpec::idle_after, kinds::positive_duration(),
             "A partition at its end for this long holds back no window.")
      .field("close_after_idle", &EventTimeSpec::close_after_idle, kinds::duration_or("off", Duration::micros(1)),
             "When all partitions have been idle this long, time goes on with the clock; or `off`.")
      .field("max_drift", &EventTimeSpec::max_drift, kinds::positive_duration(),
             "A partition this far ahead of the slowest is paused. Default: the longest window, at least 1m.")
      .foreign({"column", "timestamp", "timestamp_field", "time_field", "path", "attribute", "from"}, "field")
      .foreign({"delay", "watermark", "watermark_delay", "out_of_orderness", "max_out_of_orderness", "lateness",
                "allowed_lateness", "grace", "grace_period", "bounded_out_of_orderness"},
               "max_delay")
      .foreign({"idle_timeout", "idleness", "idle", "source_idle_timeout"}, "idle_after")
      .foreign({"format", "unit", "type"}, "", "the schema says it, as in `ts: timestamp(ms)`")
      .place(&EventTimeSpec::where)
      .kind();
}

// Every field that the source names must be declared.
void check_field(const SourceSpec& source, const Located<std::string>& field, std::string_view what,
                 Diagnostics& diagnostics) {
  if (source.find(field.value)) return;
  std::vector<std::string_view> names;
  for (const SchemaFieldSpec& known : source.schema) names.push_back(known.name.value);
  const std::string_view nearest = nearest_word(field.value, names);
  diagnostics.error(field.where, fmt::format("{}: the schema has no field `{}`", what, field.value),
                    did_you_mean(nearest, "declare it in `schema`"));
}

bool is_name(const Located<std::string>& field) { return !field.value.empty() && field_rules().check(field.value).empty(); }

// Names that are none were reported, and so was whatever hides the schema's own.
void check_named_fields(const SourceSpec& source, Diagnostics& diagnostics) {
  if (!source.schema_sound && !source.names_all_fields()) return;
  if (const auto& field = source.event_time.field; field && is_name(*field)) {
    check_field(source, *field, "`event_time`", diagnostics);
    const SchemaFieldSpec* known = source.find(field->value);
    if (known && known->sound && known->type.kind != TypeKind::kTimestamp) {
      diagnostics.error(field->where,
                        fmt::format("`event_time`: the field `{}` is of type {}, not a timestamp", field->value,
                                    to_string(known->type)),
                        "declare it as timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)");
    }
  }
  for (const auto& field : source.kafka().partitioned_by) {
    if (is_name(field)) check_field(source, field, "`partitioned_by`", diagnostics);
  }
}

void check_schema(const SourceSpec& source, Diagnostics& diagnostics) {
  check_format(source, diagnostics);
  if (source.schema.empty() && std::holds_alternative<JsonFormatSpec>(source.format.kind)) {
    diagnostics.warn(source.where, fmt::format("the source `{}` declares no fields", source.name.value),
                     "steps see only what `schema` names, such as `schema: {user_id: string}`");
  }
}

}  // namespace

const SchemaFieldSpec* SourceSpec::find(std::string_view field) const {
  for (const SchemaFieldSpec& known : schema) {
    if (known.name.value == field) return &known;
  }
  return nullptr;
}

bool SourceSpec::names_all_fields() const {
  return !schema.empty() && std::ranges::all_of(schema, is_name, &SchemaFieldSpec::name);
}

Kind<SourceSpec> source_kind() {
  return Spec<SourceSpec>("source", "Where records come from and what they hold. The name is the key.")
      .choice("source", "kafka", &SourceSpec::from, kafka_source_kind(), "Kafka topics.")
      .field("format", &SourceSpec::format, source_format_kind(), "How records are decoded.")
      .field("schema", &SourceSpec::schema, kinds::keyed(&SchemaFieldSpec::name, schema_field_kind(), field_rules()),
             "The data contract: only these fields are decoded.")
      .field("event_time", &SourceSpec::event_time, event_time_kind(), "The time of a record.")
      .field("tombstones", &SourceSpec::tombstones,
             kinds::words<Tombstones>({{"dead_letter", Tombstones::kDeadLetter}, {"skip", Tombstones::kSkip}}),
             "What becomes of null and empty values: a dead letter, or counted as filtered.")
      .field("max_record", &SourceSpec::max_record, kinds::size(1, int64_t{1} << 30),
             "A record whose key and value are larger together goes to `dead_letter` as oversize.")
      .foreign({"topic", "topics", "topic_pattern", "brokers", "bootstrap_servers", "group", "group_id", "start", "properties",
                "partitioned_by"},
               "kafka", "it stands inside of `kafka: {brokers: localhost:9092, topic: shop.events}`")
      .foreign({"type", "connector", "redpanda", "kafka_franz", "input"}, "kafka",
               "write `kafka: {brokers: localhost:9092, topic: shop.events}`")
      .foreign({"fields", "columns", "payload"}, "schema")
      .foreign({"timestamp", "time", "timestamp_field", "time_field", "watermark", "rowtime", "max_delay"}, "event_time",
               "write `event_time: {field: ts, max_delay: 2s}`")
      .foreign({"value_format", "codec", "decode", "encoding", "deserializer"}, "format")
      .foreign({"skip_tombstones"}, "tombstones", "write `tombstones: skip`")
      .foreign({"dead_letter", "dead_letters", "dlq", "late", "on_error", "error_handling"}, "",
               "such records leave in a sink: `- from: dead_letter` or `- from: late`")
      .place(&SourceSpec::where)
      .sound(&SourceSpec::schema_sound, {"schema"})
      .check(check_schema, {"schema", "format"})
      .check(check_named_fields, std::vector<std::string>{})
      .kind();
}

}  // namespace tidemark
