// What a pipeline file means: values, defaults and resolved names; and what is refused, with its exact text and place.
#include "config/pipeline.h"

#include <set>

#include "config/kafka_properties.h"
#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

// A small pipeline around `steps` (indented by 2, from line 6 on) and `sinks`.
std::string around(std::string_view steps, std::string_view sinks = "  - stdout: {}\n", std::string_view more = "") {
  return fmt::format("name: p\nsources:\n  in:\n    kafka: {{brokers: b, topic: t}}\n    schema: {{a: string, n: int}}\nsteps:\n{}sinks:\n{}{}",
                     steps, sinks, more);
}

// A pipeline whose only source has these lines, indented by 4, from line 4 on.
std::string source(std::string_view lines) {
  return fmt::format("name: p\nsources:\n  in:\n{}sinks:\n  - stdout: {{}}\n", lines);
}

}  // namespace

TEST_CASE("the pipeline of the contract loads as it is written") {
  const PipelineSpec p = loaded(whole_pipeline());
  CHECK(p.name.value == "purchases-5m");
  REQUIRE(p.sources.size() == 1);
  const SourceSpec& events = p.sources[0];
  CHECK(events.name.value == "events");
  CHECK(events.kafka().brokers.value == "localhost:9092");
  REQUIRE(events.kafka().topics.size() == 1);
  CHECK(events.kafka().topics[0].value == "shop.events");
  CHECK(std::holds_alternative<StartEarliest>(events.kafka().start.at));
  CHECK(events.kafka().partitioned_by.at(0).value == "user_id");
  CHECK(events.kafka().properties.at(0).name.value == "security.protocol");
  CHECK(events.kafka().properties.at(0).value.value == "PLAINTEXT");
  REQUIRE(events.schema.size() == 6);
  CHECK(events.find("amount")->type == Type(TypeKind::kDouble));
  CHECK(events.find("amount")->nullable);
  CHECK(events.find("ts")->timestamp_form == TimestampForm::kMillis);
  CHECK(events.find("city")->path == std::vector<std::string>{"address", "city"});
  CHECK(events.find("user_id")->path == std::vector<std::string>{"user_id"});
  CHECK(events.event_time.field->value == "ts");
  CHECK(events.event_time.max_delay == Duration::seconds(2));
  CHECK(events.event_time.max_future == Duration::minutes(5));

  REQUIRE(p.steps.size() == 4);
  CHECK(p.steps[0].name.value == "filter-1");
  CHECK(std::get<FilterSpec>(p.steps[0].what).condition.value == "event_type == 'purchase'");
  CHECK(std::get<MapSpec>(p.steps[1].what).fields.at(0).expression.value == "has(amount) && amount > 100.0");
  CHECK(p.steps[2].name.value == "per_user");
  const WindowSpec& window = std::get<WindowSpec>(p.steps[2].what);
  const auto& sliding = std::get<SlidingSpec>(window.kind);
  CHECK(sliding.size.value == Duration::minutes(5));
  CHECK(sliding.step.value == Duration::minutes(1));
  CHECK(window.offset() == Duration{});
  CHECK(window.by.at(0).value == "user_id");
  REQUIRE(window.aggregates.size() == 4);
  CHECK(window.aggregates[3].name.value == "p95");
  CHECK(window.aggregates[3].expression.value == "quantile(amount, 0.95)");
  CHECK(p.steps[3].name.value == "filter-4");
  CHECK(p.steps[3].input == InputRef{InputRef::Kind::kStep, 2});

  REQUIRE(p.sinks.size() == 3);
  CHECK(p.sinks[0].name.value == "kafka-1");
  CHECK(p.sinks[0].input == InputRef{InputRef::Kind::kStep, 3});
  CHECK(p.sinks[0].delivery == Delivery::kExactlyOnce);
  CHECK(std::get<KafkaSinkSpec>(p.sinks[0].what).brokers.value == "localhost:9092");
  CHECK(std::get<KafkaSinkSpec>(p.sinks[0].what).properties.at(0).value.value == "PLAINTEXT");
  CHECK(p.sinks[1].input.kind == InputRef::Kind::kLate);
  CHECK(p.sinks[2].input.kind == InputRef::Kind::kDeadLetter);
  CHECK(p.checkpoint.every.value == Duration::seconds(5));
  CHECK(p.lanes.value == 32);
  REQUIRE(p.tests.size() == 1);
  CHECK(p.tests[0].input[0].actions.size() == 6);
  CHECK(p.tests[0].expect.size() == 3);
  CHECK(warnings_of(whole_pipeline()).empty());
}

TEST_CASE("what is not written has the contract's default") {
  const PipelineSpec p = loaded("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {a: int}\nsinks:\n  - stdout:\n");
  const SourceSpec& in = p.sources[0];
  CHECK(in.kafka().group.value == "p");
  CHECK(std::holds_alternative<StartEarliest>(in.kafka().start.at));
  CHECK(std::holds_alternative<JsonFormatSpec>(in.format.kind));
  CHECK_FALSE(in.event_time.field);
  CHECK(in.event_time.max_delay == Duration{});
  CHECK(in.event_time.max_future == Duration::hours(1));
  CHECK(in.event_time.idle_after == Duration::seconds(30));
  CHECK(in.event_time.close_after_idle == Duration::minutes(1));
  CHECK_FALSE(in.event_time.max_drift);
  CHECK(in.tombstones == Tombstones::kDeadLetter);
  CHECK(in.max_record == 10 * 1024 * 1024);
  CHECK(p.steps.empty());
  CHECK(p.sinks[0].input == InputRef{InputRef::Kind::kSource, 0});
  CHECK(p.sinks[0].delivery == Delivery::kAtLeastOnce);
  CHECK(p.sinks[0].format.json().timestamps == TimestampsOut::kRfc3339);
  CHECK(p.checkpoint.every.value == Duration::seconds(5));
  CHECK(p.transaction_timeout() == Duration::minutes(1));
  CHECK(p.lanes.value == 32);
  CHECK(p.lanes.where.line == 1);
}

