// Random expressions over random rows: the columnar engine against a reference that goes row by row. The reference is
// built along with the text, as closures written from the language definition, and shares no code with the engine.
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/operators/expr/fixture.h"

namespace tidemark::expr {
namespace {

constexpr uint32_t kRows = 67;

enum class State { kValue, kNull, kError };

struct Val {
  State state = State::kValue;
  bool b = false;
  int64_t i = 0;
  double d = 0;
  std::string s;
};
Val of(bool b) { return {State::kValue, b, 0, 0, {}}; }
Val of(int64_t i) { return {State::kValue, false, i, 0, {}}; }
Val of(double d) { return {State::kValue, false, 0, d, {}}; }
Val of(std::string s) { return {State::kValue, false, 0, 0, std::move(s)}; }
const Val kNullVal{State::kNull, false, 0, 0, {}};
const Val kErrorVal{State::kError, false, 0, 0, {}};

using Fn = std::function<Val(uint32_t)>;

struct Expr {
  std::string text;
  Fn at;
};

// An operator that needs values: null and errors make an error.
Fn strict(Fn a, Fn b, std::function<Val(const Val&, const Val&)> f) {
  return [=](uint32_t row) {
    const Val x = a(row);
    const Val y = b(row);
    if (x.state != State::kValue || y.state != State::kValue) return kErrorVal;
    return f(x, y);
  };
}
Fn strict(Fn a, std::function<Val(const Val&)> f) {
  return strict(a, [](uint32_t) { return of(true); }, [=](const Val& x, const Val&) { return f(x); });
}

Val fit(__int128 v) { return v == static_cast<int64_t>(v) ? of(static_cast<int64_t>(v)) : kErrorVal; }

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), table_(kRows) { fill(); }

  Expr make(TypeKind type, int depth) {
    if (depth <= 0 || chance(10)) return leaf(type);
    if (chance(12)) return ternary(type, depth);
    if (chance(10)) return coalesce(type, depth);
    if (type == TypeKind::kBool) return boolean(depth);
    if (type == TypeKind::kInt) return integer(depth);
    if (type == TypeKind::kDouble) return floating(depth);
    return text(depth);
  }
  TypeKind any_type() {
    return std::vector{TypeKind::kBool, TypeKind::kInt, TypeKind::kDouble, TypeKind::kString}[below(4)];
  }
  const Table& table() const { return table_; }
  std::vector<uint32_t> selection() {
    std::vector<uint32_t> rows;
    const uint32_t keep = 1 + below(4);
    for (uint32_t row = 0; row < kRows; ++row) {
      if (keep == 4 || below(4) < keep) rows.push_back(row);
    }
    return rows;
  }

