"""What an operator sees: health, metrics, the ledger, exit codes and where output goes."""
import json
import pathlib
import time

from harness import TUMBLING, Failed, free_port, wait_for


def running_job(env, events=20_000, **options):
    job = env.job(window=TUMBLING, filter=[["event_type", "!=", "refund"]], **options)
    env.kit.generate(job.topic, events)
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    return job, process


def test_ledger_closes(env):
    """/metrics and the API account for every record, and agree with the oracle."""
    job, process = running_job(env)
    expected = env.kit.verify(job, close="watermark")["ledger"]
    window, filter_step = expected["steps"]["per_user"], expected["steps"]["filter-1"]

    def total(name, **labels):
        return process.total(f"tidemark_{name}", pipeline=job.name, **labels)

    wait_for(lambda: total("records_read_total") == expected["read"], "all counted as read", 20)

    def counts():
        return {"filtered": total("records_filtered_total"), "counted": total("records_counted_total"),
                "late": total("records_late_total"), "dead": total("records_dead_lettered_total"),
                "missed": total("window_updates_missed_total")}

    wanted = {"filtered": filter_step["filtered"], "counted": window["out"], "late": window["late"],
              "dead": expected["dead_lettered"], "missed": expected["window_updates_missed"]}
    try:
        wait_for(lambda: counts() == wanted, "the oracle's counts", 20)
    except Failed as error:
        raise Failed(f"{error}: metrics {counts()}, oracle {wanted}")
    status, body = process.get(f"/api/v1/pipelines/{job.name}")
    assert status == 200, (status, body)
    ledger = json.loads(body)["ledger"]
    assert ledger["closed"] is True, ledger
    (source,) = ledger["sources"]
    assert source["read"] == source["dead_lettered"] + source["filtered"] + source["passed"] == expected["read"], ledger
    shown = {entry: total("ledger_records_total", step="events", entry=entry) for entry in ("read", "passed", "dead_lettered", "filtered")}
    assert shown == {entry: source[entry] for entry in shown}, (shown, source)
    assert total("ledger_records_total", step="per_user", entry="counted") == window["out"]
    assert total("ledger_records_total", step="per_user", entry="late") == window["late"]
    assert total("ledger_records_total", step="filter-1", entry="filtered") == filter_step["filtered"]
    assert total("ledger_open_records") == 0
    steps = {one["name"]: one for one in ledger["steps"]}
    assert steps["filter-1"]["in"] == source["passed"], ledger
    assert steps["per_user"]["counted"] == window["out"] and steps["per_user"]["late"] == window["late"], ledger
    process.stop()


def test_a_bounded_run_over_no_topics_ends(env):
    job = env.job(pattern="^no-such-topic-")
    env.run(job, until_end=True).wait(0, 30).says("nothing_to_read", "^no-such-topic-")


def test_a_daemon_waits_for_topics_and_says_so(env):
    job = env.job(pattern=f"^{env.name}[.]later$", properties={"topic.metadata.refresh.interval.ms": 500})
    process = env.run(job)
    wait_for(lambda: process.running() and "no_topic_matches" in process.output(), "it says that it waits")
    assert process.get("/readyz")[0] == 503
    job.topic = f"{env.name}.later"
    env.kit.create_topic(job.topic)
    env.kit.generate(job.topic, 1_000)
    process.wait_ready().wait_caught_up(env.kit).stop()
    assert process.output().count("no_topic_matches") == 1, process.output()


def test_unknown_topics_are_named_with_their_place(env):
    job = env.job()
    job.late, job.dead = "no-such-late", "no-such-dead"
    env.run(job).wait(2, 30).says("sink kafka-2: topic no-such-late", "sink kafka-3: topic no-such-dead", "create it")
    job.topic = "no-such-in"
    env.run(job).wait(2, 30).says("source events: topic no-such-in", "create it")


def test_silent_brokers_are_named_with_the_reason(env):
    job = env.job()
    job.bootstrap = f"localhost:{free_port()}"
    process = env.run(job)
    wait_for(lambda: process.running() and "not_connected" in process.output(), "it says that nobody answers")
    process.says(f"no answer from {job.bootstrap}: ", "Connection refused")
    process.stop()


