// The one law of all aggregates: whatever the order, the splits, the merges and the trips through bytes, the result is
// the same to the bit. And what each of them answers, refuses and writes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "operators/aggregates/aggregate.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

const std::vector<TypeKind> kKinds = {TypeKind::kBool,   TypeKind::kInt,   TypeKind::kUint,      TypeKind::kDouble,
                                      TypeKind::kString, TypeKind::kBytes, TypeKind::kTimestamp, TypeKind::kDuration};

// Rows of several topics and partitions, and the argument columns of each batch.
struct Input {
  std::unique_ptr<Batch> batch;
  Column arg;
  Column by;
};

// A call as the planner hands it on.
struct Call {
  std::string_view name;
  std::vector<Type> columns;
  std::vector<std::vector<double>> parameters;
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

Input random_input(Rng& rng, const Type& type, const Type& by, const std::vector<uint32_t>& topics, int64_t& next_offset) {
  Input in;
  in.batch = std::make_unique<Batch>();
  in.batch->rows = static_cast<uint32_t>(rng.below(6));
  in.batch->topic = topics[rng.below(topics.size())];
  in.batch->partition = static_cast<int32_t>(rng.below(3));
  in.arg.reset(type, in.batch->rows);
  in.by.reset(by, in.batch->rows);
  for (uint32_t i = 0; i < in.batch->rows; ++i) {
    in.batch->event_times.push_back({static_cast<int64_t>(rng.below(4))});  // many ties
    in.batch->offsets.push_back(next_offset++);
    set_random(rng, in.arg, i);
    set_random(rng, in.by, i);
  }
  return in;
}

// Rows behind a window: their places are bytes, which keep the order of their offsets, but are of different lengths.
void make_results(Batch& batch) {
  for (const int64_t offset : batch.offsets) {
    std::string place(8, '\0');
    for (size_t i = 0; i < 8; ++i) place[i] = static_cast<char>(offset >> (56 - 8 * i));
    batch.places.push_back(batch.arena.copy(place.append(static_cast<size_t>(offset % 40), 'p')));
  }
  batch.offsets.clear();
  batch.partition = -1;
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
void add(const Aggregate& a, const Input& in, std::optional<uint32_t> row, State& state, Arena& heap, bool with_arg = true) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < in.batch->rows; ++i) {
    if (!row || *row == i) rows.push_back(i);
  }
  const std::vector<std::byte*> states(rows.size(), state.data());
  a.add({*in.batch, rows, states, heap, with_arg ? &in.arg : nullptr, in.by.valid.empty() ? nullptr : &in.by});
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
    add(a, inputs[i], r, parts[rng.below(parts.size())], heap, with_arg);
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

std::vector<std::vector<double>> usual_parameters(const AggregateFunction& f) {
  std::vector<std::vector<double>> out;
  for (const AggregateParameter& p : f.parameters) {
    if (p.list) {
      out.push_back({-1.0, 0.1, 77.0});
    } else {
      out.push_back({p.otherwise ? *p.otherwise : p.whole ? p.least + 2 : (p.least + p.most) / 2});
    }
  }
  return out;
}

std::unique_ptr<const Aggregate> make(const Call& call, const TopicTable& topics) {
  const AggregateFunction* f = find_aggregate_function(call.name);
  REQUIRE(f != nullptr);
  auto made = f->make({call.columns, call.parameters, topics});
  return made ? std::move(*made) : nullptr;
}

std::unique_ptr<const Aggregate> make(std::string_view name, std::optional<Type> arg, const TopicTable& topics) {
  Call call{name, {}, usual_parameters(*find_aggregate_function(name))};
  if (arg) call.columns.push_back(*arg);
  while (call.columns.size() < find_aggregate_function(name)->columns_min) call.columns.push_back(TypeKind::kInt);
  return make(call, topics);
}

// Every function with every type, with the usual numbers and with bounds so narrow that they are met.
std::vector<Call> all_calls() {
  std::vector<Call> calls = {{"count", {}, {}}};
  for (const AggregateFunction& f : aggregate_functions()) {
    auto narrow = usual_parameters(f);
    for (size_t i = 0; i < narrow.size(); ++i) {
      if (f.parameters[i].whole && f.parameters[i].otherwise) narrow[i] = {f.parameters[i].least + 2};
    }
    for (const TypeKind kind : kKinds) {
      std::vector<Type> columns{kind};
      for (const TypeKind by : f.columns == 2 ? kKinds : std::vector<TypeKind>{TypeKind::kInt}) {
        if (f.columns == 2) columns = {kind, by};
        calls.push_back({f.name, columns, usual_parameters(f)});
        // Beyond its bound approx_top_k is outside of the law, and says so.
        if (narrow != usual_parameters(f) && f.name != "approx_top_k") calls.push_back({f.name, columns, narrow});
      }
    }
  }
  return calls;
}

// Bytes that nobody wrote are refused, or are some state to work with: never more than that.
void check_mutations(Rng& rng, const Aggregate& a, const std::string& bytes) {
  for (int i = 0; i < 20 && !bytes.empty(); ++i) {
    std::string mutated = bytes;
    for (uint64_t n = 1 + rng.below(4); n > 0; --n) mutated[rng.below(mutated.size())] = static_cast<char>(rng.below(256));
    const std::unique_ptr<char[]> exact(new char[mutated.size()]);  // so that a read behind the end is seen
    std::copy(mutated.begin(), mutated.end(), exact.get());
    Arena heap;
    State state = blank(a);
    ByteReader in({exact.get(), mutated.size()});
    if (!a.decode(in, state.data(), heap)) continue;
    REQUIRE(heap.bytes_used() <= (2 << 20) + 256 * mutated.size());  // a sketch's room is bounded, not its bytes'
    State other = blank(a);
    a.merge(other.data(), state.data(), heap);
    a.merge(other.data(), state.data(), heap);
    (void)bits_of(a, other.data());
    std::string again;
    a.encode(other.data(), again);
  }
}

// What is taken back leaves no trace: not in the result, and not in what is merged later. Answers whether it could be.
bool check_retraction(Rng& rng, const Aggregate& a, const std::vector<Input>& inputs, bool with_arg) {
  Arena heap;
  State parts[3] = {blank(a), blank(a), blank(a)};
  for (const Input& in : inputs) {
    for (uint32_t r = 0; r < in.batch->rows; ++r) add(a, in, r, parts[rng.below(3)], heap, with_arg);
  }
  State total = blank(a);
  a.merge(total.data(), parts[0].data(), heap);
  a.merge(total.data(), parts[1].data(), heap);
  if (!a.retract(total.data(), parts[0].data())) return false;
  REQUIRE(bits_of(a, total.data()) == bits_of(a, parts[1].data()));
  State both = blank(a);
  a.merge(both.data(), parts[1].data(), heap);
  a.merge(both.data(), parts[2].data(), heap);
  a.merge(total.data(), parts[2].data(), heap);
  REQUIRE(bits_of(a, total.data()) == bits_of(a, both.data()));
  return true;
}

// Answers whether merges of that seed could be taken back.
bool check_law(const Aggregate& a, const Call& call, const std::vector<uint32_t>& topics, uint64_t seed) {
  Rng rng{std::mt19937_64(seed)};
  int64_t next_offset = 0;
  const bool with_arg = !call.columns.empty();
  const Type type = with_arg ? call.columns[0] : Type(TypeKind::kInt);
  const Type by = call.columns.size() > 1 ? call.columns[1] : Type(TypeKind::kInt);
  std::vector<Input> inputs;
  for (uint64_t n = rng.below(8); n > 0; --n) inputs.push_back(random_input(rng, type, by, topics, next_offset));
  if (seed % 3 == 0) {
    for (Input& in : inputs) make_results(*in.batch);
  }
  Arena heap;
  State plain = blank(a);
  for (const Input& in : inputs) add(a, in, std::nullopt, plain, heap, with_arg);
  const std::string expected = bits_of(a, plain.data());
  INFO(a.name() << " of " << to_string(type) << " seed " << seed);
  for (int i = 0; i < 5; ++i) REQUIRE(shuffled_result(rng, a, inputs, with_arg) == expected);
  std::string bytes;
  a.encode(plain.data(), bytes);
  for (size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 100) {
    State state(a.state_size());
    ByteReader cut(std::string_view(bytes).substr(0, n));
    REQUIRE_FALSE(a.decode(cut, state.data(), heap));
  }
  check_mutations(rng, a, bytes);
  return check_retraction(rng, a, inputs, with_arg);
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
  add(a, in, std::nullopt, state, heap, with_arg);
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
  std::map<std::string_view, size_t> checked;
  for (const Call& call : all_calls()) {
    const auto a = make(call, topics);
    if (!a) continue;
    ++checked[call.name];
    uint64_t retracted = 0;
    for (uint64_t seed = 1; seed <= (call.columns.size() > 1 ? 20 : 150); ++seed) {
      retracted += check_law(*a, call, numbers, seed);
    }
    INFO(call.name);
    CHECK((retracted > 0) == a->retracts());
  }
  for (const AggregateFunction& f : aggregate_functions()) {
    INFO(f.name);
    CHECK(checked[f.name] >= 2);
  }
}

TEST_CASE("calls that differ only in what their results go by keep the same state") {
  TopicTable topics;
  const std::vector<uint32_t> numbers = {topics.number_of("t")};
  size_t checked = 0;
  for (const AggregateFunction& f : aggregate_functions()) {
    for (size_t p = 0; p < f.parameters.size(); ++p) {
      if (!f.parameters[p].reads_only) continue;
      Call call{f.name, {TypeKind::kDouble}, usual_parameters(f)};
      const auto one = make(call, topics);
      call.parameters[p] = {f.parameters[p].most};
      const auto other = make(call, topics);
      REQUIRE(one->state_size() == other->state_size());
      for (uint64_t seed = 1; seed <= 50; ++seed) {
        Rng rng{std::mt19937_64(seed)};
        int64_t next_offset = 0;
        const Input in = random_input(rng, TypeKind::kDouble, TypeKind::kInt, numbers, next_offset);
        Arena heap;
        State a = blank(*one), b = blank(*other);
        add(*one, in, std::nullopt, a, heap);
        add(*other, in, std::nullopt, b, heap);
        CHECK(bits_of(*other, a.data()) == bits_of(*other, b.data()));
        std::string bytes, others;
        one->encode(a.data(), bytes);
        other->encode(b.data(), others);
        CHECK(bytes == others);
        ++checked;
      }
    }
  }
  CHECK(checked >= 50);
}

TEST_CASE("state sizes are multiples of eight and everything over nothing is null, but counts") {
  TopicTable topics;
  topics.number_of("t");
  for (const AggregateFunction& f : aggregate_functions()) {
    const auto a = make(f.name, TypeKind::kInt, topics);
    REQUIRE(a);
    CHECK(a->state_size() % 8 == 0);
    Input none = input_of<int64_t>(TypeKind::kInt, {std::nullopt, std::nullopt});
    none.by.reset(TypeKind::kInt, 2);
    const Answer nulls = answer(*a, none);
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
    add(*aggregate, a, std::nullopt, state, heap);
    add(*aggregate, b, std::nullopt, state, heap);
    Column out;
    out.reset(TypeKind::kInt, 1);
    REQUIRE(aggregate->result(state.data(), out, 0, heap));
    CHECK(out.ints[0] == expected);
  }
}

TEST_CASE("argument types that make no sense are refused by name") {
  TopicTable topics;
  const auto message = [&](std::string_view name, Type type) {
    const AggregateFunction& f = *find_aggregate_function(name);
    const auto parameters = usual_parameters(f);
    const auto made = f.make({std::span<const Type>(&type, 1), parameters, topics});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().fault == Fault::kUser);
    return made.error().message;
  };
  CHECK(message("sum", TypeKind::kString) == "sum(x) takes int, uint, double or duration, not string");
  CHECK(message("avg", TypeKind::kDuration) == "avg(x) takes int, uint or double, not duration");
  CHECK(message("variance", TypeKind::kDuration) == "variance(x) takes int, uint or double, not duration");
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
    add(*last, in, std::nullopt, state, heap);
  }
  CHECK(heap.bytes_used() <= 4096);
}

