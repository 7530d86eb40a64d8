// Asks librdkafka about properties on a scratch configuration, and reads its own table of them for ranges and nearest
// words; compiles topic patterns as it does. Deliberately knows no list of properties that could grow stale.
#include "operators/sources/kafka_settings.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/kafka_properties.h"
#include "operators/sources/kafka_client.h"

namespace tidemark {
namespace {

// ---- librdkafka's own table

struct Row {
  bool of_consumers = false;
  bool of_producers = false;
  std::string range;  // "1 .. 3600000", or words with commas, or nothing
};
using Table = std::map<std::string, Row, std::less<>>;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(trimmed(text.substr(at, end - at)));
    at = end + separator.size();
  }
  return parts;
}

// The table is the library's documentation, lines of "name | C, P or * | range | default | ...".
Table read_table() {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  if (file == nullptr) return {};
  rd_kafka_conf_properties_show(file);
  std::fclose(file);
  const std::unique_ptr<char, decltype(&std::free)> owned(text, std::free);
  Table table;
  for (const std::string_view line : split({text, size}, "\n")) {
    const auto columns = split(line, "|");
    if (columns.size() < 5 || (columns[1] != "C" && columns[1] != "P" && columns[1] != "*")) continue;
    Row& row = table[std::string(columns[0])];
    row.of_consumers |= columns[1] != "P";
    row.of_producers |= columns[1] != "C";
    if (row.range.empty()) row.range = columns[2];
  }
  return table;
}

// ---- Properties

// What Java's clients call it; an advice in words where there is nothing alike.
struct JavaName {
  std::string_view name;
  std::string_view advice;
};
constexpr std::array kJavaNames = std::to_array<JavaName>({
    {"fetch.max.wait.ms", "librdkafka calls it `fetch.wait.max.ms`"},
    {"buffer.memory", "remove it; queues are a part of the process's `--memory`"},
    {"max.request.size", "librdkafka calls it `message.max.bytes`"},
    {"send.buffer.bytes", "librdkafka calls it `socket.send.buffer.bytes`"},
    {"receive.buffer.bytes", "librdkafka calls it `socket.receive.buffer.bytes`"},
    {"max.poll.records", "remove it; the engine sizes its batches itself"},
    {"key.deserializer", "remove it; `format` and `schema` say how records are read"},
    {"value.deserializer", "remove it; `format` and `schema` say how records are read"},
    {"key.serializer", "remove it; `format` says how rows are written"},
    {"value.serializer", "remove it; `format` says how rows are written"},
    {"ssl.keystore.type", "librdkafka reads PEM files: `ssl.certificate.location` and `ssl.key.location`"},
    {"ssl.truststore.type", "librdkafka reads PEM files: `ssl.ca.location`"},
});

// "a .. b": the numbers; nothing where the range is of another kind.
std::optional<std::pair<double, double>> numbers_of(const std::string& range) {
  const auto ends = split(range, "..");
  if (ends.size() != 2 || ends[0].empty() || ends[1].empty()) return std::nullopt;
  return std::pair(std::strtod(std::string(ends[0]).c_str(), nullptr), std::strtod(std::string(ends[1]).c_str(), nullptr));
}

// The library stops reading a number at the first other character and cuts it to 32 bits: "1x" and 2^32 + 1 become 1.
bool is_other_number(const std::string& value, const std::string& range) {
  const auto numbers = numbers_of(range);
  const bool starts_as_number = !value.empty() && (std::isdigit(static_cast<unsigned char>(value[0])) || value[0] == '-');
  if (!numbers || !starts_as_number) return false;
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  return *end != '\0' || number < numbers->first || number > numbers->second;
}

class PropertyCheck {
 public:
  PropertyCheck(const Table& table, Diagnostics& diagnostics) : table_(table), diagnostics_(diagnostics) {}

  void check(KafkaRole role, const std::vector<Property>& properties) {
    for (const Property& property : properties) {
      const Location& where = property.name.where;
      if (where.line == 0 || !seen_.emplace(where.line, where.column).second) continue;  // a sink's, taken over
      if (refused_property(role, property.name.value).empty()) check_one(role, property);
    }
  }

 private:
  void check_one(KafkaRole role, const Property& property) {
    const RdPtr<rd_kafka_conf_t> scratch(rd_kafka_conf_new());
    std::array<char, 512> why{};
    const auto answer = rd_kafka_conf_set(scratch.get(), property.name.value.c_str(), property.value.value.c_str(),
                                          why.data(), why.size());
    if (answer == RD_KAFKA_CONF_UNKNOWN) return unknown(role, property);
    const auto row = table_.find(property.name.value);
    const std::string range = row == table_.end() ? std::string() : row->second.range;
    if (answer != RD_KAFKA_CONF_OK || is_other_number(property.value.value, range)) {
      return bad_value(property, range, trimmed(why.data()));
    }
    if (row == table_.end() || (role == KafkaRole::kConsumer ? row->second.of_consumers : row->second.of_producers)) return;
    const bool source = role == KafkaRole::kConsumer;
    diagnostics_.warn(property.name.where,
                      fmt::format("the property `{}` is for {}: this {} does not use it", property.name.value,
                                  source ? "producers" : "consumers", source ? "source" : "sink"),
                      fmt::format("move it to the `properties` of a {}", source ? "sink" : "source"));
  }

