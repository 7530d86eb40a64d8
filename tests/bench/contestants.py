"""Those who are measured on this machine without a JVM: the rungs of the ladder, and Tidemark. Each turns a stream and
a job into one process, proves its output, and answers a Run. Peers are in peers.py; what is compared with what, in
workloads.py.
"""

import json
import re
import shutil

from measuring import Broken, Run, Sampler, labelled, run_process, total
from place import Sessions, Window, free_port

TRIES, ROOM, SHORTEST_MS = 3, 1.2, 20  # of finding the interval: attempts, more checkpoints than are needed, the limit
NEVER_MS = 180_000  # beyond what a run takes; longer would ask for more transaction time than brokers grant
SCRAPE_EVERY_S = 0.25
LONG_PAUSE_S = 0.02
LEAST_CENTS = 81_900  # a fifth of a quarter of the events pass this filter: 5%
FILTER = "event_type == 'purchase' && amount >= 819.0"

FIELDS = {"user_id": "string", "amount": "double", "ts": "timestamp(ms)"}
FIELDS_AND_TYPE = {"user_id": "string", "event_type": "string", "amount": "double", "ts": "timestamp(ms)"}


class Rung:
    """One rung of the ladder (tests/bench/ladder.h)."""

    def __init__(self, place, name, stream, rung):
        self.place, self.name, self.stream, self.rung = place, name, stream, rung
        self.topic = place.topic(stream)
        self.digest = None

    def prepare(self):
        if self.rung == "aggregate":
            self.digest = self.place.tool("totals", *self.stream.flags())["digest"]
        return self.run()

    def run(self):
        directory = self.place.new_directory(self.place.new_name("rung"))
        done = run_process(
            self.place.tool_command(
                "consume", self.topic, "--partitions", self.place.args.partitions, "--rung", self.rung
            ),
            self.place.args.cpu,
            directory,
        )
        shutil.rmtree(directory)
        said = done.last_json()
        if said["events"] != self.stream.events or (self.digest and said["digest"] != self.digest):
            raise Broken(f"{self.name}: read {said}, not {self.stream.events} events with digest {self.digest}")
        return Run(said["events"], said["wall_s"], said["cpu_s"], done.peak_bytes)


class RowProducer:
    """Bare librdkafka produces the rows that a job must write. Its events are rows."""

    def __init__(self, place, name, stream, window):
        self.place, self.name, self.stream, self.window = place, name, stream, window

    def prepare(self):
        return self.run(proven=True)

    def run(self, proven=False):
        name = self.place.new_name("rows")
        directory, topic = self.place.new_directory(name), self.place.new_topic(name)
        shape = [*self.stream.flags(), *self.window.flags()]
        done = run_process(self.place.tool_command("rows", topic, *shape), self.place.args.cpu, directory)
        if proven:
            self.place.tool("judge", topic, "--partitions", self.place.args.partitions, *shape)
        self.place.delete_topic(topic)
        shutil.rmtree(directory)
        said = done.last_json()
        return Run(said["events"], said["wall_s"], said["cpu_s"], done.peak_bytes)


# ---- Tidemark


def source(place, topic, fields, **kafka):
    return {
        "kafka": {"brokers": place.broker.bootstrap, "topic": topic, "partitioned_by": ["user_id"], **kafka},
        "format": "json",
        "schema": fields,
        "event_time": {"field": "ts", "max_delay": "2s"},
    }


def window_step(window, emit=None):
    shape = {**window.shape(), **({"emit": emit} if emit else {})}
    return {
        "name": "per_user",
        "window": {**shape, "by": ["user_id"], "aggregates": {"n": "count()", "spent": "sum(amount)"}},
    }


def kafka_sink(topic, **more):
    return {"kafka": {"topic": topic}, "format": "json", **more}


class Job:
    """What Tidemark is to do with a stream: the steps, the declared fields, and how its output is judged. `once` is how
    long repeated events are looked for before the window; the stream holds none, so that the rows are the same.
    """

    def __init__(self, stream, window=None, emit=None, once=None):
        self.stream, self.window, self.emit, self.once = stream, window, emit, once
        self.fields = {**(FIELDS if window else FIELDS_AND_TYPE), **({"event_id": "string"} if once else {})}

    def steps(self):
        if not self.window:
            return [{"filter": FILTER}, {"select": {one: one for one in FIELDS}}]
        first = [{"dedupe": {"by": ["user_id", "event_id"], "within": self.once}}] if self.once else []
        return [*first, window_step(self.window, self.emit)]

    def judge(self, place, topic):
        flags = [topic, "--partitions", place.args.partitions, *self.stream.flags()]
        flags += ["--upserts"] if self.emit else []
        if self.window:
            command = "judge-sessions" if isinstance(self.window, Sessions) else "judge"
            return place.tool(command, *flags, *self.window.flags())
        return place.tool("judge-filter", *flags, "--least-cents", LEAST_CENTS)


