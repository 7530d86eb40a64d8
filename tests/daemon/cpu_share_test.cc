// The ration of a thread: what it may use at once, what it owes, and when it is paid for.
#include "daemon/cpu_share.h"

#include "tests/catch.h"

namespace tidemark {

namespace {

Duration ms(int64_t n) { return Duration::millis(n); }

}  // namespace

TEST_CASE("who was quiet may use what was saved at once, and no more") {
  CpuShare share(0.1, ms(100));
  CHECK(share.rest(ms(0), ms(0)) == ms(0));
  CHECK(share.rest(ms(1'000'000), ms(0)) == ms(0));
  CHECK(share.rest(ms(1'000'000), ms(100)) == ms(0));
  CHECK(share.rest(ms(1'000'000), ms(105)) == ms(50));
}

TEST_CASE("what is owed is paid by time, whether it is rested at once or in parts") {
  CpuShare share(0.1, ms(0));
  CHECK(share.rest(ms(0), ms(0)) == ms(0));
  CHECK(share.rest(ms(10), ms(10)) == ms(90));
  CHECK(share.rest(ms(50), ms(10)) == ms(50));
  CHECK(share.rest(ms(100), ms(10)) == ms(0));
  CHECK(share.rest(ms(100), ms(12)) == ms(20));
}

TEST_CASE("whoever always wants more gets its share in the long run") {
  CpuShare share(0.05, ms(200));
  Duration now, used;
  while (now < Duration::seconds(100)) {
    now = now + ms(1);
    used = used + ms(1);
    now = now + share.rest(now, used);
  }
  CHECK(used <= ms(5'200 + 2));
  CHECK(used >= ms(5'000));
}

TEST_CASE("a thread's CPU time goes on while it works") {
  const Duration before = thread_cpu_time();
  volatile uint64_t sum = 0;
  for (uint64_t i = 0; i < 5'000'000; ++i) sum = sum + i;
  CHECK(thread_cpu_time() > before);
}

}  // namespace tidemark
