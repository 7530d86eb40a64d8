// Deletion, sweeping, completeness and compatibility: every combination of facts against the rule as a sentence.
#include "state/decisions.h"

#include "tests/catch.h"
#include "tests/state/samples.h"

namespace tidemark {
namespace {

CheckpointName named(uint64_t epoch, char digit = 'a', const std::string& unit = "all") {
  return {unit, epoch, std::string(32, digit)};
}

TEST_CASE("a checkpoint goes only when a newer commit of its sole owner has replaced it and no commit names it") {
  const CheckpointName candidate = named(5);
  const std::vector<std::optional<CheckpointName>> own = {std::nullopt,  named(4), candidate,
                                                          named(5, 'b'), named(6), named(6, 'a', "lane-1")};
  const std::vector<std::optional<std::set<CheckpointName>>> commits = {
      std::nullopt, std::set<CheckpointName>{}, std::set{named(6)}, std::set{named(6), candidate}};
  int deleted = 0;
  for (const auto& newest : own) {
    for (const bool owns_all : {false, true}) {
      for (const auto& names : commits) {
        const bool expected = owns_all && newest == named(6) && names && !names->contains(candidate);
        CHECK(may_delete(candidate, {newest, owns_all, names}) == expected);
        deleted += expected;
      }
    }
  }
  CHECK(deleted == 2);
}

TEST_CASE("leftovers are swept when no open transaction can be of their epoch") {
  const Duration timeout = Duration::minutes(1);
  const auto sweep = [&](int64_t age_s, bool owned, bool committed) {
    return may_sweep({Time{0}, Time{0} + Duration::seconds(age_s), timeout, owned, committed});
  };
  CHECK(sweep(61, true, true));
  CHECK_FALSE(sweep(60, true, true));
  CHECK_FALSE(sweep(-1, true, true));
  CHECK_FALSE(sweep(61, false, true));
  CHECK_FALSE(sweep(61, true, false));
}

TEST_CASE("an epoch advances only when everything before is done") {
  for (uint32_t bits = 0; bits < 256; ++bits) {
    const auto bit = [&](int n) { return (bits >> n & 1) != 0; };
    EpochProgress progress;
    progress.lanes = 2;
    progress.lanes_frozen = bit(0) ? 2 : 1;
    progress.partitions = 4;
    progress.partitions_noted = bit(1) ? 4 : 3;
    progress.feeders = 3;
    progress.feeders_flushed = bit(2) ? 3 : 2;
    progress.snapshots_asked = bit(3);
    progress.units = 2;
    progress.units_durable = bit(4) ? 1 : 0;
    progress.units_durable += bit(5) ? 1 : 0;
    progress.units_failed = bit(6) ? 2 - progress.units_durable : 0;
    const bool durable = bit(4) && bit(5);
    CHECK(may_snapshot(progress) == (bit(0) && bit(1) && !bit(3)));
    CHECK(may_commit(progress) == (bit(2) && bit(3) && durable));
    CHECK(has_failed(progress) == (bit(6) && !durable));
    if (bit(7)) progress.units_failed = std::max(progress.units_failed, 1u) - 1;  // one has not answered yet
    if (bit(7) && !durable) CHECK_FALSE(has_failed(progress));
    const EpochPhase phase = !bit(3)    ? EpochPhase::kBarrier
                             : !durable ? EpochPhase::kCheckpoint
                             : !bit(2)  ? EpochPhase::kSinks
                                        : EpochPhase::kCommit;
    CHECK(phase_of(progress) == phase);
    CHECK(may_commit(progress) == (phase == EpochPhase::kCommit));
  }
}

TEST_CASE("an epoch in which nothing changed needs no checkpoint, but its snapshots are decided on before it is committed") {
  EpochProgress progress;
  CHECK(may_snapshot(progress));
  CHECK_FALSE(may_commit(progress));
  progress.snapshots_asked = true;
  CHECK(may_commit(progress));
  CHECK_FALSE(has_failed(progress));
}

StateShape sample_shape() { return shape_of(sample_manifest()); }

std::string refusal_text(const StateShape& wanted) {
  const auto decision = decide_compatibility("purchases-5m", sample_shape(), wanted);
  REQUIRE(std::holds_alternative<Refusal>(decision));
  return to_string(std::get<Refusal>(decision));
}

TEST_CASE("the same plan fits its state") {
  const auto decision = decide_compatibility("p", sample_shape(), sample_shape());
  REQUIRE(std::holds_alternative<Compatible>(decision));
  CHECK(std::get<Compatible>(decision).dropped_steps.empty());
  CHECK(std::get<Compatible>(decision).new_steps.empty());
}

TEST_CASE("steps may come and go; their state begins empty or is dropped by name") {
  StateShape wanted = sample_shape();
  wanted.steps[0].step = "per_customer";
  const auto decision = decide_compatibility("p", sample_shape(), wanted);
  REQUIRE(std::holds_alternative<Compatible>(decision));
  CHECK(std::get<Compatible>(decision).dropped_steps == std::vector<std::string>{"per_user"});
  CHECK(std::get<Compatible>(decision).new_steps == std::vector<std::string>{"per_customer"});
}

TEST_CASE("a changed key, window or aggregate is refused with what changed and what to do") {
  StateShape wanted = sample_shape();
  wanted.steps[0].key.push_back({"city", "string"});
  CHECK_THAT(refusal_text(wanted),
             Contains("step per_user: the key was [user_id string], is now [user_id string, city string]"));
  wanted = sample_shape();
  wanted.steps[0].window = "tumbling size=1m offset=0s";
  CHECK_THAT(refusal_text(wanted),
             Contains("the window was sliding size=5m step=1m offset=0s, is now tumbling size=1m offset=0s"));
  wanted = sample_shape();
  wanted.steps[0].aggregates[1] = {"spent", "sum(amount)", "int"};
  CHECK_THAT(refusal_text(wanted), Contains("aggregate spent was sum(amount) (double), is now sum(amount) (int)"));
  StateShape apart = sample_shape();
  apart.steps[0].aggregates[1] = {"quantile(amount, 0.9)", "quantile(amount, 0.9)", "double"};
  wanted = apart;
  wanted.steps[0].aggregates[1].text = "in the state of quantile(amount; 0.01)";
  const auto shared = decide_compatibility("p", apart, wanted);
  REQUIRE(std::holds_alternative<Refusal>(shared));
  CHECK_THAT(to_string(std::get<Refusal>(shared)),
             Contains("aggregate quantile(amount, 0.9) was kept by itself, is now in the state of quantile(amount; 0.01)"));
  wanted = sample_shape();
  wanted.steps[0].aggregates.pop_back();
  CHECK_THAT(refusal_text(wanted), Contains("aggregate spent (sum(amount)) is gone"));
  wanted = sample_shape();
  wanted.steps[0].aggregates.push_back({"top", "max(amount)", "double"});
  CHECK_THAT(refusal_text(wanted), Contains("aggregate top (max(amount)) is new"));
  wanted = sample_shape();
  std::swap(wanted.steps[0].aggregates[0], wanted.steps[0].aggregates[1]);
  CHECK_THAT(refusal_text(wanted), Contains("another order"));
  wanted = sample_shape();
  wanted.steps[0].kind = "dedupe";
  CHECK_THAT(refusal_text(wanted), Contains("the kind was window, is now dedupe"));
  CHECK_THAT(refusal_text(wanted), Contains("--reset-state") && Contains("a new name") && Contains("put back"));
}

TEST_CASE("lanes are fixed once state exists, and so are partitions that partitioned_by relies on") {
  StateShape wanted = sample_shape();
  wanted.lanes = 4;
  CHECK_THAT(refusal_text(wanted), Contains("cut into 2 lanes, the plan wants 4") && !Contains("a new name"));
  StateShape nothing_kept = sample_shape();
  nothing_kept.steps.clear();
  CHECK(std::holds_alternative<Compatible>(decide_compatibility("p", nothing_kept, wanted)));

  wanted = sample_shape();
  wanted.topics[0].partitions = 8;
  CHECK(std::holds_alternative<Compatible>(decide_compatibility("p", sample_shape(), wanted)));
  wanted.partitioned_by = true;
  CHECK_THAT(refusal_text(wanted),
             Contains("topic shop.events had 2 partitions, has 8 now") && Contains("--reset-state"));
  wanted.topics[0].topic = "other";
  CHECK(std::holds_alternative<Compatible>(decide_compatibility("p", sample_shape(), wanted)));
}

}  // namespace
}  // namespace tidemark
