#!/usr/bin/env python3
"""Measures Tidemark beside the bare client that it stands on, on one real topic: wall time, CPU time, peak memory.

    bench.py --tidemark BIN --testkit BIN --bench BIN [--events 10000000] [--keys 100,1000000] [--runs 5]

The broker is pinned to one core, the measured process with all its threads to another. A first round warms up and is
thrown away; then every round runs all contestants, each time in another order. Writes a table and the raw numbers."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.dont_write_bytecode = True

import kafka  # noqa: E402
from harness import Kit  # noqa: E402

SCHEMA = {"user_id": "string", "event_type": "string", "amount": "double", "ts": "timestamp(ms)"}
TUMBLING = {"tumbling": "1m", "by": ["user_id"], "aggregates": {"n": "count()", "spent": "sum(amount)"}}
NEVER = "3m"  # beyond what a run takes; longer would ask for more transaction time than brokers grant


class Contestant:
    """One row of the table: a name and the command of one run over a topic."""

    def __init__(self, name, command):
        self.name, self.command = name, command


def pipeline(brokers, topic, name, steps, every, sink, partitioned=True):
    source = {"kafka": {"brokers": brokers, "topic": topic}, "format": "json", "schema": SCHEMA,
              "event_time": {"field": "ts", "max_delay": "2s"}}
    if partitioned:
        source["kafka"]["partitioned_by"] = ["user_id"]
    return {"name": name, "sources": {"events": source}, "steps": steps, "sinks": [sink], "checkpoint": {"every": every}}


class Bench:
    def __init__(self, args, broker):
        self.args, self.broker = args, broker
        self.kit = Kit(args.testkit, broker.bootstrap)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tidemark-bench."))
        self.number = 0

    def fill(self, keys):
        topic = f"bench-{keys}"
        self.kit.create_topic(topic, self.args.partitions)
        start = time.monotonic()
        done = subprocess.run([self.args.bench, "-b", self.broker.bootstrap, "fill", topic, "--keys", str(keys), "--events",
                               str(self.args.events), "--partitions", str(self.args.partitions)],
                              check=True, capture_output=True, text=True)
        print(f"filled {topic} in {time.monotonic() - start:.0f} s: {done.stdout.strip()}", flush=True)
        return topic

    def contestants(self):
        out = [Contestant("librdkafka, `consume_callback_queue`", self._consume()),
               Contestant("the same + simdjson of 3 fields", self._consume("--json"))]
        if not self.args.tidemark:
            return out
        rare = [{"filter": "event_type == 'purchase' && amount > 1000.0"}]
        window = [{"window": TUMBLING}]
        drop = {"drop": {}}
        out += [Contestant("Tidemark filter", self._tidemark(rare, NEVER, drop)),
                Contestant("Tidemark tumbling 1m count+sum, checkpoints off", self._tidemark(window, NEVER, drop)),
                Contestant("Tidemark tumbling 1m count+sum, checkpoints every 10 s", self._tidemark(window, "10s", drop)),
                Contestant("the same through the memory exchange", self._tidemark(window, "10s", drop, partitioned=False)),
                Contestant("the same, rows to Kafka exactly once", self._tidemark(window, "10s", None))]
        return [one for one in out if not self.args.only or any(word in one.name for word in self.args.only.split(","))]

    def _consume(self, *flags):
        def command(topic, _):
            return [self.args.bench, "-b", self.broker.bootstrap, "consume", topic, "--partitions",
                    str(self.args.partitions), *flags]
        return command

    def _tidemark(self, steps, every, sink, partitioned=True):
        def command(topic, directory):
            name = f"bench-{self.number}"
            to = sink
            if to is None:
                self.kit.create_topic(f"{name}-out", self.args.partitions)
                to = {"kafka": {"topic": f"{name}-out"}, "format": "json"}
            spec = pipeline(self.broker.bootstrap, topic, name, steps, every, to, partitioned)
            (directory / "pipeline.yaml").write_text(json.dumps(spec))
            return [self.args.tidemark, "run", str(directory / "pipeline.yaml"), "--until-end", "--http", "off", "--threads",
                    "1", "--memory", self.args.memory, "--state-dir", str(directory / "state")]
        return command

    def run(self, contestant, topic):
        """(wall seconds, CPU seconds, peak bytes) of one run of one process."""
        self.number += 1
        directory = self.work / str(self.number)
        directory.mkdir()
        command = ["taskset", "-c", str(self.args.cpu), *map(str, contestant.command(topic, directory))]
        with open(directory / "output", "wb") as output:
            start = time.monotonic()
            process = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{contestant.name}: exit {process.returncode}\n{(directory / 'output').read_text()[-3000:]}")
        shutil.rmtree(directory)
        if command[-1].endswith("state"):
            self.kit.run("topic", "delete", f"bench-{self.number}-out", may_fail=True)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    def measure(self, keys):
        topic = self.fill(keys)
        contestants = self.contestants()
        runs = {one.name: [] for one in contestants}
        for number in range(self.args.runs + 1):
            order = contestants[number % len(contestants):] + contestants[:number % len(contestants)]
            for one in order:
                wall, cpu, peak = self.run(one, topic)
                million = self.args.events / 1e6
                print(f"{'warm-up' if number == 0 else f'run {number}'}: {keys} keys, {one.name}: {million / wall:.2f} M/s wall, "
                      f"{million / cpu:.2f} M/s CPU, {peak >> 20} MiB", flush=True)
                if number > 0:
                    runs[one.name].append({"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak})
        self.kit.run("topic", "delete", topic)
        return runs


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def table(all_runs, events):
    lines = []
    million = events / 1e6
    for keys, runs in all_runs.items():
        lines += [f"\n## {int(keys):,} keys\n", "| work | million events per wall second | per CPU-second | peak RSS |",
                  "|---|---|---|---|"]
        for name, found in runs.items():
            lines.append(f"| {name} | {spread([million / one['wall_s'] for one in found])} | "
                         f"{spread([million / one['cpu_s'] for one in found])} | "
                         f"{statistics.median(one['peak_bytes'] for one in found) / 2**20:.0f} MiB |")
    return "\n".join(lines) + "\n"


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


HEAD = """# Benchmarks