TEST_CASE("shorthands stand for their maps") {
  const PipelineSpec p = loaded(around(
      "  - select: [a, n]\n  - select: {x: n + 1}\n  - window: {tumbling: 1m, offset: 10s, by: x, aggregates: {c: count()}}\n",
      "  - kafka: {topic: o, key: x, brokers: [h1, h2]}\n    format: {json: {timestamps: ms}}\n    delivery: at_least_once\n  - drop:\n    from: late\n"));
  CHECK(std::get<SelectSpec>(p.steps[0].what).fields.at(1).expression.value == "n");
  CHECK(std::get<SelectSpec>(p.steps[1].what).fields.at(0).name.value == "x");
  const WindowSpec& window = std::get<WindowSpec>(p.steps[2].what);
  CHECK(std::get<TumblingSpec>(window.kind).size.value == Duration::minutes(1));
  CHECK(window.offset() == Duration::seconds(10));
  CHECK(window.by.at(0).value == "x");
  const KafkaSinkSpec& kafka = std::get<KafkaSinkSpec>(p.sinks[0].what);
  CHECK(kafka.brokers.value == "h1,h2");
  CHECK(kafka.key->at(0).value == "x");
  CHECK(p.sinks[0].format.json().timestamps == TimestampsOut::kMillis);
  CHECK(p.sinks[0].delivery == Delivery::kAtLeastOnce);
  CHECK(p.sinks[1].name.value == "drop-2");
  CHECK(p.sinks[1].delivery == Delivery::kNone);
}

TEST_CASE("every start is understood") {
  const auto start = [](std::string_view text) {
    return loaded(source(fmt::format("    kafka: {{brokers: b, topic: t, start: {}}}\n    schema: {{a: int}}\n", text))).sources[0].kafka().start.at;
  };
  CHECK(std::holds_alternative<StartEarliest>(start("earliest")));
  CHECK(std::holds_alternative<StartLatest>(start("latest")));
  CHECK(std::get<StartTimestamp>(start("{timestamp: 2026-01-01T00:00:00Z}")).time == *parse_rfc3339("2026-01-01T00:00:00Z"));
  CHECK(errors_of(source("    kafka: {brokers: b, topic: t, start: earlyest}\n")) == "4:42: unknown word `earlyest`; did you mean `earliest`?\n");
}

TEST_CASE("every schema type is understood") {
  const PipelineSpec p = loaded(source(
      "    kafka: {brokers: b, topics: [t, u]}\n    schema:\n      s: string\n      i: int?\n      d: double\n      b: bool?\n      y: bytes\n"
      "      t1: timestamp(s)\n      t2: timestamp(us)?\n      t3: {type: timestamp(iso), path: [a, b.c]}\n    event_time: {field: t3, close_after_idle: off}\n"));
  const auto& schema = p.sources[0].schema;
  const std::vector<TypeKind> kinds = {TypeKind::kString, TypeKind::kInt, TypeKind::kDouble, TypeKind::kBool, TypeKind::kBytes,
                                       TypeKind::kTimestamp, TypeKind::kTimestamp, TypeKind::kTimestamp};
  REQUIRE(schema.size() == kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) CHECK(schema[i].type.kind == kinds[i]);
  CHECK(schema[1].nullable);
  CHECK_FALSE(schema[2].nullable);
  CHECK(schema[5].timestamp_form == TimestampForm::kSeconds);
  CHECK(schema[6].timestamp_form == TimestampForm::kMicros);
  CHECK(schema[6].nullable);
  CHECK(schema[7].timestamp_form == TimestampForm::kIso);
  CHECK(schema[7].path == std::vector<std::string>{"a", "b.c"});
  CHECK_FALSE(p.sources[0].event_time.close_after_idle);
}

