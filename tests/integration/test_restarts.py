"""Stops, continuations and refusals: what a run finds when it comes back, and what it must not accept."""
import shutil
import time

from harness import AGGREGATES, ONCE, SHORT_SESSION, SLIDING, TUMBLING, Branch, Failed, wait_for

HOUR_MS = 3_600_000
START_MS = 1767225600000


def caught_up_and_stopped(env, job, events=10_000, **options):
    """A run that has read all and drained on SIGTERM: state, commits and open windows are left."""
    env.kit.generate(job.topic, events, **options)
    env.run(job).wait_ready().wait_caught_up(env.kit).stop()


def refused(env, job, *words, args=(), until_end=False):
    process = env.run(job, *args, until_end=until_end)
    process.wait(2, timeout_s=60)
    process.says(*words)
    return process


# ---- Going on

def test_stop_and_continue(env):
    job = env.job(window=TUMBLING)
    for round_number in range(3):
        env.kit.generate(job.topic, 8_000, seed=round_number, start_ms=START_MS + round_number * 30_000)
        env.run(job).wait_ready().wait_caught_up(env.kit).stop()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_stop_at_once(env):
    """SIGTERM in the first moments and in the midst of work ends cleanly and loses nothing."""
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 100_000)
    for moment_s in (0.3, 0.6, 1.0, 1.5, 2.5):
        process = env.run(job)
        time.sleep(moment_s)
        process.stop()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_open_windows_stay_unsaid(env):
    job = env.job(window=TUMBLING)
    caught_up_and_stopped(env, job, sentinels=True)
    env.kit.verify(job, close="watermark")


def test_until_end_keep_open(env):
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 8_000)
    env.run(job, until_end="keep-open").wait(0)
    env.kit.verify(job, close="watermark")
    env.kit.generate(job.topic, 8_000, seed=2, start_ms=START_MS + 4_000)
    env.run(job, until_end="keep-open").wait(0)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_kill_and_continue(env):
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 200_000, keys=5_000)
    for moment_s in (0.5, 1.0, 2.0, 3.0):
        process = env.run(job)
        time.sleep(moment_s)
        process.kill()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_branches_and_windows_over_windows_after_kills(env):
    """One source, read once: a window, two over it (one of them across lanes), one beside it, and plain rows."""
    per_user = [{"name": "users", "kind": "count"}, {"name": "events", "kind": "sum", "field": "n"},
                {"name": "spent", "kind": "sum", "field": "spent"}, {"name": "lowest", "kind": "min", "field": "lowest"},
                {"name": "last_user", "kind": "last", "field": "user_id"},
                {"name": "busiest", "kind": "arg_max", "field": "user_id", "by": "n"}]

    def out(name):
        env.kit.create_topic(f"{env.name}.{name}", 3)
        return f"{env.name}.{name}"

    branches = [
        Branch("per_city", out("per_city"), over=True, window=("tumbling", "5m", None), by=["city"], aggregates=per_user),
        Branch("steady", out("steady"), over=True, filter=[["n", ">", 1]], window=("session", "90s", None),
               by=["user_id", "city"], aggregates=per_user[:3]),
        Branch("per_type", out("per_type"), window=SLIDING, by=["event_type"], aggregates=AGGREGATES[:5]),
        Branch("purchases", out("purchases"), filter=[["event_type", "==", "purchase"]]),
    ]
    job = env.job(window=TUMBLING, by=["city", "user_id"], late=None, lanes=8, every="300ms", branches=branches)
    env.kit.generate(job.topic, 500_000, keys=2_000, events_per_minute=20_000)
    for moment_s in (0.7, 0.9, 1.1, 1.3):
        process = env.run(job, "--threads", 2)
        time.sleep(moment_s)
        process.kill()
    env.run(job, "--threads", 2, until_end=True).wait(0)
    env.kit.verify(job)
    for branch in branches:
        summary = env.kit.verify(job.view(branch))
        assert summary["results"]["found"] > 10, f"a test of nothing: {branch.name} {summary}"