class Tidemark:
    """A run to the end of the topic, rows dropped or exactly once to Kafka, checkpoints off (`every_ms` None) or on.
    With checkpoints on, the warm-up shortens the interval until a run holds enough of them; that each measured run does
    is a gate. `under` is a command that runs its own: a profiler.
    """

    def __init__(self, place, name, job, to_kafka, every_ms=0, memory=None, cpu=None, threads=1, under=()):
        self.place, self.name, self.job, self.to_kafka = place, name, job, to_kafka
        self.every_ms = NEVER_MS if every_ms is None else every_ms or place.args.every_ms
        self.memory = memory or place.args.memory
        self.cpu, self.threads, self.under = cpu or place.args.cpu, threads, under
        self.least_checkpoints = 0 if every_ms is None else place.args.least_checkpoints
        self.topic = place.topic(job.stream)
        self.rows = None  # what a proven run put out

    def prepare(self):
        """Proves the rows, also of a job that will drop them: then with a Kafka sink, once, and here. Then finds the
        interval.
        """
        proof = self._run(to_kafka=True)
        self.rows = proof.facts["rows"]
        run = proof if self.to_kafka else self.run()
        for _ in range(TRIES):
            found = run.facts["checkpoints"]
            if found >= self.least_checkpoints * ROOM:
                break
            shrink = min(0.8, found / (self.least_checkpoints * ROOM))
            self.every_ms = max(SHORTEST_MS, int(self.every_ms * shrink))
            self.place.say(f"{self.name}: only {found} checkpoints; now every {self.every_ms} ms")
            run = self.run()
        return run

    def run(self):
        return self._run(self.to_kafka)

    def pipeline(self, name, sink):
        return {
            "name": name,
            "sources": {"events": source(self.place, self.topic, self.job.fields)},
            "steps": self.job.steps(),
            "sinks": [sink],
            "checkpoint": {"every": f"{self.every_ms}ms"},
        }

    def _run(self, to_kafka):
        name = self.place.new_name("tidemark")
        directory = self.place.new_directory(name)
        out = self.place.new_topic(f"{name}-out") if to_kafka else None
        spec = directory / "pipeline.yaml"
        spec.write_text(json.dumps(self.pipeline(name, kafka_sink(out) if out else {"drop": {}})))
        sampler = Sampler(port := free_port(), SCRAPE_EVERY_S)
        done = run_process(
            [
                *self.under,
                self.place.args.tidemark,
                "run",
                spec,
                "--until-end",
                "--http",
                f"127.0.0.1:{port}",
                "--threads",
                self.threads,
                "--memory",
                self.memory,
                "--state-dir",
                directory / "state",
            ],
            self.cpu,
            directory,
            sampler,
        )
        ended = ended_line(done.output)
        rows = None if self.job.emit else self.rows  # how many are early depends on the run
        if ended["read"] != self.job.stream.events or (rows is not None and ended["emitted"] != rows):
            raise Broken(
                f"{self.name}: read {ended['read']}, emitted {ended['emitted']}; "
                f"must be {self.job.stream.events} and {rows}"
            )
        if out:
            self.job.judge(self.place, out)
            self.place.delete_topic(out)
        shutil.rmtree(directory)
        last = sampler.last()
        return Run(
            ended["read"],
            done.wall_s,
            done.cpu_s,
            done.peak_bytes,
            {
                "rows": ended["emitted"],
                "checkpoints": ended["epoch"],
                "written_bytes": sampler.written_bytes,
                "long_pauses": long_pauses(last),
                "longest_pause_s": longest_pause(last),
                "backpressured_s": round(total(last, "tidemark_lane_backpressured_seconds_total"), 3),
            },
        )


def pauses(metrics):
    """[(upper bound in seconds, how many input pauses were up to it)], ascending."""
    found = [(float(label["le"]), count) for label, count in labelled(metrics, "tidemark_input_pause_seconds_bucket")]
    return sorted(found)


def long_pauses(metrics, limit_s=LONG_PAUSE_S):
    """How many pauses were longer; None where that is not known."""
    counts = dict(pauses(metrics))
    return int(counts[float("inf")] - counts[limit_s]) if counts else None


def counted_pauses(run):
    if run.facts["long_pauses"] is None:
        raise Broken("no count of input pauses: the run ended before it was asked, or the binary does not count them")
    return run.facts["long_pauses"]


def longest_pause(metrics):
    """The bound of the longest pause's bucket."""
    counts = pauses(metrics)
    return next((bound for bound, count in counts if count == counts[-1][1]), 0.0) if counts else 0.0


def ended_line(output):
    """{"read", "emitted", "epoch"} of the line with which a run to the end takes its leave."""
    found = re.findall(r"INFO ended .*?read=(\d+) emitted=(\d+) epoch=(\d+)", output)
    if not found:
        raise Broken(f"the run did not say how it ended:\n{output[-3000:]}")
    return dict(zip(("read", "emitted", "epoch"), map(int, found[-1])))


TUMBLING = Window()
TEN_MINUTES = Window(600_000, 600_000)
SLIDING = Window(300_000, 5_000)
SESSIONS = Sessions()
