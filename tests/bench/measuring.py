"""Runs one process at a time and says what it took: wall time, CPU time of all its threads and children, peak memory.
Then many of them in rounds, in an order that rotates. Knows no contestant.
"""

import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time
import urllib.request

RUN_TIMEOUT_S = 1800
IO_EVERY_S = 0.02
TAIL_BYTES = 4000


class Broken(Exception):
    """A run that failed or whose output was wrong: no number may be made of it."""


@dataclasses.dataclass
class Run:
    """One measured run. `cpu_s` and `wall_s` are what `events` took; `facts` what else is worth a column."""

    events: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    facts: dict = dataclasses.field(default_factory=dict)

    @property
    def per_cpu_second(self):
        return self.events / self.cpu_s

    @property
    def per_wall_second(self):
        return self.events / self.wall_s


@dataclasses.dataclass
class Finished:
    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str

    def last_json(self):
        """The last line of the output that is a JSON object."""
        for line in reversed(self.output.splitlines()):
            if line.startswith("{"):
                return json.loads(line)
        raise Broken(f"no result in the output:\n{self.output[-TAIL_BYTES:]}")


def pinned(command, cpu):
    return ["taskset", "-c", str(cpu), *map(str, command)]


def run_process(command, cpu, directory, watch=None, timeout_s=RUN_TIMEOUT_S):
    """Runs it to its end on those cores; `watch(process)` is called in this thread as often as it returns. The numbers
    are the kernel's own accounts of the process and of the children it waited for (wait4).
    """
    log = pathlib.Path(directory) / "output"
    with open(log, "wb") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            pinned(command, cpu), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        killer = threading.Timer(timeout_s, process.kill)
        killer.start()
        watcher = threading.Thread(target=watch, args=(process,), daemon=True) if watch else None
        if watcher:
            watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            killer.cancel()
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if watcher:
        watcher.join()
    text = log.read_text(errors="replace")
    if process.returncode != 0:
        raise Broken(f"{' '.join(map(str, command))}: exit {process.returncode}\n{text[-TAIL_BYTES:]}")
    return Finished(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text)


# ---- A process that is alive


def cpu_seconds(pid):
    """Of all threads, and of the children it waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(one) for one in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def status_bytes(pid, name):
    """VmRSS or VmHWM."""
    found = re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


def written_bytes(pid):
    """What it has handed to file systems."""
    return int(re.search(r"^wchar: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text(), re.M)[1])


def scrape(port, timeout_s=5):
    """{metric or metric{labels}: value} of a Prometheus page; {} where nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=timeout_s) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    return {name: float(value) for name, value in re.findall(r"^([^#\s][^\n]*?) (\S+)$", text, re.M)}


def total(metrics, name, label=""):
    """The sum of a metric's series that hold `label` in their labels."""
    return sum(value for key, value in metrics.items() if key.split("{")[0] == name and label in key)


def labelled(metrics, name):
    """[(labels, value)] of a metric's series."""
    return [
        (dict(re.findall(r'(\w+)="([^"]*)"', key)), value)
        for key, value in metrics.items()
        if key.split("{")[0] == name
    ]


class Sampler:
    """Scrapes a process's metrics at a steady pace until it ends: [(seconds since start, metrics)]; and what it has
    written.
    """

    def __init__(self, port, every_s):
        self.port, self.every_s, self.samples, self.written_bytes = port, every_s, [], 0

    def __call__(self, process):
        start = next_scrape = time.monotonic()
        while process.returncode is None:
            try:
                self.written_bytes = written_bytes(process.pid)
            except (OSError, TypeError):
                pass  # it has just ended
            if time.monotonic() >= next_scrape:
                found = scrape(self.port)
                if found:
                    self.samples.append((time.monotonic() - start, found))
                next_scrape = time.monotonic() + self.every_s
            time.sleep(IO_EVERY_S)

    def last(self):
        return self.samples[-1][1] if self.samples else {}


# ---- Rounds


def described(name, run):
    rates = f"{run.per_wall_second / 1e6:.2f} M/s wall, {run.per_cpu_second / 1e6:.2f} M/s CPU"
    facts = "".join(f", {key} {value:g}" for key, value in run.facts.items() if value)
    return f"{name}: {rates}, {run.peak_bytes / 1e6:.0f} MB{facts}"


def rounds(contestants, count, say):
    """{name: [Run]}: `count` measured rounds of all contestants, behind a warm-up that is thrown away. Each round
    starts with another contestant. A contestant's prepare() is part of the warm-up: there it proves its output and
    finds its settings. One that bears `at_most` takes part in no more rounds than that. With `count` 0 the warm-up
    is all there is, and is kept.
    """
    runs = {one.name: [] for one in contestants}
    for number in range(count + 1):
        turn = number % max(1, len(contestants))
        for one in contestants[turn:] + contestants[:turn]:
            if number > getattr(one, "at_most", count) > 0:
                continue
            run = one.prepare() if number == 0 else one.run()
            if run is None:
                continue
            say(f"{'warm-up' if number == 0 else f'round {number}'}: {described(one.name, run)}")
            if number > 0 or count == 0:
                runs[one.name].append(run)
    return runs


def median(runs, of):
    return statistics.median(of(one) for one in runs)
