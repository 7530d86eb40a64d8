// Aggregate: the algebra of one aggregate function over fixed-size states that live inside hash-table entries. Knows
// neither windows nor keys; an aggregate is one file with its algebra, its spec and one line in the table of all.
#pragma once

#include <cstddef>
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
  const Column* arg = nullptr;  // null for count(); indexed by row
  Arena& heap;                  // for bytes that a state points to; lives as long as the states
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
  // Whether it can be null even over values that are not.
  virtual bool can_overflow() const { return false; }
  // A multiple of 8. States are relocatable with memcpy and need no destructor: what they point to lies in a heap arena.
  virtual size_t state_size() const = 0;
  // Makes the state of "nothing seen" in uninitialised memory.
  virtual void create(std::byte* state) const = 0;
  virtual void add(const AddInput& input) const = 0;
  virtual void merge(std::byte* into, const std::byte* from, Arena& heap) const = 0;
  // Sets row `row` of `out` (already of result_type(), null). False when the result cannot be given, such as an int sum
  // beyond 64 bits: the row stays null and the caller counts it.
  virtual bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const = 0;
  // Durable form; see docs/state-format.md.
  virtual void encode(const std::byte* state, std::string& out) const = 0;
  virtual bool decode(ByteReader& in, std::byte* state, Arena& heap) const = 0;
};

// One function that an `aggregates:` expression may call.
struct AggregateFunction {
  std::string_view name;       // "sum"
  std::string_view signature;  // "sum(x)"
  std::string_view doc;        // one or two sentences for the reference
  size_t args;                 // how many it takes at most; `args_min` at least
  size_t args_min;
  // Refuses argument types it cannot take, saying which it can. `topics` outlives the aggregate.
  Result<std::unique_ptr<const Aggregate>> (*make)(std::span<const Type> args, const TopicTable& topics);
};

// Every aggregate function there is.
std::span<const AggregateFunction> aggregate_functions();
const AggregateFunction* find_aggregate_function(std::string_view name);
// Whether the language knows this aggregate, which is not supported yet.
bool is_future_aggregate(std::string_view name);

}  // namespace tidemark
