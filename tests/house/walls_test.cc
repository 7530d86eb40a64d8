// The include walls stand: in this tree, and in the sense that breaking any one of them is noticed.
#include "tests/house/walls.h"

#include <algorithm>

#include "tests/catch.h"

namespace tidemark::house {
namespace {

std::vector<std::string> one_line(std::string path, std::string line) {
  return broken_walls({{std::move(path), std::move(line)}});
}

struct Sample {
  const char* path;
  const char* line;
};

}  // namespace

TEST_CASE("no file of this tree breaks a wall") {
  const std::vector<SourceFile> files = read_sources(TIDEMARK_SOURCE_DIR);
  REQUIRE(files.size() > 100);
  for (const char* room : {"base/", "state/", "config/", "operators/", "daemon/"}) {
    INFO(room);
    REQUIRE(std::ranges::any_of(files, [&](const SourceFile& file) { return file.path.starts_with(room); }));
  }
  CHECK(broken_walls(files) == std::vector<std::string>{});
}

TEST_CASE("each broken wall is noticed") {
  const Sample samples[] = {
      {"base/log.cc", "#include \"state/files.h\""},
      {"state/keyed_store.cc", "#include \"config/pipeline.h\""},
      {"config/yaml.cc", "#include \"operators/batch.h\""},
      {"operators/batch.cc", "#include \"daemon/worker.h\""},
      {"operators/windows/slices.cc", "  #  include \"operators/sources/kafka_client.h\""},
      {"operators/sources/kafka_client.h", "#include \"operators/windows/slices.h\""},
      {"state/keyed_store.h", "#include <rocksdb/db.h>"},
      {"operators/windows/hot_table.cc", "#include <rocksdb/utilities/checkpoint.h>"},
      {"state/keyed_store.h", "#include \"state/rocks.h\""},
      {"config/yaml.h", "#include <yaml-cpp/yaml.h>"},
      {"daemon/pipeline.cc", "#include <librdkafka/rdkafka.h>"},
      {"operators/sources/partition_reader.cc", "#include <librdkafka/rdkafka.h>"},
      {"daemon/service.cc", "#include <spdlog/spdlog.h>"},
      {"daemon/pipeline_metrics.cc", "#include <prometheus/counter.h>"},
      {"operators/windows/slices.cc", "#include <fstream>"},
      {"operators/formats/decoder.cc", "#include <sys/socket.h>"},
      {"config/names.cc", "#include <unistd.h>"},
      {"operators/sources/kafka_fetch.cc", "  std::thread drain([] {});"},
      {"state/files.cc", "auto later = std::async(sync);"},
      {"daemon/main.cc", "#include \"tests/catch.h\""},
      {"tests/oracle/oracle.cc", "#include \"operators/windows/slices.h\""},
      {"tests/integration/testkit/verify.cc", "#include \"base/time.h\""},
  };
  for (const Sample& sample : samples) {
    INFO(sample.path << " " << sample.line);
    CHECK_FALSE(one_line(sample.path, sample.line).empty());
  }
}

TEST_CASE("what the rooms need is allowed") {
  const Sample samples[] = {
      {"operators/plan/planner.cc", "#include \"config/pipeline.h\""},
      {"daemon/pipeline.cc", "#include \"operators/sources/kafka_consumer.h\""},
      {"state/rocks.cc", "#include <rocksdb/db.h>"},
      {"operators/sources/kafka_fetch.cc", "std::this_thread::sleep_for(wait);"},
      {"daemon/worker.cc", "thread_ = std::thread([this] { run(); });"},
      {"operators/plan/plan.h", "// never a std::thread"},
      {"tests/oracle/oracle_test.cc", "#include \"tests/catch.h\""},
  };
  for (const Sample& sample : samples) {
    INFO(sample.path << " " << sample.line);
    CHECK(one_line(sample.path, sample.line) == std::vector<std::string>{});
  }
}

TEST_CASE("a broken wall is named with its file, its line and the reason") {
  CHECK(one_line("config/yaml.h", "\n#include <yaml-cpp/yaml.h>") ==
        std::vector<std::string>{"config/yaml.h:2: includes yaml-cpp/yaml.h: yaml-cpp hides behind config/*.cc"});
}

}  // namespace tidemark::house
