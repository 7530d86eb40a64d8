"""Hot keys by rows and by bytes of state: found on a real stream, and named only by a process that was told to."""
import json

from harness import wait_for

LONG = "x" * 400


def records(job):
    """Half of the rows are one user's and small; a tenth is another's, whose values are long; the rest is everybody's."""
    for n in range(30_000):
        user = "chatty" if n % 2 else "heavy" if n % 10 == 0 else f"user-{n % 4_000}"
        value = {"event_id": f"{n:06}{LONG if user == 'heavy' else ''}", "user_id": user, "event_type": "purchase", "ts": 1_767_225_600_000 + n}
        yield {"topic": job.topic, "key": user, "value": json.dumps(value)}


def hottest(process, job):
    """{by: what the API says of the hottest}"""
    found = {}
    for one in json.loads(process.get(f"/api/v1/pipelines/{job.name}")[1])["hot_keys"]:
        found.setdefault(one["by"], one)
    return found


def run_it(env, *flags):
    job = env.job(window=("tumbling", "1h", None), late=None, dead=None, aggregates=[
        {"name": "n", "kind": "count"}, {"name": "events", "kind": "list", "field": "event_id", "numbers": [10_000]}])
    env.kit.produce(records(job))
    process = env.run(job, *flags).wait_ready().wait_caught_up(env.kit)
    wait_for(lambda: set(hottest(process, job)) == {"rows", "state"}, "both are known", 30)
    return job, process


def test_hot_keys_by_rows_and_by_state(env):
    job, process = run_it(env)
    found = hottest(process, job)
    assert found["rows"]["hash"] != found["state"]["hash"] and "key" not in found["rows"] and "key" not in found["state"], found
    assert 0.4 < found["rows"]["share"] < 0.6 and 0.5 < found["state"]["share"] < 0.95, found
    for metric, by in (("hot", "rows"), ("heavy", "state")):
        series = {dict(labels)["key"]: value for (name, labels), value in process.metrics().items() if name == f"tidemark_{metric}_key_ratio"}
        assert max(series, key=series.get) == found[by]["hash"], (series, found)
    everything = "".join(process.get(path)[1] for path in ("/metrics", "/", "/api/v1/pipelines", f"/api/v1/pipelines/{job.name}",
                                                           f"/api/v1/pipelines/{job.name}/plan")) + process.output()
    assert "chatty" not in everything and "heavy\"" not in everything, "a key is shown to whoever asks"
    process.stop()


def test_hot_keys_are_revealed_where_it_was_asked_for(env):
    job, process = run_it(env, "--reveal-keys")
    found = hottest(process, job)
    assert found["rows"]["key"] == {"user_id": "chatty"} and found["state"]["key"] == {"user_id": "heavy"}, found
    assert "chatty" not in process.get("/metrics")[1] + process.output(), "the API alone names keys"
    process.stop()
