// What `validate` says of settings that go to librdkafka, without a broker.
#include "operators/sources/kafka_settings.h"

#include "tests/catch.h"
#include "tests/config/loading.h"

namespace tidemark {
namespace {

std::string said_of(const std::string& source, const std::string& sink, Severity severity = Severity::kError) {
  const std::string text = "name: p\nsources:\n  in:\n    kafka:\n      brokers: b\n" + source +
                           "    schema: {n: int}\nsinks:\n  - kafka:\n      topic: out\n" + sink;
  Diagnostics diagnostics;
  check_kafka_settings(loaded(text), diagnostics);
  return errors_in(diagnostics, severity);
}

std::string source_error(const std::string& property) {
  return said_of("      topic: t\n      properties: {" + property + "}\n", "");
}

std::string pattern_said(const std::string& pattern, Severity severity = Severity::kError) {
  return said_of("      topic_pattern: '" + pattern + "'\n", "", severity);
}

}  // namespace

TEST_CASE("a property that librdkafka does not know is named with the nearest one") {
  CHECK(source_error("security.protocl: ssl") ==
        "7:20: unknown property `security.protocl`; did you mean `security.protocol`?\n");
  CHECK(source_error("fetch.max.wait.ms: 5") ==
        "7:20: unknown property `fetch.max.wait.ms`; librdkafka calls it `fetch.wait.max.ms`\n");
  CHECK_THAT(source_error("no.such.thing.at.all: 5"), Contains("there is none of that name in librdkafka "));
  CHECK(said_of("      topic: t\n", "      properties: {linger.mss: 5}\n") ==
        "11:20: unknown property `linger.mss`; did you mean `linger.ms`?\n");
}

TEST_CASE("a property's value is judged where it stands") {
  CHECK(source_error("security.protocol: SASL_SSl1") ==
        "7:39: `security.protocol` cannot be 'SASL_SSl1'; did you mean `sasl_ssl`?\n");
  CHECK(source_error("security.protocol: encrypted") ==
        "7:39: `security.protocol` cannot be 'encrypted'; it is one of: plaintext, ssl, sasl_plaintext, sasl_ssl\n");
  CHECK(source_error("session.timeout.ms: soon") ==
        "7:40: `session.timeout.ms` must be a number from 1 to 3600000, not 'soon'\n");
  CHECK_THAT(source_error("sasl.jaas.config: secret"), Contains("JAAS") && !Contains("secret"));
  CHECK(source_error("security.protocol: SSL, session.timeout.ms: 6000, enable.ssl.certificate.verification: true").empty());
}

TEST_CASE("numbers that librdkafka would silently read as others are refused") {
  CHECK_THAT(source_error("session.timeout.ms: 4294967297"), Contains("not '4294967297'"));
  CHECK_THAT(source_error("session.timeout.ms: 6000ms"), Contains("not '6000ms'"));
  CHECK(said_of("      topic: t\n", "      properties: {linger.ms: 0.5}\n").empty());
}

TEST_CASE("a property that the other kind of client reads is only warned of") {
  const std::string source = "      topic: t\n      properties: {linger.ms: 5}\n";
  CHECK(said_of(source, "").empty());
  CHECK(said_of(source, "", Severity::kWarning) ==
        "7:20: the property `linger.ms` is for producers: this source does not use it; move it to the `properties` of a sink\n");
}

TEST_CASE("a mistake in a source's connection is not reported again for the sinks that take it over") {
  CHECK(source_error("ssl.ca.lokation: /ca.pem") == "7:20: unknown property `ssl.ca.lokation`; did you mean `ssl.ca.location`?\n");
}

TEST_CASE("a topic pattern is compiled as librdkafka does") {
  CHECK(pattern_said("^shop\\.(a|b)[0-9]+$").empty());
  CHECK_THAT(pattern_said("^shop\\.(a"), Contains("6:22: `topic_pattern` is not a regular expression: Unmatched ("));
  CHECK_THAT(pattern_said("^(?:a)"), Contains("it is a POSIX extended one"));
  CHECK_THAT(pattern_said("^a\\d+", Severity::kWarning), Contains("write [0-9]"));
}

TEST_CASE("a topic pattern that matches what a sink writes is warned of") {
  CHECK(pattern_said("^o.t$", Severity::kWarning) ==
        "6:22: the pattern also matches `out`, which a sink writes to; its own rows come in again, without end; write a pattern "
        "that leaves it out, or name the topics\n");
  CHECK(pattern_said("^in", Severity::kWarning).empty());
  CHECK(said_of("      topic_pattern: '^o'\n", "      brokers: elsewhere\n", Severity::kWarning).empty());
}

}  // namespace tidemark
