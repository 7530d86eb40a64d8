#!/usr/bin/env python3
"""Runs the tests of what stands in deploy/: every function `test_*(env)` of the files test_*.py beside this one.

    run.py [--tidemark build/tidemark] [--testkit build/tests/tidemark_testkit] [--only WORD,...] [--jobs N] [--long] [--list]

A test that cannot be run on this machine is skipped loudly; with CI=true that is a failure. Knows nothing of charts,
brokers and dashboards. Exit 0: all passed or skipped."""
import argparse
import concurrent.futures
import contextlib
import importlib
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The harness of the integration tests and their broker serve here too.
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
sys.dont_write_bytecode = True

import kafka  # noqa: E402
from harness import Skipped  # noqa: E402


class Env:
    """What one test gets: the binaries, a folder of its own, and a stack for what it has started, which is ended in reverse."""

    def __init__(self, args, name):
        self.name, self.long = name.replace("test_", "").replace("_", "-"), args.long
        self.root, self.deploy = ROOT, ROOT / "deploy"
        self.tidemark, self.testkit = pathlib.Path(args.tidemark).resolve(), pathlib.Path(args.testkit).resolve()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}.", dir=args.work))
        self.stack = contextlib.ExitStack()


def find_tests(args):
    tests = []
    for path in sorted(HERE.glob("test_*.py")):
        for name, function in vars(importlib.import_module(path.stem)).items():
            if name.startswith("test_") and callable(function):
                tests.append((f"{path.stem.removeprefix('test_')}: {name}", function))
    if args.only:
        return [(name, one) for name, one in tests if any(word in name for word in args.only.split(","))]
    return [(name, one) for name, one in tests if args.long or not getattr(one, "long", False)]


def why_not(args, name, function):
    """None where the test passed, Skipped where it could not be tried, else why it failed."""
    env = Env(args, name.split(": ")[1])
    try:
        with env.stack:
            function(env)
        return None
    except (Skipped, kafka.KafkaUnavailable) as reason:
        required = os.environ.get("CI", "").lower() == "true"
        return f"it was skipped, and CI requires it: {reason}" if required else Skipped(reason)
    except AssertionError as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(HERE) in frame.filename]
        return f"{error}\n  in {frames[-1]}\nfolder: {env.directory}"
    except Exception:  # noqa: a test may fail in any way
        return f"{traceback.format_exc()}folder: {env.directory}"


def timed(args, name, function):
    begun = time.monotonic()
    return why_not(args, name, function), time.monotonic() - begun


def run_all(args, tests):
    """What each says comes when it is over."""
    passed, failed, skipped = 0, [], []
    pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
    try:
        running = {pool.submit(timed, args, name, one): name for name, one in tests}
        for index, done in enumerate(concurrent.futures.as_completed(running), 1):
            name, (why, seconds) = running[done], done.result()
            word = "SKIPPED" if isinstance(why, Skipped) else "FAILED" if why else "ok"
            print(f"[{index:2}/{len(tests)}] {name} {word} ({seconds:.1f} s)", flush=True)
            if why:
                (skipped if word == "SKIPPED" else failed).append(f"{word} {name}: {why}")
                print("    " + str(why).replace("\n", "\n    "), flush=True)
            passed += not why
    finally:
        pool.shutdown(cancel_futures=True)
    for line in [*skipped, *failed]:
        print(line[:600])
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


def parse():
    build = ROOT / "build"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tidemark", default=str(build / "tidemark"))
    parser.add_argument("--testkit", default=str(build / "tests" / "tidemark_testkit"))
    parser.add_argument("--only", help="words; only tests whose file or name contains one (comma-separated)")
    parser.add_argument("--jobs", type=int, default=2, help="tests at once")
    parser.add_argument("--long", action="store_true", help="also the tests that take minutes")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main():
    args = parse()
    tests = find_tests(args)
    if args.list:
        print("\n".join(name for name, _ in tests))
        return 0
    if args.only and not tests:
        sys.exit("no test has such a name")
    for binary in (args.tidemark, args.testkit):
        if not os.access(binary, os.X_OK):
            sys.exit(f"cannot run {binary}: build it first, or name it with --tidemark and --testkit")
    args.work = tempfile.mkdtemp(prefix="tidemark-deploy.")
    code = run_all(args, tests)
    if code == 0:
        shutil.rmtree(args.work, ignore_errors=True)
    else:
        print(f"work folder: {args.work}")
    return code


if __name__ == "__main__":
    sys.exit(main())
