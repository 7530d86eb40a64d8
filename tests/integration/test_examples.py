"""Every example on a real Kafka: the tests in its file, with their records as real messages, `crash` as SIGKILL, and the rows
of each step that they name in a topic of its own. What a record looks like is written here a second time, from the schema
alone. A test that lets time pass is left out: here it passes by itself."""
import datetime
import json
import pathlib
import re

import yaml

from harness import Failed, wait_for

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"


class Loader(yaml.SafeLoader):
    """Timestamps stay text."""


Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
                                  for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def microseconds(text):
    """Of RFC 3339; None where it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return None
    return int((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(microseconds=1))


def field_type(declared):
    return (declared["type"] if isinstance(declared, dict) else declared).rstrip("?")


def path_of(name, declared):
    return declared.get("path", name).split(".") if isinstance(declared, dict) else [name]


def json_value(value, kind):
    time = microseconds(value) if kind.startswith("timestamp") else None
    if time is not None:
        return {"timestamp(ms)": time // 1000, "timestamp(us)": time, "timestamp(s)": time / 1e6}.get(kind, value)
    return str(value) if kind == "string" and value is not None else value


def message(record, schema, topic):
    """As the kit produces it."""
    out = {"topic": topic, "partition": record.get("$partition", 0), "key": record.get("$key"),
           "headers": [{"name": name, "value": value} for name, value in record.get("$headers", {}).items()]}
    fields = {name: value for name, value in record.items() if not name.startswith("$")}
    value = {}
    for name, written in fields.items():
        *outer, last = path_of(name, schema.get(name, {}))
        place = value
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = json_value(written, field_type(schema[name])) if name in schema else written
    out["value"] = record["$raw"] if "$raw" in record else json.dumps(value)
    times = [microseconds(record.get(name, "")) for name, kind in schema.items() if field_type(kind).startswith("timestamp")]
    time = microseconds(record["$timestamp"]) if "$timestamp" in record else next(iter(times), None)
    if time is not None:
        out["timestamp"] = time // 1000
    return out


def same(expected, found):
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(same(value, found.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, str) and microseconds(expected) is not None and found is not None:
        return microseconds(expected) == (microseconds(found) if isinstance(found, str) else found * 1000)
    return expected == found and isinstance(expected, bool) == isinstance(found, bool)


def row_of(message, schema):
    """What an expectation can speak of."""
    headers = {one["name"]: one["value"] for one in message["headers"]}
    row = {"$key": message.get("key"), "$raw": message.get("value"), "$reason": headers.get("tidemark.reason"),
           "$partition": int(headers.get("tidemark.partition", -1)), "$headers": headers}
    try:
        value = json.loads(message["value"])
    except (ValueError, TypeError):
        return row
    row.update(value)
    if "tidemark.reason" in headers:
        for name, declared in schema.items():
            at = value
            for step in path_of(name, declared):
                at = at.get(step) if isinstance(at, dict) else None
            row[name] = at
    return row


class Case:
    """One test of one example, with topics of its own."""

    def __init__(self, env, path, number):
        self.env, self.directory = env, env.directory
        self.name = f"{env.name}-{number}"
        self.pipeline = yaml.load(path.read_text(), Loader)
        self.test = self.pipeline.pop("tests")[number]
        self.sources = self.pipeline["sources"]
        self.records = [(name, one) for name, records in self.test["input"].items() for one in records]
        self.watched = {stream: f"{self.name}.{re.sub('[^a-z0-9]', '-', stream)}" for stream in self.test["expect"]}

    @property
    def file(self):
        return self.directory / f"{self.name}.yaml"

    def write(self):
        """Called by the process that runs it: the file is there already."""
        return self.file

    def topic_of(self, source):
        return f"{self.name}.{source}.in"

    def schema_of(self, message):
        """Of the source that a refused record came from."""
        topic = next((one["value"] for one in message["headers"] if one["name"] == "tidemark.topic"), None)
        return next((source["schema"] for name, source in self.sources.items() if self.topic_of(name) == topic), {})

    def prepare(self):
        for name, source in self.sources.items():
            kafka = source["kafka"]
            kafka.pop("topic_pattern", None)
            kafka.update(brokers=self.env.broker.bootstrap, topic=self.topic_of(name), start="earliest")
            partitions = 1 + max((one.get("$partition", 0) for of, one in self.records if of == name and isinstance(one, dict)), default=0)
            self.env.kit.create_topic(self.topic_of(name), partitions, retention_ms=-1)
        sinks = [{"from": stream, "kafka": {"topic": topic}} for stream, topic in self.watched.items()]
        for sink in self.pipeline["sinks"]:
            if "kafka" in sink:
                sink["kafka"]["topic"] = f"{self.name}.own.{len(sinks)}"
                sinks.append(sink)
        for sink in sinks:
            self.env.kit.create_topic(sink["kafka"]["topic"], 1, retention_ms=-1)
        self.pipeline.update(name=self.name, sinks=sinks, checkpoint={"every": "3m"})
        if not any("drop" in one or "from" not in one for one in sinks):
            sinks.append({"drop": {}})
        self.file.write_text(json.dumps(self.pipeline, indent=1))

    def lives(self):
        """The records between two words, and the word: None behind the last."""
        part = []
        for source, one in self.records:
            if isinstance(one, dict):
                part.append(message(one, self.sources[source]["schema"], self.topic_of(source)))
            else:
                yield part, one
                part = []
        if part or self.records[-1][1] != "end":
            yield part, None

    def run(self):
        produced = 0
        for part, word in self.lives():
            if part:
                self.env.kit.produce(part)
            produced += len(part)
            if word == "crash":
                with self.env.run(self) as process:
                    process.wait_ready()
                    wait_for(lambda: process.total("tidemark_consumer_lag", pipeline=self.name) == 0 and process.running(), "all read")
                    process.kill()
            else:
                self.env.run(self, until_end=True if word == "end" else "keep-open").wait(0)
        assert produced > 0, "a test of nothing"

    def judge(self):
        """How often a window speaks before its last word depends on batches, and those on Kafka."""
        def last_words(rows):
            return [row for row in rows if row.get("is_final") is not False]

        for stream, topic in self.watched.items():
            rows = last_words(row_of(one, self.schema_of(one)) for one in self.env.kit.consume(topic))
            expected = self.test["expect"][stream]
            whole = isinstance(expected, dict)
            wanted = last_words(expected["exactly"] if whole else expected)
            left = list(rows)
            for row in wanted:
                found = next((one for one in left if same({n: v for n, v in row.items() if n != "$timestamp"}, one)), None)
                if found is None:
                    raise Failed(f"{self.name}: {self.test['name']}: {stream}: no row is like {row}; there are {rows}")
                left.remove(found)
            if left and (whole or not wanted):
                raise Failed(f"{self.name}: {self.test['name']}: {stream}: rows too many: {left}")


def run_example(env, name):
    path = EXAMPLES / f"{name}.yaml"
    tests = yaml.load(path.read_text(), Loader)["tests"]
    cases = [Case(env, path, number) for number in range(len(tests))]
    cases = [case for case in cases if not any(isinstance(one, dict) and list(one) == ["advance"] for _, one in case.records)]
    assert cases, "a test of nothing"
    for case in cases:
        case.prepare()
        case.run()
        case.judge()


def example_test(name):
    return lambda env: run_example(env, name)


# One test each, so that none is forgotten.
for one_path in sorted(EXAMPLES.glob("*.yaml")):
    globals()[f"test_example_{one_path.stem.replace('-', '_')}"] = example_test(one_path.stem)