TEST_CASE("of results first and last go by event time, then by their places, and keep no more than they need") {
  TopicTable topics;
  const auto first = make("first", TypeKind::kInt, topics);
  const auto last = make("last", TypeKind::kInt, topics);
  Arena heap;
  State of_first = blank(*first), of_last = blank(*last);
  for (int64_t i = 0; i < 100'000; ++i) {
    Input in = input_of<int64_t>(TypeKind::kInt, {i, -1});
    in.batch->offsets = {2 * i, 2 * i + 1};
    in.batch->event_times = {Time{7}, Time{6}};
    make_results(*in.batch);
    add(*first, in, 0, of_first, heap);
    add(*last, in, std::nullopt, of_last, heap);
  }
  CHECK(heap.bytes_used() <= 4096);
  Column out;
  Arena arena;
  out.reset(TypeKind::kInt, 2);
  CHECK(first->result(of_first.data(), out, 0, arena));
  CHECK(last->result(of_last.data(), out, 1, arena));
  CHECK(out.ints == std::vector<int64_t>{0, 99'999});
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
  auto results = input_of<int64_t>(TypeKind::kInt, {5, -7, std::nullopt, 300});
  make_results(*results.batch);
  CHECK(bytes("last", TypeKind::kInt, results) ==
        "01" "6700000000000000" "0b" "0000000000000003707070" "00000080" "0000000000000000" "2c01000000000000");
  CHECK(bytes("first", TypeKind::kString, texts) == "01" "6400000000000000" "066576656e7473" "03000000" "0000000000000000" "0162");
  CHECK(bytes("min", TypeKind::kInt, input_of<int64_t>(TypeKind::kInt, {std::nullopt})) == "00");
  CHECK(bytes("variance", TypeKind::kInt, ints) ==
        "2a01000000000000" "0000000000000000" "03" "da5f010000000000" "0000000000000000" "0000000000000000");
  CHECK(bytes("stddev", TypeKind::kDouble, input_of<double>(TypeKind::kDouble, {0.5, 1e-300})).size() > 2 * 80);
  Input pairs = input_of<int64_t>(TypeKind::kInt, {5, 7});
  pairs.by = input_of<std::string_view>(TypeKind::kString, {"b", "a"}).arg;
  const Call arg_min{"arg_min", {TypeKind::kInt, TypeKind::kString}, {}};
  CHECK(hex(answer(*make(arg_min, topics), pairs).bytes) ==
        "01" "0161" "6500000000000000" "066576656e7473" "03000000" "0100000000000000" "0700000000000000");
  const Call list{"list", {TypeKind::kString}, {{2}}};
  CHECK(hex(answer(*make(list, topics), texts).bytes) ==
        "02" "6500000000000000" "066576656e7473" "03000000" "0100000000000000" "03616263"
        "6400000000000000" "066576656e7473" "03000000" "0000000000000000" "0162");
  CHECK(bytes("distinct", TypeKind::kString, texts) == "00" "03" "0162" "03616263" "00");
  CHECK(hex(answer(*make({"distinct", {TypeKind::kString}, {{2}}}, topics), texts).bytes) == "01" "00");
  CHECK(bytes("top_k", TypeKind::kInt, input_of<int64_t>(TypeKind::kInt, {5, 7, 5})) ==
        "00" "02" "0500000000000000" "02" "0700000000000000" "01");
  CHECK(bytes("approx_top_k", TypeKind::kString, texts) == "00" "03" "0162" "01" "03616263" "01" "00" "01");
  CHECK(bytes("histogram", TypeKind::kInt, ints) == "01" "00" "01" "01");
  CHECK(bytes("approx_distinct", TypeKind::kInt, ints) == "04" "0161bfb6" "c2519bfd" "02329cdb");
  CHECK(bytes("approx_distinct", TypeKind::kString, texts) == "04" "020b5a57" "825faf78" "0480062d");
  CHECK(bytes("quantile", TypeKind::kDouble, doubles) == "02" "c3b10c" "01" "8801" "01");
}

}  // namespace tidemark
