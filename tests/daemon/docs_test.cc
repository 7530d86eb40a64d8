// What the documents claim and a program can check: pipelines in them are valid, flags, metrics, log events and refusals
// that they name exist.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/metric_names.h"
#include "daemon/cli.h"
#include "daemon/service.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = TIDEMARK_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream in(path);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> documents() {
  std::vector<fs::path> all{kRoot / "README.md", kRoot / "examples/README.md"};
  for (const auto& entry : fs::directory_iterator(kRoot / "docs")) {
    if (entry.path().extension() == ".md") all.push_back(entry.path());
  }
  std::ranges::sort(all);
  return all;
}

// Every part of `text` that the first group of the pattern matches, once.
std::set<std::string> found_in(const std::string& text, const std::string& pattern) {
  std::set<std::string> out;
  const std::regex wanted(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at) out.insert((*at)[1]);
  return out;
}

struct Block {
  std::string heading;  // the last one above it
  std::string text;
};

std::vector<Block> yaml_blocks(const std::string& text) {
  std::vector<Block> out;
  std::string heading, line;
  bool inside = false;
  std::istringstream in(text);
  while (std::getline(in, line)) {
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      out.back().text += line + "\n";
    } else if (line == "```yaml") {
      inside = true;
      out.push_back({heading, ""});
    } else if (line.starts_with("#")) {
      heading = line.substr(line.find(' ') + 1);
    }
  }
  return out;
}

std::string indented(const std::string& text, size_t by) {
  std::string out, line;
  std::istringstream in(text);
  while (std::getline(in, line)) out += std::string(by, ' ') + line + "\n";
  return out;
}

// A whole pipeline around a part of one, which stands under `heading` in the reference; empty where there is no such part.
std::string completed(const std::string& heading, const std::string& part) {
  const std::string kafka = "    kafka: {brokers: b, topic: t}\n";
  const std::string fields = "event_id: string, user_id: string, event_type: string, amount: double, ts: timestamp(ms)";
  const std::string schema = "    schema: {" + fields + "}\n";
  const std::string head = "name: p\nsources:\n  in:\n";
  const std::string window = head + kafka + schema + "steps:\n  - window:\n";
  const std::string sinks = "sinks:\n  - stdout: {}\n";
  const std::string sink = "  - name: rows\n";
  const std::string line = part.substr(0, part.find('\n'));
  const std::string test = head + kafka + schema + "steps:\n  - name: per_user\n    window:\n      tumbling: 1m\n      by: [user_id]\n" +
                           "      aggregates: {purchases: count()}\n" + sinks + "tests:\n  -\n";
  const std::map<std::string, std::string> whole = {
      {"kafka source", head + indented(part, 4) + schema + sinks},
      {"start", head + "    kafka:\n      brokers: b\n      topic: t\n" + indented(part, 6) + schema + sinks},
      {"source format", head + kafka + indented(part, 4) + schema + sinks},
      {"schema field", head + kafka + "    schema:\n" + indented(part, 6) + sinks},
      {"event_time", head + kafka + schema + indented(part, 4) + sinks},
      {"step", head + kafka + schema + "steps:\n" + indented(part, 2) + sinks},
      {"dedupe", head + kafka + schema + "steps:\n  - name: once\n" + indented(part, 4) + sinks},
      {"Record", head + kafka + schema + "steps:\n" + indented(part, 2) + sinks},
      {"csv in", head + kafka + indented(part, 4) + schema + sinks},
      {"window", head + kafka + schema + "steps:\n  - name: w\n" + indented(part, 4) + sinks},
      {"tumbling", window + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"sliding", window + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"session", window + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"running", window + indented(part, 6) + "      emit: on_change\n      aggregates: {n: count()}\n" + sinks},
      {"cumulative", window + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"calendar", window + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"emit", window + "      tumbling: 1m\n" + indented(part, 6) + "      aggregates: {n: count()}\n" + sinks},
      {"Aggregates", head + kafka + schema + "steps:\n  - window:\n      tumbling: 1m\n" + indented(part, 6) + sinks},
      {"sink", head + kafka + schema + "sinks:\n" + indented(part, 2)},
      {"kafka sink", head + kafka + schema + "sinks:\n" + sink + indented(part, 4)},
      {"sink format", head + kafka + schema + "sinks:\n" + sink + "    stdout: {}\n" + indented(part, 4)},
      {"json out", head + kafka + schema + "sinks:\n" + sink + "    stdout: {}\n    format:\n" + indented(part, 6)},
      {"checkpoint", head + kafka + schema + sinks + part},
      {"test", window + "      tumbling: 1m\n      by: [user_id]\n      aggregates: {n: count()}\n    name: per_user\n" + sinks + part},
      {"test record", test + "    input: {in: [" + line + "]}\n    expect: {in: []}\n"},
      {"test advance", test + "    input: {in: [" + line + "]}\n    expect: {in: []}\n"},
      {"expected row", test + "    input: {in: [end]}\n    expect: {per_user: [" + line + "]}\n"},
      {"exactly", test + "    input: {in: [end]}\n    expect: {per_user: " + line + "}\n"},
  };
  const auto found = whole.find(heading);
  return found == whole.end() ? "" : found->second;
}

