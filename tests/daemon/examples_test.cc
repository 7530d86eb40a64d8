// Every pipeline file that is shipped must be valid as it stands, without a warning.
#include <filesystem>
#include <set>
#include <string>

#include "daemon/demo_pipeline.h"
#include "daemon/service.h"
#include "tests/catch.h"

namespace tidemark {

TEST_CASE("every example is valid and gives no warning") {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TIDEMARK_SOURCE_DIR) + "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path().string());
    Diagnostics diagnostics;
    const auto plans = load_plans({entry.path().string()}, {}, diagnostics);
    for (const Diagnostic& d : diagnostics.all()) FAIL_CHECK(to_string(d));
    REQUIRE(plans);
    CHECK(names.insert(plans->front().name).second);  // so that all of them can run in one process
  }
  CHECK(names.size() >= 4);
}

TEST_CASE("the demo's pipeline is the example, and stands where KAFKA_BROKERS says") {
  Diagnostics diagnostics;
  const auto plan = load_plan(std::string(demo_pipeline()), "demo.yaml", {{"KAFKA_BROKERS", "there:1"}}, diagnostics);
  REQUIRE(plan);
  CHECK(plan->consumer.brokers == "there:1");
  CHECK_FALSE(plan->consumer.topics.empty());
}

}  // namespace tidemark
