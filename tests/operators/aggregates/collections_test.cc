// What the aggregates with lists, bounds and sketches answer: their results as rows show them, their bounds and their
// errors, and that a hot key does not grow its memory for ever.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "operators/aggregates/aggregate.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One aggregate over rows of one partition; the row's number is its offset, its event time falls.
class Subject {
 public:
  Subject(std::string_view name, std::vector<Type> columns, std::vector<std::vector<double>> parameters)
      : columns_(std::move(columns)) {
    topics_.number_of("t");
    const AggregateFunction* function = find_aggregate_function(name);
    for (size_t i = parameters.size(); i < function->parameters.size(); ++i) {
      parameters.push_back({*function->parameters[i].otherwise});
    }
    auto made = function->make({columns_, parameters, topics_});
    REQUIRE(made.has_value());
    aggregate_ = std::move(*made);
    state_.resize(aggregate_->state_size());
    aggregate_->create(state_.data());
  }
  template <class T>
  void add(const std::vector<T>& values, const std::vector<int64_t>& by = {}) {
    Batch batch;
    Column arg, second;
    arg.reset(columns_[0], values.size());
    second.reset(TypeKind::kInt, by.size());
    std::vector<uint32_t> rows;
    for (size_t i = 0; i < values.size(); ++i) {
      set(arg, i, values[i]);
      if (!by.empty()) set(second, i, by[i]);
      batch.event_times.push_back({-static_cast<int64_t>(next_)});
      batch.offsets.push_back(next_++);
      rows.push_back(static_cast<uint32_t>(i));
    }
    batch.rows = static_cast<uint32_t>(values.size());
    const std::vector<std::byte*> states(values.size(), state_.data());
    aggregate_->add({batch, rows, states, heap_, &arg, by.empty() ? nullptr : &second});
  }
  void merge(const Subject& other) { aggregate_->merge(state_.data(), other.state_.data(), heap_); }
  // Empty where it is null; `refused` where it cannot be given.
  std::string text() {
    const Column out = result();
    if (!given_) return "refused";
    if (!out.valid[0]) return "";
    if (!out.strings.empty()) return std::string(out.strings[0]);
    return out.ints.empty() ? std::to_string(out.doubles[0]) : std::to_string(out.ints[0]);
  }
  double number() {
    const Column out = result();
    REQUIRE(out.valid[0]);
    return out.ints.empty() ? out.doubles[0] : static_cast<double>(out.ints[0]);
  }
  std::string encoded() const {
    std::string bytes;
    aggregate_->encode(state_.data(), bytes);
    return bytes;
  }
  Arena& heap() { return heap_; }

 private:
  static void set(Column& c, size_t i, double v) { c.valid[i] = 1, c.doubles[i] = v; }
  static void set(Column& c, size_t i, int64_t v) { c.valid[i] = 1, c.ints[i] = v; }
  static void set(Column& c, size_t i, std::string_view v) { c.valid[i] = 1, c.strings[i] = v; }
  Column result() {
    Column out;
    out.reset(aggregate_->result_type(), 1);
    given_ = aggregate_->result(state_.data(), out, 0, results_);
    return out;
  }

  TopicTable topics_;
  std::vector<Type> columns_;
  std::unique_ptr<const Aggregate> aggregate_;
  std::vector<std::byte> state_;
  Arena heap_;
  Arena results_;
  int64_t next_ = 0;
  bool given_ = false;
};

using Texts = std::vector<std::string_view>;
using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("distinct counts equal values once, and gives up beyond its bound") {
  Subject texts("distinct", {TypeKind::kString}, {});
  texts.add(Texts{"a", "b", "a", "", "a text that is longer than most", "b"});
  CHECK(texts.text() == "4");
  Subject doubles("distinct", {TypeKind::kDouble}, {});
  doubles.add(Doubles{0.0, -0.0, kNan, -kNan, 1.5});
  CHECK(doubles.text() == "3");
  Subject bounded("distinct", {TypeKind::kInt}, {{100}});
  for (int64_t i = 0; i < 100; ++i) bounded.add(Ints{i, i});
  CHECK(bounded.text() == "100");
  bounded.add(Ints{100});
  CHECK(bounded.text() == "refused");
  Subject other("distinct", {TypeKind::kInt}, {{100}});
  other.merge(bounded);
  CHECK(other.text() == "refused");
}

