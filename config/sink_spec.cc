// The specs of sinks: where rows go, how they are written, what is promised about them.
#include <fmt/format.h>

#include "config/kafka_properties.h"
#include "config/names.h"
#include "config/specs.h"

namespace tidemark {
namespace {

Kind<KafkaSinkSpec> kafka_sink_kind() {
  return Spec<KafkaSinkSpec>("kafka sink",
                             "Writes rows to a Kafka topic, placed by murmur2 of their key as Java clients do.",
                             "kafka: {topic: features.purchases, key: [user_id]}")
      .required("topic", &KafkaSinkSpec::topic, kinds::text(topic_rules()), "the topic that rows are written to")
      .field("key", &KafkaSinkSpec::key, field_names_kind(),
             "The fields of the Kafka key. Default: the window's key fields; without a window the record's own key.")
      .field("brokers", &KafkaSinkSpec::brokers, brokers_kind(), "Default: the source's.")
      .field("properties", &KafkaSinkSpec::properties, properties_kind(KafkaRole::kProducer),
             "Anything else goes to librdkafka as it is. Without `brokers` the source's connection properties hold "
             "here too.")
      .field("insecure", &KafkaSinkSpec::insecure, kinds::boolean(), std::string(kInsecureDoc))
      .foreign({"bootstrap_servers", "bootstrap", "seed_brokers", "addresses", "servers", "hosts", "metadata_broker_list"}, "brokers")
      .foreign({"topics"}, "topic", "a sink writes to one topic; write a sink for each")
      .foreign({"partition_key", "key_field", "key_fields", "keys", "key_by", "partition_by"}, "key")
      .foreign({"partitioner"}, "", "rows are placed by murmur2 of the key, as Java clients do")
      .foreign({"delivery", "delivery_guarantee", "guarantee", "semantic", "exactly_once", "idempotent_write", "transactional_id"}, "",
               "`delivery` stands beside `kafka`; it is exactly_once unless it says at_least_once")
      .foreign({"format", "from", "name"}, "", "it stands beside `kafka`, not inside of it")
      .foreign(client_property_words(), "", std::string(kPropertyHint))
      .place(&KafkaSinkSpec::where)
      .check([](const KafkaSinkSpec& s, Diagnostics& d) { check_insecure(s.properties, s.insecure, d); },
             {"properties", "insecure"})
      .kind();
}

Kind<SinkFormatSpec> sink_format_kind() {
  const auto json =
      Spec<JsonOutSpec>("json out", "One JSON object a row, fields in their order of definition.",
                        "json: {timestamps: ms}")
          .field("timestamps", &JsonOutSpec::timestamps,
                 kinds::words<TimestampsOut>({{"rfc3339", TimestampsOut::kRfc3339}, {"ms", TimestampsOut::kMillis}}),
                 "RFC 3339 in UTC, or milliseconds since the epoch.")
          .kind();
  Kind<SinkFormatSpec> kind =
      Spec<SinkFormatSpec>("sink format", "How rows are written: a word, or a map with the format's options.",
                           "format: {json: {timestamps: ms}}")
          .choice("format", "json", &SinkFormatSpec::kind, json, "One JSON object a row.")
          .refused("csv", "Comma-separated values.", "format")
          .refused("avro", "Apache Avro.", "format")
          .refused("protobuf", "Protocol Buffers.", "format")
          .word_shorthand()
          .place(&SinkFormatSpec::where)
          .kind();
  kind.show = [](const SinkFormatSpec&) { return std::string("json"); };
  return kind;
}

void check_delivery(const SinkSpec& sink, Diagnostics& diagnostics) {
  if (!sink.delivery_written) return;
  const Located<Delivery>& delivery = *sink.delivery_written;
  if (std::holds_alternative<StdoutSinkSpec>(sink.what) && delivery.value == Delivery::kExactlyOnce) {
    diagnostics.error(delivery.where, "`stdout` cannot deliver exactly_once",
                      "write `delivery: at_least_once`, or leave it out");
  }
  if (std::holds_alternative<DropSinkSpec>(sink.what)) {
    diagnostics.error(delivery.where, "`drop` writes nothing and has no delivery", "remove `delivery`");
  }
}

// Late and dead-lettered records are written as they came, with headers.
void check_side_stream(const SinkSpec& sink, Diagnostics& diagnostics) {
  const auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what);
  if (!kafka || !sink.from || (sink.from->value != kLateStream && sink.from->value != kDeadLetterStream)) return;
  if (sink.format_written) {
    diagnostics.error(sink.format_written->where,
                      fmt::format("a kafka sink from `{}` has no `format`", sink.from->value),
                      "these records keep their bytes; remove `format`");
  }
  if (kafka->key) {
    const Location where = kafka->key->empty() ? kafka->where : kafka->key->front().where;
    diagnostics.error(where, fmt::format("a kafka sink from `{}` has no `key`", sink.from->value),
                      "these records keep their key; remove `key`");
  }
}

}  // namespace

