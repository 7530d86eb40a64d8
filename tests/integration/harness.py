"""What integration tests stand on: the test kit's commands, the daemon as a process, and jobs that are written once and
become both a pipeline file and the description by which the kit judges its results. Knows no single test.
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request


class Failed(AssertionError):
    """A test's expectation that did not hold, with its facts."""


class Skipped(Exception):
    """A test that cannot be run on this machine, and why."""


def skip(why):
    raise Skipped(why)


def long_test(function):
    """Marks a test that takes minutes: only with --long, or when named by --only."""
    function.long = True
    return function


def wait_for(condition, what, timeout_s=60, every_s=0.1):
    """Calls `condition` until it answers something true, and answers that."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"not within {timeout_s} s: {what}")
        time.sleep(every_s)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# ---- The test kit

class Kit:
    """tidemark_testkit against one broker; every call is one short process."""

    def __init__(self, binary, bootstrap):
        self.binary = str(binary)
        self.bootstrap = bootstrap

    def command(self, *args):
        return [self.binary, "--brokers", self.bootstrap, *map(str, args)]

    def run(self, *args, stdin=None, may_fail=False, timeout_s=600):
        done = subprocess.run(self.command(*args), input=stdin, capture_output=True, text=True, timeout=timeout_s)
        if done.returncode != 0 and not may_fail:
            raise Failed(f"testkit {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def create_topic(self, name, partitions=4, **config):
        options = [f"--config={k.replace('_', '.')}={v}" for k, v in config.items()]
        self.run("topic", "create", name, "-p", partitions, *options)
        return name

    def generate(self, topic, events, **options):
        flags = []
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            flags += [flag] if value is True else [] if value is False else [flag, value]
        return self.run("generate", topic, "--events", events, *flags)

    def generate_in_background(self, topic, events, **options):
        thread = Background(lambda: self.generate(topic, events, **options))
        thread.start()
        return thread

    def produce(self, records, **properties):
        """`properties` are librdkafka's, with `_` for `.`."""
        options = [f"--property={name.replace('_', '.')}={value}" for name, value in properties.items()]
        self.run("produce", *options, stdin="\n".join(json.dumps(one) for one in records) + "\n")

    def consume(self, topic, committed=True):
        done = self.run("consume", topic, *(["--committed"] if committed else []))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ends(self, topic):
        """{partition: (low, high)}"""
        return {int(p): tuple(v) for p, v in json.loads(self.run("end-offsets", topic).stdout).items()}

    def offsets(self, group, topic):
        """{partition: {"offset", "metadata"}}"""
        return {int(p): v for p, v in json.loads(self.run("offsets", "get", group, topic).stdout).items()}

    def set_offsets(self, group, topic, offsets, metadata=""):
        values = [f"{p}={offset}" for p, offset in offsets.items()]
        self.run("offsets", "set", group, topic, *values, "--metadata", metadata)

    def delete_offsets(self, group, topic=""):
        self.run("offsets", "delete", group, *([topic] if topic else []))

    def caught_up(self, group, topic):
        """Whether the group has committed all that the topic holds now."""
        committed, ends = self.offsets(group, topic), self.ends(topic)
        return all(committed[p]["offset"] == high for p, (_, high) in ends.items())

    def verify(self, job, close="all", at_least_once=False, may_fail=False):
        """Judges the job's topics; answers the summary, or raises with the differences."""
        path = job.directory / f"{job.name}.job.json"
        path.write_text(json.dumps(job.description(close, at_least_once), indent=1))
        done = self.run("verify", path, may_fail=True)
        if done.returncode not in (0, 1):
            raise Failed(f"the judge could not judge: {done.stdout}{done.stderr}")
        summary = json.loads(done.stdout.splitlines()[-1])
        if done.returncode == 1 and not may_fail:
            raise Failed(f"the oracle disagrees:\n{done.stdout}")
        return summary