def test_dedupe_kill_and_continue(env):
    """What was remembered when the process died is remembered when it comes back, and nothing else is."""
    job = env.job(dedupe=ONCE, window=TUMBLING, every="300ms")
    env.kit.generate(job.topic, 200_000, keys=5_000, repeats=200_000)
    for moment_s in (0.5, 1.0, 2.0, 3.0):
        process = env.run(job)
        time.sleep(moment_s)
        process.kill()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_at_least_once_after_kill(env):
    job = env.job(window=TUMBLING, delivery="at_least_once", every="500ms")
    env.kit.generate(job.topic, 200_000, keys=5_000)
    for moment_s in (1.0, 2.0):
        process = env.run(job)
        time.sleep(moment_s)
        process.kill()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_new_partitions_are_found(env):
    job = env.job(window=TUMBLING, partitions=2, properties={"topic.metadata.refresh.interval.ms": 1000})
    env.kit.generate(job.topic, 5_000, partitions=2)
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    env.kit.run("topic", "grow", job.topic, "-p", 4)
    # In the new partitions alone, and ahead of all else, so that what counts does not hang on the moment of finding.
    env.kit.produce([{"topic": job.topic, "partition": p, "key": "u1", "timestamp": START_MS + HOUR_MS,
                      "value": '{"event_id":"n","user_id":"u1","event_type":"view","ts":%d}' % (START_MS + HOUR_MS)}
                     for p in (2, 3)])
    process.wait_caught_up(env.kit)
    process.stop()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_a_broken_promise_is_counted_and_told(env):
    """`partitioned_by`, and yet a key lies in two partitions."""
    job = env.job(window=TUMBLING, partitions=2, partitioned_by=["user_id"])

    def violations():
        return process.total("tidemark_partitioning_violations_total", pipeline=job.name, step="per_user")

    def put(partition, user):
        env.kit.produce([{"topic": job.topic, "partition": partition, "key": user, "timestamp": START_MS,
                          "value": '{"event_id":"n","user_id":"%s","event_type":"view","ts":%d}' % (user, START_MS)}])

    process = env.run(job).wait_ready()
    put(0, "kept")
    put(1, "another")
    process.wait_caught_up(env.kit)
    assert violations() == 0 and "partitioning_violated" not in process.output(), process.facts()
    put(1, "kept")
    process.wait_caught_up(env.kit)
    wait_for(lambda: violations() == 1, "the violation counted", 20)
    process.says("partitioning_violated", "a key of `partitioned_by` was found in two partitions")
    process.stop()


def test_a_topic_that_grows_breaks_the_promise(env):
    """Equal values are elsewhere from now on: the pipeline stops and names the ways on; with one of them it goes on."""
    job = env.job(window=TUMBLING, partitions=2, partitioned_by=["user_id"],
                  properties={"topic.metadata.refresh.interval.ms": 1000, **SHORT_SESSION})
    env.kit.generate(job.topic, 5_000, partitions=2)
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    env.kit.run("topic", "grow", job.topic, "-p", 4)
    process.wait(2, timeout_s=60).says(f"topic {job.topic} had 2 partitions, has 4 now", "partitioned_by", "--reset-state")
    refused(env, job, "had 2 partitions, has 4 now", "--reset-state")
    env.run(job, "--reset-state").wait_ready().wait_caught_up(env.kit).stop()


def test_a_partition_found_later_is_read_whole(env):
    """`start: latest`, and the new partition goes to an instance that has no other: it was not there at the very start."""
    job = env.job(filter=[["event_type", "==", "purchase"]], partitions=1, start="latest",
                  properties={"topic.metadata.refresh.interval.ms": 4000, **SHORT_SESSION})
    first = env.run(job, instance=0).wait_ready()
    second = env.run(job, instance=1, state_dir=job.directory / "second.state")
    wait_for(lambda: second.running() and "partitions=0" in second.output(), "a member without partitions")
    first.wait_ready()
    env.kit.generate(job.topic, 3_000, partitions=1)
    first.wait_caught_up(env.kit)
    env.kit.run("topic", "grow", job.topic, "-p", 2)
    env.kit.produce([{"topic": job.topic, "partition": 1, "key": "u1", "timestamp": START_MS,
                      "value": '{"event_id":"n%d","user_id":"u1","event_type":"purchase","ts":%d}' % (n, START_MS)}
                     for n in range(100)])
    assert "partitions=1" not in second.output(), "the partition was found before its records came"
    wait_for(lambda: first.running() and second.running() and env.kit.caught_up(job.name, job.topic), "all committed", 60)
    second.says("partitions=1")
    env.kit.verify(job)


