// What people are shown of hot keys: hashes always, fields only of keys that were kept.
#include "daemon/hot_key_report.h"

#include <nlohmann/json.hpp>

#include "operators/key_codec.h"
#include "tests/catch.h"
#include "tests/daemon/small_plans.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

Plan plan_by(const std::string& by) {
  Diagnostics diagnostics;
  auto plan = load_plan("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {user: 'string?', n: int, at: timestamp(ms)}\n"
                        "steps:\n  - name: w\n    window:\n      tumbling: 1m\n      by: " + by +
                            "\n      aggregates: {c: count()}\nsinks:\n  - drop: {}\n",
                        "p.yaml", {}, diagnostics);
  REQUIRE(plan);
  return std::move(*plan);
}

// The bytes of a key of user, n and at.
std::string key_of(const char* user, int64_t n, int64_t at_us) {
  Batch batch;
  batch.rows = 1;
  batch.columns.resize(3);
  batch.columns[0].reset(Type{TypeKind::kString}, 1);
  batch.columns[1].reset(Type{TypeKind::kInt}, 1);
  batch.columns[2].reset(Type{TypeKind::kTimestamp}, 1);
  if (user) batch.columns[0].valid[0] = 1, batch.columns[0].strings[0] = user;
  batch.columns[1].valid[0] = batch.columns[2].valid[0] = 1;
  batch.columns[1].ints[0] = n;
  batch.columns[2].ints[0] = at_us;
  const uint32_t slots[] = {0, 1, 2}, rows[] = {0};
  KeyedRows keyed;
  encode_keys(batch, rows, slots, batch.arena, keyed);
  return std::string(keyed.keys[0]);
}

}  // namespace

TEST_CASE("the API names hot keys by their hash, and by their fields where they were kept") {
  const Plan plan = plan_by("[user, n, at]");
  HotKeysOfSteps keys{{HotKeys()}, {HotKeys()}};
  keys.by_rows[0].add(255, 50);
  keys.by_rows[0].add(1, 48);
  keys.by_rows[0].add(2, 2);
  keys.by_state[0].add(1, 75, key_of("a\"b", -7, 1'767'225'600'000'000));
  keys.by_state[0].add(3, 25, key_of(nullptr, 0, 0));
  const Json json = hot_keys_json(plan, keys);
  CHECK(json == Json::parse(R"([{"step": "w", "by": "rows", "hash": "00000000000000ff", "share": 0.5},
                                {"step": "w", "by": "rows", "hash": "0000000000000001", "share": 0.48},
                                {"step": "w", "by": "state", "hash": "0000000000000001", "share": 0.75,
                                 "key": {"user": "a\"b", "n": -7, "at": "2026-01-01T00:00:00Z"}},
                                {"step": "w", "by": "state", "hash": "0000000000000003", "share": 0.25,
                                 "key": {"user": null, "n": 0, "at": "1970-01-01T00:00:00Z"}}])"));
}

TEST_CASE("few samples say nothing, many keys are cut to ten, and bytes of another step's key are no key") {
  const Plan plan = plan_by("[n]");
  HotKeysOfSteps keys{{HotKeys()}, {HotKeys()}};
  CHECK(hot_keys_json(plan, {}) == Json::array());
  keys.by_rows[0].add(1, 99);
  CHECK(hot_keys_json(plan, keys) == Json::array());
  keys.by_rows[0].add(1, 1);
  CHECK(hot_keys_json(plan, keys).size() == 1);
  for (uint64_t hash = 1; hash <= 15; ++hash) keys.by_state[0].add(hash, 10, "no such bytes");
  const Json json = hot_keys_json(plan, keys);
  CHECK(json.size() == 11);
  CHECK(json[1]["key"] == nullptr);
}

}  // namespace tidemark
