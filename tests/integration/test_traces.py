"""Traces of checkpoints, as a collector gets them: each a tree of what was done, how long it took and what went wrong; and a
collector that is ill, of whom nobody notices anything."""
import json
import socket
import time

from collector import Collector, shape
from harness import TUMBLING, free_port, wait_for


def roots(collector, **wanted):
    """Traces whose roots bear these attributes."""
    return [spans for spans in collector.traces() if wanted.items() <= {k.removeprefix("tidemark."): v for k, v in spans[0].items()}.items()]


def test_each_checkpoint_is_a_trace(env):
    """From the first one, which commits where to begin, to the last, which is sent before the process ends."""
    with Collector() as collector:
        job = env.job(window=TUMBLING)
        env.kit.generate(job.topic, 20_000)
        begun = time.time_ns()
        process = env.run(job, "--otlp", collector.url, "--instance", "blue").wait_ready().wait_caught_up(env.kit)
        wait_for(lambda: process.total("tidemark_trace_spans_exported_total") > 0, "spans are counted", 20)
        process.stop()
        ended = time.time_ns()
        committed = roots(collector, result="committed")
        epochs = sorted(spans[0]["tidemark.epoch"] for spans in collector.traces())
        assert epochs == list(range(1, len(epochs) + 1)), f"one for each checkpoint: {epochs}"
        phases = {("checkpoint", None), ("barrier", "checkpoint"), ("sinks", "checkpoint"), ("state", "checkpoint"),
                  ("freeze", "state"), ("snapshot", "state"), ("manifest", "state"), ("transaction", "checkpoint"),
                  ("send_offsets", "transaction"), ("commit", "transaction"), ("delete", "checkpoint")}
        shapes = [shape(spans) for spans in committed]
        assert phases in shapes and all(one <= phases for one in shapes), shapes
        for spans in collector.traces():
            assert begun <= spans[0]["start"] and spans[0]["end"] <= ended, spans[0]
            assert not [span for span in spans if span["error"]], spans
            assert spans[0]["tidemark.pipeline"] == job.name and spans[0]["tidemark.instance"] == "blue", spans[0]
            assert all(span["tidemark.unit"] == "all" for span in spans if span["name"] in ("freeze", "snapshot", "manifest")), spans
        assert sum(spans[0].get("tidemark.records", 0) for spans in committed) == 20_000
        env.kit.verify(job, close="watermark")
        rows = sum(len(env.kit.consume(topic)) for topic in (job.out, job.late, job.dead))
        assert sum(spans[0].get("tidemark.rows", 0) for spans in committed) == rows > 0, rows
        assert max(spans[0].get("tidemark.bytes", 0) for spans in committed) > 1_000
        resource = collector.resource()
        assert resource["service.name"] == "tidemark" and resource["service.version"], resource
        assert resource["service.instance.id"] == f"{socket.gethostname()}/blue", resource


def test_the_environment_turns_traces_on(env):
    """As OpenTelemetry's operator sets it; at_least_once sinks are flushed, and the group's commit takes the place of a
    transaction's."""
    with Collector() as collector:
        job = env.job(filter=[["event_type", "==", "purchase"]], delivery="at_least_once")
        env.kit.generate(job.topic, 2_000)
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=a"}
        env.run(job, env=variables).wait_ready().wait_caught_up(env.kit).stop()
        shapes = [shape(spans) for spans in roots(collector, result="committed")]
        assert any({("flush", "transaction"), ("commit", "transaction")} <= one for one in shapes), shapes
        assert not any(name in ("freeze", "snapshot", "send_offsets") for one in shapes for name, _ in one), shapes
        resource = collector.resource()
        assert resource["service.name"] == "shop" and resource["k8s.pod.name"] == "a", resource


def test_a_failed_checkpoint_says_so(env):
    """Its unit's folder is in the way for a while: the traces of these checkpoints name the step and the reason, and the next
    one that succeeds takes their records."""
    with Collector() as collector:
        job = env.job(window=TUMBLING)
        process = env.run(job, "--otlp", collector.url).wait_ready()
        checkpoints = process.state_dir / job.name / "checkpoints"
        wait_for(lambda: (checkpoints / "all").is_dir(), "the first checkpoint")
        (checkpoints / "all").rename(checkpoints / "aside")
        (checkpoints / "all").write_text("in the way")
        env.kit.generate(job.topic, 5_000)
        wait_for(lambda: len(roots(collector, result="failed")) >= 2, "failed ones are told", 30)
        (checkpoints / "all").unlink()
        (checkpoints / "aside").rename(checkpoints / "all")
        process.wait_caught_up(env.kit).stop()
        for spans in roots(collector, result="failed"):
            blamed = {span["name"] for span in spans if span["error"]}
            assert {"checkpoint", "state", "manifest"} == blamed, spans
            assert all("directory" in span["error"] for span in spans if span["error"]), spans
            assert ("transaction", "checkpoint") not in shape(spans), spans
        assert sum(spans[0].get("tidemark.records", 0) for spans in roots(collector, result="committed")) == 5_000
        env.kit.verify(job, close="watermark")


def test_a_rewound_checkpoint_says_so(env):
    """Somebody takes the transactional.id: the commit fails, and the pipeline goes back to the last checkpoint. The records close no
    window, so that there are no rows by which the producer would find out before."""
    with Collector() as collector:
        job = env.job(window=TUMBLING)
        process = env.run(job, "--otlp", collector.url).wait_ready()
        env.kit.run("fence", f"tidemark-{job.name}")
        value = {"user_id": "u", "event_type": "purchase", "ts": 1_767_225_600_000}
        env.kit.produce({"topic": job.topic, "key": "u", "value": json.dumps({"event_id": str(n), **value})} for n in range(100))
        process.wait_caught_up(env.kit).stop()
        rewound = roots(collector, result="rewound")
        assert rewound, [spans[0] for spans in collector.traces()]
        for spans in rewound:
            assert spans[0]["error"] and any(span["error"] for span in spans if span is not spans[0]), spans
        env.kit.verify(job, close="watermark")


def test_an_ill_collector_changes_nothing(env):
    """One takes connections and says nothing, another is not there: rows are exact, and the end comes in time."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        for number, port in enumerate((deaf.getsockname()[1], free_port())):
            job = env.job(name=f"{env.name}-{number}", window=TUMBLING, every="100ms")
            env.kit.generate(job.topic, 10_000)
            process = env.run(job, "--otlp", f"http://127.0.0.1:{port}").wait_ready().wait_caught_up(env.kit)
            wait_for(lambda: "traces_not_sent" in process.output(), "it says that nobody takes them", 20)
            assert process.total("tidemark_checkpoints_total", result="failure") == 0
            begun = time.monotonic()
            process.stop()
            assert time.monotonic() - begun < 10
            env.kit.verify(job, close="watermark")


def test_what_cannot_be_spoken_is_told(env):
    """As an option it is refused; in an environment that others have set it is only said."""
    job = env.job(window=TUMBLING)
    env.run(job, "--otlp", "https://collector:4318").wait(2, 20).says("--otlp", "agent beside this process")
    process = env.run(job, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318"}).wait_ready()
    process.says("traces_off", "OTEL_EXPORTER_OTLP_ENDPOINT")
    process.stop()