METRICS = """records_read_total records_emitted_total records_filtered_total records_counted_total consumer_lag
committed_lag consumer_lag_seconds watermark_timestamp_seconds watermark_lag_seconds checkpoint_duration_seconds_bucket
checkpoints_total checkpoint_last_success_timestamp_seconds checkpoint_size_bytes transaction_duration_seconds_count
state_bytes state_keys lane_busy_seconds_total lane_idle_seconds_total lane_backpressured_seconds_total
input_pause_seconds_bucket end_to_end_latency_seconds_bucket pipeline_state build_info records_late_total records_dead_lettered_total
records_lost_total results_filtered_total window_updates_missed_total result_errors_total
partitioning_violations_total records_deduplicated_total ledger_records_total ledger_open_records committed_lag_seconds
position_offset committed_offset log_end_offset watermark_holder partition_idle partition_paused checkpoint_interval_seconds
state_memory_limit_bytes rocksdb_keys rocksdb_memtable_bytes rocksdb_table_reader_bytes rocksdb_pending_compaction_bytes
memory_budget_bytes state_disk_free_bytes state_disk_size_bytes kafka_brokers_up kafka_queue_messages kafka_queue_bytes
kafka_sent_bytes_total kafka_received_bytes_total kafka_request_errors_total kafka_round_trip_seconds
kafka_throttle_seconds""".split()


def test_metrics_have_their_names(env):
    job, process = running_job(env)

    def missing():
        names = {name for name, _ in process.metrics()}
        bare = {name.rsplit("_", 1)[0] for name in names if name.endswith(("_bucket", "_count", "_sum"))}
        return [m for m in METRICS if f"tidemark_{m}" not in names | bare and
                f"tidemark_{m}".rsplit("_", 1)[0] not in bare]

    # What nobody knows yet has no series: a watermark shows once a checkpoint has reported it.
    try:
        wait_for(lambda: not missing(), "all metrics", 20)
    except Failed as error:
        raise Failed(f"{error}: {missing()}")

    def lags():
        return {dict(labels).get("partition"): lag for (name, labels), lag in process.metrics().items()
                if name == "tidemark_consumer_lag"}

    # The gauges follow the broker's high watermarks, which are asked for now and then.
    try:
        wait_for(lambda: lags() == {"0": 0, "1": 0, "2": 0, "3": 0}, "no lag in any partition", 20)
    except Failed as error:
        raise Failed(f"{error}: {lags()}")
    for client in ("consumer", "producer"):
        for metric in ("brokers_up", "sent_bytes_total", "received_bytes_total", "round_trip_seconds"):
            wait_for(lambda: process.total(f"tidemark_kafka_{metric}", pipeline=job.name, client=client) > 0,
                     f"{metric} of the {client}", 20)
    process.stop()


def test_counters_are_there_before_they_count(env):
    """One that appeared with its first event would have no increase to alert on."""
    job = env.job(window=TUMBLING, every="1m")
    process = env.run(job).wait_ready()
    now = {name: value for (name, labels), value in process.metrics().items()}
    for name in ("records_emitted", "records_filtered", "records_counted", "records_late", "records_dead_lettered",
                 "results_filtered", "window_updates_missed", "result_errors"):
        assert now.get(f"tidemark_{name}_total") == 0, (name, sorted(now))
    process.stop()


def test_health_and_pages(env):
    job, process = running_job(env, events=2_000)
    assert process.get("/livez")[0] == 200
    assert process.get("/readyz")[0] == 200
    assert "<title>Tidemark</title>" in process.get("/")[1]
    plan = json.loads(process.get(f"/api/v1/pipelines/{job.name}/plan")[1])
    assert plan["pipeline"] == job.name and plan["sources"][0]["name"] == "events", plan
    assert job.topic in process.get(f"/api/v1/pipelines/{job.name}/explain")[1]
    assert job.name in process.get("/api/v1/pipelines")[1]
    assert process.get("/api/v1/pipelines/nobody")[0] == 404
    process.stop()


