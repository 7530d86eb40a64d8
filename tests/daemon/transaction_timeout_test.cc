// How the time that a transaction is given grows, and when it goes back.
#include "daemon/transaction_timeout.h"

#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr Duration kMinute = Duration::minutes(1);

}  // namespace

TEST_CASE("a transaction that timed out is given twice the time, up to what the broker allows") {
  TransactionTimeout timeout(kMinute);
  CHECK(timeout.present() == kMinute);
  for (const int minutes : {2, 4, 8, 15, 15}) {
    timeout.after_attempt(true);
    CHECK(timeout.present() == Duration::minutes(minutes));
  }
  CHECK(timeout.outlasted());
  timeout.after_attempt(false);
  CHECK(timeout.present() == kMinute);
  CHECK_FALSE(timeout.outlasted());
}

TEST_CASE("a timeout that the broker does not allow is not asked for again") {
  TransactionTimeout timeout(kMinute);
  timeout.after_attempt(true);
  timeout.after_attempt(true);
  CHECK(timeout.refused());
  CHECK(timeout.present() == Duration::minutes(2));
  timeout.after_attempt(true);
  CHECK(timeout.present() == Duration::minutes(2));
  CHECK(timeout.outlasted());
}

TEST_CASE("what the plan asks for is the least, whatever is refused or usual") {
  TransactionTimeout timeout(Duration::minutes(20));
  timeout.after_attempt(true);
  CHECK(timeout.present() == Duration::minutes(20));
  CHECK_FALSE(timeout.refused());
}

}  // namespace tidemark
