"""Given these events, exactly these rows: pipelines run to the end of their topics and judged by the oracle."""
import json
import random
import time
import zlib

from harness import AGGREGATES, ONCE, SESSION, SLIDING, TUMBLING, Failed, wait_for

PURCHASES = [["event_type", "==", "purchase"]]
BIG = [["amount", ">", 100.0]]  # null where the amount is missing: an expression error


def run_to_end(env, job, events=20_000, *args, **options):
    env.kit.generate(job.topic, events, seed=zlib.crc32(job.name.encode()) % 1000, **options)
    env.run(job, *args, until_end=True).wait(0)
    summary = env.kit.verify(job)
    if not summary["results"]["found"]:
        raise Failed(f"a test of nothing: {summary}")
    return summary


def test_filter_exactly_once(env):
    run_to_end(env, env.job(filter=PURCHASES))


def test_at_least_once_commits_amid_a_backlog(env):
    """Rows behind a barrier wait for its commit: with much to read a producer is never empty by itself."""
    job = env.job(delivery="at_least_once", every="300ms")
    env.kit.generate(job.topic, 2_000_000)
    with env.run(job) as process:
        process.wait_ready()
        wait_for(lambda: process.total("tidemark_checkpoints_total", pipeline=job.name, result="success") >= 4, "four checkpoints")
        assert process.total("tidemark_consumer_lag", pipeline=job.name) > 0, "a test of nothing: all was read"


def test_filter_errors_are_dead_letters(env):
    summary = run_to_end(env, env.job(filter=BIG))
    assert summary["ledger"]["steps"]["filter-1"]["dead_lettered"] > 0, summary


def test_tumbling_until_end(env):
    summary = run_to_end(env, env.job(window=TUMBLING), 50_000)
    assert summary["late"]["found"] > 0 and summary["dead_letters"]["found"] > 0, summary


def test_tumbling_after_filter(env):
    run_to_end(env, env.job(window=TUMBLING, filter=PURCHASES))


def test_tumbling_global_key(env):
    run_to_end(env, env.job(window=TUMBLING, by=[]))


def test_tumbling_two_keys_one_optional(env):
    run_to_end(env, env.job(window=TUMBLING, by=["city", "event_type"]), missing=300_000)


def test_tumbling_int_key(env):
    run_to_end(env, env.job(window=TUMBLING, by=["quantity"]))


def test_tumbling_offset(env):
    run_to_end(env, env.job(window=("tumbling", "1m", None), offset="17s"))


def test_tumbling_many_keys(env):
    run_to_end(env, env.job(window=TUMBLING), 200_000, keys=50_000)


def test_sliding(env):
    run_to_end(env, env.job(window=SLIDING), 50_000, events_per_minute=5_000)


def test_sliding_size_not_a_multiple_of_step(env):
    run_to_end(env, env.job(window=("sliding", "150s", "1m")), 50_000, events_per_minute=5_000)


def test_sliding_with_much_disorder(env):
    summary = run_to_end(env, env.job(window=SLIDING, max_delay="500ms"), 50_000, events_per_minute=5_000,
                         max_delay_ms=500, far_disorder=200_000)
    assert summary["ledger"]["window_updates_missed"] > 0, summary


def test_cumulative(env):
    run_to_end(env, env.job(window=("cumulative", "5m", "1m")), 50_000, events_per_minute=5_000)


def test_cumulative_last_step_shorter(env):
    summary = run_to_end(env, env.job(window=("cumulative", "7m", "2m"), offset="30s", max_delay="500ms"), 50_000,
                         events_per_minute=5_000, max_delay_ms=500, far_disorder=200_000)
    assert summary["ledger"]["window_updates_missed"] > 0, summary


def test_calendar_days(env):
    """Six weeks around the end of summer time: a day of 25 hours is among them."""
    run_to_end(env, env.job(window=("calendar", "day", "Europe/Stockholm")), 60_000, events_per_minute=1,
               start_ms=1_759_276_800_000)


def speaks_again(env, job, *args, **options):
    """The final rows are the oracle's, and others came before them."""
    summary = run_to_end(env, job, *args, **options)
    if summary["results"]["found"] <= summary["results"]["expected"]:
        raise Failed(f"no window spoke more than once: {summary}")
    return summary