 private:
  uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }
  bool chance(uint32_t percent) { return below(100) < percent; }

  int64_t some_int() {
    static const std::vector<int64_t> kInts{0, 1, -1, 2, 3, 7, -5, 100, INT64_MAX, INT64_MIN, INT64_MAX - 1,
                                            INT64_MIN + 1,
                                            int64_t{1} << 53, (int64_t{1} << 53) + 1, 3'037'000'500};
    return kInts[below(static_cast<uint32_t>(kInts.size()))];
  }
  double some_double() {
    static const std::vector<double> kDoubles{0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 1e300, 0x1p53, 0x1p63, -0x1p63, 1e-300,
                                              3.0};
    return kDoubles[below(static_cast<uint32_t>(kDoubles.size()))];
  }
  std::string some_text() {
    static const std::vector<std::string> kTexts{"", "a", "b", "ab", "aba", "\xc3\xa9", "12", "-7", "1.5", "purchase"};
    return kTexts[below(static_cast<uint32_t>(kTexts.size()))];
  }

  template <class T, class F>
  std::vector<std::optional<T>> column(bool nullable, F&& f) {
    std::vector<std::optional<T>> values(kRows);
    for (auto& value : values) {
      if (!nullable || !chance(25)) value = f();
    }
    return values;
  }
  template <class T>
  void field(const std::string& name, TypeKind kind, const std::vector<std::optional<T>>& values, bool nullable) {
    table_.add(name, kind, values, nullable);
    fields_[kind].push_back({name, [values](uint32_t row) { return values[row] ? of(*values[row]) : kNullVal; }});
    if (nullable) nullable_.push_back(fields_[kind].back());
  }
  void fill() {
    for (const bool nullable : {false, true}) {
      const std::string suffix = nullable ? "_opt" : "";
      field("i" + suffix, TypeKind::kInt, column<int64_t>(nullable, [&] { return some_int(); }), nullable);
      field("d" + suffix, TypeKind::kDouble, column<double>(nullable, [&] { return some_double(); }), nullable);
      field("s" + suffix, TypeKind::kString, column<std::string>(nullable, [&] { return some_text(); }), nullable);
      field("b" + suffix, TypeKind::kBool, column<bool>(nullable, [&] { return chance(50); }), nullable);
    }
  }

  Expr leaf(TypeKind type) {
    if (chance(70)) {
      const auto& fields = fields_.at(type);
      return fields[below(static_cast<uint32_t>(fields.size()))];
    }
    if (type == TypeKind::kBool) {
      const bool v = chance(50);
      return {v ? "true" : "false", [v](uint32_t) { return of(v); }};
    }
    if (type == TypeKind::kInt) {
      const int64_t v = some_int();
      return {fmt::format("({})", v), [v](uint32_t) { return of(v); }};
    }
    if (type == TypeKind::kDouble) {
      const double v = some_double();
      return {fmt::format("({:.17e})", v), [v](uint32_t) { return of(v); }};
    }
    const std::string v = some_text();
    return {fmt::format("'{}'", v), [v](uint32_t) { return of(v); }};
  }

  Expr ternary(TypeKind type, int depth) {
    const Expr c = make(TypeKind::kBool, depth - 1);
    const Expr a = make(type, depth - 1);
    const Expr b = chance(15) ? Expr{"null", [](uint32_t) { return kNullVal; }} : make(type, depth - 1);
    return {fmt::format("({} ? {} : {})", c.text, a.text, b.text), [=](uint32_t row) {
              const Val v = c.at(row);
              if (v.state != State::kValue) return kErrorVal;
              return v.b ? a.at(row) : b.at(row);
            }};
  }
  Expr coalesce(TypeKind type, int depth) {
    const Expr a = make(type, depth - 1);
    const Expr b = make(type, depth - 1);
    return {fmt::format("coalesce({}, {})", a.text, b.text), [=](uint32_t row) {
              const Val v = a.at(row);
              return v.state == State::kNull ? b.at(row) : v;
            }};
  }

  static bool same(const Val& x, const Val& y) {
    if (x.state == State::kNull || y.state == State::kNull) return x.state == y.state;
    return x.b == y.b && x.i == y.i && x.d == y.d && x.s == y.s;
  }
  Expr equality(int depth) {
    const TypeKind type = any_type();
    const Expr a = make(type, depth - 1);
    const Expr b = make(type, depth - 1);
    const bool equal = chance(50);
    return {fmt::format("({} {} {})", a.text, equal ? "==" : "!=", b.text), [=](uint32_t row) {
              const Val x = a.at(row);
              const Val y = b.at(row);
              if (x.state == State::kError || y.state == State::kError) return kErrorVal;
              return of(same(x, y) == equal);
            }};
  }
  // The extended precision of long double holds every int64 and every double exactly. To a double the greatest int is
  // the one next to it.
  static long double wide(const Val& v, TypeKind type, TypeKind other) {
    if (type != TypeKind::kInt) return v.d;
    const bool greatest = v.i == std::numeric_limits<int64_t>::max();
    return greatest && other == TypeKind::kDouble ? 0x1p63L : static_cast<long double>(v.i);
  }
  Expr order(int depth) {
    const TypeKind ta = chance(50) ? TypeKind::kInt : TypeKind::kDouble;
    const TypeKind tb = chance(50) ? TypeKind::kInt : TypeKind::kDouble;
    const Expr a = make(ta, depth - 1);
    const Expr b = make(tb, depth - 1);
    const uint32_t op = below(6);
    const char* symbol = std::vector{"<", "<=", ">", ">=", "==", "!="}[op];
    const auto compare = [=](const Val& x, const Val& y) {
      const long double p = wide(x, ta, tb);
      const long double q = wide(y, tb, ta);
      return of(op == 0 ? p < q : op == 1 ? p <= q : op == 2 ? p > q : op == 3 ? p >= q : op == 4 ? p == q : p != q);
    };
    const std::string text = fmt::format("({} {} {})", a.text, symbol, b.text);
    if (op < 4) return {text, strict(a.at, b.at, compare)};
    return {text, [=](uint32_t row) {
              const Val x = a.at(row);
              const Val y = b.at(row);
              if (x.state == State::kError || y.state == State::kError) return kErrorVal;
              if (x.state == State::kNull || y.state == State::kNull) return of((x.state == y.state) == (op == 4));
              return compare(x, y);
            }};
  }
  Expr membership(int depth) {
    const TypeKind type = any_type();
    const Expr needle = make(type, depth - 1);
    std::vector<Expr> elements;
    const bool constants = chance(60);
    std::string text;
    for (uint32_t n = below(9); n > 0; --n) {
      elements.push_back(constants ? leaf(type) : make(type, 1));
      text += (text.empty() ? "" : ", ") + elements.back().text;
    }
    return {fmt::format("({} in [{}])", needle.text, text), [=](uint32_t row) {
              const Val x = needle.at(row);
              bool failed = x.state == State::kError;
              bool found = false;
              for (const Expr& e : elements) {
                const Val y = e.at(row);
                failed |= y.state == State::kError;
                if (y.state != State::kError && x.state != State::kError && same(x, y)) found = true;
              }
              return failed ? kErrorVal : of(found);
            }};
  }
  Expr logic(int depth) {
    const Expr a = make(TypeKind::kBool, depth - 1);
    const Expr b = make(TypeKind::kBool, depth - 1);
    const bool is_and = chance(50);
    return {fmt::format("({} {} {})", a.text, is_and ? "&&" : "||", b.text), [=](uint32_t row) {
              const Val x = a.at(row);
              const Val y = b.at(row);
              const auto decides = [&](const Val& v) { return v.state == State::kValue && v.b != is_and; };
              if (decides(x) || decides(y)) return of(!is_and);
              if (x.state != State::kValue || y.state != State::kValue) return kErrorVal;
              return of(is_and);
            }};
  }
  Expr has() {
    const Expr& f = nullable_[below(static_cast<uint32_t>(nullable_.size()))];
    return {fmt::format("has({})", f.text), [at = f.at](uint32_t row) { return of(at(row).state == State::kValue); }};
  }
  Expr guarded(int depth) {
    const Expr h = has();
    const Expr e = make(TypeKind::kBool, depth - 1);
    const bool is_and = chance(50);
    const bool first = chance(50);
    const std::string guard = is_and ? h.text : "!" + h.text;
    const char* op = is_and ? "&&" : "||";
    return {first ? fmt::format("({} {} {})", guard, op, e.text) : fmt::format("({} {} {})", e.text, op, guard),
            [=](uint32_t row) {
              return h.at(row).b ? (e.at(row).state == State::kValue ? e.at(row) : kErrorVal) : of(!is_and);
            }};
  }
  Expr text_test(int depth) {
    const Expr a = make(TypeKind::kString, depth - 1);
    const Expr b = make(TypeKind::kString, depth - 1);
    const uint32_t which = below(3);
    const char* name = std::vector{"contains", "startsWith", "endsWith"}[which];
    return {fmt::format("{}.{}({})", a.text, name, b.text), strict(a.at, b.at, [=](const Val& x, const Val& y) {
              const size_t at = x.s.find(y.s);
              if (which == 0) return of(at != std::string::npos);
              if (which == 1) return of(at == 0);
              return of(x.s.size() >= y.s.size() && x.s.compare(x.s.size() - y.s.size(), y.s.size(), y.s) == 0);
            })};
  }

  Expr boolean(int depth) {
    switch (below(8)) {
      case 0: return equality(depth);
      case 1:
      case 2: return order(depth);
      case 3: return membership(depth);
      case 4: return text_test(depth);
      case 5: return guarded(depth);
      case 6: {
        const Expr a = make(TypeKind::kBool, depth - 1);
        return {fmt::format("!{}", a.text), strict(a.at, [](const Val& x) { return of(!x.b); })};
      }
      default: return logic(depth);
    }
  }
  Expr integer(int depth) {
    if (chance(10)) {
      const Expr a = make(TypeKind::kString, depth - 1);
      return {fmt::format("size({})", a.text), strict(a.at, [](const Val& x) {
                int64_t n = 0;
                for (const char c : x.s) n += (c & 0xc0) != 0x80 ? 1 : 0;
                return of(n);
              })};
    }
    if (chance(10)) {
      const Expr a = make(TypeKind::kDouble, depth - 1);
      return {fmt::format("int({})", a.text), strict(a.at, [](const Val& x) {
                if (!(std::fabs(x.d) < 9223372036854775808.0)) return kErrorVal;
                return of(static_cast<int64_t>(std::trunc(x.d)));
              })};
    }
    const Expr a = make(TypeKind::kInt, depth - 1);
    if (chance(12)) {
      return {fmt::format("(-{})", a.text),
              strict(a.at, [](const Val& x) { return fit(-static_cast<__int128>(x.i)); })};
    }
    const Expr b = make(TypeKind::kInt, depth - 1);
    const char op = "+-*/%"[below(5)];
    return {fmt::format("({} {} {})", a.text, op, b.text), strict(a.at, b.at, [=](const Val& x, const Val& y) {
              const __int128 p = x.i;
              const __int128 q = y.i;
              if (op == '+') return fit(p + q);
              if (op == '-') return fit(p - q);
              if (op == '*') return fit(p * q);
              if (q == 0 || (op == '%' && p == INT64_MIN && q == -1)) return kErrorVal;
              return fit(op == '/' ? p / q : p % q);
            })};
  }
  Expr floating(int depth) {
    if (chance(20)) {
      const Expr a = make(TypeKind::kInt, depth - 1);
      return {fmt::format("double({})", a.text),
              strict(a.at, [](const Val& x) { return of(static_cast<double>(x.i)); })};
    }
    const Expr a = make(TypeKind::kDouble, depth - 1);
    const Expr b = make(TypeKind::kDouble, depth - 1);
    const char op = "+-*"[below(3)];
    return {fmt::format("({} {} {})", a.text, op, b.text), strict(a.at, b.at, [=](const Val& x, const Val& y) {
              return of(op == '+' ? x.d + y.d : op == '-' ? x.d - y.d : x.d * y.d);
            })};
  }
  Expr text(int depth) {
    if (chance(30)) {
      const Expr a = make(TypeKind::kInt, depth - 1);
      return {fmt::format("string({})", a.text), strict(a.at, [](const Val& x) { return of(std::to_string(x.i)); })};
    }
    const Expr a = make(TypeKind::kString, depth - 1);
    const Expr b = make(TypeKind::kString, depth - 1);
    return {fmt::format("({} + {})", a.text, b.text),
            strict(a.at, b.at, [](const Val& x, const Val& y) { return of(x.s + y.s); })};
  }

  std::mt19937_64 random_;
  Table table_;
  std::map<TypeKind, std::vector<Expr>> fields_;
  std::vector<Expr> nullable_;
};