Written by `tests/bench/bench.py`; run it again to get your own numbers. One topic of {events:,} JSON events of about 190 bytes,
lz4, {partitions} partitions, about 600,000 events to a minute of event time, on Apache Kafka {kafka}. The broker is pinned to one core, the
measured process with all its threads to another. Each number is the median of {runs} runs (least to most in brackets) of a whole
process, start and end included; a warm-up round is thrown away and the order rotates.

{date}, {cpu}, Linux {linux}.
"""


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = ROOT / "build"
    parser.add_argument("--tidemark", default=str(build / "tidemark"), help="empty: only the bare client")
    parser.add_argument("--testkit", default=str(build / "tests" / "tidemark_testkit"))
    parser.add_argument("--bench", default=str(build / "tests" / "tidemark_bench"))
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--keys", default="100,1000000")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--broker-cpu", default="0")
    parser.add_argument("--cpu", default="1")
    parser.add_argument("--only", help="words of contestants' names, comma-separated")
    parser.add_argument("--kafka", default=kafka.DEFAULT_VERSION)
    parser.add_argument("--output", default=str(ROOT / "docs" / "benchmarks.md"), help="`-`: only print")
    parser.add_argument("--json", help="file for the raw numbers")
    return parser.parse_args()


def main():
    args = parse()
    with kafka.Broker(args.kafka, heap="2g", cpu=args.broker_cpu) as broker:
        bench = Bench(args, broker)
        all_runs = {keys: bench.measure(int(keys)) for keys in args.keys.split(",")}
        shutil.rmtree(bench.work, ignore_errors=True)
    head = HEAD.format(events=args.events, partitions=args.partitions, kafka=args.kafka, runs=args.runs, cpu=cpu_model(),
                       date=datetime.date.today().isoformat(), linux=platform.release())
    text = head + table(all_runs, args.events)
    print(text)
    if args.output != "-":
        pathlib.Path(args.output).write_text(text)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"events": args.events, "runs": all_runs}, indent=1))


if __name__ == "__main__":
    main()
