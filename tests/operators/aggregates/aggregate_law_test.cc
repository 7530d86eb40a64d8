// The one law of all aggregates: whatever the order, the splits, the merges and the trips through bytes, the result is
// the same to the bit. And what each of them answers, refuses and writes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "operators/aggregates/aggregate.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

const std::vector<TypeKind> kKinds = {TypeKind::kBool,   TypeKind::kInt,   TypeKind::kUint,      TypeKind::kDouble,
                                      TypeKind::kString, TypeKind::kBytes, TypeKind::kTimestamp, TypeKind::kDuration};

// Rows of several topics and partitions, and the argument column of each batch.
struct Input {
  std::unique_ptr<Batch> batch;
  Column arg;
};

struct Rng {
  std::mt19937_64 engine;
  uint64_t below(uint64_t n) { return engine() % n; }
};

void set_random(Rng& rng, Column& c, size_t row) {
  static const double kDoubles[] = {0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 5e-324, std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), 0.1};
  static const int64_t kInts[] = {0, 1, -1, 77, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  static const std::string_view kTexts[] = {"", "a", "ab", "\xff", "a long text that lies in the heap", "b"};
  c.valid[row] = rng.below(4) != 0;
  if (!c.bools.empty()) c.bools[row] = rng.below(2) != 0;
  if (!c.ints.empty()) c.ints[row] = kInts[rng.below(std::size(kInts))];
  if (!c.doubles.empty()) c.doubles[row] = kDoubles[rng.below(rng.below(3) == 0 ? std::size(kDoubles) : 7)];
  if (!c.strings.empty()) c.strings[row] = kTexts[rng.below(std::size(kTexts))];
}

Input random_input(Rng& rng, const Type& type, const std::vector<uint32_t>& topics, int64_t& next_offset) {
  Input in;
  in.batch = std::make_unique<Batch>();
  in.batch->rows = static_cast<uint32_t>(rng.below(6));
  in.batch->topic = topics[rng.below(topics.size())];
  in.batch->partition = static_cast<int32_t>(rng.below(3));
  in.arg.reset(type, in.batch->rows);
  for (uint32_t i = 0; i < in.batch->rows; ++i) {
    in.batch->event_times.push_back({static_cast<int64_t>(rng.below(4))});  // many ties
    in.batch->offsets.push_back(next_offset++);
    set_random(rng, in.arg, i);
  }
  return in;
}

std::string bits_of(const Aggregate& a, const std::byte* state) {
  Column out;
  Arena arena;
  out.reset(a.result_type(), 1);
  const bool given = a.result(state, out, 0, arena);
  std::string bytes(given ? "given " : "refused ");
  bytes += out.valid[0] ? "value " : "null";
  if (!out.valid[0]) return bytes;
  ByteWriter writer(bytes);
  if (!out.bools.empty()) writer.fixed(out.bools[0]);
  if (!out.ints.empty()) writer.fixed(out.ints[0]);
  if (!out.doubles.empty()) writer.fixed(std::isnan(out.doubles[0]) ? std::nan("") : out.doubles[0]);
  if (!out.strings.empty()) writer.raw(out.strings[0]);
  return bytes;
}

using State = std::vector<std::byte>;

// Adds row `row` alone, or all rows when there is none.
void add(const Aggregate& a, const Input& in, const Column* arg, std::optional<uint32_t> row, State& state, Arena& heap) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < in.batch->rows; ++i) {
    if (!row || *row == i) rows.push_back(i);
  }
  const std::vector<std::byte*> states(rows.size(), state.data());
  a.add({*in.batch, rows, states, arg, heap});
}

State blank(const Aggregate& a) {
  State state(a.state_size());
  a.create(state.data());
  return state;
}

