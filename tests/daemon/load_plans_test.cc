// What pipelines that run in one process may not share. Deliberately starts none of them.
#include <algorithm>
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

// What is said of one file, a line each, errors only: "LINE:COL: message".
std::string errors_of(const std::string& text) {
  Diagnostics diagnostics;
  CHECK_FALSE(load_plan(text, "p.yaml", {}, diagnostics));
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity != Severity::kError) continue;
    out += std::to_string(d.where.line) + ":" + std::to_string(d.where.column) + ": " + d.message + "\n";
  }
  return out;
}

TEST_CASE("mistakes of the file and of its expressions are reported in one round, in order") {
  CHECK(errors_of(R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t}
    schema: {user: string, amount: double}
    event_time: {max_delai: 2s}
steps:
  - filter: amont > 1.0
  - filter: user ==
  - window:
      tumbling: 1 fortnight
      by: [usr]
      aggregates: {x: median(amount), y: frob(1) + sum(amount), z: sum(amount) + double(usr) }
  - filter: x > 1.0
sinks:
  - kafka: {topic: out, key: [usr, y]}
)") == "6:18: unknown key `max_delai`\n"
       "8:13: unknown field `amont`\n"
       "9:20: the end of the expression where a value should be\n"
       "11:17: `size` must be a duration such as 250ms, 5s or 1m, not '1 fortnight'\n"
       "12:12: there is no field 'usr' to group by\n"
       "13:23: unknown function `median`\n"
       "13:42: unknown function `frob`\n");
}

TEST_CASE("a broken field of the schema is reported once, and not again wherever it is used") {
  const std::string rest = R"(
steps:
  - filter: amount > 1.0
  - map: {twice: amount * 2.0, broken: "1 +"}
  - window: {tumbling: 1m, by: [amount, user], aggregates: {x: sum(amount), n: count(), m: n + size(amount)}}
  - filter: x > 1.0 && n > 'a'
sinks:
  - kafka: {topic: out, key: [amount]}
)";
  const std::string head = "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    ";
  const std::string own = "8:44: the end of the expression where a value should be\n";
  const std::string type = errors_of(head + "schema: {user: string, amount: dubble}" + rest);
  CHECK_THAT(type, Catch::Matchers::StartsWith("5:36: "));
  CHECK(std::ranges::count(type, '\n') == 2);
  CHECK_THAT(type, Catch::Matchers::EndsWith(own));
  CHECK(errors_of(head + "shema: {user: string, amount: double}" + rest) == "5:5: unknown key `shema`\n" + own);
}

TEST_CASE("what follows from a refused step is not reported") {
  const std::string head =
      "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {n: int}\n";
  const std::string sinks = "sinks:\n  - kafka: {topic: out, key: [m]}\n";
  CHECK(errors_of(head + "steps:\n  - mapp: {m: n}\n  - filter: m > 1\n" + sinks) == "7:5: unknown key `mapp`\n");
  CHECK(errors_of(head + "steps:\n  - map: {m: n + k}\n  - filter: m > 1\n" + sinks) == "7:18: unknown field `k`\n");
  CHECK(errors_of(head + "step:\n  - map: {m: n}\n" + sinks) == "6:1: unknown key `step`\n");
  CHECK(errors_of("name: p\n" + sinks) == "1:1: the pipeline needs `sources`\n");
  CHECK(errors_of(head + "steps:\n  - map: {m: n}\n    from: inn\n  - filter: k > 1\n" + sinks) ==
        "8:11: there is no source or step called `inn`\n");
}

TEST_CASE("what librdkafka would refuse at start is reported with the rest") {
  CHECK(errors_of(R"(name: p
sources:
  in:
    kafka: {brokers: b, topic: t, properties: {sesion.timeout.ms: 6000, fetch.wait.max.ms: soon}}
    schema: {n: int}
steps:
  - filter: m > 1
sinks:
  - kafka: {topic: out, properties: {compression.type: lz5}}
)") == "4:48: unknown property `sesion.timeout.ms`\n"
       "4:92: `fetch.wait.max.ms` must be a number from 0 to 300000, not 'soon'\n"
       "7:13: unknown field `m`\n"
       "9:56: `compression.type` cannot be 'lz5'\n");
}