def test_an_idle_pipeline_sleeps(env):
    """Counted in wake-ups, which do not hang on the machine as CPU time does. The bound leaves room: it tells waiting for
    events from looking for them."""
    job = env.job(window=TUMBLING, every="5s")
    env.kit.generate(job.topic, 2_000)
    process = env.run(job, "--threads", 2).wait_ready().wait_caught_up(env.kit)
    time.sleep(2)

    def wake_ups():
        tasks = (pathlib.Path("/proc") / str(process.process.pid) / "task").iterdir()
        lines = [line for task in tasks for line in (task / "status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    before = wake_ups()
    time.sleep(10)
    a_second = (wake_ups() - before) / 10
    process.stop()
    assert a_second < 120, f"{a_second:.0f} wake-ups a second"


def two_jobs(env):
    return [env.job(name=f"{env.name}-{which}", window=TUMBLING) for which in ("good", "bad")]


def test_two_pipelines_in_one_process(env):
    jobs = two_jobs(env)
    for job in jobs:
        env.kit.generate(job.topic, 3_000)
    process = env.run(jobs[0], jobs[1].write())
    process.wait_ready().wait_caught_up(env.kit)
    wait_for(lambda: env.kit.caught_up(jobs[1].name, jobs[1].topic), "both committed")
    assert {job.name for job in jobs} <= {dict(labels).get("pipeline") for _, labels in process.metrics()}
    process.stop()
    for job in jobs:
        env.kit.verify(job, close="watermark")


def is_over(env, process, job, state, *words):
    """Metrics, the API and /readyz say of that pipeline, and of no other, that it is over and why."""
    def shown():
        answers = process.running() and process.get("/metrics")[0] == 200
        return answers and process.total("tidemark_pipeline_state", pipeline=job.name, state=state) == 1
    wait_for(shown, f"{job.name} shown as {state}")
    told = json.loads(process.get(f"/api/v1/pipelines/{job.name}")[1])
    assert told["state"] == state and told["ready"] is False, told
    for word in words:
        assert word in told["error"], told
    states = {one["name"]: one["state"] for one in json.loads(process.get("/api/v1/pipelines")[1])}
    assert [name for name, its in states.items() if its == state] == [job.name] and len(states) == 2, states
    # It names the first that is not ready.
    wait_for(lambda: process.get("/readyz")[0] == 503 and f"{job.name} is {state}" in process.get("/readyz")[1], "not ready")
    assert process.get("/livez")[0] == 200


def test_one_of_two_pipelines_is_refused_and_the_other_works(env):
    """One finds offsets in its group that are not its own. /readyz stays 503 however well the other works."""
    good, bad = two_jobs(env)
    env.kit.generate(bad.topic, 1_000)
    env.kit.set_offsets(bad.name, bad.topic, {p: 1 for p in range(4)}, "somebody-else")
    process = env.run(good, bad.write())
    is_over(env, process, bad, "failed", "--reset-state")
    env.kit.generate(good.topic, 3_000)
    process.wait_caught_up(env.kit)
    is_over(env, process, bad, "failed", "--reset-state")
    process.process.terminate()
    process.wait(2).says(f"pipeline {bad.name}", "--reset-state")
    env.kit.verify(good, close="watermark")


def fenced_beside_another(env, *args):
    """Two pipelines that work, one of which somebody else then starts again."""
    good, bad = two_jobs(env)
    process = env.run(good, bad.write(), *args).wait_ready()
    for job in (good, bad):
        env.kit.generate(job.topic, 2_000)
        wait_for(lambda: process.running() and env.kit.caught_up(job.name, job.topic), "all committed")
    newer = env.run(bad, state_dir=process.state_dir)
    env.kit.generate_in_background(bad.topic, 20_000, rate=2_000, seed=2)  # each transaction finds out
    return good, bad, process, newer


def test_one_of_two_pipelines_fails_for_good_and_the_other_goes_on(env):
    good, bad, process, newer = fenced_beside_another(env)
    is_over(env, process, bad, "fenced")
    newer.wait_ready()
    env.kit.generate(good.topic, 2_000, seed=2)
    process.wait_caught_up(env.kit)
    process.process.terminate()
    process.wait(1).says("fenced")
    env.kit.verify(good, close="watermark")


def test_fail_fast_ends_what_goes_well_too(env):
    good, bad, process, _ = fenced_beside_another(env, "--fail-fast")
    process.wait(1, 60).says("fenced")
    env.kit.verify(good, close="watermark")  # drained, not broken off


def test_stdout_holds_results_only(env):
    import subprocess
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 2_000)
    spec = json.loads(job.yaml())
    spec["sinks"][0] = {"stdout": {}, "format": "json"}
    for sink in spec["sinks"][1:]:
        sink["delivery"] = "at_least_once"
    job.file.write_text(json.dumps(spec))
    done = subprocess.run([env.tidemark, "run", job.file, "--until-end", "--http", "off", "--state-dir",
                           job.directory / "state"], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failed(done.stderr)
    rows = sorted(json.dumps(json.loads(line), ensure_ascii=False) for line in done.stdout.splitlines())
    path = job.directory / "job.json"
    path.write_text(json.dumps(job.description()))
    expected = [line[4:] for line in env.kit.run("expect", path).stdout.splitlines() if line.startswith("row ")]
    wanted = sorted(json.dumps(json.loads(line), ensure_ascii=False) for line in expected)
    assert rows == wanted, f"{len(rows)} rows on stdout, {len(wanted)} expected"