def test_kafka_comes_later(env):
    broker = env.own_broker()
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 5_000)
    broker.stop()
    process = env.run(job, until_end=True)
    time.sleep(5)
    process.running()
    assert process.get("/livez")[0] == 200, "alive without Kafka"
    assert process.get("/readyz")[0] == 503, "not ready without Kafka"
    broker.start()
    process.wait(0)
    env.kit.verify(job)


# ---- Refusals

def test_ended_pipeline_is_refused(env):
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 3_000)
    env.run(job, until_end=True).wait(0)
    env.run(job, until_end=True).wait(0)  # nothing new has come
    env.kit.verify(job)
    refused(env, job, "ended")
    env.kit.generate(job.topic, 10, seed=2)
    refused(env, job, "ended", until_end=True)


def test_unknown_topic_is_refused(env):
    job = env.job(window=TUMBLING)
    job.topic = "no-such-topic"
    refused(env, job, "no-such-topic")


def test_unknown_sink_topic_is_refused(env):
    job = env.job(window=TUMBLING)
    job.out = "no-such-sink"
    refused(env, job, "no-such-sink")


def test_broken_file_is_refused(env):
    job = env.job(window=TUMBLING, by=["usr_id"])
    process = refused(env, job, "usr_id", "user_id")
    assert ".yaml:" in process.output(), process.output()


def test_lost_commit_is_refused(env):
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    caught_up_and_stopped(env, job)
    # Static members stay in the group until their session ends; single offsets can go at once only when it is empty.
    wait_for(lambda: env.kit.run("offsets", "delete", job.name, may_fail=True).returncode == 0, "the group deleted", 90)
    refused(env, job, "--reset-state")


def test_reset_state_starts_again(env):
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    caught_up_and_stopped(env, job)
    wait_for(lambda: env.kit.run("offsets", "delete", job.name, may_fail=True).returncode == 0, "the group deleted", 90)
    again = env.job(name=f"{env.name}-again", window=TUMBLING)
    again.topic, again.name = job.topic, job.name
    env.run(again, "--reset-state", until_end=True, state_dir=job.directory / f"{job.name}.state").wait(0)
    env.kit.verify(again)


def overwrite_offsets(env, job, change, metadata=""):
    """Commits other offsets for the group, as the Kafka tools do, once no member is left."""
    offsets = {p: change(one["offset"]) for p, one in env.kit.offsets(job.name, job.topic).items()}

    def written():
        return env.kit.run("offsets", "set", job.name, job.topic, *[f"{p}={o}" for p, o in offsets.items()],
                           "--metadata", metadata, may_fail=True).returncode == 0
    wait_for(written, "offsets overwritten", 90)


def test_foreign_commit_is_refused(env):
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    caught_up_and_stopped(env, job)
    overwrite_offsets(env, job, lambda offset: offset, "somebody-else")
    refused(env, job, "--reset-state")


def test_reset_offsets_are_refused(env):
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    caught_up_and_stopped(env, job)
    overwrite_offsets(env, job, lambda offset: 0)
    refused(env, job, "--reset-state")


def test_moved_offset_with_our_metadata_is_refused(env):
    job = env.job(window=TUMBLING, properties=SHORT_SESSION, partitions=1)
    caught_up_and_stopped(env, job, partitions=1)
    metadata = env.kit.offsets(job.name, job.topic)[0]["metadata"]
    assert metadata, "each offset's metadata names its manifest"
    overwrite_offsets(env, job, lambda offset: offset - 5, metadata)
    refused(env, job, "--reset-state")


def test_commit_on_a_group_that_is_not_ours(env):
    """A first start that finds offsets without our metadata."""
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 1_000)
    env.kit.set_offsets(job.name, job.topic, {p: 1 for p in range(4)})
    refused(env, job, "--reset-state")