class Background(threading.Thread):
    """A call in a thread of its own; join() raises what it raised."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self._call, self._error = call, None

    def run(self):
        try:
            self._call()
        except BaseException as error:  # noqa: handed to join()
            self._error = error

    def join(self, timeout=None):
        super().join(timeout)
        if self.is_alive():
            raise Failed("a background call does not end")
        if self._error:
            raise self._error


# ---- Jobs

SCHEMA = [("event_id", "string", None), ("user_id", "string", None), ("event_type", "string", None),
          ("amount", "double?", None), ("quantity", "int?", None), ("ts", "timestamp(ms)", None),
          ("city", "string?", "address.city")]

AGGREGATES = [
    {"name": "n", "kind": "count"},
    {"name": "spent", "kind": "sum", "field": "amount"},
    {"name": "pieces", "kind": "sum", "field": "quantity"},
    {"name": "mean", "kind": "avg", "field": "amount"},
    {"name": "lowest", "kind": "min", "field": "amount"},
    {"name": "highest", "kind": "max", "field": "quantity"},
    {"name": "first_event", "kind": "first", "field": "event_id"},
    {"name": "last_event", "kind": "last", "field": "event_id"},
    {"name": "big", "kind": "count", "where": [["amount", "has"], ["amount", ">", 100.0]]},
]


def milliseconds(duration):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", duration).groups()
    return int(number) * {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]


def cel(conditions):
    """The CEL text of a list of [field, op, literal]."""
    parts = []
    for field, op, *right in conditions:
        texts = {"has": lambda: f"has({field})", "exists": lambda: f"{field}.exists(x, x == {json.dumps(right[0])})"}
        parts.append(texts.get(op, lambda: f"{field} {op} {json.dumps(right[0])}")())
    return " && ".join(parts)


class Job:
    """One pipeline over generated events: pipeline file for Tidemark, description for the judge."""

    def __init__(self, directory, name, bootstrap, topic, out=None, late=None, dead=None, filter=None, window=None,
                 by=("user_id",), aggregates=AGGREGATES, allowed_lateness="0s", partitioned_by=None, every="1s",
                 lanes=None, delivery=None, properties=None, max_delay="2s", max_future="5m", start=None,
                 sink_bootstrap=None, idle_after="1h", close_after_idle="off", offset=None, pattern=None, fetch=None, emit=None,
                 branches=(), dedupe=None, map=None, csv=None, schema=SCHEMA, more=()):
        self.directory = pathlib.Path(directory)
        self.name, self.bootstrap, self.topic = name, bootstrap, topic
        self.out, self.late, self.dead = out, late, dead
        self.filter, self.window, self.by, self.aggregates = filter, window, list(by), aggregates
        self.allowed_lateness, self.partitioned_by = allowed_lateness, partitioned_by
        self.every, self.lanes, self.delivery, self.properties = every, lanes, delivery, properties or {}
        self.max_delay, self.max_future, self.start = max_delay, max_future, start
        self.sink_bootstrap, self.idle_after, self.offset = sink_bootstrap, idle_after, offset
        self.close_after_idle = close_after_idle
        self.pattern = pattern  # instead of the topic
        self.found = []  # what else it matches and no other source names
        self.fetch = fetch
        self.emit = emit
        self.branches = list(branches)
        self.dedupe = dedupe  # (fields, within)
        self.csv, self.schema = csv, schema
        self.more = list(more)  # further sources, which a union brings together with the first
        self.map = map  # {name: (CEL, the judge's expression)}, names in order

    @property
    def file(self):
        return self.directory / f"{self.name}.yaml"

    def write(self):
        self.file.write_text(self.yaml())
        return self.file

    def yaml(self):
        """JSON is YAML: written as JSON, nothing needs quoting rules."""
        kafka = {"brokers": self.bootstrap, **({"topic_pattern": self.pattern} if self.pattern else {"topic": self.topic})}
        if self.partitioned_by:
            kafka["partitioned_by"] = self.partitioned_by
        if self.start:
            kafka["start"] = self.start
        if self.fetch:
            kafka["fetch"] = self.fetch
        if self.properties:
            kafka["properties"] = {k: str(v) for k, v in self.properties.items()}
        sources = {"events": self._source(kafka, self.csv, self.schema, self.max_delay)}
        for one in self.more:
            topic = {k: v for k, v in kafka.items() if k not in ("topic", "topic_pattern")}
            sources[one.name] = self._source({**topic, "topic": one.topic}, one.csv, one.schema, one.max_delay)
        out = {"name": self.name, "sources": sources, "steps": self._steps(), "sinks": self._sinks(),
               "checkpoint": {"every": self.every}}
        if self.lanes:
            out["lanes"] = self.lanes
        return json.dumps(out, indent=2) + "\n"

    def _source(self, kafka, csv, schema, max_delay):
        return {"kafka": kafka, "format": {"csv": csv} if csv else "json",
                "schema": {n: {"type": t, "path": p} if p else t for n, t, p in schema},
                "event_time": {"field": "ts", "max_delay": max_delay, "max_future": self.max_future,
                               "idle_after": self.idle_after, "close_after_idle": self.close_after_idle}}

    def _steps(self):
        steps = [{"name": "all", "union": ["events", *(one.name for one in self.more)]}] if self.more else []
        steps += [{"filter": cel(self.filter)}] if self.filter else []
        if self.dedupe:
            steps.append({"name": "once", "dedupe": {"by": list(self.dedupe[0]), "within": self.dedupe[1]}})
        steps += [{"name": "mapped", "map": {name: text for name, (text, _) in self.map.items()}}] if self.map else []
        if self.window:
            window = {**self._shape(self.window), "by": self.by, "allowed_lateness": self.allowed_lateness,
                      "aggregates": self._calls(self.aggregates)}
            if self.offset:
                window["offset"] = self.offset
            if self.emit:
                window["emit"] = self.emit
            steps.append({"name": "per_user", "window": window})
        return steps + [step for branch in self.branches for step in self._steps_of(branch)]

    def _steps_of(self, branch):
        source = "per_user" if branch.over else "events"
        if branch.filter:
            yield {"name": f"{branch.name}_only", "from": source, "filter": cel(branch.filter)}
            source = f"{branch.name}_only"
        if branch.window:
            yield {"name": branch.name, "from": source,
                   "window": {**self._shape(branch.window), "by": branch.by, "aggregates": self._calls(branch.aggregates)}}

    @staticmethod
    def _shape(window):
        kind, size, step = window
        if kind == "tumbling":
            return {kind: size}
        if kind == "calendar":
            return {kind: {"unit": size, "timezone": step}}
        if kind == "running":
            return {kind: {"ttl": size}}
        if kind == "session":
            return {kind: {"gap": size, **({"max": step} if step else {})}}
        return {kind: {"size": size, "step": step}}

    def _calls(self, aggregates):
        return {one["name"]: self._aggregate(one) for one in aggregates}

    @staticmethod
    def _aggregate(one):
        numbers = [json.dumps(n) for n in one.get("numbers", [])]
        if one["kind"] == "histogram":
            numbers = [f"[{', '.join(numbers)}]"]
        arguments = [one[name] for name in ("field", "by") if name in one] + numbers
        text = f"{one['kind']}({', '.join(arguments)})"
        return text + (f".where({cel(one['where'])})" if "where" in one else "")

    def _sinks(self):
        def sink(topic, **more):
            kafka = {"topic": topic}
            if self.sink_bootstrap:
                kafka["brokers"] = self.sink_bootstrap
            return {**more, "kafka": kafka, **({"delivery": self.delivery} if self.delivery else {})}

        last = {"from": "per_user" if self.window else "filter-1" if self.filter else "events"} if self.branches else {}
        sinks = [{**sink(self.out, **last), "format": "json"}] if self.out else [{"drop": {}}]
        sinks += [sink(one.out, **{"from": one.name if one.window else f"{one.name}_only"}) for one in self.branches]
        sinks += [sink(self.late, **{"from": "late"})] if self.late else []
        sinks += [sink(self.dead, **{"from": "dead_letter"})] if self.dead else []
        return sinks

    def _step_descriptions(self):
        steps = [{"name": "filter-1", "filter": self.filter}] if self.filter else []
        if self.dedupe:
            fields, within = self.dedupe
            steps.append({"name": "once", "dedupe": list(fields), "within_ms": milliseconds(within)})
        if self.map:
            steps.append({"name": "mapped", "map": {name: spec for name, (_, spec) in self.map.items()}})
        return steps

    def description(self, close="all", at_least_once=False):
        out = {"name": self.name, "results": self.out or "", "late": self.late or "", "dead_letters": self.dead or "",
               **self._judged_source([self.topic, *self.found], self.csv, self.schema, self.max_delay),
               "union": "all" if self.more else "",
               "more_sources": [{"source": one.name, **self._judged_source([one.topic], one.csv, one.schema, one.max_delay)}
                                for one in self.more],
               "steps": self._step_descriptions(),
               "lanes": "partition" if self.partitioned_by else "one", "close": close,
               "at_least_once": at_least_once or self.delivery == "at_least_once"}
        if self.window:
            out["window"] = {"name": "per_user", **self._judged_shape(self.window),
                             "offset_ms": milliseconds(self.offset or "0s"), "by": self.by,
                             "allowed_lateness_ms": milliseconds(self.allowed_lateness), "aggregates": self.aggregates}
        return out

    def _judged_source(self, topics, csv, schema, max_delay):
        return {"topics": topics, **({"csv": csv} if csv else {}),
                "schema": [{"name": n, "type": t, **({"path": p} if p else {})} for n, t, p in schema],
                "event_time": {"field": "ts", "max_delay_ms": milliseconds(max_delay),
                               "max_future_ms": milliseconds(self.max_future)}}

    @staticmethod
    def _judged_shape(window):
        kind, size, step = window
        shapes = {"tumbling": lambda: {"size_ms": milliseconds(size), "step_ms": milliseconds(size)},
                  "calendar": lambda: {"unit": size, "timezone": step},
                  "session": lambda: {"gap_ms": milliseconds(size), "max_ms": milliseconds(step or "0s")},
                  "running": lambda: {"gap_ms": milliseconds(size)}}
        shape = shapes.get(kind, lambda: {"size_ms": milliseconds(size), "step_ms": milliseconds(step)})()
        return {"kind": "sliding" if kind == "tumbling" else kind, **shape}

    def view(self, branch):
        """What the kit judges one branch by: its way from the source, and its rows alone."""
        return View(self, branch)


class Source:
    """A further source of a job, with the schema of the first one's in another form."""

    def __init__(self, name, topic, schema=SCHEMA, csv=None, max_delay="2s"):
        self.name, self.topic, self.schema, self.csv, self.max_delay = name, topic, schema, csv, max_delay