TEST_CASE("sources are refused with a reason and a place") {
  const auto check = [](std::string_view lines, std::string_view wanted) { CHECK(errors_of(source(lines)) == wanted); };
  check("    schema: {a: int}\n", "4:5: `in` does not say which source; write `kafka`\n");
  check("    kafka: {topic: t}\n", "4:12: `kafka` needs `brokers`; addresses HOST:PORT, with commas or as a list\n");
  const std::string address = "; write addresses as HOST:PORT, such as kafka:9092\n";
  check("    kafka: {brokers: 'http://b:9092', topic: t}\n", "4:22: `brokers`: 'http://b:9092' is a web address" + address);
  check("    kafka: {brokers: 'a:1, b:port', topic: t}\n",
        "4:22: `brokers`: 'b:port' has no port from 1 to 65535 behind its `:`" + address);
  check("    kafka: {brokers: b}\n", "4:12: `kafka` does not say which topic; write exactly one of `topic`, `topics` or `topic_pattern`\n");
  check("    kafka: {brokers: b, topic: t, topics: [u]}\n",
        "4:35: `topic` and `topics` exclude each other; write exactly one of `topic`, `topics` or `topic_pattern`\n");
  check("    kafka: {brokers: b, topics: []}\n", "4:33: `topics` is empty; write at least one topic\n");
  check("    kafka: {brokers: b, topics: [u, t, u]}\n", "4:40: `topics` names `u` twice; remove one of them\n");
  check("    kafka: {brokers: b, topic: t}\n    format: raw\n",
        "5:13: format raw needs a schema of exactly one field, not 0; the field holds the whole value, as in `schema: {value: bytes}` or "
        "`schema: {line: string}`\n");
  check("    kafka: {brokers: b, topic: t}\n    format: raw\n    schema: {value: bytes, key: string}\n",
        "6:28: format raw needs a schema of exactly one field, not 2; the field holds the whole value, as in `schema: {value: bytes}` or "
        "`schema: {line: string}`\n");
  check("    kafka: {brokers: b, topic: t}\n    format: raw\n    schema: {value: int}\n",
        "6:21: format raw reads `bytes` or `string`, not int; the field holds the whole value\n");
  check("    kafka: {brokers: b, topic: t}\n    format: raw\n    schema: {value: {type: bytes, path: a}}\n",
        "6:14: format raw has no paths; the field holds the whole value; remove `path`\n");
  check("    kafka: {brokers: b, topic: t}\n    format: raw\n    schema: {at: timestamp(ms)}\n    event_time: {field: at}\n",
        "6:18: format raw reads `bytes` or `string`, not timestamp; the field holds the whole value\n"
        "7:25: `event_time`: format raw has no fields to take a time from; leave `field` out; the Kafka timestamp is the time of a record\n");
  check("    kafka: {brokers: b, topic: a b}\n", "4:32: `topic` may hold only letters, digits, `.`, `_` and `-`\n");
  check("    kafka: {brokers: b, topic_pattern: shop}\n", "4:40: `topic_pattern` must begin with `^`\n");
  check("    kafka: {brokers: b, topic: t}\n    format: {avro: {}}\n", "5:14: `avro` is not supported yet; use `json`, `csv` or `raw`\n");
  check("    kafka: {brokers: b, topic: t}\n    schema: {a: integer}\n", "5:17: there is no type `integer`; did you mean `int`?\n");
  check("    kafka: {brokers: b, topic: t}\n    schema: {a: timestamp}\n",
        "5:17: there is no type `timestamp`; write timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)\n");
  check("    kafka: {brokers: b, topic: t}\n    schema: {namespace: string}\n",
        "5:14: the name `namespace` is a reserved word of expressions; a schema renames it: `namespace_: {type: ..., path: namespace}`\n");
  check("    kafka: {brokers: b, topic: t}\n    schema: {user_id: string, ts: int}\n    event_time: {field: ts}\n",
        "6:25: `event_time`: the field `ts` is of type int, not a timestamp; declare it as timestamp(s), timestamp(ms), timestamp(us) or timestamp(iso)\n");
  check("    kafka: {brokers: b, topic: t, partitioned_by: user}\n    schema: {user_id: string, users: int}\n",
        "4:51: `partitioned_by`: the schema has no field `user`; did you mean `users`?\n");
  check("    kafka: {brokers: b, topic: t}\n    event_time: {idle_after: 0s, close_after_idle: never}\n",
        "5:30: `idle_after` must be longer than nothing, not 0s\n5:52: `close_after_idle` must be a duration such as 1m, or `off`, not 'never'\n");
  check("    kafka: {brokers: b, topic: t}\n    max_record: 2GiB\n", "5:17: `max_record` must be at most 1GiB, not 2GiB\n");
}

TEST_CASE("the options of csv, and what a schema may be in it") {
  const auto format = [](const std::string& options, const std::string& schema = "{a: int, b: 'string?'}") {
    return errors_of("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    format: {csv: " + options + "}\n    schema: " + schema +
                     "\nsinks:\n  - drop: {}\n");
  };
  CHECK(format("{}") == "");
  CHECK(format("{delimiter: \"\\t\", quote: none, header: none, columns: [x, b, a], null_text: NULL, trim: true}") == "");
  CHECK(format("{delimiter: ;;}") == "5:31: `delimiter` is not one character\n");
  CHECK(format("{delimiter: '\\t'}") == "5:31: `delimiter` is two characters; a tab is written \"\\t\", in double quotes\n");
  CHECK(format("{quote: x}") == "5:27: `quote` may not be a letter, a digit or a line break\n");
  CHECK(format("{quote: ','}") == "5:19: format csv: `delimiter` and `quote` are the same character; write `quote: none` if nothing is quoted\n");
  CHECK(format("{columns: [a, b, a]}") == "5:36: `columns` names `a` twice; a column that no field needs may have any other name\n");
  CHECK(format("{columns: [a, c, bbb]}", "{a: int, bb: int}") == "6:22: `columns` names no `bb`; did you mean `bbb`?\n");
  CHECK(format("{has_header: true}") == "5:20: unknown key `has_header`; records hold no header line: name their columns, as in `columns: [user_id, ts]`\n");
  CHECK(format("{separator: ;}") == "5:20: unknown key `separator`; write `delimiter`\n");
  CHECK(format("{}", "{}") == "5:13: format csv needs a schema; name the columns and their types, as in `schema: {user_id: string}`\n");
  CHECK(format("{}", "{a: list<int>}") == "6:17: format csv has no lists: `a` is list<int>; read it as a string, and take it apart with `x.split(';')`\n");
  CHECK(format("{}", "{a: {type: int, path: b.c}}") == "6:14: format csv has no paths: a column has nothing inside; name the column alone, as in `path: city`\n");
}

