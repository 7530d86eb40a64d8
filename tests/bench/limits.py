"""The workloads that ask for one limit each: a checkpoint of a million dirty keys, more state than memory, a second
core. Each is a function from Place to Section.
"""

import contextlib
import subprocess
import time

from contestants import LONG_PAUSE_S, TEN_MINUTES, TUMBLING, Job, Tidemark, counted_pauses
from gates import Section
from measuring import cpu_seconds, median, rounds
from place import Stream, Window

HOUR = Window(3_600_000, 3_600_000)
CHANGED_KEY_BYTES = 128  # key, window, count and a wide sum, with room for framing
USUAL_EVERY_S = 5
SPILL_MEMORY = "512MiB"


def w9(place):
    """Each key comes once before any comes again, so that a checkpoint behind N events has min(N, keys) dirty keys."""
    keys = place.args.many_keys
    stream = Stream(place.args.events, keys, each_key=True)
    section = Section("W9", f"checkpoints of up to {keys:,} dirty keys, 10 m windows, rows dropped")
    off, on = "Tidemark, checkpoints off", "Tidemark"
    job = Job(stream, TEN_MINUTES)
    daemons = [
        Tidemark(place, off, job, to_kafka=False, every_ms=None),
        Tidemark(place, on, job, to_kafka=False, every_ms=600),
    ]
    section.runs = rounds(daemons, place.args.runs, place.say)
    runs = section.runs[on]
    checkpoints = min(run.facts["checkpoints"] for run in runs)
    changed = median(runs, lambda run: run.facts["checkpoints"] * min(keys, stream.events / run.facts["checkpoints"]))
    written = median(runs, lambda run: run.facts["written_bytes"])
    pauses, own = (sum(map(counted_pauses, section.runs[name])) for name in (on, off))
    section.facts.update(
        {
            "checkpoints every": f"{daemons[1].every_ms} ms",
            "written, MB a run": round(written / 1e6),
            "dirty keys a checkpoint, about": int(min(keys, stream.events / checkpoints)),
            "longest pause's bucket, s": max(run.facts["longest_pause_s"] for run in runs),
        }
    )
    section.at_least("completed checkpoints in each run", checkpoints, place.args.least_checkpoints, "")
    section.at_most(
        f"input pauses above {LONG_PAUSE_S * 1000:.0f} ms, beyond those without checkpoints, per checkpoint",
        max(0, pauses - own) / sum(run.facts["checkpoints"] for run in runs),
        0.01,
        "",
    )
    section.at_most("bytes written per changed key", written / changed, CHANGED_KEY_BYTES, "bytes")
    # A short run holds ten checkpoints only where they follow closely; what a changed key costs does not depend on it.
    extra_s = median(runs, lambda run: run.cpu_s) - median(section.runs[off], lambda run: run.cpu_s)
    one_s = extra_s / changed * keys
    section.facts["CPU of one checkpoint of all keys, s"] = round(one_s, 3)
    section.facts["throughput lost at this interval"] = f"{1 - section.rate(on) / section.rate(off):.0%}"
    section.at_most(
        f"throughput dip with checkpoints every {USUAL_EVERY_S} s: CPU of one / interval",
        one_s / USUAL_EVERY_S,
        0.1,
        "",
    )
    return section


def w6(place):
    """Every key comes once, a fifth of them a second time, all in one window, which only the disk can hold."""
    keys = place.args.spill_keys
    stream = Stream(keys * 6 // 5, keys, events_per_minute=max(1, keys // 25), each_key=True)
    section = Section("W6", f"{keys:,} keys in one window under --memory {SPILL_MEMORY}, rows exactly once to Kafka")
    one = Tidemark(place, "Tidemark", Job(stream, HOUR), to_kafka=True, every_ms=5000, memory=SPILL_MEMORY)
    section.runs = {"Tidemark": [one.run()]}
    section.facts["rows"] = f"{section.runs['Tidemark'][0].facts['rows']:,}, all equal to the oracle's"
    section.at_most("peak RSS", section.peak_mb("Tidemark"), 570, "MB")
    section.at_least("events per CPU-second", section.rate("Tidemark") / 1e3, 150, "thousand")
    section.at_least(
        "completed checkpoints", section.runs["Tidemark"][0].facts["checkpoints"], place.args.least_checkpoints, ""
    )
    return section


# ---- Two cores


def pin_everywhere(pid, cpus):
    subprocess.run(["taskset", "-a", "-p", "-c", cpus, str(pid)], check=True, capture_output=True)


@contextlib.contextmanager
def broker_everywhere(place, cpus):
    pin_everywhere(place.broker.process.pid, cpus)
    try:
        yield
    finally:
        pin_everywhere(place.broker.process.pid, place.args.broker_cpu)


class WithBroker:
    """A contestant beside which the broker's own CPU time is noted, since it shares the cores."""

    def __init__(self, inner):
        self.inner, self.name = inner, inner.name

    def prepare(self):
        return self._noting(self.inner.prepare)

    def run(self):
        return self._noting(self.inner.run)

    def _noting(self, call):
        pid, start = self.inner.place.broker.process.pid, time.monotonic()
        before = cpu_seconds(pid)
        run = call()
        run.facts["broker_cores"] = round((cpu_seconds(pid) - before) / (time.monotonic() - start), 2)
        return run


def w10(place):
    both = f"{place.args.broker_cpu},{place.args.cpu}"
    stream = Stream(place.args.events, place.args.few_keys)
    job = Job(stream, TUMBLING)
    one, two = "Tidemark, one thread on one core", "Tidemark, two threads on two cores"
    section = Section("W10", "a second core for the engine, the broker on both")
    with broker_everywhere(place, both):
        section.runs = rounds(
            [
                WithBroker(Tidemark(place, one, job, to_kafka=False)),
                WithBroker(Tidemark(place, two, job, to_kafka=False, cpu=both, threads=2)),
            ],
            place.args.runs,
            place.say,
        )
    for name in (one, two):
        section.facts[f"{name}: cores that it used itself"] = round(
            median(section.runs[name], lambda run: run.cpu_s / run.wall_s), 2
        )
        section.facts[f"{name}: cores that the broker used meanwhile"] = median(
            section.runs[name], lambda run: run.facts["broker_cores"]
        )
    speed = {name: median(runs, lambda run: run.per_wall_second) for name, runs in section.runs.items()}
    # Both cores together carry no more than what an event costs the engine and the broker allows.
    engine_s = median(section.runs[two], lambda run: run.cpu_s / run.events)
    broker_s = median(section.runs[two], lambda run: run.facts["broker_cores"] / run.per_wall_second)
    carried = 2 / (engine_s + broker_s)
    section.facts["two cores carry at most, with the broker, million events a second"] = round(carried / 1e6, 2)
    section.at_least(
        "events per wall second, two cores / one; where the broker is the limit, nine tenths of what is left to it",
        speed[two] / speed[one],
        min(1.8, 0.9 * carried / speed[one]),
    )
    section.facts["CPU per event, two cores / one"] = round(section.rate(one) / section.rate(two), 3)
    return section


LIMITS = {"W6": w6, "W9": w9, "W10": w10}