def test_allowed_lateness(env):
    summary = speaks_again(env, env.job(window=TUMBLING, allowed_lateness="90s", max_delay="500ms"), 50_000,
                           events_per_minute=5_000, max_delay_ms=500, far_disorder=200_000)
    assert summary["late"]["found"] > 0, summary


def test_emit_on_change(env):
    speaks_again(env, env.job(window=TUMBLING, emit="on_change"), 30_000)


def test_emit_every(env):
    speaks_again(env, env.job(window=SLIDING, emit={"every": "10s"}, allowed_lateness="30s"), 30_000, events_per_minute=5_000)


def test_emit_on_change_in_little_memory(env):
    """Keys are looked up in the store."""
    job = env.job(window=("cumulative", "5m", "1m"), emit="on_change", every="300ms")
    env.kit.generate(job.topic, 60_000, keys=10_000, events_per_minute=15_000)
    env.run(job, until_end=True, memory="64MiB").wait(0)
    env.kit.verify(job)


def test_sessions(env):
    summary = run_to_end(env, env.job(window=SESSION), 50_000, events_per_minute=5_000, keys=500)
    found, counted = summary["results"]["found"], summary["ledger"]["steps"]["per_user"]["out"]
    assert found < counted < 20 * found, f"sessions of one record, or endless ones: {summary}"


def test_sessions_cut_by_max(env):
    run_to_end(env, env.job(window=("session", "10s", "25s")), 50_000, events_per_minute=5_000, keys=50)


def test_sessions_with_much_disorder(env):
    summary = run_to_end(env, env.job(window=("session", "3s", "1m"), max_delay="20s"), 50_000, events_per_minute=5_000,
                         max_delay_ms=20_000, far_disorder=200_000, keys=200)
    assert summary["late"]["found"] > 0, summary


def test_sessions_with_partitioned_by(env):
    run_to_end(env, env.job(window=SESSION, partitioned_by=["user_id"]), 50_000, keys=2_000)


def taken_back(env, job):
    """How many rows withdrew a session; each follows a row of that session."""
    said, withdrawn = set(), 0
    for one in env.kit.consume(job.out):
        row = json.loads(one["value"])
        session = (row["user_id"], row["window_start"], row["window_end"])
        if row["withdrawn"]:
            if not row["is_final"] or session not in said:
                raise Failed(f"withdrawn, and not final or never said: {row}")
            withdrawn += 1
        said.add(session)
    return withdrawn


def test_sessions_on_change(env):
    job = env.job(window=SESSION, emit="on_change")
    speaks_again(env, job, 20_000, events_per_minute=5_000, keys=500)
    assert taken_back(env, job) > 0


def test_sessions_every(env):
    speaks_again(env, env.job(window=SESSION, emit={"every": "7s"}), 20_000, events_per_minute=5_000, keys=500)


def test_sessions_with_lateness(env):
    job = env.job(window=("session", "3s", None), allowed_lateness="20s", max_delay="500ms")
    summary = speaks_again(env, job, 50_000, events_per_minute=5_000, max_delay_ms=500, far_disorder=200_000, keys=200)
    assert summary["late"]["found"] > 0, summary
    assert taken_back(env, job) > 0


def test_sessions_on_change_in_little_memory(env):
    """Sessions are looked up in the store."""
    job = env.job(window=SESSION, emit="on_change", every="300ms")
    env.kit.generate(job.topic, 200_000, keys=20_000, events_per_minute=50_000)
    env.run(job, until_end=True, memory="64MiB").wait(0)
    env.kit.verify(job)


def test_running_totals(env):
    """Every row but the last of a key is followed by another; none names a window."""
    job = env.job(window=("running", "30s", None), emit="on_change")
    speaks_again(env, job, 20_000, events_per_minute=5_000, keys=500)
    assert "window_end" not in json.loads(env.kit.consume(job.out)[0]["value"])


