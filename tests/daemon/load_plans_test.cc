// What pipelines that run in one process may not share. Deliberately starts none of them.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "daemon/service.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

struct Written {
  std::string name;
  std::string source;  // what stands inside `kafka: {}`
};

// Everything that is said of the files together, a line each.
std::string said_of(const std::vector<Written>& pipelines) {
  const auto folder = std::filesystem::temp_directory_path() / ("tidemark-load-plans-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::vector<std::string> files;
  for (const Written& p : pipelines) {
    files.push_back(folder / (std::to_string(files.size()) + ".yaml"));
    std::ofstream(files.back()) << "name: " << p.name << "\nsources:\n  in:\n    kafka: {" << p.source
                                << "}\n    schema: {n: int}\nsinks:\n  - stdout: {}\n";
  }
  Diagnostics diagnostics;
  const auto plans = load_plans(files, {}, diagnostics);
  std::filesystem::remove_all(folder);
  CHECK(plans.has_value() != diagnostics.has_errors());
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) out += d.message + "\n";
  }
  return out;
}

TEST_CASE("pipelines of one process have names of their own") {
  CHECK(said_of({{"a", "brokers: b, topic: t"}, {"b", "brokers: b, topic: t"}}).empty());
  CHECK_THAT(said_of({{"a", "brokers: b, topic: t"}, {"a", "brokers: b, topic: u"}}),
             Contains("the name 'a' is taken by"));
}

TEST_CASE("pipelines of one consumer group may not divide a topic between them") {
  const std::string wanted = "the consumer group 'g' already reads for";
  CHECK_THAT(said_of({{"a", "brokers: b, topic: t, group: g"}, {"c", "brokers: b, topics: [s, t], group: g"}}),
             Contains(wanted));
  CHECK_THAT(said_of({{"g", "brokers: b, topic: t"}, {"c", "brokers: b, topic_pattern: '^t', group: g"}}),
             Contains(wanted));
  CHECK(said_of({{"a", "brokers: b, topic: t, group: g"}, {"c", "brokers: b, topic: s, group: g"}}).empty());
  CHECK(said_of({{"a", "brokers: b, topic: t, group: g"}, {"c", "brokers: z, topic: t, group: g"}}).empty());
}

TEST_CASE("a file that cannot be read says why") {
  Diagnostics diagnostics;
  CHECK_FALSE(load_plans({"/there/is/no/such.yaml"}, {}, diagnostics));
  CHECK(diagnostics.all()[0].message == "the file cannot be read: No such file or directory");
}

}  // namespace
}  // namespace tidemark