TEST_CASE("top_k lists the most frequent first, ties by value") {
  Subject texts("top_k", {TypeKind::kString}, {{2}});
  texts.add(Texts{"b", "quo\"te", "a", "b", "quo\"te", "c"});
  CHECK(texts.text() == R"([{"value":"b","count":2},{"value":"quo\"te","count":2}])");
  Subject ints("top_k", {TypeKind::kInt}, {{3}, {4}});
  ints.add(Ints{9, -1, 9, 3});
  CHECK(ints.text() == R"([{"value":9,"count":2},{"value":-1,"count":1},{"value":3,"count":1}])");
  ints.add(Ints{4, 5});
  CHECK(ints.text() == "refused");
  Subject nothing("top_k", {TypeKind::kInt}, {{3}});
  CHECK(nothing.text().empty());
}

TEST_CASE("approx_top_k finds what is frequent among more values than it may keep, in bounded memory") {
  constexpr int64_t kRows = 200'000;
  constexpr int64_t kBound = 100;
  Subject a("approx_top_k", {TypeKind::kString}, {{3}, {kBound}});
  Subject b("approx_top_k", {TypeKind::kString}, {{3}, {kBound}});
  std::mt19937_64 random(3);
  std::vector<std::string> kept;
  for (int64_t i = 0; i < kRows / 100; ++i) {
    kept.clear();
    for (int k = 0; k < 100; ++k) kept.push_back(k < 30 ? "frequent" : k < 45 ? "second" : "rare value number " + std::to_string(random()));
    (i % 2 ? a : b).add(Texts(kept.begin(), kept.end()));
  }
  a.merge(b);
  const std::string got = a.text();
  INFO(got);
  REQUIRE(got.starts_with(R"([{"value":"frequent","count":)"));
  const int64_t frequent = std::stoll(got.substr(got.find("count") + 7));
  CHECK(frequent <= kRows * 30 / 100);
  CHECK(frequent >= kRows * 30 / 100 - kRows / (kBound / 2));
  CHECK(got.find("second") != std::string::npos);
  CHECK(a.heap().bytes_used() < 64 * 1024);
}

