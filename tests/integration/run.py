#!/usr/bin/env python3
"""Runs the integration tests: every function `test_*(env)` of the files test_*.py beside this one, on a real Kafka.

    run.py --tidemark build/tidemark --testkit build/tests/tidemark_testkit [--only WORD] [--kafka 3.9.1] [--long]

Where no Kafka can be had the tests are skipped loudly; with CI=true that is a failure, and so is every single test that
cannot be run on this machine. Exit 0: all passed or skipped."""
import argparse
import concurrent.futures
import contextlib
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

REASON_LINES = 25
WIDEST = 300

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import kafka  # noqa: E402
from harness import Job, Kit, Skipped, Tidemark  # noqa: E402


class Env:
    """What one test gets: a broker, its kit, a folder, and names that no other test uses."""

    def __init__(self, args, name, broker):
        self.args, self.name, self.broker = args, name.replace("test_", "").replace("_", "-"), broker
        self.tidemark = pathlib.Path(args.tidemark).resolve()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}.", dir=args.work))
        self.kit = Kit(args.testkit, broker.bootstrap)
        self.started = []
        self._brokers = []

    def librdkafka(self):
        """Its version, as the binary under test is linked with it."""
        version = subprocess.check_output([self.tidemark, "version"], text=True)
        return tuple(int(n) for n in re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", version).groups())

    def own_broker(self, **options):
        """A broker for this test alone, to be stopped and broken; becomes the one that `kit` and `job` use."""
        self.broker = self.another_broker(**options)
        self.kit = Kit(self.args.testkit, self.broker.bootstrap)
        return self.broker

    def another_broker(self, version=None, **options):
        broker = kafka.Broker(version or self.args.kafka, **options)
        self._brokers.append(broker)
        return broker.start()

    def job(self, partitions=4, name=None, topics=None, **options):
        """A job with topics of its own: in, out, late and dead. `topics`: their settings, by these names."""
        name = name or self.name
        for suffix, count in (("in", partitions), ("out", 3), ("late", 1), ("dead", 1)):
            self.kit.create_topic(f"{name}.{suffix}", count, **(topics or {}).get(suffix, {}))
        return Job(self.directory, name, self.broker.bootstrap, f"{name}.in",
                   **{"out": f"{name}.out", "late": f"{name}.late", "dead": f"{name}.dead", **options})

    def run(self, job, *args, **options):
        self.started.append(Tidemark(self.tidemark, job, *args, **options))
        return self.started[-1]

    def close(self):
        for one in self.started:
            one.__exit__()
        for one in self._brokers:
            one.close()


def find_tests(args):
    tests = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            if name.startswith("test_") and callable(function):
                tests.append((name, function))
    if args.only:
        return [(n, f) for n, f in tests if any(word in n for word in args.only.split(","))]
    return [(n, f) for n, f in tests if args.long or not getattr(f, "long", False)]


def run_one(args, name, function, broker):
    """None, or why it failed."""
    env = Env(args, name, broker)
    try:
        function(env)
        return None
    except (KeyboardInterrupt, Skipped):
        raise
    except BaseException as error:  # noqa: a test may fail in any way
        last = env.started[-1].facts() if env.started else ""
        return f"{traceback.format_exc()}\nlast process: {last}\nbroker: {env.broker.log_tail(5)}\nfolder: {env.directory}" \
            if not isinstance(error, AssertionError) else \
            f"{error}\n  in {traceback.extract_tb(error.__traceback__)[1]}\nlast process: {last}\nfolder: {env.directory}"
    finally:
        env.close()


@contextlib.contextmanager
def workers(count):
    """Threads that, once broken off, take up nothing more."""
    pool = concurrent.futures.ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def run_all(args, tests):
    """Tests wait more than they work, so a few run at once; what each says comes when it is over."""
    passed, failed, skipped = 0, [], []
    with kafka.Broker(args.kafka) as broker, workers(args.jobs) as pool:
        print(f"Kafka {args.kafka} at {broker.bootstrap}; {len(tests)} tests, {args.jobs} at once", flush=True)
        begun = time.monotonic()
        running = {pool.submit(timed, args, name, function, broker): name for name, function in tests}
        for index, done in enumerate(concurrent.futures.as_completed(running), 1):
            name, (seconds, why) = running[done], done.result()
            if isinstance(why, Skipped) and required():
                why = f"it was skipped, and CI requires it: {why}"
            if isinstance(why, Skipped):
                skipped.append(f"{name}: {why}")
                print(f"[{index:2}/{len(tests)}] {name} SKIPPED: {why}", flush=True)
                continue
            print(f"[{index:2}/{len(tests)}] {name} {'FAILED' if why else 'ok'} ({seconds:.1f} s)", flush=True)
            if why:
                failed.append((name, why))
                print("    " + why.replace("\n", "\n    "), flush=True)
            else:
                passed += 1
        if broker.process is None or broker.process.poll() is not None:
            print(f"the shared broker has died:\n{broker.log_tail()}")
        print(f"in {time.monotonic() - begun:.0f} s")
    for one in skipped:
        print(f"SKIPPED {one}")
    for line in summary(failed):
        print(line)
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


def summary(failed, most=REASON_LINES):
    """The failures once more, in at most about `most` lines: a log that is cut to its end still says what went wrong and
    why. The first lines of a reason say what, the last ones what the process did; what is left out stands above."""
    each = max(4, most // max(1, len(failed)))
    lines = []
    for name, why in failed[:most // 4]:
        reason = why.splitlines()
        if len(reason) >= each:
            head = (each - 1) // 2
            reason = reason[:head] + ["..."] + reason[len(reason) - (each - 2 - head):]
        lines += [f"failed: {name}"] + ["    " + line[:WIDEST] for line in reason]
    rest = [name for name, _ in failed[most // 4:]]
    return lines + ([f"failed too: {', '.join(rest)}"] if rest else [])


def timed(args, name, function, broker):
    """(seconds, None | why it failed | Skipped)"""
    start = time.monotonic()
    try:
        why = run_one(args, name, function, broker)
    except Skipped as reason:
        why = reason
    return time.monotonic() - start, why


def required():
    """Whether what cannot be run has failed."""
    return os.environ.get("CI", "").lower() == "true"


def skip_loudly(error):
    print("=" * 100)
    print(f"{'FAILED' if required() else 'SKIPPED'}: no Kafka for the integration tests: {error}")
    print("=" * 100)
    print("0 passed, 1 failed" if required() else "0 passed, 0 failed, all skipped")
    return 1 if required() else 0


def parse(description=__doc__, configure=None):
    build = HERE.parent.parent / "build"
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tidemark", default=str(build / "tidemark"))
    parser.add_argument("--testkit", default=str(build / "tests" / "tidemark_testkit"))
    parser.add_argument("--kafka", default=kafka.DEFAULT_VERSION, help="version of the broker")
    parser.add_argument("--jobs", type=int, default=2, help="tests at once")
    parser.add_argument("--keep", action="store_true", help="keep the work folder")
    if configure:
        configure(parser)
    args = parser.parse_args()
    for binary in (args.tidemark, args.testkit):
        if not os.access(binary, os.X_OK):
            sys.exit(f"cannot run {binary}: build it first, or name it with --tidemark and --testkit")
    args.work = tempfile.mkdtemp(prefix="tidemark-tests.")
    return args


def finish(args, code):
    if code == 0 and not args.keep:
        shutil.rmtree(args.work, ignore_errors=True)
    else:
        print(f"work folder: {args.work}")
    sys.exit(code)


def main():
    def configure(parser):
        parser.add_argument("--only", help="words; only tests whose names contain one (comma-separated)")
        parser.add_argument("--long", action="store_true", help="also the tests that take minutes")
        parser.add_argument("--list", action="store_true")

    args = parse(configure=configure)
    tests = find_tests(args)
    if args.list:
        print("\n".join(name for name, _ in tests))
        finish(args, 0)
    if not tests:
        sys.exit("no test has such a name")
    try:
        finish(args, run_all(args, tests))
    except kafka.KafkaUnavailable as error:
        finish(args, skip_loudly(error))


if __name__ == "__main__":
    main()
