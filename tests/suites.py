#!/usr/bin/env python3
"""Builds and runs every suite of tests, and says at the end how many tests passed and failed.

    suites.py [--only unit,asan,...] [--long] [--jobs N] [--list]

A suite that needs a Kafka broker is skipped loudly where none can be had; with CI=true that is a failure. Builds stand in
build/ (Release, the same that scripts/demo uses), build-asan/ and build-tsan/; all output is in build/test-logs/.
Installs nothing: that is scripts/test."""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PROGRESS_EVERY_S = 30
TAIL_LINES = 40

# Programs that hold no code of the engine, or only read sources, gain nothing under a sanitizer.
NOT_SANITIZED = {"test_house", "test_oracle"}
# librdkafka makes its threads through C11 calls that ThreadSanitizer does not know, and dies under it: no client of it there.
NOT_UNDER = {"tsan": {"test_sources", "test_sinks"}}
ARGUMENTS_UNDER = {"tsan": {"test_daemon": ["~the demo shows*", "~the demo ends*"]}}
# A run of the property test is ten times slower there.
SEEDS_UNDER = {"asan": "40", "tsan": "10"}
SANITIZERS = {"asan": "address", "tsan": "thread"}
# A cache of compiled files serves every clone, wherever it stands.
BUILD_ENV = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "true"}
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:suppressions=" + str(ROOT / "tests" / "tsan.supp"),
}


class Count:
    """How many tests passed and failed, by name where they failed."""

    def __init__(self):
        self.passed, self.failed, self.failures, self.skips = 0, 0, [], []

    def add(self, what, passed, failed):
        self.passed += passed
        self.failed += failed
        if failed:
            self.failures.append(what)

    def skip(self, what, why):
        """Where tests are required, what cannot run has failed."""
        if os.environ.get("CI", "").lower() == "true":
            self.add(f"{what}: {why}", 0, 1)
            say(f"FAILED {what}, which CI requires: {why}")
        else:
            self.skips.append(f"{what}: {why}")
            say("=" * 100, f"SKIPPED {what}: {why}", "=" * 100)


def say(*lines):
    for line in lines:
        print(f"==> {line}", flush=True)


# ---- Running

class Finished:
    def __init__(self, code, seconds, log):
        self.code, self.seconds, self.log = code, seconds, log

    def text(self):
        return self.log.read_text(errors="replace")

    def show_tail(self):
        print("\n".join("    " + line for line in self.text().splitlines()[-TAIL_LINES:]), flush=True)
        say(f"the whole log: {self.log}")


