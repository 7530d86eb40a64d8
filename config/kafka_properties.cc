// One table of refused properties with a reason each, and the few values that are refused where the property is not,
// or need a word of their own in the file. What a property that passes does, and whether it exists, is left to librdkafka.
#include "config/kafka_properties.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>

#include <fmt/format.h>

namespace tidemark {
namespace {

enum class Who { kBoth, kConsumer, kProducer };

struct Refusal {
  std::string_view name;
  Who who;
  std::string_view reason;
};

constexpr std::string_view kGroup = "offsets and restored state belong to the group; set `group` instead";
constexpr std::string_view kBrokers = "set `brokers` instead";
constexpr std::string_view kCommit = "offsets are committed only together with the checkpoint that they name";
constexpr std::string_view kIdentity =
    "it is made of the pipeline's name and instance, so that an older instance is fenced";
constexpr std::string_view kIdempotence = "rows would be doubled or reordered when a send is repeated";
constexpr std::string_view kTransaction = "it is derived from `checkpoint: every`";
constexpr std::string_view kCallback = "it is no text but a pointer that only the program can set";
constexpr std::string_view kMemory = "queues are a part of the process's `--memory`";
constexpr std::string_view kPlacement = "rows are placed by murmur2 of the key, as Java clients do";
constexpr std::string_view kPlugins = "a pipeline file may not load code into the process";

constexpr std::array kRefusals = std::to_array<Refusal>({
    {"bootstrap.servers", Who::kBoth, kBrokers},
    {"metadata.broker.list", Who::kBoth, kBrokers},
    {"plugin.library.paths", Who::kBoth, kPlugins},
    {"ssl.engine.location", Who::kBoth, kPlugins},
    {"builtin.features", Who::kBoth, "the library's features are fixed when it is built"},
    {"test.mock.num.brokers", Who::kBoth, "an embedded broker keeps none of the guarantees; use `tidemark demo`"},
    {"opaque", Who::kBoth, kCallback},
    {"default_topic_conf", Who::kBoth, kCallback},
    {"interceptors", Who::kBoth, kCallback},
    {"enabled_events", Who::kBoth, "the program decides which events it reads"},
    {"statistics.interval.ms", Who::kBoth, "lag, idleness and metrics are read at the engine's own times"},
    {"log.queue", Who::kBoth, "the library's lines would reach nobody; `debug` and `log_level` say which are written"},
    {"allow.auto.create.topics", Who::kBoth, "a misspelt name would become a topic; unknown ones are refused"},
    {"group.id", Who::kConsumer, kGroup},
    {"group.instance.id", Who::kConsumer, kIdentity},
    {"group.protocol", Who::kConsumer, "the commit protocol is built on the classic group protocol"},
    {"group.protocol.type", Who::kConsumer, "the commit protocol is built on the `consumer` protocol"},
    {"group.remote.assignor", Who::kConsumer, "the commit protocol is built on the classic group protocol"},
    {"partition.assignment.strategy", Who::kConsumer,
     "partitions of the same number must come to one instance together"},
    {"enable.auto.commit", Who::kConsumer, kCommit},
    {"auto.commit.enable", Who::kConsumer, kCommit},
    {"auto.commit.interval.ms", Who::kConsumer, kCommit},
    {"enable.auto.offset.store", Who::kConsumer, kCommit},
    {"offset.store.method", Who::kConsumer, kCommit},
    {"offset.store.path", Who::kConsumer, kCommit},
    {"offset.store.sync.interval.ms", Who::kConsumer, kCommit},
    {"auto.offset.reset", Who::kConsumer, "a lost position must never be passed over in silence; set `start` instead"},
    {"isolation.level", Who::kConsumer, "rows of aborted transactions would be counted; it is read_committed"},
    {"enable.partition.eof", Who::kConsumer, "idleness is decided by the high watermark"},
    {"topic.blacklist", Who::kConsumer, "partitions are counted by `topic_pattern`; write one that leaves those topics out"},
    {"queued.min.messages", Who::kConsumer, kMemory},
    {"queued.max.messages.kbytes", Who::kConsumer, kMemory},
    {"consume.callback.max.messages", Who::kConsumer, "the size of batches is the engine's"},
    {"transactional.id", Who::kProducer, kIdentity},
    {"transaction.timeout.ms", Who::kProducer, kTransaction},
    {"message.timeout.ms", Who::kProducer, kTransaction},
    {"delivery.timeout.ms", Who::kProducer, kTransaction},
    {"enable.idempotence", Who::kProducer, kIdempotence},
    {"enable.gapless.guarantee", Who::kProducer, kIdempotence},
    {"acks", Who::kProducer, "a row counts as written when all replicas have it"},
    {"request.required.acks", Who::kProducer, "a row counts as written when all replicas have it"},
    {"max.in.flight", Who::kProducer, kIdempotence},
    {"max.in.flight.requests.per.connection", Who::kProducer, kIdempotence},
    {"retries", Who::kProducer, kIdempotence},
    {"message.send.max.retries", Who::kProducer, kIdempotence},
    {"queuing.strategy", Who::kProducer, kIdempotence},
    {"delivery.report.only.error", Who::kProducer, "every row's delivery is counted"},
    {"queue.buffering.max.messages", Who::kProducer, kMemory},
    {"queue.buffering.max.kbytes", Who::kProducer, kMemory},
    {"partitioner", Who::kProducer, kPlacement},
    {"sticky.partitioning.linger.ms", Who::kProducer, kPlacement},
    {"msg_order_cmp", Who::kProducer, kCallback},
});

// Two answers of a broker in a second tell that nothing has come; one that waits longer makes a quiet partition look busy.
constexpr int64_t kLongestFetchWaitMs = 400;

bool is_too_long_a_wait(std::string_view value) {
  int64_t ms = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), ms);
  const bool number = code == std::errc{} && end == value.data() + value.size();  // what is none, librdkafka refuses
  return number && ms >= kLongestFetchWaitMs;
}