// Builds the state of all rows from parts, each a shuffled handful of rows, merged in random order with trips through
// the durable form and moves by memcpy.
std::string shuffled_result(Rng& rng, const Aggregate& a, const std::vector<Input>& inputs, bool with_arg) {
  std::vector<std::pair<size_t, uint32_t>> rows;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (uint32_t r = 0; r < inputs[i].batch->rows; ++r) rows.emplace_back(i, r);
  }
  std::shuffle(rows.begin(), rows.end(), rng.engine);
  Arena heap;
  std::vector<State> parts(1 + rng.below(5), blank(a));
  for (const auto& [i, r] : rows) {
    add(a, inputs[i], with_arg ? &inputs[i].arg : nullptr, r, parts[rng.below(parts.size())], heap);
  }
  while (parts.size() > 1) {
    State from = std::move(parts.back());
    parts.pop_back();
    State& into = parts[rng.below(parts.size())];
    if (rng.below(2) == 0) {
      std::string bytes;
      a.encode(from.data(), bytes);
      State read(a.state_size(), std::byte{0xee});
      ByteReader in(bytes);
      REQUIRE(a.decode(in, read.data(), heap));
      REQUIRE(in.done());
      from = read;
    }
    if (rng.below(2) == 0) std::swap(from, into);
    a.merge(into.data(), from.data(), heap);
  }
  return bits_of(a, parts[0].data());
}

std::unique_ptr<const Aggregate> make(std::string_view name, std::optional<Type> arg, const TopicTable& topics) {
  const AggregateFunction* f = find_aggregate_function(name);
  REQUIRE(f != nullptr);
  auto made = f->make(arg ? std::span<const Type>(&*arg, 1) : std::span<const Type>(), topics);
  return made ? std::move(*made) : nullptr;
}

void check_law(const Aggregate& a, const Type& type, bool with_arg, const std::vector<uint32_t>& topics, uint64_t seed) {
  Rng rng{std::mt19937_64(seed)};
  int64_t next_offset = 0;
  std::vector<Input> inputs;
  for (uint64_t n = rng.below(8); n > 0; --n) inputs.push_back(random_input(rng, type, topics, next_offset));
  Arena heap;
  State plain = blank(a);
  for (const Input& in : inputs) add(a, in, with_arg ? &in.arg : nullptr, std::nullopt, plain, heap);
  const std::string expected = bits_of(a, plain.data());
  INFO(a.name() << " of " << to_string(type) << " seed " << seed);
  for (int i = 0; i < 5; ++i) REQUIRE(shuffled_result(rng, a, inputs, with_arg) == expected);
  std::string bytes;
  a.encode(plain.data(), bytes);
  for (size_t n = 0; n < bytes.size(); ++n) {
    State state(a.state_size());
    ByteReader cut(std::string_view(bytes).substr(0, n));
    REQUIRE_FALSE(a.decode(cut, state.data(), heap));
  }
}

// One value for each element, nulls where there is none; event time and offset are its place.
template <class T>
Input input_of(const Type& type, const std::vector<std::optional<T>>& values, uint32_t topic = 0) {
  Input in;
  in.batch = std::make_unique<Batch>();
  in.batch->rows = static_cast<uint32_t>(values.size());
  in.batch->topic = topic;
  in.batch->partition = 3;
  in.arg.reset(type, values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    in.batch->event_times.push_back({static_cast<int64_t>(100 + i)});
    in.batch->offsets.push_back(static_cast<int64_t>(i));
    in.arg.valid[i] = values[i].has_value();
    if (!values[i]) continue;
    if constexpr (std::is_same_v<T, double>) {
      in.arg.doubles[i] = *values[i];
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      in.arg.strings[i] = *values[i];
    } else {
      in.arg.ints[i] = *values[i];
    }
  }
  return in;
}

struct Answer {
  bool given;
  Column column;
  std::string bytes;  // the durable form
};