def without_repeats(env, job, *args, **options):
    """The oracle's rows, and among what was not let pass were repeats as well as what came too late to be judged."""
    summary = run_to_end(env, job, *args, repeats=200_000, **options)
    once = summary["ledger"]["steps"]["once"]
    assert once["deduplicated"] > 0 and once["late"] > 0 and once["out"] > 0, summary
    return summary


def test_dedupe(env):
    without_repeats(env, env.job(dedupe=ONCE), 50_000, events_per_minute=5_000)


def test_dedupe_before_a_window(env):
    """Repeats are found whatever the window groups by; what passes twice is so far apart that it was forgotten."""
    without_repeats(env, env.job(dedupe=ONCE, window=TUMBLING, by=["city"]), 50_000, events_per_minute=5_000)


def test_dedupe_between_a_filter_and_a_window(env):
    """What the filter refuses is not remembered."""
    without_repeats(env, env.job(filter=BIG, dedupe=(["event_id", "user_id"], "10s"), window=SLIDING), 50_000, events_per_minute=5_000)


def test_dedupe_with_partitioned_by(env):
    job = env.job(dedupe=(["user_id", "event_id"], "1m"), window=TUMBLING, partitioned_by=["user_id"])
    without_repeats(env, job, 50_000, events_per_minute=5_000)


def test_dedupe_in_little_memory(env):
    """Most of what is remembered is in the store only."""
    job = env.job(dedupe=(["event_id"], "10m"), window=TUMBLING, every="300ms")
    env.kit.generate(job.topic, 600_000, events_per_minute=60_000, repeats=200_000)
    env.run(job, until_end=True, memory="64MiB").wait(0)
    summary = env.kit.verify(job)
    assert summary["ledger"]["steps"]["once"]["deduplicated"] > 0, summary


def test_dedupe_threads_and_lanes_do_not_matter(env):
    job = env.job()
    env.kit.generate(job.topic, 30_000, events_per_minute=5_000, repeats=200_000)
    for lanes, threads in ((1, 1), (4, 2), (32, 4)):
        other = env.job(name=f"{env.name}-{lanes}-{threads}", dedupe=ONCE, window=TUMBLING, lanes=lanes)
        other.topic = job.topic
        env.run(other, "--threads", threads, until_end=True).wait(0)
        env.kit.verify(other)


def test_dedupe_over_partitions(env):
    """Of records with one key in all partitions one passes, whichever it is."""
    job = env.job(dedupe=(["event_id"], "1h"))
    events = 2_000
    for p in range(4):
        env.kit.produce([{"topic": job.topic, "partition": p, "value": event(f"u{p}", 1767225600000 + n * 10, event_id=f"e{n}")}
                         for n in range(events)])
    with env.run(job, "--threads", 2) as process:
        process.wait_ready().wait_caught_up(env.kit)
        wait_for(lambda: process.total("tidemark_records_deduplicated_total", pipeline=job.name, step="once") == 3 * events,
                 "all repeats counted", 20)
        process.stop()
    passed = [json.loads(one["value"])["event_id"] for one in env.kit.consume(job.out)]
    assert sorted(passed) == sorted(f"e{n}" for n in range(events)), f"{len(passed)} passed, {len(set(passed))} different ones"


def test_sessions_threads_and_lanes_do_not_matter(env):
    job = env.job(window=SESSION)
    env.kit.generate(job.topic, 30_000, events_per_minute=5_000, random_partitions=True)
    for lanes, threads in ((1, 1), (2, 1), (4, 2)):
        other = env.job(name=f"{env.name}-{lanes}-{threads}", window=SESSION, lanes=lanes)
        other.topic = job.topic
        env.run(other, "--threads", threads, until_end=True).wait(0)
        env.kit.verify(other)


def test_threads_and_lanes_do_not_matter(env):
    """The very same rows for any number of lanes and threads."""
    job = env.job(window=SLIDING)
    env.kit.generate(job.topic, 30_000, events_per_minute=5_000, random_partitions=True)
    for lanes, threads in ((1, 1), (2, 1), (4, 2), (32, 4)):
        other = env.job(name=f"{env.name}-{lanes}-{threads}", window=SLIDING, lanes=lanes)
        other.topic = job.topic
        env.run(other, "--threads", threads, until_end=True).wait(0)
        env.kit.verify(other)