// All files of the product as one text.
std::string sources() {
  std::string out;
  for (const char* room : {"base", "config", "daemon", "operators", "state"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / room)) {
      if (entry.path().extension() == ".cc" || entry.path().extension() == ".h") out += read(entry.path());
    }
  }
  return out;
}

// The cells of the first column of the table under a heading, without backticks.
std::vector<std::string> first_column(const std::string& text, const std::string& heading) {
  std::vector<std::string> out;
  size_t at = text.find("\n## " + heading + "\n");
  REQUIRE(at != std::string::npos);
  const size_t end = std::min(text.find("\n## ", at + 1), text.size());
  std::istringstream in(text.substr(at, end - at));
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("| `")) out.push_back(line.substr(2, line.find(" |", 2) - 2));
  }
  return out;
}

std::vector<std::string> quoted_parts(const std::string& cell) {
  const auto parts = found_in(cell, "`([^`]+)`");
  return {parts.begin(), parts.end()};
}

TEST_CASE("every pipeline in the documents is valid, and every part of one fits into a valid pipeline") {
  size_t blocks = 0;
  for (const fs::path& path : documents()) {
    for (const Block& block : yaml_blocks(read(path))) {
      const bool whole = block.text.starts_with("name:");
      const std::string text = whole ? block.text : completed(block.heading, block.text);
      INFO(path.filename().string() << ", " << block.heading << ":\n" << block.text);
      REQUIRE_FALSE(text.empty());  // a new kind of part: say above how to complete it
      Diagnostics diagnostics;
      CHECK(load_plan(text, path.filename().string(), {}, diagnostics));
      for (const Diagnostic& d : diagnostics.all()) {
        if (whole || d.severity == Severity::kError) FAIL_CHECK(to_string(d));
      }
      ++blocks;
    }
  }
  CHECK(blocks > 10);
}

TEST_CASE("the pipeline that the README shows is the example") {
  const std::vector<Block> blocks = yaml_blocks(read(kRoot / "README.md"));
  std::string example = read(kRoot / "examples/purchases.yaml");
  example.resize(example.find("\ntests:\n"));
  REQUIRE(blocks.size() == 1);
  CHECK(example.ends_with(blocks[0].text));
}

TEST_CASE("every command and flag of tidemark in the documents exists") {
  std::map<std::string, std::string> help;
  for (const char* verb : {"run", "validate", "explain", "test", "demo", "eval", "health", "schema", "version"}) {
    help[verb] = parse_command_line(std::vector<std::string>{verb, "--help"}, "/state").error().out;
  }
  size_t flags = 0;
  for (const fs::path& path : documents()) {
    const std::string text = read(path);
    // Of a line, or of `code`: up to what ends either.
    for (const std::string& line : found_in(text, "tidemark ([a-z]+ [^\n`]*)")) {
      const std::string verb = line.substr(0, line.find(' '));
      if (!help.contains(verb)) continue;
      for (const std::string& flag : found_in(line, "(?:^| )(--[a-z-]+)")) {
        INFO(path.filename().string() << ": tidemark " << line);
        CHECK(help[verb].find(flag) != std::string::npos);
        ++flags;
      }
    }
    for (const std::string& flag : found_in(text, "`(--[a-z-]+)[^`]*`")) {
      INFO(path.filename().string() << ": " << flag);
      const bool known = std::ranges::any_of(help, [&](const auto& one) { return one.second.find(flag) != std::string::npos; });
      const bool of_tests = text.find("run.py --") != std::string::npos && flag == "--checkout";
      const bool of_bench = path.filename() == "benchmarks.md" || path.filename() == "performance.md";
      CHECK((known || of_tests || of_bench));
      ++flags;
    }
  }
  CHECK(flags > 10);
}

