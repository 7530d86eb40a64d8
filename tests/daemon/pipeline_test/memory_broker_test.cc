// The Kafka in memory: what is seen of transactions and offsets, and that the dead get nothing done.
#include "daemon/pipeline_test/memory_broker.h"

#include "tests/catch.h"

namespace tidemark {
namespace {

using Answer = MemoryBroker::Answer;

const TopicPartition kFirst{"t", 0}, kSecond{"t", 1};

MemoryRecord record_at(int64_t offset) {
  MemoryRecord record;
  record.offset = offset;
  return record;
}

WrittenRecord row(const std::string& value) {
  WrittenRecord row;
  row.topic = "out";
  row.value = value;
  return row;
}

}  // namespace

TEST_CASE("rows and offsets of a transaction are seen together or never") {
  MemoryBroker broker({kFirst, kSecond}, 1);
  const uint64_t epoch = broker.init_transactions("id");
  CHECK(broker.write_in_transaction("id", epoch, row("a")) == Answer::kDone);
  CHECK(broker.add_offsets("id", epoch, {{kFirst, 3, "m"}}) == Answer::kDone);
  CHECK(broker.committed_rows().empty());
  CHECK(broker.committed({kFirst})[0].offset == -1);
  CHECK(broker.has_open_transaction());
  CHECK(broker.end_transaction("id", epoch, true) == Answer::kDone);
  REQUIRE(broker.committed_rows().size() == 1);
  CHECK(broker.committed({kFirst, kSecond})[0].metadata == "m");
  CHECK(broker.committed({kFirst, kSecond})[1].offset == -1);
  CHECK(broker.write_in_transaction("id", epoch, row("b")) == Answer::kDone);
  CHECK(broker.end_transaction("id", epoch, false) == Answer::kDone);
  CHECK(broker.committed_rows().size() == 1);
}

TEST_CASE("a newer producer aborts what the older one left open, and fences it") {
  MemoryBroker broker({kFirst}, 1);
  const uint64_t old = broker.init_transactions("id");
  CHECK(broker.write_in_transaction("id", old, row("a")) == Answer::kDone);
  const uint64_t fresh = broker.init_transactions("id");
  CHECK_FALSE(broker.has_open_transaction());
  CHECK(broker.write_in_transaction("id", old, row("b")) == Answer::kFenced);
  CHECK(broker.end_transaction("id", old, true) == Answer::kFenced);
  CHECK(broker.end_transaction("id", fresh, true) == Answer::kDone);
  CHECK(broker.committed_rows().empty());
}

TEST_CASE("severed clients get nothing done any more") {
  MemoryBroker broker({kFirst}, 1);
  const uint64_t member = broker.join();
  const uint64_t epoch = broker.init_transactions("id");
  CHECK(broker.write_in_transaction("id", epoch, row("a")) == Answer::kDone);
  broker.sever();
  CHECK_FALSE(broker.is_member(member));
  CHECK_FALSE(broker.commit_offsets({{kFirst, 1, ""}}, member));
  CHECK(broker.add_offsets("id", epoch, {{kFirst, 1, ""}}) == Answer::kFenced);
  CHECK(broker.end_transaction("id", epoch, true) == Answer::kFenced);
  CHECK(broker.committed_rows().empty());
  CHECK(broker.committed({kFirst})[0].offset == -1);
}

TEST_CASE("logs grow, with gaps, and are read by place, by offset and in the order of their growth") {
  MemoryBroker broker({kFirst, kSecond}, 1);
  broker.append(0, record_at(0));
  broker.append(1, record_at(5));
  broker.append(0, record_at(4));
  broker.set_end(0, 9);
  CHECK(broker.log_end(0) == 9);
  CHECK(broker.log_end(1) == 6);
  CHECK(broker.place_of(0, 0) == 0);
  CHECK(broker.place_of(0, 1) == 1);
  CHECK(broker.place_of(0, 5) == 2);
  CHECK(broker.record(0, 1)->offset == 4);
  CHECK(broker.record(0, 2) == nullptr);
  CHECK(broker.appended(1)->partition == 1);
  CHECK(broker.appended(2)->record->offset == 4);
  CHECK_FALSE(broker.appended(3));
}

}  // namespace tidemark
