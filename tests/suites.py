#!/usr/bin/env python3
"""Builds and runs every suite of tests, and says at the end how many tests passed and failed.

    suites.py [--only unit,asan,...] [--long] [--jobs N] [--one-lane] [--list]

Two lanes run side by side. What waits for brokers and clocks has one to itself; what only computes (compilers, and tests
that read no clock) has the other and steps aside for the first. Where memory is short the lanes run one after the other.
A suite that needs a Kafka broker is skipped loudly where none can be had, and so is a test that this machine cannot run; with
CI=true that is a failure, without it the last line says how many. Builds stand in
build/ (Release, the same that scripts/demo uses), build-asan/, build-tsan/ and build-coverage/; all output is in
build/test-logs/.
Installs nothing: that is scripts/test."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PROGRESS_EVERY_S = 30
TAIL_LINES = 40

# Programs that hold no code of the engine, or only read sources, gain nothing under a sanitizer.
NOT_SANITIZED = {"test_house", "test_oracle"}
# librdkafka makes its threads through C11 calls that ThreadSanitizer does not know, and dies under it: no client of it there.
# What fetches over sockets of its own is a program by itself, test_native_fetch, and runs there too.
# And in what makes no thread at all, it has nothing to look for; nor in pipelines that test_property runs in more ways.
WITHOUT_THREADS = {"test_config", "test_batch", "test_expr", "test_cel", "test_formats", "test_aggregates", "test_windows", "test_plan",
                   "test_transforms", "test_pipeline_tests"}
NOT_UNDER = {"tsan": {"test_sources", "test_sinks"} | WITHOUT_THREADS}
ARGUMENTS_UNDER = {"tsan": {"test_daemon": ["~the demo shows*", "~the demo ends*"]}}
# Random cases are ten times slower there: so many of the property test, and so many percent of the others.
SEEDS_UNDER = {"asan": "40", "tsan": "10"}
EFFORT = "30"
SANITIZERS = {"asan": "address", "tsan": "thread"}
COVERAGE_SEEDS = "60"
# What holds little of operators/, and what runs it with threads and clocks that count nothing more.
NOT_COUNTED = {"test_base", "test_state", "test_config", "test_daemon"}
# What is right under AddressSanitizer is not tried again without it where both are asked for; but for `--long`.
UNDER_ASAN_ONLY = {"test_base", "test_state", "test_config", "test_batch", "test_expr", "test_cel", "test_formats", "test_aggregates",
                   "test_windows", "test_dedupe", "test_plan", "test_transforms", "test_pipeline_tests"}
# These read the clock of the wall: a test that computes nothing for a second fails there.
PATIENT = {"test_sources", "test_native_fetch", "test_sinks", "test_daemon", "test_property"}
# The Kafka clients alone; their tests under this tag want a real broker.
CLIENTS = {"test_sources", "test_sinks"}
# What must hold on every broker: commits, fencing, assignments and transactions are its work too.
OLD_KAFKA = "3.9.1"
CORE_OF_INTEGRATION = "kill_and_continue,two_instances,new_partitions,lost_commit,sliding_with_much_disorder,transactional_input"
KIT = ["tidemark", "tidemark_testkit", "tidemark_bench"]
# A broker with its Java, the tests' processes, and two compilers under a sanitizer.
MEMORY_FOR_TWO_LANES = 6 << 30
MEMORY_FOR_A_COMPILER = 1500 << 20
ASIDE = ["nice", "-n", "19", "ionice", "-t", "-c", "3"]
# A cache of compiled files serves every clone, wherever it stands.
BUILD_ENV = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "true"}
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:suppressions=" + str(ROOT / "tests" / "tsan.supp"),
}


def required():
    """Whether what cannot be run has failed."""
    return os.environ.get("CI", "").lower() == "true"


class Count:
    """How many tests passed, failed and were skipped, by name where they failed or were not even tried."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.failures, self.skips = 0, 0, 0, [], []
        self.took = []
        self._lock = threading.Lock()  # guards all of them: both lanes count

    def add(self, what, passed, failed, skipped=0):
        with self._lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            if failed:
                self.failures.append(what)

    def skip(self, what, why):
        """Where tests are required, what cannot run has failed."""
        if required():
            self.add(f"{what}: {why}", 0, 1)
            say(f"FAILED {what}, which CI requires: {why}")
        else:
            with self._lock:
                self.skipped += 1
                self.skips.append(f"{what}: {why}")
            say("=" * 100, f"SKIPPED {what}: {why}", "=" * 100)

    def last_line(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def say(*lines, under=()):
    """In one piece, whatever the other lane says; `under` stands indented below."""
    text = "\n".join([f"==> {line}" for line in lines] + [f"    {line}" for line in under])
    print(text + "\n", end="", flush=True)


# ---- Running

class Finished:
    def __init__(self, code, seconds, log):
        self.code, self.seconds, self.log = code, seconds, log

    def text(self):
        return self.log.read_text(errors="replace")

    def tell(self, line, failed):
        """`line`, and the end of the log where it failed."""
        if not failed:
            return say(line)
        say(line, under=[*self.text().splitlines()[-TAIL_LINES:], f"the whole log: {self.log}"])


def last_line(log):
    """What a log says now, for the progress line."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip()[:90] for line in reversed(lines) if line.strip()), "")


class Processes:
    """What runs now, each in a session of its own, so that all of it can be ended."""

    def __init__(self):
        self._running, self._ended = set(), False
        self._lock = threading.Lock()  # guards both

    def start(self, command, aside, **options):
        with self._lock:
            if self._ended:
                raise KeyboardInterrupt
            process = subprocess.Popen([*(ASIDE if aside else []), *command], start_new_session=True, **options)
            self._running.add(process)
        if aside:
            step_aside(process)
        return process

    def end(self, *processes):
        """Asks first: compilers and brokers live in groups of their own, and only those who started them end them."""
        for number, patience_s in ((signal.SIGINT, 15), (signal.SIGKILL, None)):
            for process in processes:
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    pass
            for process in processes:
                try:
                    process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    pass

    def forget(self, process):
        with self._lock:
            self._running.discard(process)

    def end_all(self):
        with self._lock:
            self._ended = True
            self.end(*self._running)


PROCESSES = Processes()


def step_aside(process):
    """Where the kernel groups processes by session, a nice value counts inside of the group only: tell the group too."""
    try:
        pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("19")
    except OSError:
        pass


def run(name, command, timeout_s, env=None, cwd=ROOT, aside=False):
    """Runs `command` with its output in a log of its own; shows now and then where it stands."""
    log = LOGS / f"{name}.log"
    start, told = time.monotonic(), time.monotonic()
    with open(log, "wb") as out:
        process = PROCESSES.start(command, aside, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd,
                                  env={**os.environ, **(env or {})})
    try:
        while process.poll() is None:
            now = time.monotonic()
            if now - start > timeout_s:
                PROCESSES.end(process)
                with open(log, "a") as out:
                    out.write(f"\nkilled after {timeout_s} s\n")
                break
            if now - told > PROGRESS_EVERY_S:
                told = now
                say(f"{name}: {now - start:.0f} s, {last_line(log)}")
            time.sleep(0.05 if now - start < 5 else 0.5)
    except BaseException:
        PROCESSES.end(process)
        raise
    finally:
        PROCESSES.forget(process)
    return Finished(process.returncode, time.monotonic() - start, log)


# ---- Building

def cores():
    return len(os.sched_getaffinity(0))


def free_memory():
    """Bytes that a new process may take; None where the kernel does not say."""
    try:
        found = re.search(r"^MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.M)
    except OSError:
        return None
    return int(found[1]) << 10 if found else None


def compilers(args):
    free = free_memory()
    return args.jobs or max(1, cores() if free is None else min(cores(), free // MEMORY_FOR_A_COMPILER))


def build(args, name):
    """Whether all that the suites take from that build is there. `kit` is Release too: the binary and what drives it, so
    that the suites with a broker can begin."""
    folder, sanitizer = folder_of(name), SANITIZERS.get(name)
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DTIDEMARK_SANITIZE="]
    if sanitizer:
        # -O1 and line tables only: half of the time of a full debug build, and stacks that still name lines.
        options = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1", f"-DTIDEMARK_SANITIZE={sanitizer}"]
    if name == "coverage":
        options = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DTIDEMARK_SANITIZE=", "-DTIDEMARK_COVERAGE=ON"]
    configured = run(f"configure-{name}",
                     ["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DTIDEMARK_TESTS=ON", *options], 300)
    if configured.code != 0:
        configured.tell(f"{name}: cmake failed", True)
        return False
    targets = KIT if name == "kit" else [program["name"] for program in test_programs(args, folder, name)]
    if name == "asan":
        targets.append("tidemark_fuzz")
    command = ["ninja", "-C", str(folder), "-j", str(compilers(args)), *targets]
    built = run(f"build-{name}", command, 3600, BUILD_ENV, aside=True)
    built.tell(f"built {name} in {built.seconds:.0f} s" if built.code == 0 else f"{name}: its build failed", built.code != 0)
    return built.code == 0


class Builds:
    """Each is made once, whichever lane asks first, and one at a time."""

    def __init__(self, args):
        self._args, self._asked = args, {}
        self._lock = threading.Lock()  # guards _asked
        self._compiling = threading.Lock()

    def made(self, name):
        with self._lock:
            mine = name not in self._asked
            answer = self._asked.setdefault(name, concurrent.futures.Future())
        if mine:
            try:
                with self._compiling:
                    answer.set_result(build(self._args, name))
            except BaseException as error:
                answer.set_exception(error)
        return answer.result()


def folder_of(name):
    return ROOT / (f"build-{name}" if name in SANITIZERS or name == "coverage" else "build")


def left_out_of(args, name):
    """The test programs that `name` neither builds nor runs."""
    if name in SANITIZERS:
        return NOT_SANITIZED | NOT_UNDER.get(name, set())
    if name == "coverage":
        return NOT_SANITIZED | NOT_COUNTED
    return UNDER_ASAN_ONLY if "asan" in args.suites and not args.long else set()


def test_programs(args, folder, name):
    """What CTest knows and `name` runs: name, command and working directory of each program."""
    answer = subprocess.run(["ctest", "--show-only=json-v1"], cwd=folder, capture_output=True, text=True, check=True)
    programs = []
    for test in json.loads(answer.stdout)["tests"]:
        properties = {one["name"]: one["value"] for one in test.get("properties", [])}
        command = test.get("command") or [str(folder / "tests" / test["name"])]
        programs.append({"name": test["name"], "command": command,
                         "cwd": properties.get("WORKING_DIRECTORY", str(folder))})
    return [one for one in programs if one["name"] not in left_out_of(args, name)]


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
    """(passed, failed, skipped) of the last line of that kind."""
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text, re.M)
    return tuple(int(number or 0) for number in found[-1]) if found else None


def judge(count, name, done, counts):
    """Counts a finished program. One that ends badly has failed at least once, whatever it says."""
    passed, failed, skipped = (*(counts or (0, 1)), 0)[:3]
    if done.code != 0 and failed == 0:
        failed = 1
    count.add(name, passed, failed, skipped)
    done.tell(f"{name}: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "") +
              f" ({done.seconds:.1f} s)" + (f", exit code {done.code}" if done.code else ""), failed)


# ---- Suites

class Suites:
    """What all suites share: the builds, whether there is a Kafka, and the count."""

    def __init__(self, args):
        self.args, self.count, self.builds, self._kafka = args, Count(), Builds(args), None

    def built(self, what, name):
        """False, and counted, where that build fails."""
        made = self.builds.made(name)
        if not made:
            self.count.add(f"{what}: the build of {name}", 0, 1)
        return made

    def kafka(self, what):
        """Whether a broker can be had; fetched once into the cache."""
        if self._kafka is None:
            done = run("kafka-fetch", [sys.executable, "tests/integration/kafka.py", "fetch"], 900)
            self._kafka = "" if done.code == 0 else last_line(done.log)
        if self._kafka:
            self.count.skip(what, self._kafka)
        return not self._kafka

    def run_programs(self, suite, programs, env=None, arguments=None, aside=False):
        """As many at once as there are cores."""
        def one(program):
            name = f"{suite}-{program['name']}"
            command = [*program["command"], *(arguments or {}).get(program["name"], ())]
            done = run(name, command, 1200, env, program["cwd"], aside)
            judge(self.count, name, done, catch_counts(done.text()))

        with concurrent.futures.ThreadPoolExecutor(cores()) as pool:
            list(pool.map(one, programs))

    def run_script(self, name, command, timeout_s):
        done = run(name, [sys.executable, *command], timeout_s)
        judge(self.count, name, done, script_counts(done.text()))
        return done.text().splitlines()


def programs(suite, patient):
    """The test programs of that suite that read the wall's clock, or those that do not."""
    def step(suites):
        name = "release" if suite == "unit" else suite
        if not suites.built(suite, name):
            return
        env = None
        if suite in SANITIZERS:
            env = {**SANITIZER_ENV, "TIDEMARK_SEEDS": SEEDS_UNDER[suite], "TIDEMARK_EFFORT": EFFORT}
        chosen = [one for one in test_programs(suites.args, folder_of(name), name) if (one["name"] in PATIENT) == patient]
        suites.run_programs(suite, chosen, env, ARGUMENTS_UNDER.get(suite), aside=not patient)
    return step


def fuzz(suites):
    if suites.built("fuzz", "asan"):
        seconds = "300" if suites.args.long else "15"
        done = run("fuzz", [str(folder_of("asan") / "tests" / "tidemark_fuzz"), "--seconds", seconds], 1200,
                   {**SANITIZER_ENV, "ASAN_OPTIONS": SANITIZER_ENV["ASAN_OPTIONS"] + ":abort_on_error=1"}, aside=True)
        judge(suites.count, "fuzz", done, script_counts(done.text()))


def run_clients(suites, suite, build):
    """The Kafka clients alone, on a real broker: what no mock can prove."""
    with tempfile.TemporaryDirectory(prefix="tidemark-broker.") as data:
        broker = subprocess.run([sys.executable, "tests/integration/kafka.py", "start", "--data", data], cwd=ROOT,
                                capture_output=True, text=True)
        if broker.returncode != 0:
            suites.count.add(f"{suite}: no broker: " + broker.stderr.strip()[-300:], 0, 1)
            return
        try:
            chosen = [one for one in test_programs(suites.args, folder_of(build), build) if one["name"] in CLIENTS]
            suites.run_programs(suite, chosen, {"TIDEMARK_TEST_BROKERS": broker.stdout.split()[0]},
                                {name: ["[.kafka]"] for name in CLIENTS})
        finally:
            subprocess.run([sys.executable, "tests/integration/kafka.py", "stop", "--data", data], cwd=ROOT)


def clients(suites):
    if suites.kafka("clients") and suites.built("clients", "release"):
        run_clients(suites, "clients", "release")


def integration(suites):
    if suites.kafka("integration") and suites.built("integration", "kit"):
        suites.run_script("integration", ["tests/integration/run.py", *(["--long"] if suites.args.long else [])], 7200)
        if suites.args.long:
            suites.run_script(f"integration-{OLD_KAFKA}",
                              ["tests/integration/run.py", "--kafka", OLD_KAFKA, "--only", CORE_OF_INTEGRATION], 3600)


def chaos(suites):
    if not suites.kafka("chaos") or not suites.built("chaos", "kit"):
        return
    kills = "200" if suites.args.long else "30"
    suites.run_script("chaos-kills", ["tests/chaos/chaos.py", "--kills", kills, "--events", "1000000"], 7200)
    shape = "all" if suites.args.long else "exchange"
    suites.run_script("chaos-points", ["tests/chaos/chaos.py", "--points", "all", "--shape", shape], 7200)


def soak(suites):
    """Minutes of steady load in each shape; part of a long run, or asked for by name."""
    if suites.kafka("soak") and suites.built("soak", "kit"):
        suites.run_script("soak", ["tests/soak/soak.py", "--shape", "all", "--minutes", "10"], 7200)


def bench(suites):
    """That the benchmarks still work, and that what they measure is right; how fast it is, says tests/bench/bench.py."""
    if suites.kafka("bench") and suites.built("bench", "kit"):
        suites.run_script("bench", ["tests/bench/bench.py", "--smoke"], 600)


def compare(suites):
    """The rows of another engine, over the same topic; part of a long run, or asked for by name."""
    if suites.kafka("compare") and suites.built("compare", "kit"):
        told = suites.run_script("compare", ["tests/compare/flink.py"], 1800)
        say("compared with Flink SQL", under=[line for line in told if line.startswith("ok")])


def coverage(suites):
    """How much of operators/ the test programs run; part of a long run, or asked for by name."""
    if not suites.built("coverage", "coverage"):
        return
    folder = folder_of("coverage")
    for counts in folder.rglob("*.gcda"):
        counts.unlink()  # of an earlier run
    suites.run_programs("coverage", test_programs(suites.args, folder, "coverage"),
                        {"TIDEMARK_SEEDS": COVERAGE_SEEDS, "TIDEMARK_EFFORT": EFFORT})
    if suites.kafka("coverage"):
        run_clients(suites, "coverage-clients", "coverage")
    told = suites.run_script("coverage", ["tests/coverage.py", str(folder), "--missed"], 1800)
    say("lines of operators/ that were run", under=[line for line in told if line.endswith("%")])


def deploy(suites):
    """The chart, the packages, dashboards and alerts, each with the tools that read them in life."""
    if suites.built("deploy", "kit"):
        suites.run_script("deploy", ["tests/deploy/run.py", *(["--long"] if suites.args.long else [])], 1800)


# In each lane in this order; a suite may have a part in both.
WAITING = [("integration", integration), ("chaos", chaos), ("soak", soak), ("bench", bench), ("compare", compare),
           ("deploy", deploy), ("clients", clients),
           *[(name, programs(name, patient=True)) for name in ("unit", "asan", "tsan")]]
COMPUTING = [*[(name, programs(name, patient=False)) for name in ("unit", "asan", "tsan")], ("fuzz", fuzz), ("coverage", coverage)]
NEED_KIT = {"integration", "chaos", "soak", "bench", "compare", "deploy"}
NAMES = list(dict.fromkeys(name for name, _ in COMPUTING + WAITING))
LONG_ONLY = {"soak", "compare", "coverage"}


def lanes(args):
    waiting = [step for step in WAITING if step[0] in args.suites]
    computing = [step for step in COMPUTING if step[0] in args.suites]
    if NEED_KIT & set(args.suites):
        computing.insert(0, ("kit", lambda suites: suites.builds.made("kit")))
    free = free_memory()
    if args.one_lane or (free is not None and free < MEMORY_FOR_TWO_LANES):
        return [computing + waiting]
    return [computing, waiting]


def walk(suites, lane, start):
    for name, step in lane:
        begun = time.monotonic()
        say(f"{name} ({begun - start:.0f} s so far)")
        step(suites)
        suites.count.took.append(f"{name} {time.monotonic() - begun:.0f} s")


def run_lanes(suites, start):
    all_lanes = lanes(suites.args)
    with concurrent.futures.ThreadPoolExecutor(len(all_lanes)) as pool:
        running = [pool.submit(walk, suites, lane, start) for lane in all_lanes]
        try:
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_EXCEPTION)
            for one in done:
                one.result()
        except BaseException:
            PROCESSES.end_all()
            raise


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(NAMES)}")
    parser.add_argument("--long", action="store_true", help="more kills, every shape, the tests that take minutes")
    parser.add_argument("--jobs", type=int, help="compilers at once; default: one for each core that has the memory")
    parser.add_argument("--one-lane", action="store_true", help="one thing after the other")
    parser.add_argument("--list", action="store_true", help="name the suites and end")
    args = parser.parse_args()
    args.suites = args.only.split(",") if args.only else [name for name in NAMES if args.long or name not in LONG_ONLY]
    for name in args.suites:
        if name not in NAMES:
            parser.error(f"there is no suite `{name}`; there are {', '.join(NAMES)}")
    return args


def main():
    args = parse()
    if args.list:
        print("\n".join(NAMES))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    suites, start = Suites(args), time.monotonic()
    run_lanes(suites, start)
    count = suites.count
    say("took, with what they waited for: " + ", ".join(count.took))
    for one in count.skips:
        say(f"SKIPPED {one}")
    for one in count.failures:
        say(f"FAILED {one}")
    say(f"{time.monotonic() - start:.0f} s; logs in {LOGS}")
    print(count.last_line(), flush=True)
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