// librdkafka puts these into a shell's command line as they are.
bool is_word_for_a_shell(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/@:+").contains(c);
  });
}

struct RefusedValue {
  std::string message;
  std::string_view reason;
};

std::optional<RefusedValue> refused_value(std::string_view name, std::string_view value) {
  if (name == "fetch.wait.max.ms" && is_too_long_a_wait(value)) {
    return RefusedValue{fmt::format("`{}` is too long for `{}`", value, name),
                        "a quiet partition would not be found idle; less than 400 is meant"};
  }
  if (name == "ssl.providers" && value.contains('/')) {
    return RefusedValue{"`ssl.providers` names a file",
                        "a pipeline file may not load code into the process; name installed providers"};
  }
  if (name == "sasl.kerberos.kinit.cmd" && !value.empty()) {
    return RefusedValue{"`sasl.kerberos.kinit.cmd` is a command",
                        "a pipeline file may not run commands; leave it empty, and keep the ticket fresh from outside"};
  }
  if ((name == "sasl.kerberos.principal" || name == "sasl.kerberos.keytab") && !is_word_for_a_shell(value)) {
    return RefusedValue{fmt::format("`{}` holds a character that a shell may read as a command", name),
                        "it may hold letters, digits and `._-/@:+`"};
  }
  return std::nullopt;
}

bool is_any_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) {
    return std::ranges::equal(word, value, [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  });
}

// What the property takes away, or nothing. A word that librdkafka does not take counts as the worst one.
std::string_view insecurity_of(std::string_view name, std::string_view value) {
  if (name == "enable.ssl.certificate.verification" && !is_any_of(value, {"true", "t", "1"})) {
    return "any certificate passes for the broker's";
  }
  if (name == "ssl.endpoint.identification.algorithm" && !is_any_of(value, {"https"})) {
    return "the certificate of any host passes for the broker's";
  }
  if (name == "enable.sasl.oauthbearer.unsecure.jwt" && !is_any_of(value, {"false", "f", "0"})) {
    return "tokens are signed by nobody";
  }
  return {};
}

}  // namespace