TEST_CASE("types of fields are scalars and lists of them") {
  const auto field = [](const std::string& type) {
    return errors_of("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema:\n      a: " + type + "\nsinks:\n  - drop: {}\n");
  };
  for (const char* type : {"int", "list<int>", "list<string>?", "list<timestamp(iso)>", "list<bytes>", "list<double>?", "list<bool>"}) CHECK(field(type) == "");
  CHECK(field("list<int?>") == "6:10: there is no type `list<int?>`: the elements of a list are never null; a list that may be missing is written `list<int>?`\n");
  CHECK(field("list<list<int>>") == "6:10: there is no type `list<list<int>>`: the elements of a list have nothing inside\n");
  CHECK(field("list<integer>") == "6:10: there is no type `list<integer>`; did you mean `int`?\n");
  CHECK(field("array<string>") == "6:10: there is no type `array<string>`; did you mean `list<string>`?\n");
  CHECK(field("map<string>") == "6:10: there is no type `map<string>`; declare the fields inside of it, each with its path, as in `city: {type: string, path: "
                                "address.city}`\n");
}

TEST_CASE("properties that would break the guarantees are refused by name") {
  CHECK(errors_of(source("    kafka:\n      brokers: b\n      topic: t\n      properties:\n        group.id: x\n        fetch.wait.max.ms: 50\n        auto.offset.reset: latest\n")) ==
        "8:9: the property `group.id` may not be set; offsets and restored state belong to the group; set `group` instead\n"
        "10:9: the property `auto.offset.reset` may not be set; a lost position must never be passed over in silence; set `start` instead\n");
  CHECK(errors_of(around("  - filter: n > 1\n", "  - kafka: {topic: o, properties: {enable.idempotence: false, linger.ms: 5}}\n")) ==
        "9:36: the property `enable.idempotence` may not be set; rows would be doubled or reordered when a send is repeated\n");
  CHECK(errors_of(source("    kafka:\n      brokers: b\n      topic: t\n      properties: {fetch.wait.max.ms: 400}\n")) ==
        "7:39: `400` is too long for `fetch.wait.max.ms`; a quiet partition would not be found idle; less than 400 is meant\n");
  for (const std::string_view name : {"enable.auto.commit", "isolation.level", "partition.assignment.strategy", "group.instance.id",
                                      "plugin.library.paths", "enable.auto.offset.store", "rebalance_cb",
                                      "queued.max.messages.kbytes", "statistics.interval.ms", "allow.auto.create.topics"}) {
    CHECK_FALSE(refused_property(KafkaRole::kConsumer, name).empty());
  }
  for (const std::string_view name : {"transactional.id", "transaction.timeout.ms", "acks", "partitioner", "dr_msg_cb",
                                      "queue.buffering.max.kbytes", "statistics.interval.ms", "log.queue"}) {
    CHECK_FALSE(refused_property(KafkaRole::kProducer, name).empty());
  }
  CHECK(refused_property(KafkaRole::kConsumer, "max.poll.interval.ms").empty());
  CHECK(refused_property(KafkaRole::kConsumer, "client.id").empty());
  CHECK(refused_property(KafkaRole::kProducer, "compression.type").empty());
}

TEST_CASE("properties that load code or run commands are refused") {
  const auto with = [](const std::string& property) {
    return errors_of(source("    kafka: {brokers: b, topic: t, properties: {" + property + "}}\n"));
  };
  for (const char* name : {"plugin.library.paths", "ssl.engine.location"}) {
    CHECK_THAT(with(std::string(name) + ": /tmp/evil.so"), Contains("a pipeline file may not load code into the process") && !Contains("evil"));
  }
  CHECK(with("ssl.providers: 'default,legacy'").empty());
  CHECK_THAT(with("ssl.providers: 'default,/tmp/evil.so'"), Contains("`ssl.providers` names a file"));
  CHECK(with("sasl.kerberos.kinit.cmd: ''").empty());
  CHECK_THAT(with("sasl.kerberos.kinit.cmd: 'touch /tmp/evil'"), Contains("may not run commands"));
  CHECK(with("sasl.kerberos.principal: kafka/host.example.com@EXAMPLE.COM, sasl.kerberos.keytab: /etc/kafka.keytab").empty());
  CHECK_THAT(with("sasl.kerberos.principal: 'x; touch /tmp/evil'"), Contains("`sasl.kerberos.principal` holds a character"));
  CHECK_THAT(with("sasl.kerberos.keytab: 'x\"$(touch /tmp/evil)\"'"), Contains("`sasl.kerberos.keytab` holds a character"));
}

