#!/usr/bin/env python3
"""The whole job for a long time under a steady load: whatever it keeps must stop growing, and its rows must be exact.

    soak.py --tidemark BIN --testkit BIN --minutes 10 [--shape SHAPE|all] [--rate 4000] [--every 100ms]

Event time runs fifteen times as fast as the clock, so that windows come and go all the while, and checkpoints follow each
other at --every. Memory, open files, threads, files and bytes of state are looked at once a second; of the last third of
the run the median may be a quarter, and a little, above that of the second."""
import glob
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "chaos")]
sys.dont_write_bytecode = True

import kafka  # noqa: E402
import run  # noqa: E402
from chaos import REPEATS, SHAPES, finish, job_of  # noqa: E402
from harness import Failed, wait_for  # noqa: E402

TIMES_AS_FAST = 15
MORE = 1.25
# What may be added to it: the noise of what is small.
AND_A_LITTLE = {"memory, MB": 8, "open files": 8, "threads": 0, "files of state": 24, "state, kB": 256}


def memory_mb(pid):
    resident_pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE") >> 20


def look(process):
    """What the process keeps just now."""
    pid = process.process.pid
    files = glob.glob(f"{process.state_dir}/**/*.sst", recursive=True)
    sizes = {}
    for path in files:
        try:
            status = os.stat(path)
            sizes[status.st_ino] = status.st_size  # checkpoints link the live files
        except OSError:  # gone since
            pass
    return {"memory, MB": memory_mb(pid), "open files": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": len(os.listdir(f"/proc/{pid}/task")), "files of state": len(sizes), "state, kB": sum(sizes.values()) >> 10}


def judge(looks):
    """Prints how each figure went; raises where one has grown."""
    third = len(looks) // 3
    grown = []
    for name, little in AND_A_LITTLE.items():
        numbers = [one[name] for one in looks]
        before, after = (statistics.median(part) for part in (numbers[third:2 * third], numbers[-third:]))
        print(f"  {name:15} {before:8.0f} -> {after:8.0f}   most {max(numbers)}", flush=True)
        if after > before * MORE + little:
            grown.append(f"{name}: {before:.0f} -> {after:.0f}")
    if grown:
        raise Failed("it grows: " + "; ".join(grown))


def soak(env, shape, args):
    job = job_of(env, f"soak-{shape}", shape, args.every)
    seconds = args.minutes * 60
    load = env.kit.generate_in_background(job.topic, int(args.rate * seconds), seed=args.seed, keys=args.keys, rate=args.rate,
                                          events_per_minute=args.rate * 60 // TIMES_AS_FAST, sentinels=True,
                                          **REPEATS.get(shape, {}))
    process = env.run(job).wait_ready()
    looks = []

    def looked_and_over():
        looks.append(look(process))
        return process.running() and not load.is_alive()
    wait_for(looked_and_over, "the end of the load", seconds + 120, every_s=1)
    checkpoints = process.total("tidemark_checkpoints_total", result="success")
    print(f"  {shape}: {len(looks)} looks, {checkpoints:.0f} checkpoints", flush=True)
    judge(looks)
    process.stop()
    finish(env, job, load)


def main():
    def configure(parser):
        parser.add_argument("--minutes", type=float, default=10)
        parser.add_argument("--rate", type=int, default=4_000, help="events a second")
        parser.add_argument("--every", default="100ms", help="checkpoints")
        parser.add_argument("--keys", type=int, default=1_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--shape", default="sessions", choices=[*SHAPES, "all"])

    args = run.parse(__doc__, configure)
    shapes = list(SHAPES) if args.shape == "all" else [args.shape]
    try:
        run.finish(args, run.run_all(args, [(f"soak_{s}", lambda env, s=s: soak(env, s, args)) for s in shapes]))
    except kafka.KafkaUnavailable as error:
        run.finish(args, run.skip_loudly(error))


if __name__ == "__main__":
    main()