def test_partitioned_by(env):
    run_to_end(env, env.job(window=TUMBLING, partitioned_by=["user_id"]), 50_000)


def test_one_partition(env):
    run_to_end(env, env.job(window=TUMBLING, partitions=1), partitions=1)


def test_empty_partitions_do_not_hold_the_end(env):
    run_to_end(env, env.job(window=TUMBLING, partitions=8), 20_000, keys=2)


def test_empty_topic_until_end(env):
    job = env.job(window=TUMBLING)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_transactional_input(env):
    """Aborted records of the input are never read, and markers at the end do not hold --until-end."""
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 5_000)
    hang = env.kit.run("transaction-hang", "aborted", job.topic, stdin="")
    assert "open" in hang.stdout
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_at_least_once(env):
    job = env.job(window=TUMBLING, delivery="at_least_once")
    env.kit.generate(job.topic, 30_000)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


# ---- Late records and dead letters, byte for byte

def headers_of(record):
    return {one["name"]: one.get("value") for one in record["headers"]}


def event(user, ts, **more):
    return json.dumps({"event_id": "e", "user_id": user, "event_type": "view", "amount": 1.0, "ts": ts, **more})


def test_refused_records_keep_their_bytes(env):
    """Written out by hand, not by the oracle: key, value, all headers."""
    job = env.job(window=TUMBLING, partitions=1, aggregates=AGGREGATES[:1])
    base = 1767225600000
    own = [{"name": "trace", "value": "t1"}, {"name": "bin", "value_b64": "AP8="}, {"name": "trace", "value": "t2"},
           {"name": "none", "value": None}]
    records = [
        {"key": "k0", "value": event("a", base + 600_000)},
        {"key": "k1", "value": event("a", base), "headers": own},                  # late: W = base + 598 s
        {"key_b64": "AP8=", "value_b64": "/wB7fQ==", "headers": own},              # no UTF-8
        {"value": event("a", base + 600_000 + 300_001)},                           # one ms too far
        {"key": "k4"},                                                             # null
        {"key": "k5", "value": event("a", None)},
        {"key": "k6", "value": event(None, base + 600_000)},
        {"key": "k7", "value": event("a", base + 600_000, quantity="3")},
    ]
    env.kit.produce([{"topic": job.topic, "partition": 0, "timestamp": base + 600_000, **one} for one in records])
    env.run(job, until_end=True).wait(0)
    (late,) = env.kit.consume(job.late)
    assert (late["key"], late["value"]) == ("k1", records[1]["value"]), late
    assert late["headers"][:4] == own, late
    told = headers_of(late)
    wanted = {"reason": "late", "step": "per_user", "pipeline": job.name, "topic": job.topic, "partition": "0",
              "offset": "1", "watermark": "2026-01-01T00:09:58Z"}
    for name, value in wanted.items():
        assert told.get(f"tidemark.{name}") == value, (name, told)
    dead = {headers_of(one)["tidemark.offset"]: one for one in env.kit.consume(job.dead)}
    reasons = {"2": "decode", "3": "future", "4": "decode", "5": "event_time", "6": "missing_field", "7": "type"}
    assert set(dead) == set(reasons), dead
    for offset, reason in reasons.items():
        told, sent = headers_of(dead[offset]), records[int(offset)]
        assert told["tidemark.reason"] == reason and told["tidemark.step"] == "events", (offset, told)
        assert told["tidemark.error"] and told["tidemark.partition"] == "0", told
        assert dead[offset].get("value") == sent.get("value"), (dead[offset], sent)
        assert dead[offset].get("key") == sent.get("key"), (dead[offset], sent)
    assert dead["2"]["key_b64"] == "AP8=" and dead["2"]["value_b64"] == "/wB7fQ==", dead["2"]
    assert dead["2"]["headers"][:4] == own, dead["2"]
    env.kit.verify(job)