TEST_CASE("checks of certificates are turned off only by a word of its own in the file") {
  const auto in_source = [](const std::string& property, const std::string& more = {}) {
    return source("    kafka: {brokers: b, topic: t, properties: {" + property + "}" + more + "}\n");
  };
  const auto in_sink = [](const std::string& property, const std::string& more = {}) {
    return around("  - filter: n > 1\n", "  - kafka: {topic: o, properties: {" + property + "}" + more + "}\n");
  };
  const std::vector<std::string> unsafe = {"enable.ssl.certificate.verification: false",   "enable.ssl.certificate.verification: 'F'",
                                           "enable.ssl.certificate.verification: 0",       "ssl.endpoint.identification.algorithm: none",
                                           "ssl.endpoint.identification.algorithm: NONE",  "enable.sasl.oauthbearer.unsecure.jwt: true"};
  for (const std::string& property : unsafe) {
    CAPTURE(property);
    CHECK_THAT(errors_of(in_source(property)), Contains("write `insecure: true` beside `properties`"));
    CHECK_THAT(errors_of(in_source(property, ", insecure: false")), Contains("write `insecure: true` beside `properties`"));
    CHECK(errors_of(in_source(property, ", insecure: true")).empty());
    CHECK_THAT(warnings_of(in_source(property, ", insecure: true")), Contains("not for production"));
    CHECK_THAT(errors_of(in_sink(property)), Contains("write `insecure: true` beside `properties`"));
    CHECK(errors_of(in_sink(property, ", insecure: true")).empty());
  }
  for (const std::string safe : {"enable.ssl.certificate.verification: true", "ssl.endpoint.identification.algorithm: HTTPS",
                                 "enable.sasl.oauthbearer.unsecure.jwt: false", "security.protocol: ssl"}) {
    CHECK(errors_of(in_source(safe)).empty());
    CHECK_THAT(warnings_of(in_source(safe, ", insecure: true")), Contains("stands here for nothing"));
  }
  CHECK_THAT(errors_of(in_source("security.protocol: ssl", ", insecure: yes")), Contains("`insecure` must be true or false"));
  // A sink that takes the source's connection over takes its word over, too.
  CHECK(errors_of("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t, insecure: true, properties: {ssl.endpoint.identification.algorithm: none}}\n"
                  "    schema: {a: int}\nsinks:\n  - kafka: {topic: o}\n").empty());
}

TEST_CASE("which properties hold secrets") {
  for (const char* name : {"sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.config",
                           "sasl.oauthbearer.client.secret", "sasl.oauthbearer.assertion.private.key.passphrase",
                           "sasl.oauthbearer.assertion.private.key.pem", "sasl.oauthbearer.extensions", "sasl.jaas.config"}) {
    CHECK(holds_secret(name));
  }
  for (const char* name : {"sasl.username", "ssl.key.location", "ssl.certificate.pem", "ssl.ca.pem", "client.id"}) CHECK_FALSE(holds_secret(name));
}

TEST_CASE("only what says how to connect leaves fetching to librdkafka") {
  CHECK(may_fetch_natively({}));
  CHECK(may_fetch_natively({{"session.timeout.ms", "6000"}, {"security.protocol", "plaintext"}, {"fetch.min.bytes", "9"}}));
  for (const char* name : {"ssl.ca.location", "sasl.username", "socket.timeout.ms", "broker.address.family", "client.rack"}) {
    CHECK_FALSE(may_fetch_natively({{"session.timeout.ms", "6000"}, {name, "x"}}));
  }
  CHECK_FALSE(may_fetch_natively({{"security.protocol", "sasl_plaintext"}}));
}

TEST_CASE("a sink on the source's cluster logs in as the source does") {
  const PipelineSpec p = loaded(
      "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t, properties: {sasl.username: u, sasl.password: s, fetch.min.bytes: 5}}\n"
      "    schema: {a: int}\nsinks:\n  - kafka: {topic: o, properties: {sasl.password: other}}\n  - kafka: {topic: o2, brokers: elsewhere}\n");
  const KafkaSinkSpec& same = std::get<KafkaSinkSpec>(p.sinks[0].what);
  CHECK(same.brokers.value == "b");
  REQUIRE(same.properties.size() == 2);
  CHECK(same.properties[0].name.value == "sasl.username");
  CHECK(same.properties[1].value.value == "other");
  CHECK(std::get<KafkaSinkSpec>(p.sinks[1].what).properties.empty());
}

TEST_CASE("exactly_once sinks share a producer, and so its properties") {
  const auto with = [](std::string_view more) {
    return errors_of(around("  - filter: n > 1\n", fmt::format("  - kafka: {{topic: o, properties: {{linger.ms: 5}}}}\n  - from: late\n    {}\n", more)));
  };
  const std::string hint = "; exactly_once sinks write in one transaction with one producer; give all of them the same `properties`, "
                           "or write `delivery: at_least_once`\n";
  CHECK(with("kafka: {topic: l, properties: {linger.ms: 5}}").empty());
  CHECK(with("kafka: {topic: l}") == "11:12: the property `linger.ms` of the sinks `kafka-1` and `kafka-2` differs" + hint);
  CHECK(with("kafka: {topic: l, properties: {linger.ms: 7}}") == "11:12: the property `linger.ms` of the sinks `kafka-1` and `kafka-2` differs" + hint);
  CHECK(with("kafka: {topic: l, properties: {linger.ms: 5, compression.type: zstd}}") ==
        "11:12: the property `compression.type` of the sinks `kafka-1` and `kafka-2` differs" + hint);
  CHECK(with("kafka: {topic: l, brokers: other, properties: {linger.ms: 5, sasl.username: u}}").empty());
  CHECK(with("kafka: {topic: l}\n    delivery: at_least_once").empty());
  CHECK(with("drop: {}").empty());
}