bool holds_secret(std::string_view name) {
  return name.contains("password") || name.contains("passphrase") || name.contains("secret") ||
         name.ends_with("key.pem") || name == "sasl.oauthbearer.config" || name == "sasl.oauthbearer.extensions" ||
         name == "sasl.jaas.config";
}

void check_insecure(const std::vector<Property>& properties, const Located<bool>& insecure, Diagnostics& diagnostics) {
  bool needed = false;
  for (const Property& property : properties) {
    const std::string_view what = insecurity_of(property.name.value, property.value.value);
    if (what.empty()) continue;
    needed = true;
    if (insecure.value) {
      diagnostics.warn(property.name.where, fmt::format("with this `{}` {}", property.name.value, what),
                       "whoever stands between can read and change everything: not for production");
    } else {
      diagnostics.error(property.name.where, fmt::format("with this `{}` {}", property.name.value, what),
                        "name the CA in `ssl.ca.location` instead; or, where that is meant, write `insecure: true` beside "
                        "`properties`");
    }
  }
  if (!insecure.value || needed) return;
  diagnostics.warn(insecure.where, "`insecure: true` stands here for nothing",
                   "no property beside it needs that; remove it");
}

std::string_view refused_property(KafkaRole role, std::string_view name) {
  const Who who = role == KafkaRole::kConsumer ? Who::kConsumer : Who::kProducer;
  for (const Refusal& refusal : kRefusals) {
    if (refusal.name == name && (refusal.who == Who::kBoth || refusal.who == who)) return refusal.reason;
  }
  return name.ends_with("_cb") ? kCallback : std::string_view{};
}

bool is_connection_property(std::string_view name) {
  return name.starts_with("security.") || name.starts_with("sasl.") || name.starts_with("ssl.") ||
         name.starts_with("enable.sasl.") || name.starts_with("enable.ssl.") || name.starts_with("broker.") ||
         name == "client.dns.lookup" || name == "client.rack";
}

std::vector<std::string> client_property_words() {
  return {"acks",           "client_id",      "compression",     "compression_type", "fetch_min_bytes",    "linger_ms",
          "max_poll_records", "sasl",         "sasl_mechanism",  "sasl_mechanisms",  "sasl_password",      "sasl_username",
          "security",       "security_protocol", "session_timeout", "session_timeout_ms", "ssl",             "tls",
          "ssl_ca_location", "batch_size",    "heartbeat_interval_ms", "isolation_level", "enable_auto_commit"};
}

bool may_fetch_natively(const std::vector<std::pair<std::string, std::string>>& properties) {
  return std::ranges::none_of(properties, [](const auto& property) {
    const auto& [name, value] = property;
    if (name == "security.protocol") return value != "plaintext" && value != "PLAINTEXT";
    return is_connection_property(name) || name.starts_with("socket.") || name.starts_with("receive.message.");
  });
}

Kind<std::vector<Property>> properties_kind(KafkaRole role) {
  kinds::TextRules rules;
  rules.may_be_empty = true;
  const auto value = kinds::lift<Located<std::string>>(kinds::text(rules));
  Kind<std::vector<Property>> kind = kinds::map(&Property::name, &Property::value, value);
  kind.read = [role, read = kind.read](const Node& node, std::string_view what, std::vector<Property>& out,
                                       Diagnostics& diagnostics) {
    bool ok = read(node, what, out, diagnostics);
    for (const Property& property : out) {
      if (auto by_value = refused_value(property.name.value, property.value.value)) {
        diagnostics.error(property.value.where, std::move(by_value->message), std::string(by_value->reason));
        ok = false;
      }
      const std::string_view reason = refused_property(role, property.name.value);
      if (reason.empty()) continue;
      diagnostics.error(property.name.where, fmt::format("the property `{}` may not be set", property.name.value),
                        std::string(reason));
      ok = false;
    }
    return ok;
  };
  return kind;
}

}  // namespace tidemark