  void unknown(KafkaRole role, const Property& property) {
    std::string hint = fmt::format("there is none of that name in librdkafka {}", rd_kafka_version_str());
    const auto java = std::ranges::find(kJavaNames, property.name.value, &JavaName::name);
    const std::string_view nearest = nearest_name(role, property.name.value);
    if (java != kJavaNames.end()) hint = java->advice;
    else if (!nearest.empty()) hint = fmt::format("did you mean `{}`?", nearest);
    diagnostics_.error(property.name.where, fmt::format("unknown property `{}`", property.name.value), std::move(hint));
  }

  std::string_view nearest_name(KafkaRole role, std::string_view name) const {
    std::vector<std::string_view> candidates;
    for (const auto& [known, row] : table_) {
      const bool of_role = role == KafkaRole::kConsumer ? row.of_consumers : row.of_producers;
      if (of_role && refused_property(role, known).empty()) candidates.push_back(known);
    }
    return nearest_word(name, candidates);
  }

  void bad_value(const Property& property, const std::string& range, std::string_view why) {
    const auto& [value, where] = property.value;
    if (const auto numbers = numbers_of(range)) {
      diagnostics_.error(where, fmt::format("`{}` must be a number from {} to {}, not '{}'", property.name.value,
                                            numbers->first, numbers->second, value));
      return;
    }
    if (range.empty()) {  // not the value, which may be a secret
      const bool tells = holds_secret(property.name.value) && !value.empty() && why.contains(value);
      diagnostics_.error(where, fmt::format("librdkafka does not take this value of `{}`", property.name.value),
                         tells ? std::string() : std::string(why));
      return;
    }
    const auto words = split(range, ",");
    std::string lower = value;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string_view nearest = nearest_word(lower, words);
    diagnostics_.error(where, fmt::format("`{}` cannot be '{}'", property.name.value, value),
                       nearest.empty() ? fmt::format("it is one of: {}", fmt::join(words, ", "))
                                       : fmt::format("did you mean `{}`?", nearest));
  }

  const Table& table_;
  Diagnostics& diagnostics_;
  std::set<std::pair<int, int>> seen_;
};

// ---- Topic patterns

// Writing into a topic that is read makes a loop.
void check_own_sinks(const Located<std::string>& pattern, const regex_t& expression, const PipelineSpec& spec,
                     Diagnostics& diagnostics) {
  for (const SinkSpec& sink : spec.sinks) {
    const auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what);
    if (!kafka || kafka->brokers.value != spec.sources.front().kafka().brokers.value) continue;
    if (regexec(&expression, kafka->topic.value.c_str(), 0, nullptr, 0) != 0) continue;
    diagnostics.warn(pattern.where, fmt::format("the pattern also matches `{}`, which a sink writes to", kafka->topic.value),
                     "its own rows come in again, without end; write a pattern that leaves it out, or name the topics");
  }
}

void check_pattern(const Located<std::string>& pattern, const PipelineSpec& spec, Diagnostics& diagnostics) {
  regex_t expression;
  const int code = regcomp(&expression, pattern.value.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) {
    std::array<char, 256> why{};
    regerror(code, &expression, why.data(), why.size());
    diagnostics.error(pattern.where, fmt::format("`topic_pattern` is not a regular expression: {}", why.data()),
                      "it is a POSIX extended one, such as '^shop\\.[a-z]+$'");
    return;
  }
  check_own_sinks(pattern, expression, spec, diagnostics);
  regfree(&expression);
  if (pattern.value.find("\\d") == std::string::npos) return;
  diagnostics.warn(pattern.where, "`\\d` stands for the letter d in a POSIX regular expression", "write [0-9]");
}

}  // namespace

void check_kafka_settings(const PipelineSpec& spec, Diagnostics& diagnostics) {
  const Table table = read_table();
  PropertyCheck properties(table, diagnostics);
  for (const SourceSpec& source : spec.sources) {
    properties.check(KafkaRole::kConsumer, source.kafka().properties);
    const auto& pattern = source.kafka().topic_pattern;
    if (pattern && pattern->value.starts_with('^')) check_pattern(*pattern, spec, diagnostics);
  }
  for (const SinkSpec& sink : spec.sinks) {
    if (const auto* kafka = std::get_if<KafkaSinkSpec>(&sink.what)) properties.check(KafkaRole::kProducer, kafka->properties);
  }
}

}  // namespace tidemark
