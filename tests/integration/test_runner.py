"""What the runners themselves promise: to those who read only the end of a log, and to lanes that run side by side."""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import threading
import time
from unittest import mock

from harness import wait_for
from run import REASON_LINES, summary

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

import suites  # noqa: E402


def failures(count, lines):
    return [(f"test_{i}", "\n".join([f"why {i}"] + [f"line {n}" for n in range(lines)] + [f"folder {i}"])) for i in range(count)]


def test_every_failure_is_told_at_the_end(env):
    for count in (1, 2, 6, 30):
        lines = summary(failures(count, 60))
        assert len(lines) <= REASON_LINES + 1, (count, lines)
        for i in range(count):
            assert any(f"test_{i}" in line for line in lines), (count, i, lines)
        assert "    why 0" in lines and "    folder 0" in lines, lines
    assert summary(failures(1, 2)) == ["failed: test_0", "    why 0", "    line 0", "    line 1", "    folder 0"]
    assert summary([]) == []


# In a process of its own: what it replaces, other tests are using.
RUN_WITHOUT_A_BROKER = """
import argparse, contextlib, sys
from unittest import mock
sys.path.insert(0, sys.argv[1])
import run
from harness import skip
run.kafka.Broker = lambda *_: contextlib.nullcontext(mock.Mock(process=mock.Mock(poll=lambda: None)))
args = argparse.Namespace(kafka="none", jobs=1, tidemark="t", testkit="k", work=sys.argv[2])
sys.exit(run.run_all(args, [("test_good", lambda _: None), ("test_disk", lambda _: skip("no tmpfs"))]))
"""


def test_what_ci_requires_and_cannot_run_has_failed(env):
    for ci, wanted, code in (("", "1 passed, 0 failed, 1 skipped", 0), ("true", "1 passed, 1 failed", 1)):
        done = subprocess.run([sys.executable, "-c", RUN_WITHOUT_A_BROKER, pathlib.Path(__file__).parent, env.directory],
                              env={**os.environ, "CI": ci}, capture_output=True, text=True)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (code, wanted), (ci, done)
        assert "no tmpfs" in done.stdout, done


def test_the_last_line_counts_what_was_skipped(env):
    assert suites.script_counts("3 passed, 1 failed, 2 skipped\n") == (3, 1, 2)
    assert suites.script_counts("0 passed, 0 failed, all skipped\n5 passed, 0 failed\n") == (5, 0, 0)
    done = mock.Mock(code=0, seconds=1.0)
    with mock.patch.object(suites, "required", lambda: False), mock.patch.object(suites, "say"):
        count = suites.Count()
        suites.judge(count, "unit", done, (4, 0))
        assert count.last_line() == "4 passed, 0 failed"
        suites.judge(count, "integration", done, (3, 1, 2))
        count.skip("chaos", "no Kafka")
        assert count.last_line() == "7 passed, 1 failed, 3 skipped"
    with mock.patch.object(suites, "required", lambda: True), mock.patch.object(suites, "say"):
        count.skip("bench", "no Kafka")
    assert count.last_line() == "7 passed, 2 failed, 3 skipped"


def lane_names(free, only):
    args = argparse.Namespace(suites=only, one_lane=False)
    with mock.patch.object(suites, "free_memory", lambda: free):
        return [[name for name, _ in lane] for lane in suites.lanes(args)]


def test_lanes_hold_every_suite_and_need_memory(env):
    computing, waiting = lane_names(8 << 30, suites.NAMES)
    assert set(computing) | set(waiting) == {*suites.NAMES, "kit"}
    assert computing[0] == "kit" and not {"kit", "fuzz"} & set(waiting)
    assert lane_names(1 << 30, suites.NAMES) == [computing + waiting]
    assert lane_names(None, ["asan"]) == [["asan"], ["asan"]]


def test_both_lanes_get_one_build(env):
    made, alone = [], threading.Lock()

    def slow_build(_, name):
        assert alone.acquire(blocking=False), "two builds at once"
        time.sleep(0.05)
        made.append(name)
        alone.release()
        if name == "asan":
            raise OSError("no compiler")
        return name != "tsan"

    builds = suites.Builds(None)
    with mock.patch.object(suites, "build", slow_build), concurrent.futures.ThreadPoolExecutor(6) as pool:
        asked = [(name, pool.submit(builds.made, name)) for name in ("kit", "tsan", "asan") for _ in range(2)]
        for name, answer in asked:
            if name == "asan":
                assert isinstance(answer.exception(), OSError)
            else:
                assert answer.result() == (name == "kit"), name
    assert sorted(made) == ["asan", "kit", "tsan"], made


def test_a_broken_off_run_leaves_nothing_behind(env):
    processes = suites.Processes()
    process = processes.start(["sh", "-c", "sleep 600 & echo $!; wait"], aside=True, stdout=subprocess.PIPE, text=True)
    child = pathlib.Path(f"/proc/{int(process.stdout.readline())}/cmdline")
    wait_for(child.read_bytes, "the child's beginning", 10)
    processes.end_all()
    wait_for(lambda: not child.exists() or not child.read_bytes(), "the child's end", 10)
    try:
        processes.start(["true"], aside=False)
        raise AssertionError("it started another")
    except KeyboardInterrupt:
        pass