Kind<SinkSpec> sink_kind() {
  constexpr const char* kGroup = "kind of sink";
  return Spec<SinkSpec>("sink", "Where rows go. It takes the last step, unless it says `from`.",
                        "- kafka: {topic: features.purchases}")
      .field("name", &SinkSpec::name, name_kind(), "Default: KIND-N by its place in the list, from 1.")
      .field("from", &SinkSpec::from, name_kind(),
             "The source or step whose rows it takes, or one of the built-in streams `late` and `dead_letter`.")
      .choice(kGroup, "kafka", &SinkSpec::what, kafka_sink_kind(), "A Kafka topic.")
      .choice(kGroup, "stdout", &SinkSpec::what, Spec<StdoutSinkSpec>("stdout", "Prints rows.", "stdout: {}").kind(),
              "Standard output, one row a line.")
      .choice(kGroup, "drop", &SinkSpec::what,
              Spec<DropSinkSpec>("drop", "Counts rows and writes none.", "drop: {}").kind(),
              "Nowhere; rows are counted.")
      .field("format", &SinkSpec::format_written, sink_format_kind(), "How rows are written. Default: json.")
      .field(
          "delivery", &SinkSpec::delivery_written,
          kinds::words<Delivery>({{"exactly_once", Delivery::kExactlyOnce}, {"at_least_once", Delivery::kAtLeastOnce}}),
          "Default: exactly_once for kafka; `stdout` is at_least_once, `drop` has none.")
      .foreign({"topic", "key", "brokers", "bootstrap_servers", "properties"}, "kafka",
               "it stands inside of `kafka: {topic: features.purchases}`")
      .foreign({"type", "connector", "redpanda", "kafka_franz", "output"}, "kafka", "write `kafka: {topic: features.purchases}`")
      .foreign({"print", "console", "log", "stderr"}, "stdout", "write `stdout: {}`")
      .foreign({"discard", "blackhole", "null", "devnull", "none"}, "drop", "write `drop: {}`")
      .foreign({"delivery_guarantee", "sink_delivery_guarantee", "guarantee", "semantic", "semantics", "exactly_once",
                "at_least_once", "processing_guarantee"},
               "delivery", "write `delivery: exactly_once` or `delivery: at_least_once`")
      .foreign({"input", "inputs", "source", "step"}, "from")
      .foreign({"dead_letter", "dead_letters", "dlq", "late"}, "kafka", "write `from: dead_letter` or `from: late`, and where it goes")
      .foreign({"where", "filter", "when", "condition"}, "", "write a `filter` step, and take it with `from`")
      .foreign({"codec", "value_format", "encoding", "serializer"}, "format")
      .foreign({"id", "label"}, "name")
      .place(&SinkSpec::where)
      .sound(&SinkSpec::sound, {"from"})
      .sound(&SinkSpec::delivery_sound, {"delivery"})
      .check(check_delivery, {"delivery"})
      .check(check_side_stream, {"from", "kafka", "format"})
      .kind();
}

}  // namespace tidemark
