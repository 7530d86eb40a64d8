"""Where everything is measured: one broker on its core, the topics that were filled once, the tools, a folder for each
run. Knows neither contestants nor workloads.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from harness import Kit, free_port  # noqa: E402,F401
from measuring import Broken  # noqa: E402

START_MS = 1_767_225_600_000  # 2026-01-01
TOOL_TIMEOUT_S = 1800


@dataclasses.dataclass(frozen=True)
class Stream:
    """What a topic holds; tests/bench/events.h says what each event is."""

    events: int
    keys: int
    events_per_minute: int = 600_000
    start_ms: int = START_MS
    each_key: bool = False

    def flags(self):
        flags = [
            "--events",
            self.events,
            "--keys",
            self.keys,
            "--events-per-minute",
            self.events_per_minute,
            "--start-ms",
            self.start_ms,
        ]
        return flags + (["--each-key"] if self.each_key else [])

    def end_ms(self):
        """The newest event's time."""
        return self.start_ms + (self.events - 1) * 60_000 // self.events_per_minute


@dataclasses.dataclass(frozen=True)
class Sessions:
    """Count and sum by user and session."""

    gap_ms: int = 30_000

    def flags(self):
        return ["--gap-ms", self.gap_ms]

    def shape(self):
        return {"session": {"gap": f"{self.gap_ms}ms"}}


@dataclasses.dataclass(frozen=True)
class Window:
    """Count and sum by user: a tumbling window where `step_ms` is its size, else a sliding one."""

    size_ms: int = 60_000
    step_ms: int = 60_000

    def flags(self):
        return ["--size-ms", self.size_ms, "--step-ms", self.step_ms]

    def shape(self):
        size, step = f"{self.size_ms}ms", f"{self.step_ms}ms"
        return {"tumbling": size} if self.size_ms == self.step_ms else {"sliding": {"size": size, "step": step}}


class Place:
    def __init__(self, args, broker):
        self.args, self.broker = args, broker
        self.kit = Kit(args.testkit, broker.bootstrap)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tidemark-bench.", dir=args.work))
        self.number = 0
        self.topics = {}

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def new_name(self, what):
        self.number += 1
        return f"bench-{what}-{self.number}"

    def new_directory(self, name):
        directory = self.work / name
        directory.mkdir()
        return directory

    def new_topic(self, name):
        self.kit.create_topic(name, self.args.partitions)
        return name

    def delete_topic(self, name):
        self.kit.run("topic", "delete", name, may_fail=True)

    def topic(self, stream):
        """A topic that holds the stream, filled when first asked for."""
        if stream not in self.topics:
            name = self.new_topic(self.new_name(f"events-{stream.keys}"))
            filled = self.tool("fill", name, *stream.flags())
            self.say(
                f"filled {name}: {stream.events:,} events of {filled['mean_bytes']:.0f} bytes, {stream.keys:,} keys, "
                f"in {filled['wall_s']:.0f} s"
            )
            self.topics[stream] = name
        return self.topics[stream]

    def tool_command(self, *args):
        return [self.args.bench, "-b", self.broker.bootstrap, *map(str, args)]

    def tool(self, *args):
        """A command of tidemark_bench, off the measured core; its last line as JSON. Raises where it says that
        something is wrong.
        """
        done = subprocess.run(self.tool_command(*args), capture_output=True, text=True, timeout=TOOL_TIMEOUT_S)
        lines = done.stdout.strip().splitlines()
        if done.returncode != 0 or not lines:
            raise Broken(
                f"tidemark_bench {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return json.loads(lines[-1])

    def start_tool(self, *args):
        return subprocess.Popen(self.tool_command(*args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stay_off(self):
        """The bench itself, and with it every tool that it starts, runs on the broker's core."""
        os.sched_setaffinity(0, {int(one) for one in self.args.broker_cpu.split(",")})