Answer answer(const Aggregate& a, const Input& in, bool with_arg = true) {
  static Arena arena;
  Arena heap;
  State state = blank(a);
  add(a, in, with_arg ? &in.arg : nullptr, std::nullopt, state, heap);
  Answer out;
  out.column.reset(a.result_type(), 1);
  out.given = a.result(state.data(), out.column, 0, arena);
  a.encode(state.data(), out.bytes);
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("no aggregate depends on order, splits, merges or trips through bytes") {
  TopicTable topics;
  // Numbers in another order than names: names decide.
  const std::vector<uint32_t> numbers = {topics.number_of("m"), topics.number_of("z"), topics.number_of("a")};
  size_t checked = 0;
  for (const AggregateFunction& f : aggregate_functions()) {
    for (const TypeKind kind : kKinds) {
      const auto a = make(f.name, kind, topics);
      if (!a) continue;
      ++checked;
      for (uint64_t seed = 1; seed <= 150; ++seed) check_law(*a, kind, true, numbers, seed);
    }
  }
  const auto count_rows = make("count", std::nullopt, topics);
  for (uint64_t seed = 1; seed <= 50; ++seed) check_law(*count_rows, TypeKind::kInt, false, numbers, seed);
  CHECK(checked == 8 + 4 + 3 + 4 * 8);
}

TEST_CASE("state sizes are multiples of eight and everything over nothing is null, but counts") {
  TopicTable topics;
  topics.number_of("t");
  for (const AggregateFunction& f : aggregate_functions()) {
    const auto a = make(f.name, TypeKind::kInt, topics);
    REQUIRE(a);
    CHECK(a->state_size() % 8 == 0);
    const Answer nulls = answer(*a, input_of<int64_t>(TypeKind::kInt, {std::nullopt, std::nullopt}));
    CHECK(nulls.given);
    CHECK((nulls.column.valid[0] == 0) == (f.name != "count"));
    CHECK(a->result_nullable() == (f.name != "count"));
  }
}

TEST_CASE("sums of integers are judged when the row is made") {
  TopicTable topics;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto sum = make("sum", TypeKind::kInt, topics);
  CHECK(answer(*sum, input_of<int64_t>(TypeKind::kInt, {kMax, kMax, -kMax})).column.ints[0] == kMax);
  const Answer beyond = answer(*sum, input_of<int64_t>(TypeKind::kInt, {kMax, 1}));
  CHECK_FALSE(beyond.given);
  CHECK(beyond.column.valid[0] == 0);
  const auto unsigned_sum = make("sum", TypeKind::kUint, topics);
  CHECK(answer(*unsigned_sum, input_of<int64_t>(TypeKind::kUint, {-2, 1})).column.ints[0] == -1);
  CHECK_FALSE(answer(*unsigned_sum, input_of<int64_t>(TypeKind::kUint, {-1, 1})).given);
  const auto avg = make("avg", TypeKind::kInt, topics);
  CHECK(answer(*avg, input_of<int64_t>(TypeKind::kInt, {kMax, kMax, std::nullopt})).column.doubles[0] == 9223372036854775807.0);
  CHECK(answer(*avg, input_of<int64_t>(TypeKind::kInt, {1, 2})).column.doubles[0] == 1.5);
  CHECK(answer(*make("avg", TypeKind::kUint, topics), input_of<int64_t>(TypeKind::kUint, {-1})).column.doubles[0] ==
        18446744073709551615.0);
}

TEST_CASE("extremes order unsigned numbers, doubles and texts as their types say") {
  TopicTable topics;
  const auto greatest = [&](TypeKind kind, const auto& in) { return answer(*make("max", kind, topics), in).column; };
  const auto least = [&](TypeKind kind, const auto& in) { return answer(*make("min", kind, topics), in).column; };
  CHECK(greatest(TypeKind::kUint, input_of<int64_t>(TypeKind::kUint, {-1, 5})).ints[0] == -1);
  CHECK(greatest(TypeKind::kInt, input_of<int64_t>(TypeKind::kInt, {-1, 5})).ints[0] == 5);
  const auto zeros = input_of<double>(TypeKind::kDouble, {0.0, -0.0});
  CHECK(std::signbit(least(TypeKind::kDouble, zeros).doubles[0]));
  CHECK_FALSE(std::signbit(greatest(TypeKind::kDouble, zeros).doubles[0]));
  const auto with_nan = input_of<double>(TypeKind::kDouble, {std::nan(""), -2.0, 3.0});
  CHECK(least(TypeKind::kDouble, with_nan).doubles[0] == -2.0);
  CHECK(std::isnan(greatest(TypeKind::kDouble, with_nan).doubles[0]));
  CHECK(greatest(TypeKind::kString, input_of<std::string_view>(TypeKind::kString, {"b", "\xc3\xa4", "ab"})).strings[0] == "\xc3\xa4");
}

TEST_CASE("first and last go by event time, then topic name, partition and offset") {
  TopicTable topics;
  const uint32_t zebra = topics.number_of("zebra");
  const uint32_t ant = topics.number_of("ant");
  const auto first = make("first", TypeKind::kInt, topics);
  const auto last = make("last", TypeKind::kInt, topics);
  const Input a = input_of<int64_t>(TypeKind::kInt, {1, std::nullopt}, zebra);
  const Input b = input_of<int64_t>(TypeKind::kInt, {2, std::nullopt}, ant);
  Arena heap;
  for (const auto& [aggregate, expected] : {std::pair(first.get(), 2), std::pair(last.get(), 1)}) {
    State state = blank(*aggregate);
    add(*aggregate, a, &a.arg, std::nullopt, state, heap);
    add(*aggregate, b, &b.arg, std::nullopt, state, heap);
    Column out;
    out.reset(TypeKind::kInt, 1);
    REQUIRE(aggregate->result(state.data(), out, 0, heap));
    CHECK(out.ints[0] == expected);
  }
}

TEST_CASE("argument types that make no sense are refused by name") {
  TopicTable topics;
  const auto message = [&](std::string_view name, Type type) {
    const auto made = find_aggregate_function(name)->make(std::span<const Type>(&type, 1), topics);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().fault == Fault::kUser);
    return made.error().message;
  };
  CHECK(message("sum", TypeKind::kString) == "sum(x) takes int, uint, double or duration, not string");
  CHECK(message("avg", TypeKind::kDuration) == "avg(x) takes int, uint or double, not duration");
  CHECK(message("min", Type::list_of(TypeKind::kInt)) ==
        "min(x) takes bool, int, uint, double, string, bytes, timestamp or duration, not list<int>");
  CHECK(message("last", TypeKind::kDyn) ==
        "last(x) takes bool, int, uint, double, string, bytes, timestamp or duration, not dyn");
  CHECK(find_aggregate_function("median") == nullptr);
}

