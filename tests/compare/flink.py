#!/usr/bin/env python3
"""Fills one Kafka topic, runs the same windows over it as Flink SQL and as a Tidemark pipeline, and compares all rows, to
the bit. Flink comes from Maven Central; a JDK of 17 is needed.

    flink.py [--tidemark FILE] [--testkit FILE] [--events N] [--seed N] [--keep]

Where both engines must agree they are asked, and nowhere else:

- Tidemark judges a record by the watermark of its own partition, Flink by the least of all, as of the last time it was
  passed on. So nothing is late but for records that are written once Flink has given out rows that prove how far all
  partitions have come, and that stand in each partition before anything moves it on. Of those some have missed all of
  their windows, others only some of the sliding and cumulative ones. Flink drops what is late in silence; in Tidemark it is
  counted against what was written as such.
- A session with late records: Flink lets a record count while its session might, Tidemark while its time does. Late
  records lie where every session has long ended: before a pause of all users.
- Records exactly one gap apart: one session in Flink, two in Tidemark. Times are whole hundredths of a second, the gap is
  not. Nor is a watermark ever a millisecond short of a window's end, where Flink fires and Tidemark does not yet.
- Sums of doubles: they depend on the order of addition in Flink. The amounts are quarters, and every order is exact. The
  average of ints is cut to an int in Flink, and is left out. `distinct` over nothing is null in Tidemark, as every aggregate
  but `count` is; here it is told to be 0.
- Windows with an offset are not compared: Flink 1.20 loses records of them that are on time (FLINK-36664).

Users come in any partition and out of order. Prints the number of rows compared for each window; exit 0: all are equal."""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "bench"), str(HERE.parent / "integration")]

import kafka  # noqa: E402
import peers  # noqa: E402
from harness import Failed, Kit, free_port, wait_for  # noqa: E402

PARTITIONS = 4
USERS = 400
FLINK_TIMEOUT_S = 300
TIDEMARK_TIMEOUT_S = 120
SHOWN = 5

MINUTE_MS = 60_000
START_MS = 1_767_225_600_000  # 2026-01-01, where windows of every kind below begin
EDGE_MS = START_MS + 27 * MINUTE_MS  # how far time has come when late records are written: a window of every kind ends
END_MS = START_MS + 41 * MINUTE_MS + 17_000
PAUSE_MS = (EDGE_MS - 2 * MINUTE_MS, EDGE_MS - MINUTE_MS)  # of all users
DELAY_MS = 2_000
GRAIN_MS = 10  # of all times
GAP_MS = 20_005
ALL_MISSED_MS = (START_MS, EDGE_MS - 8 * MINUTE_MS)
SOME_MISSED_MS = (EDGE_MS - 4 * MINUTE_MS, PAUSE_MS[0] - 10_000)


# ---- The windows, in both languages


@dataclasses.dataclass(frozen=True)
class Kind:
    """One window. `tolerant`: a late record may have missed some windows and count in others."""

    name: str
    tidemark: dict
    flink: str
    tolerant: bool = False
    proof_ms: int = EDGE_MS  # the end of a window whose rows prove that Flink's time has come to the edge


SESSION_PROOF_MS = EDGE_MS - 2 * GRAIN_MS - GAP_MS // GRAIN_MS * GRAIN_MS

KINDS = [
    Kind("tumbling", {"tumbling": "1m"}, "TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE)"),
    Kind(
        "sliding",
        {"sliding": {"size": "5m", "step": "1m"}},
        "HOP(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)",
        tolerant=True,
    ),
    Kind(
        "cumulative",
        {"cumulative": {"size": "10m", "step": "1m"}},
        "CUMULATE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE)",
        tolerant=True,
    ),
    Kind(
        "session",
        {"session": {"gap": f"{GAP_MS}ms"}},
        f"SESSION(TABLE events PARTITION BY user_id, DESCRIPTOR(event_time), INTERVAL '{GAP_MS / 1000}' SECOND)",
        proof_ms=SESSION_PROOF_MS + GAP_MS,
    ),
]