TEST_CASE("steps are refused with a reason and a place") {
  const auto check = [](std::string_view steps, std::string_view wanted) { CHECK(errors_of(around(steps)) == wanted); };
  check("  - fliter: n > 1\n", "7:5: unknown key `fliter`; did you mean `filter`?\n");
  check("  - name: x\n", "7:5: an item of `steps` does not say which kind of step; write exactly one of `filter`, `map`, `select`, `dedupe`, `window` or `union`\n");
  check("  - filter: n > 1\n    map: {b: n}\n", "8:5: `filter` and `map` exclude each other; write exactly one of `filter`, `map`, `select`, `dedupe`, `window` or `union`\n");
  check("  - dedupe: {by: [a]}\n", "7:13: `dedupe` needs `within`; for how much event time a key is remembered\n");
  check("  - dedupe: {within: 10m}\n", "7:13: `dedupe` needs `by`; the fields that tell repeats; nulls are equal to each other\n");
  check("  - dedupe: {by: [], within: 10m}\n", "7:18: `by` is empty; write at least one field, such as [event_id]\n");
  check("  - dedupe: {by: a, within: 0s}\n", "7:29: `within` must be longer than nothing, not 0s\n");
  check("  - dedupe: {key: a, ttl: 10m}\n", "7:14: unknown key `key`; write `by`\n7:22: unknown key `ttl`; write `within`\n");
  check("  - map: {}\n", "7:10: `map` is empty; write at least one field\n");
  check("  - map: {a-b: n}\n", "7:11: the name `a-b` may hold only letters, digits and `_`, and may not begin with a digit; a schema renames it: `other_name: {type: ..., path: a-b}`\n");
  check("  - filter: {x: 1}\n", "7:13: `filter` must be an expression, not a map; quote the whole expression, for example with '...' (a ' inside is written '')\n");
  check("  - filter:\n", "7:5: `filter` has no value; write an expression\n");
  check("  - filter: a == 'x #1'\n", "7:13: `filter` ends at ` #`, where YAML begins a comment; quote the whole expression, for example with '...' (a ' inside is written '')\n");
  check("  - {name: in, filter: n > 1}\n", "7:12: a second step or source is called `in`; the first stands in line 3; give one of them another `name`\n");
  check("  - {name: x, filter: n > 1}\n  - {name: x, filter: n > 1}\n", "8:12: a second step or source is called `x`; the first stands in line 7; give one of them another `name`\n");
  check("  - {name: late, filter: n > 1}\n", "7:12: `late` is the name of a built-in stream; give it another name\n");
  check("  - {name: a/b, filter: n > 1}\n", "7:12: `name` may hold only letters, digits, `.`, `_` and `-`\n");
  check("  - {from: im, filter: n > 1}\n", "7:12: there is no source or step called `im`; did you mean `in`?\n");
  check("  - {from: dead_letter, filter: n > 1}\n", "7:12: a step cannot take its rows from `dead_letter`; only sinks may say `from: late` or `from: dead_letter`\n");
  check("  - {from: filter-2, filter: n > 1}\n  - filter: n > 2\n", "7:12: the step `filter-2` does not come before this one; a step takes its rows from an earlier one\n");
}

TEST_CASE("cumulative and calendar windows are read with their defaults") {
  const auto window_of = [](std::string_view window) {
    const PipelineSpec p = loaded(around(fmt::format("  - window: {{{}, aggregates: {{c: count()}}}}\n", window)));
    return std::get<WindowSpec>(p.steps[0].what);
  };
  const WindowSpec growing = window_of("cumulative: {size: 1d, step: 1h, offset: 6h}");
  const auto& cumulative = std::get<CumulativeSpec>(growing.kind);
  CHECK(cumulative.size.value == Duration::hours(24));
  CHECK(cumulative.step.value == Duration::hours(1));
  CHECK(growing.offset() == Duration::hours(6));
  CHECK(window_of("cumulative: {size: 1d, step: 1h}, offset: 2h").offset() == Duration::hours(2));
  const WindowSpec weekly = window_of("calendar: {unit: week, timezone: Asia/Tokyo}");
  const auto& week = std::get<CalendarSpec>(weekly.kind);
  CHECK(week.unit == CalendarPeriod::kWeek);
  CHECK(week.timezone.value == "Asia/Tokyo");
  CHECK(weekly.offset() == Duration{});
  const WindowSpec daily = window_of("calendar: {unit: day}");
  CHECK(std::get<CalendarSpec>(daily.kind).timezone.value == "UTC");
}

TEST_CASE("when a window speaks is read") {
  const auto window_of = [](std::string_view more) {
    const PipelineSpec p = loaded(around(fmt::format("  - window: {{tumbling: 1m{}, aggregates: {{c: count()}}}}\n", more)));
    return std::get<WindowSpec>(p.steps[0].what);
  };
  CHECK(window_of("").emit == Emit{EmitWord::kOnClose, {}});
  CHECK(window_of(", emit: on_close").emit == Emit{EmitWord::kOnClose, {}});
  CHECK(window_of(", emit: on_change").emit == Emit{EmitWord::kOnChange, {}});
  CHECK(window_of(", emit: {every: 10s}").emit == Emit{EmitWord::kEvery, Duration::seconds(10)});
  CHECK(window_of(", allowed_lateness: 5s").allowed_lateness.value == Duration::seconds(5));
}

