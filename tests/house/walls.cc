// Files are told by patterns of their paths, lines by what they include and by their words before a comment. A file of
// no room in the table may include any of ours.
#include "tests/house/walls.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace tidemark::house {
namespace {

using Patterns = std::vector<std::string>;  // as a shell's; `*` does not cross a `/`

// `what` may be included, or written, only in files that match one of `where`.
struct Wall {
  Patterns what;
  Patterns where;
  std::string why;
};

// Files of the room on the left may include files of the rooms on the right, and of no other.
struct Room {
  Patterns files;
  Patterns may_include;
};

const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = {
      {{"base/*"}, {"base/*"}},
      {{"state/*"}, {"base/*", "state/*"}},
      {{"config/*"}, {"base/*", "config/*"}},
      {{"operators/sources/*", "operators/sinks/*"},
       {"base/*", "state/*", "config/*", "operators/*", "operators/formats/*", "operators/plan/*",
        "operators/sources/*", "operators/sinks/*"}},
      {{"operators/*", "operators/*/*"},
       {"base/*", "state/*", "config/*", "operators/*", "operators/aggregates/*", "operators/expr/*",
        "operators/dedupe/*", "operators/formats/*", "operators/plan/*", "operators/transforms/*",
        "operators/windows/*"}},
      {{"daemon/main.cc", "daemon/pipeline_test/*"},
       {"base/*", "state/*", "config/*", "operators/*", "operators/*/*", "daemon/*", "daemon/pipeline_test/*"}},
      {{"daemon/*"}, {"base/*", "state/*", "config/*", "operators/*", "operators/*/*", "daemon/*"}},
      // The oracle judges the engine and the kit judges the binary: neither may learn from what it judges.
      {{"tests/oracle/*_test.cc"}, {"tests/catch.h", "tests/oracle/*"}},
      {{"tests/oracle/*"}, {"tests/oracle/*"}},
      {{"tests/integration/testkit/*"}, {"tests/integration/testkit/*", "tests/oracle/*"}},
  };
  return kRooms;
}

// The walls below are the product's; tests may look behind most of them.
const Patterns& tests() {
  static const Patterns kTests = {"tests/*", "tests/*/*", "tests/*/*/*", "tests/*/*/*/*"};
  return kTests;
}

Patterns and_tests(Patterns where) {
  where.insert(where.end(), tests().begin(), tests().end());
  return where;
}

const std::vector<Wall>& include_walls() {
  static const Patterns kFiles = {"fstream", "filesystem", "cstdio", "unistd.h", "fcntl.h", "sys/*.h"};
  static const Patterns kNetwork = {"netdb.h", "netinet/*", "arpa/*", "poll.h", "sys/socket.h", "sys/epoll.h"};
  static const std::vector<Wall> kWalls = {
      {{"rocksdb/*", "rocksdb/*/*"}, {"state/*.cc", "state/rocks.h"}, "RocksDB hides behind state/*.cc"},
      {{"state/rocks.h"}, {"state/*.cc"}, "it shows RocksDB, and is private to state/*.cc"},
      {{"yaml-cpp/*"}, {"config/*.cc"}, "yaml-cpp hides behind config/*.cc"},
      {{"librdkafka/*"},
       and_tests({"operators/sources/kafka_*", "operators/sinks/kafka_*", "operators/sources/embedded_cluster.*"}),
       "librdkafka hides behind the Kafka client files"},
      {{"spdlog/*", "spdlog/*/*"}, {"base/log.cc"}, "spdlog hides behind base/log.h"},
      {{"prometheus/*"}, {"base/metrics.cc", "base/metrics.h"}, "prometheus-cpp hides behind base/metrics.h"},
      {{"CLI/*"}, and_tests({"daemon/cli.cc"}), "CLI11 hides behind daemon/cli.h"},
      {{"simdjson.h"},
       and_tests({"operators/formats/*.cc", "operators/expr/value_json.cc", "operators/sources/kafka_statistics.cc"}),
       "simdjson hides in the files that read JSON"},
      {{"re2/*"}, {"operators/expr/*.cc"}, "RE2 hides behind the expressions"},
      {{"date/*"}, {"operators/expr/zones.cc", "tests/oracle/spans.cc"}, "the tz database hides behind zones.h"},
      {kFiles, and_tests({"state/*.cc", "daemon/*", "daemon/pipeline_test/*", "base/*.cc", "operators/sources/*", "operators/sinks/*"}),
       "only state, daemon, sources and sinks touch the outside world"},
      // What expressions take of it only reads and writes addresses as text.
      {kNetwork, and_tests({"daemon/*", "operators/sources/*", "operators/sinks/*", "operators/expr/network.cc"}),
       "only daemon, sources and sinks touch the outside world"},
      {tests(), tests(), "the product does not know its tests"},
  };
  return kWalls;
}

