// Random filters, maps, selects and windows, written twice: as lines of a pipeline file, and as functions over one row
// of JSON values that share no code with the engine. Knows nothing of batches, columns or plans.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tidemark::naive {

using Json = nlohmann::json;
// The fields of a row by name; absent ones are null.
using Row = std::map<std::string, Json>;
// Nothing: an error.
using Answer = std::optional<Json>;

struct Rng {
  std::mt19937_64 engine;
  int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine); }
  bool one_in(int64_t n) { return between(1, n) == 1; }
};

enum class Kind : uint8_t { kInt, kBool, kText };
struct FieldKind {
  Kind kind;
  bool nullable = false;
};
using Fields = std::map<std::string, FieldKind>;

struct Expression {
  std::string text;  // CEL
  FieldKind type;
  std::function<Answer(const Row&)> answer;
};

// Over `fields`, with at most `depth` operators within one another. Some fail for some rows.
Expression random_expression(Rng& rng, const Fields& fields, Kind kind, int depth);

struct Step {
  enum class What : uint8_t { kFilter, kMap, kSelect, kWindow };
  std::string name;
  std::string from;
  What what = What::kFilter;
  std::optional<Expression> condition;        // of a filter; of a window: its aggregate's `.where`
  std::map<std::string, Expression> values;   // of map and select; of a window: its aggregate's argument
  Fields output;
  std::string line() const;                   // of the pipeline file
};

struct Pipeline {
  std::vector<Step> steps;
  std::vector<std::string> sinks;  // the step, or the source, that each takes
  std::string text() const;        // the file
};

// What became of rows, a line each; and by step what is counted.
struct Outcome {
  struct Counts {
    uint64_t in = 0, out = 0, filtered = 0, dead_lettered = 0;
    bool operator==(const Counts&) const = default;
  };
  std::vector<std::string> lines;
  std::map<std::string, Counts> counts;
};

inline constexpr const char* kSource = "events";
Fields source_fields();
Row random_row(Rng& rng);
Pipeline random_pipeline(Rng& rng);
// What the pipeline has to do with `row`; `number` says which one it is.
void run_row(const Pipeline& pipeline, const Row& row, int64_t number, Outcome& outcome);

// The lines of an outcome.
std::string sink_line(size_t sink, int64_t row, const Json& fields);
std::string window_line(const std::string& step, int64_t row, const Json& condition, const Json& argument);
std::string error_line(const std::string& step, int64_t row);

}  // namespace tidemark::naive