TEST_CASE("windows are refused with a reason and a place") {
  const auto check = [](std::string_view window, std::string_view wanted) {
    CHECK(errors_of(around(fmt::format("  - window: {{{}}}\n", window))) == wanted);
  };
  const std::string one = ", aggregates: {c: count()}";
  check("tumbling: 1m", "7:13: `window` needs `aggregates`; a map from names to expressions, such as {n: count()}\n");
  check("tumbling: 1m, aggregates: {}", "7:40: `aggregates` is empty; write at least one, such as {n: count()}\n");
  check("tumbling: 0s" + one, "7:24: `size` must be longer than nothing, not 0s\n");
  check("tumbling: 5" + one, "7:24: `size` must be a duration such as 250ms, 5s or 1m, not '5'; a number needs its unit, as in `5s` or `5ms`\n");
  check("tumbling: -5s" + one, "7:24: `size` must be a duration such as 250ms, 5s or 1m, not '-5s'\n");
  check("sliding: {size: 1m, step: 2m}" + one, "7:40: `step` may not be longer than `size`: 2m > 1m; records between two windows would be lost\n");
  check("sliding: {size: 1m}" + one, "7:23: `sliding` needs `step`; the time between the beginnings of two windows, at most `size`\n");
  check("sliding: {sice: 1m, step: 1s}" + one, "7:24: unknown key `sice`; did you mean `size`?\n");
  check("sliding: {size: 1m, step: 0s}" + one, "7:40: `step` must be longer than nothing, not 0s\n");
  check("by: a" + one, "7:13: `window` does not say which kind of window; write exactly one of `tumbling`, `sliding`, `session`, `cumulative`, `calendar` or `running`\n");
  check("tumbling: 1m, sliding: {size: 1m, step: 1s}" + one, "7:28: `tumbling` and `sliding` exclude each other; write exactly one of `tumbling`, `sliding`, `session`, `cumulative`, `calendar` or `running`\n");
  check("session: {gap: 1m, max: 30s}" + one, "7:38: `max` may not be shorter than `gap`: 30s < 1m; every session would be cut before it could end\n");
  check("session: {max: 30s}" + one, "7:23: `session` needs `gap`; how long a key is quiet before its session ends\n");
  check("session: {timeout: 30s}" + one, "7:24: unknown key `timeout`; write `gap`\n");
  check("session: 30s, offset: 1s" + one, "7:36: session windows have no `offset`; they begin with their first record, wherever that is\n");
  check("running: {}" + one, "7:23: `running` needs `ttl`; how long a key is quiet before it is forgotten\n");
  check("running: 30d, offset: 1s" + one, "7:36: running totals have no `offset`; they begin with a key's first record\n");
  check("cumulative: {size: 1m, step: 2m}" + one, "7:43: `step` may not be longer than `size`: 2m > 1m; the first window would be longer than the last\n");
  check("cumulative: {max_size: 1d, step: 1h}" + one, "7:27: unknown key `max_size`; write `size`\n");
  check("calendar: {timezone: UTC}" + one, "7:24: `calendar` needs `unit`; `day`, `week` or `month`\n");
  check("calendar: {unit: year}" + one, "7:31: `unit` must be `day`, `week` or `month`, not 'year'\n");
  check("calendar: {unit: day, tz: UTC}" + one, "7:36: unknown key `tz`; write `timezone`\n");
  check("calendar: {unit: day, offset: 1h}" + one, "7:36: unknown key `offset`; calendar windows begin at local midnight\n");
  check("calendar: {unit: day}, offset: 1h" + one, "7:45: calendar windows have no `offset`; they begin at local midnight\n");
  check("tumbling: 1m, by: [a, n, a]" + one, "7:39: `by` names `a` twice\n");
  check("tumbling: 1m, by: window_end" + one, "7:32: a field of `by` may not be called `window_end`; result rows have a field of their own with this name\n");
  check("tumbling: 1m, by: a, aggregates: {a: count()}", "7:48: the aggregate `a` has the name of a field of `by`; result rows hold both; give it another name\n");
  check("tumbling: 1m, aggregates: {is_final: count()}", "7:41: an aggregate may not be called `is_final`; result rows have a field of their own with this name\n");
  check("tumbling: 1m, emit: early" + one, "7:34: `emit` must be `on_close` or `on_change`, not 'early'\n");
  check("tumbling: 1m, emit: {every: 0s}" + one, "7:42: `every` must be longer than nothing, not 0s\n");
  check("tumbling: 1m, emit: {interval: 5s}" + one, "7:35: unknown key `interval`; write `every`\n");
  check("tumbling: {size: 1m, offset: 1s}, offset: 1s" + one, "7:56: `offset` is written twice, beside and inside the kind of window; keep one of them\n");
}

TEST_CASE("sinks are refused with a reason and a place") {
  const auto check = [](std::string_view sinks, std::string_view wanted) { CHECK(errors_of(around("  - filter: n > 1\n", sinks)) == wanted); };
  check("  - {}\n", "9:5: an item of `sinks` does not say which kind of sink; write exactly one of `kafka`, `stdout` or `drop`\n");
  check("  - from: filter-2\n    drop: {}\n", "9:11: there is no source or step called `filter-2`; did you mean `filter-1`?\n");
  check("  - from: lat\n    drop: {}\n", "9:11: there is no source or step called `lat`; did you mean `late`?\n");
  check("  - stdout: {}\n    delivery: exactly_once\n", "10:15: `stdout` cannot deliver exactly_once; write `delivery: at_least_once`, or leave it out\n");
  check("  - drop: {}\n    delivery: at_least_once\n", "10:15: `drop` writes nothing and has no delivery; remove `delivery`\n");
  check("  - stdout: {}\n    format: avro\n", "10:13: `avro` is not supported yet; use `json`\n");
  check("  - stdout: {}\n    format: {json: {timestamps: iso}}\n", "10:33: `timestamps` must be `rfc3339` or `ms`, not 'iso'\n");
  check("  - stdout: {}\n  - from: late\n    kafka: {topic: l}\n    format: json\n", "12:13: a kafka sink from `late` has no `format`; these records keep their bytes; remove `format`\n");
  check("  - stdout: {}\n  - from: late\n    kafka: {topic: l, key: [a]}\n", "11:29: a kafka sink from `late` has no `key`; these records keep their key; remove `key`\n");
  check("  - {name: x, drop: {}}\n  - {name: x, drop: {}}\n", "10:12: a second sink is called `x`; the first stands in line 9; give one of them another `name`\n");
  check("  - from: late\n    drop: {}\n", "9:5: no sink takes the pipeline's rows; add one, such as `- stdout: {}`; `- drop: {}` only counts\n");
}

