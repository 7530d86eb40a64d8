// Draws by its own arithmetic (SplitMix64, Steele et al. 2014), for the standard distributions differ between libraries.
#include "tests/integration/testkit/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace tidemark::testkit {
namespace {

constexpr int64_t kMillion = 1'000'000;

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t limit) { return static_cast<int64_t>(next() % static_cast<uint64_t>(std::max<int64_t>(limit, 1))); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool chance(int64_t per_million) { return below(kMillion) < per_million; }

 private:
  uint64_t state_;
};

std::string user_name(int64_t number) {
  // Multi-byte, quoted and long keys among plain ones.
  constexpr std::array kOdd = {"Åsa-\xC3\xA9", "\xE6\x97\xA5\xE6\x9C\xAC", "\xF0\x9F\x8C\x8A", "a\"quote", "back\\slash",
                               "with space, comma"};
  const auto index = static_cast<size_t>(number);
  if (number % 11 == 3) return std::string(kOdd[index % kOdd.size()]) + "-" + std::to_string(number);
  if (number % 97 == 5) return std::string(300, 'L') + std::to_string(number);
  return "u" + std::to_string(number);
}

// Decimals that no binary fraction holds, and some at the ends of the scale.
std::string amount_text(Dice& dice) {
  switch (dice.below(12)) {
    case 0: return std::to_string(dice.below(1000));
    case 1: return "0.1";
    case 2: return "-" + std::to_string(dice.below(100)) + "." + std::to_string(dice.between(1, 9));
    case 3: return std::to_string(dice.below(9)) + ".005";
    case 4: return dice.chance(50'000) ? "1e17" : "1e-7";
    case 5: return dice.chance(20'000) ? "-1e17" : "2.5E2";
    default: return std::to_string(dice.below(5000)) + "." + std::to_string(dice.between(10, 99));
  }
}

struct Event {
  std::string id;
  std::string user;
  int64_t ts_ms = 0;
  std::string type;
};

std::string render(const Event& event, Dice& dice, int64_t missing) {
  std::string json = "{\"event_id\":" + oracle::quote_json(event.id);
  json += ",\"user_id\":" + oracle::quote_json(event.user);
  json += ",\"event_type\":" + oracle::quote_json(event.type);
  if (dice.chance(missing)) {
    json += dice.chance(500'000) ? ",\"amount\":null" : "";
  } else {
    json += ",\"amount\":" + amount_text(dice);
  }
  if (!dice.chance(missing)) json += ",\"quantity\":" + std::to_string(dice.between(-3, 1000));
  json += ",\"ts\":" + std::to_string(event.ts_ms);
  if (!dice.chance(missing)) {
    json += dice.chance(missing) ? ",\"address\":7" : ",\"address\":{\"zip\":[1,{}],\"city\":\"Malm\xC3\xB6\"}";
  }
  return json + ",\"note\":\"n" + std::to_string(dice.below(kMillion)) + "\"}";
}

// What makes a record unreadable; each is unreadable for one reason however far a reader looks.
std::optional<std::string> poison(const Event& event, const std::string& good, Dice& dice) {
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string out = good;
    const size_t at = out.find(from);
    return at == std::string::npos ? std::string("not json") : out.replace(at, from.size(), to);
  };
  const std::string ts = "\"ts\":" + std::to_string(event.ts_ms);
  const std::string user = "\"user_id\":" + oracle::quote_json(event.user);
  switch (dice.below(16)) {
    case 0: return "not json at all";
    case 1: return good.substr(0, good.size() / 2);
    case 2: return std::nullopt;
    case 3: return "";
    case 4: return "[" + good + "]";
    case 5: return "\xEF\xBB\xBF" + good;
    case 6: return replaced(user, "\"user_id\":\"\xC3\x28\"");
    case 7: return replaced(ts, "\"ts\":\"" + std::to_string(event.ts_ms) + "\"");
    case 8: return replaced(ts, "\"ts\":null");
    case 9: return replaced(ts, "\"tz\":0");
    case 10: return replaced(user, "\"user_id\":null");
    case 11: return replaced(user, "\"user\":1");
    case 12: return replaced(user, "\"user_id\":12");
    case 13: return replaced("\"event_type\":\"", "\"event_type\":true,\"x\":\"");
    case 14: return replaced(ts, "\"amount\":\"9.5\"," + ts);  // a second amount: the first counts, so this one is good
    default: return replaced(ts, ts + ".5");
  }
}

class Generator {
 public:
  Generator(const GeneratorSettings& settings, const std::function<void(OutRecord&&)>& take)
      : settings_(settings), take_(take), dice_(settings.seed * 0x2545F4914F6CDD1DULL + 1) {}

  void run() {
    for (int64_t i = 0; i < settings_.events; ++i) one(i);
    const int64_t end = now(settings_.events) + 7 * 86'400'000LL;
    for (int p = 0; settings_.sentinels && p < settings_.partitions; ++p) {
      const Event event{"sentinel-" + std::to_string(p), "sentinel", end, kSentinelType};
      emit(p, event, end, render(event, dice_, 0));
    }
  }

 private:
  int64_t now(int64_t i) const { return settings_.start_ms + i * 60'000 / settings_.events_per_minute; }

  int64_t lag() {
    if (dice_.chance(settings_.very_late)) return dice_.between(600'000, 3'600'000);
    if (dice_.chance(settings_.far_disorder)) return dice_.between(settings_.max_delay_ms, 180'000);
    if (dice_.chance(settings_.disorder)) return dice_.between(0, settings_.max_delay_ms);
    return 0;
  }

  void one(int64_t i) {
    if (i > 0 && dice_.chance(settings_.duplicates)) {
      take_(OutRecord(previous_));
      return;
    }
    if (settings_.repeats > 0 && !latest_.empty() && dice_.chance(settings_.repeats)) {
      take_(OutRecord(latest_[static_cast<size_t>(dice_.below(static_cast<int64_t>(latest_.size())))]));
      return;
    }
    constexpr std::array kTypes = {"purchase", "view", "view", "refund"};
    Event event{"e" + std::to_string(i), user_name(dice_.below(settings_.keys)), now(i) - lag(),
                kTypes[static_cast<size_t>(dice_.below(4))]};
    if (dice_.chance(settings_.future)) event.ts_ms = now(i) + settings_.max_future_ms + dice_.between(1, 86'400'000);
    const int partition = settings_.keyed ? oracle::java_partition(event.user, settings_.partitions)
                                          : static_cast<int>(dice_.below(settings_.partitions));
    const std::string good = render(event, dice_, settings_.missing);
    emit(partition, event, now(i), dice_.chance(settings_.poison) ? poison(event, good, dice_) : good);
  }

  void emit(int partition, const Event& event, int64_t timestamp_ms, std::optional<std::string> value) {
    OutRecord out;
    out.topic = settings_.topic;
    out.partition = partition;
    out.record.timestamp_ms = timestamp_ms;
    out.record.key = event.user;
    out.record.value = std::move(value);
    if (dice_.chance(settings_.headers)) {
      out.record.headers = {{"trace", "t" + std::to_string(dice_.below(kMillion))}, {"bin", std::string("\0\xFF", 2)},
                            {"trace", "again"}, {"empty", ""}, {"null", std::nullopt}};
    }
    previous_ = out;
    if (settings_.repeats > 0) keep(out);
    take_(std::move(out));
  }

  void keep(const OutRecord& record) {
    if (latest_.size() < kRepeatable) latest_.push_back(record);
    else latest_[kept_ % kRepeatable] = record;
    ++kept_;
  }

  const GeneratorSettings& settings_;
  const std::function<void(OutRecord&&)>& take_;
  Dice dice_;
  OutRecord previous_;
  std::vector<OutRecord> latest_;
  size_t kept_ = 0;
};

}  // namespace

void generate(const GeneratorSettings& settings, const std::function<void(OutRecord&&)>& take) {
  Generator(settings, take).run();
}

}  // namespace tidemark::testkit
