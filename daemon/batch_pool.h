// BatchPool hands out batches and takes them back when the last reader is done, so that their memory is used again.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "operators/batch.h"

namespace tidemark {

// take() on one thread; batches may come back from any. Keeps at most `keep` spare ones. Batches may outlive the pool.
class BatchPool {
 public:
  explicit BatchPool(size_t keep = 8) : spare_(std::make_shared<Spare>()) { spare_->keep = keep; }

  std::shared_ptr<Batch> take() {
    std::unique_ptr<Batch> batch;
    {
      const std::lock_guard lock(spare_->mutex);
      if (!spare_->batches.empty()) {
        batch = std::move(spare_->batches.back());
        spare_->batches.pop_back();
      }
    }
    if (!batch) batch = std::make_unique<Batch>();
    return {batch.release(), [spare = spare_](Batch* b) { spare->put(std::unique_ptr<Batch>(b)); }};
  }

 private:
  struct Spare {
    std::mutex mutex;  // guards batches
    std::vector<std::unique_ptr<Batch>> batches;
    size_t keep = 8;
    void put(std::unique_ptr<Batch> batch) {
      batch->clear();
      const std::lock_guard lock(mutex);
      if (batches.size() < keep) batches.push_back(std::move(batch));
    }
  };
  std::shared_ptr<Spare> spare_;
};

}  // namespace tidemark