def test_rows_larger_than_their_topic_takes(env):
    """The limit is the row's, not the batch's: rows that fit are written however many there are, others are dead letters."""
    job = env.job(window=TUMBLING, partitions=1, aggregates=AGGREGATES[:1], topics={"out": {"max_message_bytes": 3000}})
    base = 1767225600000
    fitting = [random.Random(n).randbytes(600).hex() for n in range(300)]
    large = "x" * 4000
    env.kit.produce([{"topic": job.topic, "partition": 0, "timestamp": base, "value": event(user, base)}
                     for user in [*fitting, large, large]])
    # Fires all of them, and stays open itself.
    env.kit.produce([{"topic": job.topic, "partition": 0, "timestamp": base + 120_000, "value": event("z", base + 120_000)}])
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    wait_for(lambda: len(env.kit.consume(job.out)) == 300, "every row that fits", 20)
    (dead,) = env.kit.consume(job.dead)
    assert sorted(json.loads(one["value"])["user_id"] for one in env.kit.consume(job.out)) == sorted(fitting)
    told, row = headers_of(dead), json.loads(dead["value"])
    assert (dead["key"], row["user_id"], row[AGGREGATES[0]["name"]]) == (large, large, 2), row
    assert told["tidemark.reason"] == "oversize" and told["tidemark.step"] == "kafka-1", told
    assert told["tidemark.window_start"] == "2026-01-01T00:00:00Z", told
    assert told["tidemark.window_end"] == "2026-01-01T00:01:00Z", told

    def counted(metric, **labels):
        return process.total(metric, pipeline=job.name, **labels)

    assert counted("tidemark_records_dead_lettered_total", step="kafka-1", reason="oversize") == 1
    assert counted("tidemark_records_emitted_total", sink="kafka-1") == 300, "the large one was not emitted"
    assert counted("tidemark_records_emitted_total", sink="kafka-3") == 1, "but for the dead letters"
    process.stop()
    for trouble in ("rewinding", "ledger_open"):
        assert trouble not in process.output(), process.facts()


def test_a_row_larger_than_the_queue(env):
    """At the least budget, queues have room for much less than a row that its topic takes."""
    topics = {name: {"max_message_bytes": 8_000_000} for name in ("in", "out")}
    job = env.job(filter=[["event_id", "!=", ""]], partitions=1, topics=topics)
    env.kit.produce([{"topic": job.topic, "partition": 0, "key": "k", "timestamp": 1767225600000,
                      "value": event("x" * 5_000_000, 1767225600000)}] * 3, message_max_bytes=8_000_000)
    process = env.run(job, memory="16MiB").wait_ready().wait_caught_up(env.kit)
    process.stop()
    env.kit.verify(job)


def test_quiet_topics_close_their_windows(env):
    """When every partition has been idle, time goes on by the clock. What then comes too late by the lane's time alone is
    late because of idleness; what is not, counts."""
    job = env.job(window=("tumbling", "2s", None), partitions=2, aggregates=AGGREGATES[:1], max_delay="0s", idle_after="1s",
                  close_after_idle="1s")
    base = 1767225600000

    def put(*records):
        env.kit.produce([{"topic": job.topic, "partition": partition, "timestamp": base, "key": key,
                          "value": event("a", base + ts), "headers": [{"name": "trace", "value": key}]}
                         for partition, ts, key in records])

    def windows():
        rows = [json.loads(one["value"]) for one in env.kit.consume(job.out)]
        return {row["window_end"]: row["n"] for row in rows if row["user_id"] == "a"}, len(rows)

    process = env.run(job).wait_ready()
    put((0, 1_000, "k0"), (1, 1_200, "k1"))
    wait_for(lambda: process.running() and windows() == ({"2026-01-01T00:00:02Z": 2}, 1), "the window of a quiet topic", 30)
    # By its own partition's time, 1 s, it would count: its window ends at 2 s.
    put((0, 1_500, "k2"), (0, 61_000, "k3"))
    wait_for(lambda: process.running() and "2026-01-01T00:01:02Z" in windows()[0], "the window of the woken partition", 30)
    assert windows() == ({"2026-01-01T00:00:02Z": 2, "2026-01-01T00:01:02Z": 1}, 2), windows()
    (late,) = env.kit.consume(job.late)
    told = headers_of(late)
    assert (late["key"], late["value"], told["trace"]) == ("k2", event("a", base + 1_500), "k2"), late
    wanted = {"reason": "idle", "step": "per_user", "pipeline": job.name, "topic": job.topic, "partition": "0", "offset": "1"}
    for name, value in wanted.items():
        assert told.get(f"tidemark.{name}") == value, (name, told)
    assert "2026-01-01T00:00:02" <= told["tidemark.watermark"] < "2026-01-01T00:01:00", told
    assert process.total("tidemark_records_late_total", pipeline=job.name, step="per_user", reason="idle") == 1
    assert process.total("tidemark_records_late_total", pipeline=job.name, reason="late") == 0
    process.stop()
    env.run(job, until_end=True).wait(0)
    assert windows()[1] == 2, "closed once"


