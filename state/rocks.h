// The few things about RocksDB that KeyedStore does not want to see in its own file: options, the merge operator, and
// what RocksDB's statuses mean to us. Only state/*.cc includes it; RocksDB's own headers stay in the .cc files.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "state/keyed_store.h"

namespace rocksdb {
struct Options;
class Status;
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace tidemark {

struct StoreMemory::Parts {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
};

// `broken` is set by RocksDB's background threads after any error there.
rocksdb::Options make_rocks_options(const StoreOptions& options, std::shared_ptr<std::atomic<bool>> broken);

// An external, retriable error: "what: why". Arguments that RocksDB refuses are our own fault: internal.
Error store_error(std::string_view what, const rocksdb::Status& status);

}  // namespace tidemark
