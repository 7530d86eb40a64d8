"""What the runners themselves promise: to those who read only the end of a log, and to lanes that run side by side."""
import argparse
import concurrent.futures
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
    assert child.read_bytes()
    processes.end_all()
    wait_for(lambda: not child.exists() or not child.read_bytes(), "the child's end", 10)
    try:
        processes.start(["true"], aside=False)
        raise AssertionError("it started another")
    except KeyboardInterrupt:
        pass
