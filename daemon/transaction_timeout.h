// TransactionTimeout: how long the broker is to keep a transaction open. What did not fit into one, because a sink is slow
// or a single window fires for long, comes again in the next; with the same timeout that would go on for ever. Pure: does
// not know what a transaction holds or who measures it.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace tidemark {

inline constexpr Duration kLongestTransaction = Duration::minutes(15);  // transaction.max.timeout.ms of a usual broker

class TransactionTimeout {
 public:
  // `planned` is the least, and allowed.
  explicit TransactionTimeout(Duration planned) : planned_(planned), present_(planned) {}

  // Of the next producer.
  Duration present() const { return present_; }
  // Whether the last attempt's transaction outlasted its timeout: what the next one holds had better come in parts.
  bool outlasted() const { return outlasted_; }
  // An attempt came to its end; `timed_out`: its transaction was open for longer than present().
  void after_attempt(bool timed_out) {
    outlasted_ = timed_out;
    present_ = timed_out ? std::max(planned_, std::min(Duration{present_.us * 2}, longest_)) : planned_;
  }
  // The broker does not allow present(). Goes back to what it allowed before; false where that is the same.
  bool refused() {
    if (present_ == planned_) return false;
    longest_ = std::max(planned_, Duration{present_.us / 2});
    present_ = longest_;
    return true;
  }

 private:
  Duration planned_;
  Duration present_;
  bool outlasted_ = false;
  Duration longest_ = kLongestTransaction;  // that the broker allows, as far as is known
};

}  // namespace tidemark
