#!/usr/bin/env python3
"""The whole job under SIGKILL: at random moments, and at each named point of the commit protocol.

    chaos.py --tidemark BIN --testkit BIN --kills 30 --events 1000000 --seed 1 [--shape SHAPE|all]
    chaos.py --tidemark BIN --testkit BIN --points all            each named point, in each shape

After every death the process is started again with the same flags; at the end it must catch up, drain on SIGTERM, and
the oracle must find every (key, window), late record and dead letter exactly once under read_committed."""
import json
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
sys.dont_write_bytecode = True

import kafka  # noqa: E402
import run  # noqa: E402
from harness import ONCE, SESSION, SLIDING, TUMBLING, Branch, Failed  # noqa: E402

POINTS = ["barrier_before", "barrier_after", "freeze_before", "freeze_after", "snapshot_before", "snapshot_after",
          "manifest_before", "rename_before", "rename_after", "send_offsets_before", "send_offsets_after",
          "commit_before", "commit_after", "delete_before", "delete_after"]
NO_STATE = {"snapshot_before", "snapshot_after"}  # points that a pipeline without windows never reaches

SHAPES = {
    "exchange": {"window": SLIDING, "lanes": 8},
    "partitioned": {"window": TUMBLING, "partitioned_by": ["user_id"]},
    "sessions": {"window": SESSION, "lanes": 8},
    "dedupe": {"dedupe": ONCE, "window": TUMBLING, "lanes": 8},
    "levels": {"window": TUMBLING, "by": ["city", "user_id"], "lanes": 8},  # and a window over it, across lanes
    "stateless": {"filter": [["event_type", "==", "purchase"]]},
}
REPEATS = {"dedupe": {"repeats": 50_000}}
MEAN_LIFE_S = 2.2


def life(dice):
    """Seconds until the next kill: some deaths come in the first moments of a start."""
    return dice.uniform(0.02, 0.9) if dice.random() < 0.3 else dice.uniform(0.9, 4.5)


def job_of(env, name, shape, every):
    if shape != "levels":
        return env.job(name=name, every=every, **SHAPES[shape])
    env.kit.create_topic(f"{name}.cities", 3)
    cities = Branch("cities", f"{name}.cities", over=True, window=("tumbling", "5m", None), by=["city"],
                    aggregates=[{"name": "users", "kind": "count"}, {"name": "events", "kind": "sum", "field": "n"},
                                {"name": "last_user", "kind": "last", "field": "user_id"}])
    return env.job(name=name, every=every, branches=[cities], **SHAPES[shape])


def finish(env, job, load):
    """Catches up, checks the ledger, drains and lets the oracle judge."""
    last = env.run(job).wait_ready()
    load.join(600)
    last.wait_caught_up(env.kit, 300)
    ledger = json.loads(last.get(f"/api/v1/pipelines/{job.name}")[1])["ledger"]
    if ledger.get("closed") is not True:
        raise Failed(f"the ledger does not close: {json.dumps(ledger)}")
    last.stop()
    for branch in job.branches:
        env.kit.verify(job.view(branch), close="watermark")
    return env.kit.verify(job, close="watermark")


def random_kills(env, shape, args):
    dice = random.Random(args.seed)
    job = job_of(env, f"chaos-{shape}", shape, "500ms")
    rate = max(2_000, int(args.events / (args.kills * MEAN_LIFE_S + 1)))
    load = env.kit.generate_in_background(job.topic, args.events, seed=args.seed, keys=args.keys, rate=rate,
                                          events_per_minute=60_000, sentinels=True, **REPEATS.get(shape, {}))
    start = time.monotonic()
    for number in range(1, args.kills + 1):
        process = env.run(job)
        seconds = life(dice)
        time.sleep(seconds)
        process.running()
        process.kill()
        committed = sum(max(one["offset"], 0) for one in env.kit.offsets(job.name, job.topic).values())
        print(f"  kill {number:3}/{args.kills} after {seconds:4.2f} s; {committed} committed", flush=True)
    summary = finish(env, job, load)
    print(f"  {args.kills} kills in {time.monotonic() - start:.0f} s, all exact: {json.dumps(summary)}", flush=True)


def named_point(env, shape, point, nth, args):
    job = job_of(env, f"point-{shape}-{point}-{nth}".replace("_", "-"), shape, "300ms")
    # Without news there is no third epoch: they must last for longer than a slow start.
    rate = 4_000 if nth == 1 else 1_200
    load = env.kit.generate_in_background(job.topic, 10_000, seed=args.seed, rate=rate, sentinels=True, **REPEATS.get(shape, {}))
    process = env.run(job, env={"TIDEMARK_KILL_AT": f"{point}:{nth}"})
    process.wait(-signal.SIGKILL, 60)
    summary = finish(env, job, load)
    print(f"  {shape:12} {point}:{nth}: exact after {summary['ledger']['read']} records", flush=True)


def attempts(args):
    """(name, call) of everything that was asked for."""
    shapes = list(SHAPES) if args.shape == "all" else [args.shape]
    if not args.points:
        return [(f"chaos_{s}", lambda env, s=s: random_kills(env, s, args)) for s in shapes]
    points = POINTS if args.points == "all" else args.points.split(",")
    return [(f"point_{s}_{p}_{n}", lambda env, s=s, p=p, n=n: named_point(env, s, p, n, args))
            for s in shapes for p in points if not (s == "stateless" and p in NO_STATE) for n in (1, 3)]


def main():
    def configure(parser):
        parser.add_argument("--kills", type=int, default=30)
        parser.add_argument("--events", type=int, default=1_000_000)
        parser.add_argument("--keys", type=int, default=1_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--shape", default="exchange", choices=[*SHAPES, "all"])
        parser.add_argument("--points", help=f"`all`, or some of {','.join(POINTS)}: die there instead of at random")

    args = run.parse(__doc__, configure)
    if not args.points:
        args.jobs = 1  # a million events have the machine to themselves
    try:
        run.finish(args, run.run_all(args, attempts(args)))
    except kafka.KafkaUnavailable as error:
        run.finish(args, run.skip_loudly(error))


if __name__ == "__main__":
    main()