TEST_CASE("checkpoints must fit the broker's longest transaction") {
  const auto with = [](std::string_view every, std::string_view sink) {
    return errors_of(around("  - filter: n > 1\n", sink, fmt::format("checkpoint: {{every: {}}}\n", every)));
  };
  CHECK(with("225s", "  - kafka: {topic: o}\n").empty());
  CHECK(with("226s", "  - kafka: {topic: o}\n") ==
        "10:21: `every` may be at most 3m45s with an exactly_once sink, not 3m46s; a transaction stays open for one checkpoint and may last 4 times that, and brokers end it after 15m\n");
  CHECK(with("1h", "  - kafka: {topic: o}\n    delivery: at_least_once\n").empty());
  CHECK(with("1h", "  - stdout: {}\n").empty());
  CHECK(with("1ms", "  - stdout: {}\n") == "10:21: `every` must be at least 10ms, not 1ms\n");
  CHECK(loaded(around("  - filter: n > 1\n", "  - kafka: {topic: o}\n", "checkpoint: {every: 1m}\n")).transaction_timeout() == Duration::minutes(4));
}

TEST_CASE("the top of the file is checked") {
  const auto with = [](std::string_view more) { return errors_of(around("  - filter: n > 1\n", "  - stdout: {}\n", more)); };
  CHECK(with("lanes: 0\n") == "10:8: `lanes` must be at least 1, not 0\n");
  CHECK(with("lanes: 65536\n") == "10:8: `lanes` must be at most 65535, not 65536\n");
  CHECK(with("lanes: many\n") == "10:8: `lanes` must be a whole number, not 'many'\n");
  CHECK(with("lanes: 65535\n").empty());
  CHECK(with("exchange: topic\n") == "10:11: `exchange` `topic` is not supported yet; use `memory`\n");
  CHECK(with("exchange: memry\n") == "10:11: `exchange` must be `memory`, not 'memry'; did you mean `memory`?\n");
  CHECK(with("checkpont: {every: 5s}\n") == "10:1: unknown key `checkpont`; did you mean `checkpoint`?\n");
  CHECK(with("tests: {a: b}\n") == "10:8: `tests` must be a list, not a map; begin each item with `- `\n");
  CHECK(errors_of("name: a b\nsources: {}\nsinks: []\n") ==
        "1:7: `name` may hold only letters, digits, `.`, `_` and `-`\n2:10: `sources` is empty; write one source\n"
        "3:8: `sinks` is empty; write at least one sink, such as `- stdout: {}`\n");
  CHECK(errors_of("x: 1\n") ==
        "1:1: unknown key `x`; known here: `name`, `sources`, `steps`, `sinks`, `checkpoint`, `lanes`, `exchange` or `tests`\n"
        "1:1: the pipeline needs `name`; the pipeline's name, the default consumer group and the prefix of all that it owns\n"
        "1:1: the pipeline needs `sources`; a map from names to sources; several are read as one group, have one schema and meet in a `union` step\n"
        "1:1: the pipeline needs `sinks`; a list of places where rows go\n");
}

TEST_CASE("errors of all sections are reported at once, in the order of the file") {
  CHECK(errors_of("name: p\nsources:\n  in:\n    kafka: {brokers: b}\n    schema:\n      a: ${T}\nsteps:\n  - fliter: x\nsinks:\n  - from: im\n    drop: {}\nlanes: 0\n") ==
        "4:12: `kafka` does not say which topic; write exactly one of `topic`, `topics` or `topic_pattern`\n"
        "6:10: `T` is not set in the environment; set it, or give a default with ${T:-default}\n"
        "8:5: unknown key `fliter`; did you mean `filter`?\n"
        "10:11: there is no source or step called `im`; did you mean `in`?\n"
        "12:8: `lanes` must be at least 1, not 0\n");
}

TEST_CASE("what would go unseen is warned about") {
  CHECK(warnings_of(around("  - window: {tumbling: 1m, aggregates: {c: count()}}\n  - {from: in, filter: n > 1}\n")) ==
        "7:5: nothing takes the rows of `window-1`; add a sink with `from: window-1`\n"
        "10:5: no sink takes `late`: late records are counted and not kept; add one, such as `- from: late` with `kafka: {topic: ...}`\n"
        "10:5: no sink takes `dead_letter`: records that cannot be processed are counted and not kept; add one, such as `- from: dead_letter` with `kafka: {topic: ...}`\n");
  CHECK(warnings_of(around("  - filter: n > 1\n", "  - kafka: {topic: t}\n  - from: dead_letter\n    drop: {}\n")) ==
        "9:20: the sink writes to `t`, which the source reads; its own rows come in again, without end\n");
}

}  // namespace tidemark
