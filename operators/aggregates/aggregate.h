// Aggregate: the algebra of one aggregate function. A state has a fixed size and lives inside a hash-table entry; one
// that grows keeps what does not fit in the arena beside the table, where the memory budget counts it. Knows neither
// windows nor keys; an aggregate is one file with its algebra, its spec and one line in the table of all.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "operators/batch.h"
#include "operators/topic_table.h"

namespace tidemark {

// The rows to add, and where each row's state lies: states[i] belongs to rows[i]. A key that occurs twice in a batch has
// the same state twice.
struct AddInput {
  const Batch& batch;
  Rows rows;
  std::span<std::byte* const> states;
  Arena& heap;                  // for bytes that a state points to; lives as long as the states
  const Column* arg = nullptr;  // null for count(); indexed by row
  const Column* by = nullptr;   // the second column, of arg_min(x, by) and arg_max(x, by)
};

// Immutable and thread-safe; states belong to the caller. The law that a test holds every aggregate to: merge is
// associative and commutative, decode(encode(x)) = x, and the result, to the bit, does not depend on the order of add
// and merge or on how the input was split.
class Aggregate {
 public:
  virtual ~Aggregate() = default;
  virtual std::string_view name() const = 0;
  virtual Type result_type() const = 0;
  // Whether the result over nothing is null.
  virtual bool result_nullable() const = 0;
  // Whether it can be null even over values that are not: beyond a bound, or over too few of them.
  virtual bool can_overflow() const { return false; }
  // A multiple of 8. States are relocatable with memcpy and need no destructor: what they point to lies in a heap arena.
  virtual size_t state_size() const = 0;
  // Makes the state of "nothing seen" in uninitialised memory.
  virtual void create(std::byte* state) const = 0;
  virtual void add(const AddInput& input) const = 0;
  virtual void merge(std::byte* into, const std::byte* from, Arena& heap) const = 0;
  // Whether merges can mostly be taken back.
  virtual bool retracts() const { return false; }
  // Takes back one of the merges into the state: from here on it gives the results, to the bit, that it would have given
  // without. False where that cannot be; nothing is said about the state then.
  [[nodiscard]] virtual bool retract(std::byte*, const std::byte*) const { return false; }
  // Sets row `row` of `out` (already of result_type(), null). False when the result cannot be given, such as an int sum
  // beyond 64 bits: the row stays null and the caller counts it.
  virtual bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const = 0;
  // Durable form; see docs/state-format.md.
  virtual void encode(const std::byte* state, std::string& out) const = 0;
  virtual bool decode(ByteReader& in, std::byte* state, Arena& heap) const = 0;
};

using AggregatePtr = std::unique_ptr<const Aggregate>;

// A number that a call writes out behind its columns, such as the 0.95 of quantile(x, 0.95).
struct AggregateParameter {
  std::string_view name;  // "q"
  double least;           // both inclusive
  double most;
  bool whole = false;     // an integer, at most 2^53
  bool list = false;      // a list of numbers instead, each greater than the one before
  std::optional<double> otherwise = std::nullopt;  // where it is not written; without one it must be
  bool reads_only = false;  // has no part in the state: calls that differ in nothing else keep one state together
};

// How many numbers a list parameter may have.
inline constexpr size_t kMaxListParameter = 256;

// What a call gives: as many types as it has columns, and the numbers for every parameter, in range.
struct AggregateArgs {
  std::span<const Type> columns;
  std::span<const std::vector<double>> parameters;  // one number each, but lists
  const TopicTable& topics;                         // outlives the aggregate

  double number(size_t parameter) const { return parameters[parameter][0]; }
  size_t whole(size_t parameter) const { return static_cast<size_t>(number(parameter)); }
};

// An aggregate; or what the function takes and got instead: "int, uint or double, not string".
using MadeAggregate = std::expected<AggregatePtr, std::string>;
using AggregateMaker = MadeAggregate (*)(const AggregateArgs& args);

// One function that an `aggregates:` expression may call: name(columns..., parameters...).
struct AggregateFunction {
  std::string_view name;       // "sum"
  std::string_view signature;  // "sum(x)"
  std::string_view doc;        // a few sentences for the reference, bounds and errors included
  std::string_view takes;      // the types of its columns, for the reference
  std::string_view gives;      // the type of its result
  std::string_view memory;     // what a key costs in a slice
  size_t columns;              // how many it takes at most; `columns_min` at least
  size_t columns_min;
  AggregateMaker maker;
  std::vector<AggregateParameter> parameters = {};  // those with a default last

  // Refuses argument types it cannot take: "sum(x) takes int, uint, double or duration, not string".
  Result<AggregatePtr> make(const AggregateArgs& args) const;
};

// Every aggregate function there is.
std::span<const AggregateFunction> aggregate_functions();
const AggregateFunction* find_aggregate_function(std::string_view name);
// The function that other systems call by this name; empty where none does.
std::string_view foreign_aggregate(std::string_view name);

}  // namespace tidemark