TEST_CASE("every metric that the documents name exists") {
  std::set<std::string> known;
  for (const MetricSpec* spec : metric::all()) known.emplace(spec->name);
  size_t named = 0;
  for (const fs::path& path : documents()) {
    for (const std::string& name : found_in(read(path), "`(tidemark_[a-z_]+|process_[a-z_]+)[`{]")) {
      if (name == "tidemark_testkit") continue;
      INFO(path.filename().string() << ": " << name);
      CHECK(known.contains(name));
      ++named;
    }
  }
  CHECK(named > 10);
}

// The literals between the call and its fields: more than one where the name depends on something.
std::set<std::string> logged_events(const std::string& code) {
  static const std::regex kCall(R"re((?:\.(?:info|warn|error|debug)\(|->log\(level[^"]*|handle\([a-z_.]+\(\), )([^{;]*))re");
  static const std::regex kName(R"re("([a-z_]+)")re");
  std::set<std::string> names;
  for (auto call = std::sregex_iterator(code.begin(), code.end(), kCall); call != std::sregex_iterator(); ++call) {
    const std::string part = (*call)[1];
    for (auto name = std::sregex_iterator(part.begin(), part.end(), kName); name != std::sregex_iterator(); ++name) {
      names.insert((*name)[1]);
    }
  }
  return names;
}

TEST_CASE("every log event has its line in the documents, and every line its event") {
  std::set<std::string> told;
  for (const std::string& cell : first_column(read(kRoot / "docs/logs.md"), "Events")) {
    for (const std::string& event : quoted_parts(cell)) told.insert(event);
  }
  CHECK(told.size() > 30);
  CHECK(told == logged_events(sources()));
}

TEST_CASE("every refusal that the documents name is in the product") {
  const std::string code = sources();
  const std::string operations = read(kRoot / "docs/operations.md");
  const auto refusals = first_column(operations, "Refusals and ways out");
  CHECK(refusals.size() > 8);
  for (const std::string& cell : refusals) {
    for (const std::string& whole : quoted_parts(cell)) {
      for (size_t at = 0; at <= whole.size();) {  // what stands between the places that are filled in
        const size_t gap = std::min({whole.find("...", at), whole.find(" N of M ", at), whole.size()});
        std::string part = whole.substr(at, gap - at);
        while (part.starts_with(' ')) part.erase(0, 1);
        while (part.ends_with(' ')) part.pop_back();
        INFO(whole << " / " << part);
        CHECK(code.find(part) != std::string::npos);
        at = gap + (whole.substr(std::min(gap, whole.size())).starts_with("...") ? 3 : 8);
      }
    }
  }
}

TEST_CASE("every named point of the guarantees can be reached, and is in their table") {
  const std::string guarantees = read(kRoot / "docs/guarantees.md");
  const auto points = found_in(sources(), "reached\\(\"([a-z_]+)\"\\)");
  CHECK(points.size() > 10);
  for (const std::string& point : points) {
    INFO(point);
    CHECK(guarantees.find("`" + point + "`") != std::string::npos);
  }
  for (const std::string& point : found_in(guarantees, "`([a-z_]+_(?:before|after))`")) {
    INFO(point);
    CHECK((points.contains(point) || point == "idle_after"));
  }
}

TEST_CASE("the table of metrics has every metric") {
  const std::string header = read(kRoot / "base/metric_names.h");
  CHECK(found_in(header, "MetricSpec (k[A-Za-z]+)\\{").size() == metric::all().size());
}

}  // namespace
}  // namespace tidemark