def last_line(log):
    """What a log says now, for the progress line."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip()[:90] for line in reversed(lines) if line.strip()), "")


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(name, command, timeout_s, env=None, cwd=ROOT):
    """Runs `command` with its output in a log of its own; shows now and then where it stands."""
    log = LOGS / f"{name}.log"
    start, told = time.monotonic(), time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd,
                                   env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        while process.poll() is None:
            now = time.monotonic()
            if now - start > timeout_s:
                end_group(process)
                with open(log, "a") as out:
                    out.write(f"\nkilled after {timeout_s} s\n")
                break
            if now - told > PROGRESS_EVERY_S:
                told = now
                say(f"{name}: {now - start:.0f} s, {last_line(log)}")
            time.sleep(0.05 if now - start < 5 else 0.5)
    except BaseException:
        end_group(process)
        raise
    return Finished(process.returncode, time.monotonic() - start, log)


# ---- Building

def build(args, folder, sanitizer=None):
    """Whether everything in `folder` is built."""
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DTIDEMARK_SANITIZE="]
    if sanitizer:
        # -O1 and line tables only: half of the time of a full debug build, and stacks that still name lines.
        options = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1", f"-DTIDEMARK_SANITIZE={sanitizer}"]
    configured = run(f"configure-{folder.name}",
                     ["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DTIDEMARK_TESTS=ON", *options], 300)
    if configured.code != 0:
        configured.show_tail()
        return False
    jobs = ["-j", str(args.jobs)] if args.jobs else []
    targets = [] if not sanitizer else [program["name"] for program in test_programs(folder, sanitizer)]
    if sanitizer == "address":
        targets.append("tidemark_fuzz")
    built = run(f"build-{folder.name}", ["ninja", "-C", str(folder), *jobs, *targets], 3600, BUILD_ENV)
    if built.code != 0:
        built.show_tail()
        return False
    say(f"built {folder.name} in {built.seconds:.0f} s")
    return True


def test_programs(folder, sanitizer=None):
    """What CTest knows: name, command and working directory of each program."""
    answer = subprocess.run(["ctest", "--show-only=json-v1"], cwd=folder, capture_output=True, text=True, check=True)
    programs = []
    for test in json.loads(answer.stdout)["tests"]:
        properties = {one["name"]: one["value"] for one in test.get("properties", [])}
        command = test.get("command") or [str(folder / "tests" / test["name"])]
        programs.append({"name": test["name"], "command": command,
                         "cwd": properties.get("WORKING_DIRECTORY", str(folder))})
    return [one for one in programs if not (sanitizer and one["name"] in NOT_SANITIZED)]


# ---- Reading results

def catch_counts(text):
    """(passed, failed) of Catch2's summary, version 2 or 3; None where there is none, as after a crash."""
    whole = re.findall(r"^All tests passed \(.* in (\d+) test cases?\)", text, re.M)
    if whole:
        return int(whole[-1]), 0
    parts = re.findall(r"^test cases:(.*)$", text, re.M)
    if not parts:
        return None
    number = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed as expected|failed)", parts[-1])}
    return number.get("passed", 0) + number.get("failed as expected", 0), number.get("failed", 0)


def script_counts(text):
    """(passed, failed) of the last line of that kind."""
    found = re.findall(r"^(\d+) passed, (\d+) failed", text, re.M)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def judge(count, name, done, counts):
    """Counts a finished program. One that ends badly has failed at least once, whatever it says."""
    passed, failed = counts or (0, 1)
    if done.code != 0 and failed == 0:
        failed = 1
    count.add(name, passed, failed)
    say(f"{name}: {passed} passed, {failed} failed ({done.seconds:.1f} s)" +
        (f", exit code {done.code}" if done.code else ""))
    if failed:
        done.show_tail()


def run_programs(count, suite, programs, env=None, arguments=()):
    for program in programs:
        name = f"{suite}-{program['name']}"
        done = run(name, [*program["command"], *arguments], 1200, env, program["cwd"])
        judge(count, name, done, catch_counts(done.text()))


# ---- Suites

def release(args, count, what):
    """Builds Release once; False, and counted, where that fails."""
    if args.release is None:
        args.release = build(args, ROOT / "build")
    if not args.release:
        count.add(f"{what}: the Release build", 0, 1)
    return args.release


def kafka(args, count, what):
    """Whether a broker can be had; fetched once into the cache."""
    if args.kafka is None:
        done = run("kafka-fetch", [sys.executable, "tests/integration/kafka.py", "fetch"], 900)
        args.kafka = "" if done.code == 0 else last_line(done.log)
    if args.kafka:
        count.skip(what, args.kafka)
    return not args.kafka


def unit(args, count):
    if release(args, count, "unit"):
        run_programs(count, "unit", test_programs(ROOT / "build"))


def sanitized(name):
    def suite(args, count):
        folder = ROOT / f"build-{name}"
        if not build(args, folder, SANITIZERS[name]):
            count.add(f"{name}: its build", 0, 1)
            return
        env = {**SANITIZER_ENV, "TIDEMARK_SEEDS": SEEDS_UNDER[name]}
        for program in test_programs(folder, name):
            if program["name"] not in NOT_UNDER.get(name, ()):
                run_programs(count, name, [program], env, ARGUMENTS_UNDER.get(name, {}).get(program["name"], ()))
    return suite