TEST_CASE("a hot key that changes its text for ever does not grow the heap for ever") {
  TopicTable topics;
  topics.number_of("t");
  const auto last = make("last", TypeKind::kString, topics);
  Arena heap;
  State state = blank(*last);
  const std::string longest(1000, 'x');
  for (int i = 0; i < 100'000; ++i) {
    Input in = input_of<std::string_view>(TypeKind::kString, {std::string_view(longest).substr(static_cast<size_t>(i) % 1000)});
    in.batch->offsets[0] = i;
    add(*last, in, &in.arg, std::nullopt, state, heap);
  }
  CHECK(heap.bytes_used() <= 4096);
}

// These bytes lie in checkpoints: a change of one of them needs a new version of the state format.
TEST_CASE("the durable forms stay as they are") {
  TopicTable topics;
  topics.number_of("events");
  const auto ints = input_of<int64_t>(TypeKind::kInt, {5, -7, std::nullopt, 300});
  const auto doubles = input_of<double>(TypeKind::kDouble, {0.5, 2.25});
  const auto wide = input_of<double>(TypeKind::kDouble, {1e-300, -3.0});
  const auto texts = input_of<std::string_view>(TypeKind::kString, {"b", "abc", ""});
  const auto bytes = [&](std::string_view name, TypeKind kind, const Input& in) {
    return hex(answer(*make(name, kind, topics), in).bytes);
  };
  CHECK(bytes("count", TypeKind::kInt, ints) == "03");
  CHECK(bytes("sum", TypeKind::kInt, ints) == "2a01000000000000" "0000000000000000" "03");
  CHECK(bytes("avg", TypeKind::kInt, ints) == "2a01000000000000" "0000000000000000" "03");
  CHECK(bytes("sum", TypeKind::kDouble, doubles) == "01" "0000000000000000" "c002000000000000" "02");
  CHECK(bytes("sum", TypeKind::kDouble, wide) == "21" "0000000000000000" "00fdffffffffffff" "00" "02" "000000b2e6f1853f" "dc2a000000000000" "02");
  CHECK(bytes("min", TypeKind::kInt, ints) == "01" "f9ffffffffffffff");
  CHECK(bytes("max", TypeKind::kDouble, doubles) == "01" "0000000000000240");
  CHECK(bytes("min", TypeKind::kString, texts) == "01" "00");
  CHECK(bytes("max", TypeKind::kString, texts) == "01" "0162");
  CHECK(bytes("last", TypeKind::kInt, ints) ==
        "01" "6700000000000000" "066576656e7473" "03000000" "0300000000000000" "2c01000000000000");
  CHECK(bytes("first", TypeKind::kString, texts) == "01" "6400000000000000" "066576656e7473" "03000000" "0000000000000000" "0162");
  CHECK(bytes("min", TypeKind::kInt, input_of<int64_t>(TypeKind::kInt, {std::nullopt})) == "00");
}

}  // namespace tidemark
