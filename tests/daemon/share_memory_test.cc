// How the budget is shared out: never more than there is, and the caps of large budgets.
#include <cstdint>

#include "daemon/service.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr uint64_t kMiB = 1 << 20;

uint64_t sum(const MemoryPlan& plan, size_t pipelines) {
  const MemoryShares& each = plan.each;
  const uint64_t of_one = each.state_bytes + each.sink_wait_bytes + each.channel_bytes +
                          static_cast<uint64_t>(each.consumer_queue_bytes + each.producer_queue_bytes);
  return plan.cache_bytes + plan.memtable_bytes + of_one * pipelines;
}

}  // namespace

TEST_CASE("the shares never come to more than nine tenths of the budget") {
  for (const uint64_t budget : {16 * kMiB, 48 * kMiB, 512 * kMiB, 4096 * kMiB, 1'048'576 * kMiB}) {
    for (const size_t pipelines : {1, 2, 7, 100}) {
      CAPTURE(budget, pipelines);
      CHECK(sum(share_memory(budget, pipelines), pipelines) <= budget / 10 * 9);
    }
  }
}

TEST_CASE("queues do not grow with the machine, keyed state does") {
  const MemoryPlan small = share_memory(4096 * kMiB, 1);
  const MemoryPlan large = share_memory(65536 * kMiB, 1);
  CHECK(large.each.consumer_queue_bytes == small.each.consumer_queue_bytes);
  CHECK(large.each.producer_queue_bytes == small.each.producer_queue_bytes);
  CHECK(large.each.channel_bytes == small.each.channel_bytes);
  CHECK(large.memtable_bytes == small.memtable_bytes);
  CHECK(large.cache_bytes == small.cache_bytes);
  CHECK(large.each.state_bytes == 65536 * kMiB / 20 * 9);
}

}  // namespace tidemark