def fuzz(args, count):
    folder = ROOT / "build-asan"
    if not build(args, folder, SANITIZERS["asan"]):
        count.add("fuzz: its build", 0, 1)
        return
    seconds = "300" if args.long else "15"
    done = run("fuzz", [str(folder / "tests" / "tidemark_fuzz"), "--seconds", seconds], 1200,
               {**SANITIZER_ENV, "ASAN_OPTIONS": SANITIZER_ENV["ASAN_OPTIONS"] + ":abort_on_error=1"})
    judge(count, "fuzz", done, script_counts(done.text()))


def clients(args, count):
    """The Kafka clients alone, on a real broker: what no mock can prove."""
    if not release(args, count, "clients") or not kafka(args, count, "clients"):
        return
    with tempfile.TemporaryDirectory(prefix="tidemark-broker.") as data:
        broker = subprocess.run([sys.executable, "tests/integration/kafka.py", "start", "--data", data], cwd=ROOT,
                                capture_output=True, text=True)
        if broker.returncode != 0:
            count.add("clients: no broker: " + broker.stderr.strip()[-300:], 0, 1)
            return
        try:
            programs = [one for one in test_programs(ROOT / "build") if one["name"] in ("test_sources", "test_sinks")]
            run_programs(count, "clients", programs, {"TIDEMARK_TEST_BROKERS": broker.stdout.split()[0]}, ["[.kafka]"])
        finally:
            subprocess.run([sys.executable, "tests/integration/kafka.py", "stop", "--data", data], cwd=ROOT)


def script(count, name, command, timeout_s):
    done = run(name, [sys.executable, *command], timeout_s)
    judge(count, name, done, script_counts(done.text()))


def integration(args, count):
    if release(args, count, "integration") and kafka(args, count, "integration"):
        script(count, "integration", ["tests/integration/run.py", *(["--long"] if args.long else [])], 7200)


def chaos(args, count):
    if not release(args, count, "chaos") or not kafka(args, count, "chaos"):
        return
    kills = "200" if args.long else "30"
    script(count, "chaos-kills", ["tests/chaos/chaos.py", "--kills", kills, "--events", "1000000"], 7200)
    shape = "all" if args.long else "exchange"
    script(count, "chaos-points", ["tests/chaos/chaos.py", "--points", "all", "--shape", shape], 7200)


def bench(args, count):
    """That the benchmarks still work, and that what they measure is right; how fast it is, says tests/bench/bench.py."""
    if release(args, count, "bench") and kafka(args, count, "bench"):
        script(count, "bench", ["tests/bench/bench.py", "--smoke"], 600)


SUITES = {"unit": unit, "integration": integration, "clients": clients, "chaos": chaos, "bench": bench, "asan": sanitized("asan"),
          "fuzz": fuzz, "tsan": sanitized("tsan")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(SUITES)}")
    parser.add_argument("--long", action="store_true", help="more kills, every shape, the tests that take minutes")
    parser.add_argument("--jobs", type=int, help="compilers at once; default: Ninja's")
    parser.add_argument("--list", action="store_true", help="name the suites and end")
    args = parser.parse_args()
    args.release, args.kafka = None, None
    args.suites = args.only.split(",") if args.only else list(SUITES)
    for name in args.suites:
        if name not in SUITES:
            parser.error(f"there is no suite `{name}`; there are {', '.join(SUITES)}")
    return args


def main():
    args = parse()
    if args.list:
        print("\n".join(SUITES))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    count, start = Count(), time.monotonic()
    for name in args.suites:
        say(f"{name} ({time.monotonic() - start:.0f} s so far)")
        SUITES[name](args, count)
    for one in count.skips:
        say(f"SKIPPED {one}")
    for one in count.failures:
        say(f"FAILED {one}")
    say(f"{time.monotonic() - start:.0f} s; logs in {LOGS}")
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
