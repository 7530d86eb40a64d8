"""A Tidemark process that runs on while others feed, watch, kill and measure it. Knows no workload."""

import json
import os
import signal
import subprocess
import time
import urllib.request

from measuring import Broken, cpu_seconds, pinned, scrape, status_bytes, total, written_bytes
from place import free_port

POLL_S = 0.002
END_TIMEOUT_S = 120


class Daemon:
    """One `tidemark run` on its cores. A context manager: killed on exit where it still runs."""

    def __init__(self, place, directory, spec, memory=None, cpu=None, threads=1, flags=()):
        self.place, self.port = place, free_port()
        self.log = directory / f"daemon.{time.monotonic_ns()}.log"
        path = directory / "pipeline.yaml"
        path.write_text(json.dumps(spec))
        command = [
            place.args.tidemark,
            "run",
            path,
            "--http",
            f"127.0.0.1:{self.port}",
            "--threads",
            threads,
            "--memory",
            memory or place.args.memory,
            "--state-dir",
            directory / "state",
            *flags,
        ]
        self.started = time.monotonic()
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                pinned(command, cpu or place.args.cpu), stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        if self.process.poll() is not None:
            raise Broken(f"Tidemark ended by itself, exit {self.process.returncode}:\n{self.log.read_text()[-3000:]}")

    def wait_ready(self, timeout_s=120):
        """Seconds from the start of the process until /readyz says yes."""
        while True:
            self.running()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - self.started
            except OSError:
                pass
            if time.monotonic() - self.started > timeout_s:
                raise Broken(f"not ready within {timeout_s} s:\n{self.log.read_text()[-3000:]}")
            time.sleep(POLL_S)

    def metrics(self):
        self.running()
        return scrape(self.port)

    def total(self, name, label=""):
        return total(self.metrics(), name, label)

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def rss_bytes(self):
        return status_bytes(self.pid, "VmRSS")

    def peak_bytes(self):
        return status_bytes(self.pid, "VmHWM")

    def written_bytes(self):
        return written_bytes(self.pid)

    def wait_until(self, condition, what, timeout_s=600, every_s=0.1):
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.running()
            if time.monotonic() > deadline:
                raise Broken(f"not within {timeout_s} s: {what}\n{self.log.read_text()[-3000:]}")
            time.sleep(every_s)

    def stop(self):
        """An orderly end: drained and committed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Broken(f"SIGTERM does not end it:\n{self.log.read_text()[-3000:]}") from None
        if code != 0:
            raise Broken(f"exit {code}:\n{self.log.read_text()[-3000:]}")

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