class Branch:
    """Another way through a job's pipeline, from its source or from its window's rows: a filter, a window, or both."""

    def __init__(self, name, out, over=False, filter=None, window=None, by=(), aggregates=()):
        self.name, self.out, self.over, self.filter = name, out, over, filter
        self.window, self.by, self.aggregates = window, list(by), list(aggregates)


class View:
    def __init__(self, job, branch):
        self.directory, self.name, self.job, self.branch = job.directory, job.name, job, branch

    def description(self, close="all", at_least_once=False):
        branch = self.branch
        out = {**self.job.description(close, at_least_once), "results": branch.out, "late": "", "dead_letters": ""}
        steps = [{"name": f"{branch.name}_only", "filter": branch.filter}] if branch.filter else []
        window = {"name": branch.name, **Job._judged_shape(branch.window), "by": branch.by,
                  "aggregates": branch.aggregates} if branch.window else None
        if branch.over:
            out["over"] = [{"steps": steps, "window": window}]
            return out
        out["steps"] = steps
        out.pop("window", None)
        if window:
            out["window"] = window
        return out


# A static member keeps its place until its session ends; tests that wait for that cannot wait for the default 45 s.
SHORT_SESSION = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000}

TUMBLING = ("tumbling", "1m", None)
SLIDING = ("sliding", "5m", "1m")
SESSION = ("session", "10s", None)
ONCE = (["event_id"], "1m")