std::string render(const Val& v, TypeKind type) {
  if (v.state == State::kError) return "error";
  if (v.state == State::kNull) return "null";
  if (type == TypeKind::kBool) return v.b ? "true" : "false";
  if (type == TypeKind::kInt) return std::to_string(v.i);
  if (type == TypeKind::kDouble) return std::isnan(v.d) ? "nan" : fmt::format("{}", v.d);
  return "'" + v.s + "'";
}

// The outcomes as the reference renders them.
std::vector<std::string> plain(std::vector<std::string> rows) {
  for (std::string& row : rows) {
    if (row.starts_with("error: ")) row = "error";
    if (row == "-nan") row = "nan";
  }
  return rows;
}

TEST_CASE("random expressions agree with a row-by-row reference, by columns and row by row") {
  uint64_t errors = 0;
  uint64_t nulls = 0;
  uint64_t infallible = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    Generator generator(seed);
    const TypeKind type = generator.any_type();
    const Expr expr = generator.make(type, 1 + static_cast<int>(seed % 6));
    const auto rows = generator.selection();
    const Outcome got = run(expr.text, generator.table(), rows);
    std::vector<std::string> expected(kRows, "-");
    for (const uint32_t row : rows) {
      expected[row] = render(expr.at(row), type);
      errors += expected[row] == "error";
      nulls += expected[row] == "null";
    }
    INFO("seed " << seed << ": " << expr.text);
    REQUIRE(plain(got.rows) == expected);
    // What a macro stands around has no columns.
    const Outcome by_row = run("cel.bind(unused, 0, " + expr.text + ")", generator.table(), rows);
    REQUIRE(plain(by_row.rows) == expected);
    if (!got.fallible) {
      ++infallible;
      REQUIRE(got.errors.empty());
    }
  }
  // The comparison means something only where all outcomes occur.
  CHECK(errors > 1'000);
  CHECK(nulls > 1'000);
  CHECK(infallible > 200);
}

}  // namespace
}  // namespace tidemark::expr
