// The bench's events: each is a function of its number, so that whoever judges results computes the input anew and
// never has to trust a copy of it. Knows neither Kafka nor any contestant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tidemark::bench {

// What a topic holds: events 0 to `events` - 1, in event-time order.
struct Stream {
  int64_t events = 10'000'000;
  int64_t keys = 100;
  int64_t events_per_minute = 600'000;  // of event time
  int64_t start_ms = 1'767'225'600'000;  // 2026-01-01
  bool each_key = false;  // every key once before any comes again, in a scattered order; otherwise drawn
};

inline constexpr size_t kMaxEventBytes = 512;

int64_t time_ms_of(const Stream& stream, int64_t number);
uint64_t user_of(const Stream& stream, int64_t number);
const char* type_of(int64_t number);
int64_t cents_of(int64_t number);   // the amount; its text has two digits behind the point
double amount_of(int64_t number);   // what a correct parser reads there
std::string user_name(uint64_t user);

// Writes the key and the JSON value of an event; answers their lengths. `value` has room for kMaxEventBytes.
int write_event(char* value, const Stream& stream, int64_t number);
int write_user(char* out, size_t size, uint64_t user);

}  // namespace tidemark::bench
