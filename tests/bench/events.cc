// What an event says is cut from hashes of its number and written by printf. Amounts are whole cents, so that their
// doubles are those that any parser must read.
#include "tests/bench/events.h"

#include <cinttypes>
#include <cstdio>

namespace tidemark::bench {

namespace {

// SplitMix64, seeded by the event's number: any event can be told without those before it.
uint64_t mix(uint64_t number) {
  uint64_t z = number * 0x9e3779b97f4a7c15ULL + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t dice_of(int64_t number) { return mix(static_cast<uint64_t>(number) ^ 0xABCDEF); }

}  // namespace

int64_t time_ms_of(const Stream& stream, int64_t number) {
  return stream.start_ms + number * 60'000 / stream.events_per_minute;
}

uint64_t user_of(const Stream& stream, int64_t number) {
  const auto i = static_cast<uint64_t>(number), keys = static_cast<uint64_t>(stream.keys);
  // A prime above any number of keys has no divisor in common with it: the products run through all remainders.
  return stream.each_key ? i % keys * 2'654'435'761ULL % keys : mix(i) % keys;
}

const char* type_of(int64_t number) {
  static constexpr const char* kTypes[] = {"view", "view", "click", "purchase"};
  return kTypes[dice_of(number) & 3];
}

int64_t cents_of(int64_t number) {
  const uint64_t dice = dice_of(number);
  return static_cast<int64_t>(dice >> 8 & 1023) * 100 + static_cast<int64_t>(dice >> 20 & 63) + 10;
}

// The correctly rounded quotient is the double nearest to the decimal text, which is what parsing it means.
double amount_of(int64_t number) { return static_cast<double>(cents_of(number)) / 100.0; }

int write_user(char* out, size_t size, uint64_t user) { return std::snprintf(out, size, "user-%07" PRIu64, user); }

std::string user_name(uint64_t user) {
  char name[32];
  return {name, static_cast<size_t>(write_user(name, sizeof name, user))};
}

int write_event(char* value, const Stream& stream, int64_t number) {
  const uint64_t dice = dice_of(number);
  const int64_t cents = cents_of(number);
  return std::snprintf(value, kMaxEventBytes,
                       "{\"event_id\":\"%016" PRIx64 "\",\"user_id\":\"user-%07" PRIu64
                       "\",\"event_type\":\"%s\",\"amount\":%" PRId64 ".%02" PRId64 ",\"quantity\":%d,\"ts\":%" PRId64
                       ",\"address\":{\"city\":\"Stockholm\",\"zip\":\"%05d\"},\"session\":\"%012" PRIx64 "\"}",
                       dice, user_of(stream, number), type_of(number), cents / 100, cents % 100,
                       static_cast<int>(dice >> 30 & 7), time_ms_of(stream, number),
                       static_cast<int>(dice >> 34 & 0xFFFF), dice >> 16);
}

}  // namespace tidemark::bench