# name: (Tidemark, Flink, Flink's type)
AGGREGATES = {
    "n": ("count()", "COUNT(*)", "BIGINT"),
    "known": ("count(amount)", "COUNT(amount)", "BIGINT"),
    "big": ("count().where(has(amount) && amount > 100.0)", "COUNT(*) FILTER (WHERE amount > 100)", "BIGINT"),
    "devices": ("coalesce(distinct(device), 0)", "COUNT(DISTINCT device)", "BIGINT"),
    "pieces": ("sum(quantity)", "SUM(quantity)", "BIGINT"),
    "least": ("min(quantity)", "MIN(quantity)", "BIGINT"),
    "most": ("max(quantity)", "MAX(quantity)", "BIGINT"),
    "spent": ("sum(amount)", "SUM(amount)", "DOUBLE"),
    "mean": ("avg(amount)", "AVG(amount)", "DOUBLE"),
    "lowest": ("min(amount)", "MIN(amount)", "DOUBLE"),
    "highest": ("max(amount)", "MAX(amount)", "DOUBLE"),
}


def pipeline(bootstrap):
    """All windows in one pipeline."""
    source = {
        "kafka": {"brokers": bootstrap, "topic": "events"},
        "format": "json",
        "schema": {"user_id": "string?", "device": "string?", "amount": "double?", "quantity": "int?", "ts": "timestamp(ms)"},
        "event_time": {"field": "ts", "max_delay": f"{DELAY_MS}ms"},
    }
    calls = {name: call for name, (call, _, _) in AGGREGATES.items()}
    steps = [
        {"name": one.name, "from": "events", "window": {**one.tidemark, "by": ["user_id"], "aggregates": calls}}
        for one in KINDS
    ]
    out = {"json": {"timestamps": "ms"}}
    sinks = [{"from": one.name, "kafka": {"topic": f"tidemark.{one.name}"}, "format": out} for one in KINDS]
    sinks += [{"from": name, "kafka": {"topic": f"tidemark.{name}"}} for name in ("late", "dead_letter")]
    return {
        "name": "compared",
        "sources": {"events": source},
        "steps": steps,
        "sinks": sinks,
        "checkpoint": {"every": "500ms"},
    }


def sql(bootstrap, ends):
    """One job for all windows, over one reading of the topic up to `ends`, its records by partition."""
    until = ";".join(f"partition:{p},offset:{end}" for p, end in enumerate(ends))
    broker = f"'connector' = 'kafka', 'properties.bootstrap.servers' = '{bootstrap}', 'format' = 'json'"
    statements = [
        "CREATE TABLE events (user_id STRING, device STRING, amount DOUBLE, quantity BIGINT, ts BIGINT,"
        " event_time AS TO_TIMESTAMP_LTZ(ts, 3),"
        f" WATERMARK FOR event_time AS event_time - INTERVAL '{DELAY_MS / 1000}' SECOND) WITH ({broker}, 'topic' = 'events',"
        " 'properties.group.id' = 'flink', 'json.ignore-parse-errors' = 'true', 'scan.startup.mode' = 'earliest-offset',"
        f" 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = '{until}')"
    ]
    columns = ", ".join(f"`{name}` {kind}" for name, (_, _, kind) in AGGREGATES.items())
    calls = ", ".join(f"{call} AS `{name}`" for name, (_, call, _) in AGGREGATES.items())
    inserts = []
    for one in KINDS:
        statements.append(
            f"CREATE TABLE `{one.name}` (user_id STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), {columns})"
            f" WITH ({broker}, 'topic' = 'flink.{one.name}', 'json.timestamp-format.standard' = 'ISO-8601')"
        )
        inserts.append(
            f"INSERT INTO `{one.name}` SELECT user_id, window_start, window_end, {calls}\n"
            f"FROM TABLE({one.flink}) GROUP BY user_id, window_start, window_end;"
        )
    statements.append("EXECUTE STATEMENT SET BEGIN\n" + "\n".join(inserts) + "\nEND;")
    return "\n\n".join(statements) + "\n"


# ---- The topic