const std::vector<Wall>& word_walls() {
  static const std::vector<Wall> kWalls = {
      {{"std::thread", "std::jthread", "std::async", "pthread_create"},
       and_tests({"daemon/*"}),
       "threads are created only in daemon/"},
  };
  return kWalls;
}

bool matches(const std::string& text, const Patterns& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  });
}

// The file between the quotes or brackets of an #include line; empty where there is none.
struct Include {
  std::string file;
  bool ours = false;  // in quotes
};

Include include_of(std::string_view line) {
  const auto skip_blanks = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip_blanks();
  if (!line.starts_with('"') && !line.starts_with('<')) return {};
  const bool ours = line[0] == '"';
  const size_t end = line.find(ours ? '"' : '>', 1);
  return end == std::string_view::npos ? Include{} : Include{std::string(line.substr(1, end - 1)), ours};
}

bool is_word_char(char c) { return c == '_' || c == ':' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool has_word(std::string_view line, std::string_view word) {
  for (size_t at = 0; (at = line.find(word, at)) != std::string_view::npos; ++at) {
    const bool begins = at == 0 || !is_word_char(line[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == line.size() || !is_word_char(line[end]))) return true;
  }
  return false;
}

void check_include(const std::string& path, const Include& include, std::vector<std::string>& why) {
  const auto room = std::ranges::find_if(rooms(), [&](const Room& r) { return matches(path, r.files); });
  if (include.ours && room != rooms().end() && !matches(include.file, room->may_include)) {
    why.push_back("includes " + include.file + ", which this room may not know");
  }
  for (const Wall& wall : include_walls()) {
    if (matches(include.file, wall.what) && !matches(path, wall.where)) {
      why.push_back("includes " + include.file + ": " + wall.why);
    }
  }
}

void check_words(const std::string& path, std::string_view line, std::vector<std::string>& why) {
  const std::string_view code = line.substr(0, line.find("//"));
  for (const Wall& wall : word_walls()) {
    for (const std::string& word : wall.what) {
      if (has_word(code, word) && !matches(path, wall.where)) why.push_back("says " + word + ": " + wall.why);
    }
  }
}

}  // namespace

std::vector<std::string> broken_walls(const std::vector<SourceFile>& files) {
  std::vector<std::string> broken;
  for (const SourceFile& file : files) {
    std::istringstream lines(file.text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      std::vector<std::string> why;
      if (const Include include = include_of(line); !include.file.empty()) check_include(file.path, include, why);
      check_words(file.path, line, why);
      for (const std::string& one : why) broken.push_back(file.path + ":" + std::to_string(number) + ": " + one);
    }
  }
  return broken;
}

std::vector<SourceFile> read_sources(const std::string& root) {
  std::vector<SourceFile> files;
  for (const char* room : {"base", "state", "config", "operators", "daemon", "tests"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(root) / room)) {
      const std::string extension = entry.path().extension();
      if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
      std::ifstream in(entry.path());
      std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      files.push_back({std::filesystem::relative(entry.path(), root).string(), std::move(text)});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace tidemark::house