# ---- The daemon

class Tidemark:
    """One `tidemark run` process. Its output goes to files beside the state, and is shown when a test fails."""

    def __init__(self, binary, job, *args, state_dir=None, instance=None, env=None, until_end=False, memory="256MiB",
                 port=None, prefix=(), admin=False):
        self.state_dir = pathlib.Path(state_dir or job.directory / f"{job.name}.state")
        self.port = port or free_port()
        self.job = job
        flags = ["--http", f"127.0.0.1:{self.port}", "--state-dir", str(self.state_dir), "--memory", memory]
        flags += {False: [], True: ["--until-end"], "keep-open": ["--until-end=keep-open"]}[until_end]
        flags += ["--instance", str(instance)] if instance is not None else []
        self.admin_port = free_port() if admin else None
        flags += ["--admin", f"127.0.0.1:{self.admin_port}"] if admin else []
        self.command = [*prefix, str(binary), "run", str(job.write()), *flags, *map(str, args)]
        self.log = job.directory / f"{job.name}.{time.monotonic_ns()}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def output(self):
        return self.log.read_text(errors="replace")

    def facts(self):
        tail = "\n".join(self.output().splitlines()[-40:])
        return f"{' '.join(self.command)}\nexit code: {self.process.poll()}\n{tail}"

    def wait(self, code=0, timeout_s=120):
        """Waits for its own end and checks the exit code."""
        try:
            found = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"still running after {timeout_s} s:\n{self.facts()}") from None
        if found != code:
            raise Failed(f"exit code {found} instead of {code}:\n{self.facts()}")
        return self

    def running(self):
        if self.process.poll() is not None:
            raise Failed(f"it ended by itself:\n{self.facts()}")
        return True

    def stop(self, timeout_s=30):
        """SIGTERM drains and exits 0."""
        self.running()
        self.process.terminate()
        return self.wait(0, timeout_s)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def says(self, *words):
        """Whether its output holds all of the words."""
        text = self.output().lower()
        missing = [word for word in words if word.lower() not in text]
        if missing:
            raise Failed(f"says nothing of {missing}:\n{self.facts()}")
        return True

    def get(self, path):
        """(status, body) of its HTTP server; (0, "") where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ask(self, action, name=None, method="POST", headers=None, port=None):
        """(status, JSON) of an action on a pipeline, asked of the admin port."""
        path = f"http://127.0.0.1:{port or self.admin_port}/api/v1/pipelines/{name or self.job.name}/{action}"
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(path, method=method, headers={k: v for k, v in headers.items() if v is not None})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else text

    def shown(self, name=None):
        """What the API says of a pipeline."""
        return json.loads(self.get(f"/api/v1/pipelines/{name or self.job.name}")[1])

    def wait_state(self, state, name=None, timeout_s=30):
        wait_for(lambda: self.running() and self.shown(name)["state"] == state, f"{name or self.job.name} is {state}", timeout_s)
        return self

    def wait_ready(self, timeout_s=60):
        wait_for(lambda: self.running() and self.get("/readyz")[0] == 200, "ready", timeout_s)
        return self

    def wait_caught_up(self, kit, timeout_s=120):
        topics = [self.job.topic, *(one.topic for one in getattr(self.job, "more", ()))]
        wait_for(lambda: self.running() and all(kit.caught_up(self.job.name, topic) for topic in topics), "all committed", timeout_s, 0.3)
        return self

    def metrics(self):
        """{(name, frozenset of (label, value)): number}"""
        status, text = self.get("/metrics")
        if status != 200:
            raise Failed(f"/metrics answers {status}")
        out = {}
        for line in text.splitlines():
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?", line)
            if match and not line.startswith("#"):
                labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
                out[(match[1], frozenset(labels))] = float(match[3])
        return out

    def total(self, metric, **labels):
        """The sum of a metric over the series that bear these labels."""
        wanted = set(labels.items())
        return sum(value for (name, has), value in self.metrics().items() if name == metric and wanted <= has)

    def peak_rss(self):
        """Bytes, so far."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