class Writer:
    """Draws the topic's records from a seed, as lists that are written one after the other."""

    def __init__(self, events, seed):
        self.events, self.dice = events, random.Random(seed)
        self.ends = [0] * PARTITIONS
        self.all_missed = self.some_missed = self.broken = 0

    def before_the_edge(self):
        """Ends with a record in each partition that brings its watermark to the edge; before it none does."""
        last = EDGE_MS + DELAY_MS + GRAIN_MS
        records = self._disordered(START_MS, last - 3 * GRAIN_MS, self.events * 2 // 3)
        alone = next(i for i, one in enumerate(records) if one["timestamp"] >= SESSION_PROOF_MS)
        records.insert(alone, self._record("proof", SESSION_PROOF_MS))
        return records + [self._record(f"edge-{p}", last, p) for p in range(PARTITIONS)]

    def late(self):
        """How many of them have missed what is counted in `all_missed` and `some_missed`."""
        records = []
        for _ in range(self.events // 50):
            missed_all = self.dice.random() < 0.5
            self.all_missed += missed_all
            self.some_missed += not missed_all
            records.append(self._record(self._user(), self._time_in(ALL_MISSED_MS if missed_all else SOME_MISSED_MS)))
        return records

    def behind_the_edge(self):
        return self._disordered(EDGE_MS + DELAY_MS + GRAIN_MS, END_MS, self.events // 3)

    def _disordered(self, start_ms, end_ms, count):
        """Times go on from `start_ms`; each record comes up to DELAY_MS too late."""
        records = []
        for i in range(count):
            now = start_ms + (end_ms - start_ms) * i // count // GRAIN_MS * GRAIN_MS
            at = now - GRAIN_MS * self.dice.randrange(DELAY_MS // GRAIN_MS)
            if not PAUSE_MS[0] <= at < PAUSE_MS[1]:
                records.append(self._record(self._user(), at))
            if self.dice.random() < 0.002:
                records.append(self._broken(now))
        return records

    def _time_in(self, bounds):
        return bounds[0] + GRAIN_MS * self.dice.randrange((bounds[1] - bounds[0]) // GRAIN_MS)

    def _user(self):
        """Some are busy, most come now and then; one has no name, one a hard one."""
        number = int(USERS * self.dice.random() ** 3)
        return {7: None, 11: 'Åsa "日本" \\'}.get(number, f"u{number}")

    def _record(self, user, at, partition=None):
        event = {
            "user_id": user,
            "device": self._maybe(f"d{self.dice.randrange(6)}"),
            "amount": self._maybe(self.dice.randrange(-8_000, 80_000) / 4),
            "quantity": self._maybe(self.dice.randrange(-50, 10**12)),
            "ts": at,
        }
        return self._placed(json.dumps(event, ensure_ascii=False), at, partition)

    def _maybe(self, value):
        return None if self.dice.random() < 0.1 else value

    def _broken(self, at):
        """What neither engine can read, and what moves no time."""
        self.broken += 1
        return self._placed('{"user_id": "u1", "ts"', at)

    def _placed(self, value, at, partition=None):
        partition = self.dice.randrange(PARTITIONS) if partition is None else partition
        self.ends[partition] += 1
        return {"topic": "events", "partition": partition, "timestamp": at, "key": None, "value": value}


# ---- The engines


class Flink:
    """The job as a process of its own, which ends where the topic will."""

    def __init__(self, work, bootstrap, ends):
        kind = dataclasses.replace(peers.KINDS[0], main="FlinkSql", sources=("FlinkSql",))
        jars = peers.fetch(peers.KINDS[0])
        classes = peers.compiled(kind, jars, work, HERE)
        script = work / "job.sql"
        script.write_text(sql(bootstrap, ends))
        self.log = work / "flink.log"
        command = ["java", "-XX:+UseSerialGC", "-Xmx1g", *peers.OPEN, "-cp", f"{classes}:{jars}/*"]
        command += [kind.main, script, work]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_for_the_edge(self, kit):
        """Until rows of every window say that time has come to the edge in all partitions."""
        for one in KINDS:
            came = f"Flink's {one.name} at the edge"
            wait_for(lambda: self._running() and self._has_come(kit, one), came, FLINK_TIMEOUT_S, 1)

    def _running(self):
        if self.process.poll() is not None:
            raise Failed(f"Flink ended by itself:\n{self.log.read_text(errors='replace')[-3000:]}")
        return True

    @staticmethod
    def _has_come(kit, kind):
        rows = (json.loads(one["value"]) for one in kit.consume(f"flink.{kind.name}", committed=False))
        return any(to_ms(row["window_end"]) == kind.proof_ms for row in rows)

    def wait(self):
        try:
            code = self.process.wait(FLINK_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Failed("Flink does not end") from None
        if code != 0:
            raise Failed(f"Flink: exit {code}\n{self.log.read_text(errors='replace')[-3000:]}")


def run_tidemark(binary, work, bootstrap):
    file = work / "pipeline.yaml"
    file.write_text(json.dumps(pipeline(bootstrap), indent=1))
    command = [binary, "run", file, "--until-end", "--http", f"127.0.0.1:{free_port()}", "--state-dir", work / "state"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=TIDEMARK_TIMEOUT_S)
    if done.returncode != 0:
        raise Failed(f"Tidemark: exit {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")


# ---- The comparison


def to_ms(time):
    """Tidemark's numbers as they are, Flink's texts without a zone as UTC."""
    if isinstance(time, int):
        return time
    return round(datetime.datetime.fromisoformat(time + "+00:00").timestamp() * 1000)


def rows_of(kit, topic):
    """{(user, start, end): what else is in the row, as texts that differ where a bit does}"""
    rows = {}
    for record in kit.consume(topic):
        row = json.loads(record["value"])
        place = (row.pop("user_id"), to_ms(row.pop("window_start")), to_ms(row.pop("window_end")))
        if place in rows:
            raise Failed(f"{topic}: two rows of {place}")
        rows[place] = {name: repr(value) for name, value in row.items()}
    return rows


def differences(flink, tidemark):
    for place in sorted(flink.keys() | tidemark.keys(), key=str):
        if flink.get(place) != tidemark.get(place):
            yield f"{place}\n    Flink    {flink.get(place)}\n    Tidemark {tidemark.get(place)}"


def compare(kit, kind):
    """Whether all rows are equal, told."""
    flink, tidemark = rows_of(kit, f"flink.{kind.name}"), rows_of(kit, f"tidemark.{kind.name}")
    found = list(differences(flink, tidemark))
    if not found and len(flink) > 1:
        print(f"ok      {kind.name}: {len(flink):,} rows of {len(AGGREGATES)} aggregates are equal", flush=True)
        return True
    print(f"FAILED  {kind.name}: {len(found):,} differences; Flink has {len(flink):,} rows, Tidemark {len(tidemark):,}")
    print("\n".join(f"  {one}" for one in found[:SHOWN]), flush=True)
    return False


def check_refused(kit, writer):
    """Whether Tidemark set aside what was written to be late or broken, and nothing else."""
    late = dict.fromkeys((one.name for one in KINDS), 0)
    for record in kit.consume("tidemark.late"):
        late[next(one["value"] for one in record["headers"] if one["name"] == "tidemark.step")] += 1
    wanted = {one.name: writer.all_missed + (0 if one.tolerant else writer.some_missed) for one in KINDS}
    broken = len(kit.consume("tidemark.dead_letter"))
    if (late, broken) == (wanted, writer.broken) and min(writer.all_missed, writer.some_missed, broken) > 0:
        print(
            f"ok      refused: {writer.all_missed:,} records late for all of their windows, {writer.some_missed:,} for some "
            f"of the sliding and cumulative and all of the others, {broken:,} unreadable",
            flush=True,
        )
        return True
    print(f"FAILED  refused: late {late}, wanted {wanted}; unreadable {broken}, wanted {writer.broken}", flush=True)
    return False


def run(args, work):
    """How many of the comparisons held, by whether they did."""
    writer = Writer(args.events, args.seed)
    parts = [writer.before_the_edge(), writer.late() + writer.behind_the_edge()]
    with kafka.Broker(args.kafka) as broker:
        kit = Kit(args.testkit, broker.bootstrap)
        kit.create_topic("events", PARTITIONS)
        for topic in [f"{engine}.{one.name}" for engine in ("flink", "tidemark") for one in KINDS]:
            kit.create_topic(topic, 2)
        for name in ("late", "dead_letter"):
            kit.create_topic(f"tidemark.{name}", 1)
        print(f"{sum(map(len, parts)):,} records, {USERS} users, {PARTITIONS} partitions, seed {args.seed}", flush=True)
        with Flink(work, broker.bootstrap, writer.ends) as flink:
            kit.produce(parts[0])
            flink.wait_for_the_edge(kit)
            kit.produce(parts[1])
            flink.wait()
        run_tidemark(args.tidemark, work, broker.bootstrap)
        return [compare(kit, one) for one in KINDS] + [check_refused(kit, writer)]


@contextlib.contextmanager
def folder(keep):
    work = pathlib.Path(tempfile.mkdtemp(prefix="tidemark-flink."))
    try:
        yield work
    finally:
        if keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tidemark", default=str(ROOT / "build" / "tidemark"))
    parser.add_argument("--testkit", default=str(ROOT / "build" / "tests" / "tidemark_testkit"))
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kafka", default=kafka.DEFAULT_VERSION)
    parser.add_argument("--keep", action="store_true", help="keep the job, the pipeline and the logs")
    args = parser.parse_args()
    try:
        with folder(args.keep) as work:
            held = run(args, work)
    except (kafka.KafkaUnavailable, peers.Unavailable) as error:
        print(f"SKIPPED: {error}\n0 passed, 0 failed, 1 skipped")
        return 1 if os.environ.get("CI", "").lower() == "true" else 0
    except Failed as error:
        print(f"FAILED  {error}\n0 passed, 1 failed")
        return 1
    print(f"{held.count(True)} passed, {held.count(False)} failed")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