def test_future_of_the_wall_clock(env):
    """A Kafka timestamp beyond the wall clock by more than max_future is the future, whatever the event says."""
    job = env.job(window=TUMBLING, partitions=1, max_future="5m")
    now = int(time.time() * 1000)
    env.kit.produce([{"topic": job.topic, "partition": 0, "key": "k", "timestamp": now + ahead,
                      "value": event("a", now)} for ahead in (0, 1_800_000)])
    env.run(job, until_end=True).wait(0)
    (dead,) = env.kit.consume(job.dead)
    assert headers_of(dead)["tidemark.reason"] == "future", dead
    assert len(env.kit.consume(job.out)) == 1


# ---- Every aggregate

LARGE = [["amount", "has"], ["amount", ">", 100.0]]
EVERY_AGGREGATE = [
    {"name": "n", "kind": "count"},
    {"name": "spent", "kind": "sum", "field": "amount"},
    {"name": "mean", "kind": "avg", "field": "quantity"},
    {"name": "spread", "kind": "variance", "field": "amount"},
    {"name": "deviation", "kind": "stddev", "field": "quantity", "where": LARGE},
    {"name": "lowest", "kind": "min", "field": "amount"},
    {"name": "highest", "kind": "max", "field": "city"},
    {"name": "opened", "kind": "first", "field": "event_id"},
    {"name": "closed", "kind": "last", "field": "amount"},
    {"name": "cheapest", "kind": "arg_min", "field": "event_id", "by": "amount"},
    {"name": "dearest", "kind": "arg_max", "field": "city", "by": "amount", "where": LARGE},
    {"name": "early", "kind": "list", "field": "event_id", "numbers": [5]},
    {"name": "amounts", "kind": "list", "field": "amount", "numbers": [3], "where": LARGE},
    {"name": "events", "kind": "distinct", "field": "event_id"},
    {"name": "few_events", "kind": "distinct", "field": "event_id", "numbers": [20]},
    {"name": "cities", "kind": "approx_distinct", "field": "city"},
    {"name": "kinds", "kind": "top_k", "field": "event_type", "numbers": [3]},
    {"name": "top_cities", "kind": "approx_top_k", "field": "city", "numbers": [2, 100]},
    {"name": "median", "kind": "quantile", "field": "amount", "numbers": [0.5]},
    {"name": "p99", "kind": "quantile", "field": "quantity", "numbers": [0.99], "where": LARGE},
    {"name": "sizes", "kind": "histogram", "field": "amount", "numbers": [10.0, 50.5, 100.0, 1000.0]},
    {"name": "pieces", "kind": "histogram", "field": "quantity", "numbers": [0, 1, 3]},
]


def every_aggregate(env, window):
    """Half of the events, a kill in their midst, a stop with open windows; then the rest from what was kept."""
    job = env.job(window=window, aggregates=EVERY_AGGREGATE)
    env.kit.generate(job.topic, 40_000, keys=50)
    process = env.run(job).wait_ready()
    time.sleep(1.5)
    process.kill()
    env.run(job).wait_ready().wait_caught_up(env.kit).stop()
    env.kit.generate(job.topic, 20_000, keys=50, seed=2, start_ms=1767225600000 + 30_000)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_every_aggregate_tumbling(env):
    every_aggregate(env, TUMBLING)


def test_every_aggregate_sliding(env):
    every_aggregate(env, SLIDING)
