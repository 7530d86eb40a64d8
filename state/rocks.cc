// Sets RocksDB up as a disposable store: one budget for cache and memtables, no log, no statistics, no repair of its
// own, no compaction unasked. A background error raises a flag; what follows is for the store's owner.
#include "state/rocks.h"

#include <fmt/core.h>
#if __has_include(<rocksdb/advanced_cache.h>)  // since 8.2 it defines what cache.h only declares
#include <rocksdb/advanced_cache.h>
#endif
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tidemark {
namespace {

constexpr double kFilterBitsPerKey = 10;      // one look-up in a hundred reads in vain
constexpr double kMemtableFilterShare = 0.02;  // of the memtable's bytes

std::string_view view_of(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Folds partials with the room above's merge function; the name is on disk, in every OPTIONS file.
class PartialMerge final : public rocksdb::MergeOperator {
 public:
  explicit PartialMerge(MergeFunction merge) : merge_(std::move(merge)) {}
  const char* Name() const override { return "tidemark.partials.1"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    auto operand = in.operand_list.begin();
    std::string& accumulator = out->new_value;
    if (in.existing_value != nullptr) {
      accumulator.assign(in.existing_value->data(), in.existing_value->size());
    } else {
      accumulator.assign(operand->data(), operand->size());
      ++operand;
    }
    for (; operand != in.operand_list.end(); ++operand) {
      if (!merge_(view_of(in.key), accumulator, view_of(*operand))) return false;
    }
    return true;
  }

  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands, std::string* out,
                         rocksdb::Logger*) const override {
    auto operand = operands.begin();
    out->assign(operand->data(), operand->size());
    for (++operand; operand != operands.end(); ++operand) {
      if (!merge_(view_of(key), *out, view_of(*operand))) return false;
    }
    return true;
  }

 private:
  MergeFunction merge_;
};

// Any error in the background means that the store has to be restored: RocksDB's own attempts to go on would trust
// files whose fsync failed.
class BrokenListener final : public rocksdb::EventListener {
 public:
  explicit BrokenListener(std::shared_ptr<std::atomic<bool>> broken) : broken_(std::move(broken)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status*) override { broken_->store(true); }

 private:
  std::shared_ptr<std::atomic<bool>> broken_;
};

// RocksDB's own log file would be one more file to run out of space, and a build of RocksDB with assertions (Debian's)
// aborts the process when a log line follows one that could not be written. Errors reach us as statuses.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::CompressionType fast_compression() {
  const auto have = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(have.begin(), have.end(), rocksdb::kLZ4Compression) != have.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::BlockBasedTableOptions table_options(const StoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = options.memory->parts().cache;
  table.block_size = size_t{16} << 10;         // scans are the common read
  table.cache_index_and_filter_blocks = true;  // or they would lie outside the budget
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.format_version = 5;
  if (options.point_reads) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  return table;
}

void limit_memory(const StoreOptions& options, rocksdb::Options& rocks) {
  rocks.write_buffer_size = options.memtable_bytes;
  rocks.max_write_buffer_number = 2;
  rocks.write_buffer_manager = options.memory->parts().write_buffers;
  rocks.max_open_files = 512;
  rocks.compaction_readahead_size = size_t{256} << 10;  // of each input file at a time
}

// The store is disposable and its owner watches it: no logs, no statistics, no attempts at self-repair.
void keep_quiet(rocksdb::Options& rocks) {
  rocks.info_log = std::make_shared<NoLog>();
  rocks.stats_dump_period_sec = 0;
  rocks.stats_persist_period_sec = 0;
  rocks.max_bgerror_resume_count = 0;
  rocks.avoid_flush_during_shutdown = true;
}

}  // namespace

StoreMemory::StoreMemory(size_t cache_bytes, size_t memtable_bytes)
    : memtable_bytes_(memtable_bytes), parts_(std::make_unique<Parts>()) {
  parts_->cache = rocksdb::NewLRUCache(cache_bytes + memtable_bytes);
  parts_->write_buffers = std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes, parts_->cache);
}
StoreMemory::~StoreMemory() = default;
size_t StoreMemory::cache_used() const { return parts_->cache->GetUsage(); }
size_t StoreMemory::memtables_used() const { return parts_->write_buffers->memory_usage(); }

rocksdb::Options make_rocks_options(const StoreOptions& options, std::shared_ptr<std::atomic<bool>> broken) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  rocks.merge_operator = std::make_shared<PartialMerge>(options.merge);
  rocks.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(options)));
  rocks.compression = fast_compression();
  rocks.level_compaction_dynamic_level_bytes = true;
  rocks.disable_auto_compactions = true;  // KeyedStore says when
  rocks.level0_slowdown_writes_trigger = 40;
  rocks.level0_stop_writes_trigger = 64;
  rocks.target_file_size_base = uint64_t{32} << 20;
  rocks.listeners.push_back(std::make_shared<BrokenListener>(std::move(broken)));
  if (options.point_reads) {
    rocks.memtable_prefix_bloom_size_ratio = kMemtableFilterShare;
    rocks.memtable_whole_key_filtering = true;
  }
  limit_memory(options, rocks);
  keep_quiet(rocks);
  return rocks;
}

Error store_error(std::string_view what, const rocksdb::Status& status) {
  const bool ours = status.IsInvalidArgument() || status.IsNotSupported();
  return {ours ? Fault::kInternal : Fault::kExternal, !ours, fmt::format("{}: {}", what, status.ToString())};
}

}  // namespace tidemark