def test_records_gone_before_they_were_read(env):
    job = env.job(window=TUMBLING, partitions=1)
    caught_up_and_stopped(env, job, partitions=1)
    committed = env.kit.offsets(job.name, job.topic)[0]["offset"]
    env.kit.generate(job.topic, 1_000, partitions=1, seed=2, start_ms=START_MS + 60_000)
    env.kit.run("delete-records", job.topic, f"0={committed + 300}")
    refused(env, job, "--accept-loss", str(committed))
    process = env.run(job, "--accept-loss").wait_ready().wait_caught_up(env.kit)
    assert process.total("tidemark_records_lost_total", pipeline=job.name) == 300, "the gap is counted"
    process.stop()


def test_topic_created_anew(env):
    """The committed offset lies beyond the log's end."""
    job = env.job(window=TUMBLING, partitions=1)
    caught_up_and_stopped(env, job, partitions=1)
    before = env.kit.offsets(job.name, job.topic)
    env.kit.run("topic", "delete", job.topic)
    wait_for(lambda: env.kit.run("topic", "create", job.topic, "-p", 1, may_fail=True).returncode == 0, "created anew")
    env.kit.generate(job.topic, 100, partitions=1)
    after = env.kit.offsets(job.name, job.topic)
    if after != before:  # a broker that takes the group's commits along: then they are lost
        refused(env, job, "--reset-state")
    else:
        refused(env, job, "--reset-state", str(before[0]["offset"]))


def test_missing_checkpoints_are_refused(env):
    job = env.job(window=TUMBLING)
    caught_up_and_stopped(env, job)
    shutil.rmtree(job.directory / f"{job.name}.state")
    refused(env, job, "--reset-state")


def test_damaged_checkpoints_are_refused(env):
    job = env.job(window=TUMBLING)
    caught_up_and_stopped(env, job, keys=5_000, events=50_000)
    state = job.directory / f"{job.name}.state"
    files = [one for one in state.rglob("*") if one.is_file() and one.suffix == ".sst"]
    if not files:
        raise Failed(f"no table files in {state}: {[str(p) for p in state.rglob('*')][:20]}")
    for one in files:
        data = bytearray(one.read_bytes())
        data[len(data) // 2] ^= 0x40
        one.write_bytes(bytes(data))
    refused(env, job, "--reset-state")


def test_failed_restores_are_counted(env):
    """One pipeline's checkpoint is damaged: it fails, which its metrics say as long as another keeps the process up."""
    good, bad = env.job(name=f"{env.name}-good", window=TUMBLING), env.job(name=f"{env.name}-bad", window=TUMBLING)
    caught_up_and_stopped(env, bad)
    manifests = list((bad.directory / f"{bad.name}.state").rglob("MANIFEST"))
    assert manifests, "no checkpoint"
    for manifest in manifests:
        manifest.write_bytes(manifest.read_bytes()[:-1])
    process = env.run(good, bad.write(), state_dir=bad.directory / f"{bad.name}.state")
    wait_for(lambda: process.running() and "pipeline_failed" in process.output(), "the refusal")
    assert process.total("tidemark_checkpoints_total", pipeline=bad.name, result="failure") == 1
    assert process.total("tidemark_checkpoints_total", pipeline=good.name, result="failure") == 0
    process.process.terminate()
    process.wait(2)


def test_changed_state_is_refused(env):
    job = env.job(window=TUMBLING)
    caught_up_and_stopped(env, job)
    job.by = ["event_type"]
    refused(env, job, "per_user")
    job.by, job.window = ["user_id"], ("tumbling", "2m", None)
    refused(env, job, "per_user")
    job.window = TUMBLING
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_changed_lanes_are_refused(env):
    job = env.job(window=TUMBLING, lanes=4)
    caught_up_and_stopped(env, job)
    job.lanes = 8
    refused(env, job, "lanes")


def test_sink_on_another_cluster_is_refused(env):
    other = env.another_broker()
    job = env.job(window=TUMBLING, sink_bootstrap=other.bootstrap)
    from harness import Kit
    there = Kit(env.args.testkit, other.bootstrap)
    for topic in (job.out, job.late, job.dead):
        there.create_topic(topic, 1)
    refused(env, job, "cluster", "at_least_once")
