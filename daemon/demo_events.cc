// Draws views and purchases of a handful of products by a few thousand users.
#include "daemon/demo_events.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace tidemark {
namespace {

struct Product {
  const char* name;
  double price;
  uint32_t popularity;     // of 100
  uint32_t bought_of_100;  // views that end in a purchase
};

// Prices are sums of powers of two, so that totals look as people expect.
constexpr std::array kProducts = {
    Product{"espresso", 2.5, 34, 30},   Product{"cappuccino", 3.75, 28, 26}, Product{"croissant", 2.25, 18, 22},
    Product{"sandwich", 6.5, 12, 14},   Product{"beans-1kg", 24.0, 6, 6},    Product{"grinder", 189.5, 2, 2},
};
constexpr uint64_t kUsers = 5'000;
constexpr uint64_t kLateOf = 1'000;
constexpr uint64_t kBrokenOf = 2'000;

const Product& product_at(uint64_t of_100) {
  uint64_t passed = 0;
  for (const Product& product : kProducts) {
    passed += product.popularity;
    if (of_100 < passed) return product;
  }
  return kProducts.front();
}

}  // namespace

DemoEvent DemoEvents::next(Time now) {
  const Product& product = product_at(below(100));
  const bool bought = below(100) < product.bought_of_100;
  const bool late = below(kLateOf) == 0;
  const uint64_t fate = below(kBrokenOf);
  const Duration age = late ? Duration::seconds(30) : Duration::millis(static_cast<int64_t>(below(400)));
  DemoEvent event;
  event.key = fmt::format("u{:04}", below(kUsers));
  const std::string amount = fate == 1 ? R"("free")" : bought ? fmt::format("{:.2f}", product.price) : "null";
  event.value = fmt::format(
      R"({{"event_id":"e{:08}","user_id":"{}","event_type":"{}","product":"{}","amount":{},"ts":{}}})", ++made_,
      event.key, bought ? "purchase" : "view", product.name, amount, (now - age).us / 1'000);
  if (fate == 0) event.value.resize(event.value.size() / 2);
  return event;
}

}  // namespace tidemark
