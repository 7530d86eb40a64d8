// RecordWalk: the records of a fetched partition, one after the other, out of the batches as the broker stored them. Leaves
// out what read_committed does not show. Pure; knows neither connections nor assignments.
//
// Source: the Kafka documentation, "Message format" (record batch, magic 2), and KIP-98 for transactions.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "operators/batch.h"
#include "operators/sources/native_codecs.h"
#include "operators/sources/native_protocol.h"
#include "operators/sources/wire_bytes.h"

namespace tidemark {

// Views are valid until the walk's next step.
struct WalkedRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = -1;  // -1: none
  std::string_view key;
  std::string_view value;
  bool key_is_null = true;
  bool value_is_null = true;
  std::string_view headers;  // for append_walked_headers()
};

// Copies the headers into `arena` and appends them to `record`.
void append_walked_headers(std::string_view headers, Arena& arena, RawRecord& record);

// The offset behind the last whole batch of `records`; `from` where there is none. Looks at batch headers only.
int64_t end_of_batches(std::string_view records, int64_t from);

// Single-threaded; used for one partition's records after another, for its memory.
class RecordWalk {
 public:
  explicit RecordWalk(bool check_sums) : check_sums_(check_sums) {}

  // `records` outlive the walk. Records before `from` are passed over.
  void begin(std::string_view records, int64_t from, std::vector<AbortedTransaction> aborted);

  enum class Step {
    kRecord,
    kEnd,     // nothing whole is left
    kBroken,  // error() says why; next_offset() is where
  };
  Step next(WalkedRecord& out);

  // Behind everything that was walked: markers, aborted records and compacted gaps included.
  int64_t next_offset() const { return next_; }
  const std::string& error() const { return error_; }

 private:
  struct BatchHeader;
  Step open_batch();
  Step read_header(BatchHeader& header);
  Step broken(std::string why);
  bool is_shown(const BatchHeader& header, std::string_view records);

  const bool check_sums_;
  Decompressor decompressor_;
  std::string_view rest_;  // batches not opened yet
  int64_t from_ = 0;
  int64_t next_ = 0;
  std::string error_;
  std::vector<AbortedTransaction> aborted_;  // by first offset, latest first
  std::set<int64_t> aborting_;               // producers within an aborted transaction
  // Of the open batch.
  WireReader records_{{}};
  int32_t left_ = 0;
  int64_t base_ = 0;
  int64_t end_ = 0;  // behind its last offset
  int64_t base_ms_ = -1;
  bool one_time_ = false;  // all records bear `base_ms_`
};

}  // namespace tidemark