TEST_CASE("list keeps the first by event time, and the room of what it drops serves again") {
  Subject list("list", {TypeKind::kString}, {{3}});
  list.add(Texts{"four", "three", "two", "one"});  // event times fall
  CHECK(list.text() == R"(["one","two","three"])");
  const std::string longest(500, 'x');
  for (size_t i = 0; i < 50'000; ++i) list.add(Texts{std::string_view(longest).substr(i % 400)});
  CHECK(list.heap().bytes_used() < 4096);
  Subject times("list", {TypeKind::kTimestamp}, {{3}});
  times.add(Ints{1'500'000});
  CHECK(times.text() == R"(["1970-01-01T00:00:01.500Z"])");
}

TEST_CASE("arg_min and arg_max answer with the first row in event order where `by` ties") {
  Subject least("arg_min", {TypeKind::kString, TypeKind::kInt}, {});
  Subject greatest("arg_max", {TypeKind::kString, TypeKind::kInt}, {});
  for (Subject* s : {&least, &greatest}) s->add(Texts{"a", "b", "c", "d"}, {5, 1, 5, 1});  // event times fall
  CHECK(least.text() == "d");
  CHECK(greatest.text() == "c");
}

TEST_CASE("histogram counts up to and with each bound") {
  Subject doubles("histogram", {TypeKind::kDouble}, {{1.0, 2.5}});
  doubles.add(Doubles{-kInfinity, 1.0, 1.1, 2.5, 2.6, kNan, kInfinity});
  CHECK(doubles.text() == "[2,2,3]");
  Subject ints("histogram", {TypeKind::kInt}, {{-1.5, 0.5, 3.0}});
  ints.add(Ints{-2, -1, 0, 1, 3, 4, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()});
  CHECK(ints.text() == "[2,2,2,2]");
  Subject nothing("histogram", {TypeKind::kInt}, {{1.0}});
  CHECK(nothing.text().empty());
}

TEST_CASE("approx_distinct keeps to its standard error, and is exact for a few") {
  std::mt19937_64 random(11);
  for (const size_t n : {1UL, 10UL, 300UL, 768UL}) {
    Subject few("approx_distinct", {TypeKind::kInt}, {});
    for (size_t i = 0; i < n; ++i) few.add(Ints{static_cast<int64_t>(i), static_cast<int64_t>(i)});
    CHECK(few.number() == static_cast<double>(n));
  }
  for (const size_t n : {800UL, 3'000UL, 20'000UL, 200'000UL}) {
    double squares = 0;
    constexpr int kRounds = 30;
    for (int round = 0; round < kRounds; ++round) {
      Subject a("approx_distinct", {TypeKind::kInt}, {});
      Subject b("approx_distinct", {TypeKind::kInt}, {});
      Ints values(n);
      for (auto& v : values) v = static_cast<int64_t>(random());
      a.add(Ints(values.begin(), values.begin() + static_cast<ptrdiff_t>(n / 2)));
      b.add(Ints(values.begin() + static_cast<ptrdiff_t>(n / 3), values.end()));
      a.merge(b);
      const double error = a.number() / static_cast<double>(n) - 1;
      squares += error * error;
    }
    INFO(n);
    CHECK(std::sqrt(squares / kRounds) < 0.016);
  }
}

TEST_CASE("quantiles are within their error of the value at the rank, whatever the values") {
  std::mt19937_64 random(5);
  for (const double error : {0.1, 0.01, 0.001}) {
    for (const double q : {0.0, 0.05, 0.5, 0.95, 0.999, 1.0}) {
      Subject sketch("quantile", {TypeKind::kDouble}, {{q}, {error}});
      Doubles values;
      for (int i = 0; i < 2000; ++i) {
        const double mantissa = static_cast<double>(static_cast<int64_t>(random())) * 0x1p-63;
        const int exponent = i % 10 == 0 ? static_cast<int>(random() % 2000) - 1000 : static_cast<int>(random() % 30);
        values.push_back(std::ldexp(mantissa, exponent));
      }
      values.insert(values.end(), {0.0, -0.0, 5e-324, 1e-310, std::numeric_limits<double>::max()});
      sketch.add(values);
      std::ranges::sort(values);
      const double exact = values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
      INFO(q << " within " << error);
      CHECK(std::fabs(sketch.number() - exact) <= error * std::fabs(exact));
    }
  }
}

TEST_CASE("quantiles of what is no ordinary number") {
  const auto at = [](double q, const Doubles& values) {
    Subject sketch("quantile", {TypeKind::kDouble}, {{q}});
    sketch.add(values);
    return sketch.number();
  };
  const Doubles all{kNan, kInfinity, -kInfinity, 0.0, 7.0};
  CHECK(at(0.0, all) == -kInfinity);
  CHECK(at(0.25, all) == 0.0);
  CHECK(at(0.75, all) == kInfinity);
  CHECK(std::isnan(at(1.0, all)));
  CHECK(at(0.5, {1.0, 1.0}) == Approx(1.0).epsilon(0.01));
  Subject durations("quantile", {TypeKind::kDuration}, {{1.0}});
  durations.add(Ints{1'000'000'000, std::numeric_limits<int64_t>::max()});
  CHECK(durations.number() > 9.1e18);
  Subject ints("quantile", {TypeKind::kInt}, {{0.5}});
  ints.add(Ints{-1000, 0, 1000});
  CHECK(ints.number() == 0);
}

TEST_CASE("a sketch whose values are the same takes no memory for more of them") {
  Subject sketch("quantile", {TypeKind::kDouble}, {{0.5}});
  Subject unique("approx_distinct", {TypeKind::kInt}, {});
  for (int64_t i = 0; i < 100'000; ++i) {
    sketch.add(Doubles{1.0 + static_cast<double>(i % 1000)});
    unique.add(Ints{i});
  }
  CHECK(sketch.heap().bytes_used() < 12 * 1024);
  CHECK(unique.heap().bytes_used() <= 16 * 1024);
  CHECK(sketch.encoded().size() < 3 * 1024);
  CHECK(unique.encoded().size() == 1 + 6 * 1024);
}

}  // namespace tidemark