// One mistake in one place of a sound file.
struct Mistake {
  std::string section;
  std::string right;    // what it replaces
  std::string wrong;
  std::string message;  // a part of what is said
};

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> kAll = {
      {"name", "name: p", "name: p/q", "`name` may hold only letters"},
      {"brokers", "brokers: b", "brokers: '${TIDEMARK_NO_SUCH_VARIABLE}'", "is not set in the environment"},
      {"topic", "topic: t", "topics: []", "`topics` is empty"},
      {"properties", "session.timeout.ms: 6000", "session.timeout.ms: soon", "`session.timeout.ms` must be a number"},
      {"partitioned_by", "partitioned_by: [user]", "partitioned_by: [usr]", "the schema has no field `usr`"},
      {"schema", "spare: int", "spare: integer64", "type"},
      {"event_time", "field: ts", "field: amount", "is of type double, not a timestamp"},
      {"event_time", "max_delay: 2s", "max_delay: soon", "`max_delay` must be a duration"},
      {"filter", "amount > 1.0", "amount > 'a'", "no operator for double > string"},
      {"map", "amount * 2.0", "amonut * 2.0", "unknown field `amonut`"},
      {"window", "size: 1m, step: 1m", "size: 1m, step: 2m", "`step` may not be longer than `size`"},
      {"window", "      by: [user]", "      by: [user, window_start]", "may not be called `window_start`"},
      {"aggregates", "n: count()", "n: cuont()", "unknown function `cuont`"},
      {"sink", "key: [user]", "key: [usre]", "there is no field 'usre' for the key"},
      {"delivery", "delivery: exactly_once", "delivery: exactly_twice", "exactly_twice"},
      {"side", "from: late", "from: lade", "there is no source or step called `lade`"},
      {"checkpoint", "every: 5s", "every: 1h", "`every` may be at most"},
      {"lanes", "lanes: 4", "lanes: 0", "`lanes`"},
      {"unknown", "lanes: 4", "lane: 4", "unknown key `lane`"},
  };
  return kAll;
}

std::string with(std::string text, const Mistake& mistake) {
  const size_t at = text.find(mistake.right);
  REQUIRE(at != std::string::npos);
  return text.replace(at, mistake.right.size(), mistake.wrong);
}

TEST_CASE("of two mistakes in any two places both are reported, and nothing else") {
  const std::string sound = R"(name: p
sources:
  in:
    kafka:
      brokers: b
      topic: t
      partitioned_by: [user]
      properties: {session.timeout.ms: 6000}
    schema:
      user: string
      amount: double
      spare: int
      ts: timestamp(ms)
    event_time: {field: ts, max_delay: 2s}
steps:
  - filter: amount > 1.0
  - map:
      twice: amount * 2.0
  - window:
      sliding: {size: 1m, step: 1m}
      by: [user]
      aggregates:
        n: count()
        most: max(twice)
sinks:
  - kafka: {topic: out, key: [user]}
    delivery: exactly_once
  - kafka: {topic: more}
  - from: late
    drop: {}
  - from: dead_letter
    drop: {}
checkpoint: {every: 5s}
lanes: 4
)";
  Diagnostics nothing;
  REQUIRE(load_plan(sound, "p.yaml", {}, nothing));
  REQUIRE(nothing.all().empty());
  for (const Mistake& a : mistakes()) {
    const std::string alone = errors_of(with(sound, a));
    INFO(a.wrong << "\n" << alone);
    CHECK_THAT(alone, Contains(a.message));
    CHECK(std::ranges::count(alone, '\n') == 1);
    for (const Mistake& b : mistakes()) {
      if (a.right == b.right || with(sound, a).find(b.right) == std::string::npos) continue;
      const std::string both = errors_of(with(with(sound, a), b));
      INFO(a.wrong << " and " << b.wrong << "\n" << both);
      CHECK_THAT(both, Contains(a.message) && Contains(b.message));
      CHECK(std::ranges::count(both, '\n') == 2);
    }
  }
}

TEST_CASE("a file that cannot be read says why") {
  Diagnostics diagnostics;
  CHECK_FALSE(load_plans({"/there/is/no/such.yaml"}, {}, diagnostics));
  CHECK(diagnostics.all()[0].message == "the file cannot be read: No such file or directory");
}

}  // namespace
}  // namespace tidemark
