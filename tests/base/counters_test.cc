// Every counter of a struct is summed, and only structs of nothing but counters have sums.
#include "base/counters.h"

#include "tests/catch.h"

namespace tidemark {
namespace {

struct Three {
  uint64_t a = 0;
  uint64_t b = 0;
  uint64_t c = 0;
};
template <class T>
struct With {
  uint64_t a = 0;
  T b = {};
};
struct WithTwo {
  uint64_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
};

TEST_CASE("every counter of a struct is summed") {
  Three sum{1, 2, 3};
  add_counters(sum, {10, 20, 30});
  CHECK(sum.a == 11);
  CHECK(sum.b == 22);
  CHECK(sum.c == 33);
}

TEST_CASE("only structs of nothing but counters have sums") {
  STATIC_REQUIRE(Counters<Three>);
  STATIC_REQUIRE(Counters<With<uint64_t>>);
  STATIC_REQUIRE_FALSE(Counters<With<int64_t>>);
  STATIC_REQUIRE_FALSE(Counters<With<double>>);
  STATIC_REQUIRE_FALSE(Counters<With<bool>>);
  STATIC_REQUIRE_FALSE(Counters<WithTwo>);
}

}  // namespace
}  // namespace tidemark
