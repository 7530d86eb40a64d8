"""What a sink cannot take, or cannot take as it is: no record may stop a pipeline, and none may be lost in silence."""
import json
import subprocess
import time

from harness import TUMBLING, Failed, wait_for
from test_results import event, headers_of

HOURS = 3_600_000


def future_records(job, now):
    """One that counts, one from far in the future and one that counts again."""
    return [{"topic": job.topic, "partition": 0, "key": "k", "timestamp": now + ahead, "value": event(user, now)}
            for user, ahead in (("a", 0), ("b", 3 * HOURS), ("c", 0))]


def test_dead_letters_from_the_future(env):
    """Brokers refuse stamps from the far future; a record that bears one is set aside all the same."""
    job = env.job(partitions=1, max_future="5m")
    job.topic = env.kit.create_topic(f"{job.topic}-lenient", 1, message_timestamp_after_max_ms=100 * HOURS)
    now = int(time.time() * 1000)
    env.kit.produce(future_records(job, now))
    env.run(job, until_end=True).wait(0)
    (dead,) = env.kit.consume(job.dead)
    headers = headers_of(dead)
    assert headers["tidemark.reason"] == "future", dead
    assert int(headers["tidemark.timestamp"]) == now + 3 * HOURS, dead
    assert dead["timestamp"] <= int(time.time() * 1000), dead
    rows = env.kit.consume(job.out)
    assert sorted(json.loads(row["value"])["user_id"] for row in rows) == ["a", "c"], rows
    assert "tidemark.timestamp" not in json.dumps(rows)


def test_rows_from_the_future(env):
    """Within max_future a record counts, and its row bears a stamp that the broker takes."""
    for window in (None, TUMBLING):
        job = env.job(name=f"{env.name}-{'window' if window else 'rows'}", window=window, partitions=1, max_future="6h")
        job.topic = env.kit.create_topic(f"{job.topic}-lenient", 1, message_timestamp_after_max_ms=100 * HOURS)
        env.kit.produce(future_records(job, int(time.time() * 1000)))
        env.run(job, until_end=True).wait(0)
        rows = env.kit.consume(job.out)
        assert sorted(json.loads(row["value"])["user_id"] for row in rows) == ["a", "b", "c"], rows
        assert all(row["timestamp"] <= int(time.time() * 1000) for row in rows), rows


def test_a_topic_that_takes_no_rows_without_keys(env):
    """The topic and what to do are named, where people look for them."""
    job = env.job(window=TUMBLING, by=())
    env.kit.generate(job.topic, 200)
    job.out = env.kit.create_topic(f"{job.out}-compacted", 1, cleanup_policy="compact")
    process = env.run(job, until_end=True)
    wait_for(lambda: process.running() and "kafka_refused" in process.output(), "the refusal", 60)
    process.says(job.out, "INVALID_RECORD", "cleanup.policy")
    assert "INVALID_RECORD" in json.loads(process.get(f"/api/v1/pipelines/{job.name}")[1])["last_error"]


def test_standard_output_that_is_full(env):
    """Rows that nobody got are not acknowledged."""
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 2_000)
    spec = json.loads(job.yaml())
    spec["sinks"] = [{"stdout": {}, "format": "json"}]
    job.file.write_text(json.dumps(spec))
    command = [env.tidemark, "run", job.file, "--until-end", "--http", "off", "--state-dir", job.directory / "state"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    if done.returncode != 1 or "standard output cannot be written" not in done.stderr:
        raise Failed(f"exit code {done.returncode}: {done.stderr}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    path = job.directory / "job.json"
    path.write_text(json.dumps(job.description()))
    expected = [line for line in env.kit.run("expect", path).stdout.splitlines() if line.startswith("row ")]
    assert len(done.stdout.splitlines()) == len(expected)


def test_names_that_look_alike(env):
    """A pipeline named like the instance of another one is somebody else."""
    windows = env.job(name=f"{env.name}-0", window=TUMBLING)
    rows = env.job(name=env.name)
    for job in (windows, rows):
        env.kit.generate(job.topic, 3_000)
    process = env.run(rows, windows.write(), "--instance", "0").wait_ready()
    for job in (windows, rows):
        wait_for(lambda job=job: env.kit.caught_up(job.name, job.topic), f"{job.name} committed")
    time.sleep(3)
    assert "fenced" not in process.output(), process.facts()
    process.stop()
    for job in (windows, rows):
        env.kit.verify(job, close="watermark")


def test_time_that_follows_the_clock_alone_is_not_committed_again_and_again(env):
    """A quiet topic's last window closes; from there on there is nothing to write down for a minute."""
    job = env.job(window=("tumbling", "5s", None), every="250ms", idle_after="1s")
    env.kit.generate(job.topic, 2_000)
    spec = json.loads(job.yaml())
    spec["sources"]["events"]["event_time"]["close_after_idle"] = "1s"
    job.write = lambda: job.file.write_text(json.dumps(spec)) and job.file
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    wait_for(lambda: process.total("tidemark_state_keys", pipeline=job.name) > 0, "windows that wait", 10)
    wait_for(lambda: process.total("tidemark_state_keys", pipeline=job.name) == 0, "the last window closed", 90)
    time.sleep(1)

    before = env.kit.offsets(job.name, job.topic)
    time.sleep(3)
    assert env.kit.offsets(job.name, job.topic) == before
    process.stop()
