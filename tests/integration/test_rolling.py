"""Restarts under load, one after the other, as a rollout makes them: nothing is lost or doubled, and each interrupts the
commits for a moment only."""
import contextlib
import json
import random
import statistics
import subprocess
import time

from harness import SLIDING, TUMBLING, Failed, long_test, wait_for

RATE = 4_000
LONGEST_PAUSE_S = 5.0
# What a machine that is busy with other suites adds.
PATIENCE = 3


class Commits:
    """The group's committed offsets as they move, seen from outside."""

    def __init__(self, env, job):
        self.log = env.directory / f"{job.name}.commits"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(env.kit.command("offsets", "watch", job.name, job.topic), stdout=out)

    def close(self):
        self.process.kill()
        self.process.wait()

    def moments(self):
        """Of each partition: the seconds at which its offset rose."""
        last, moments = {}, {}
        for line in self.log.read_text().splitlines():
            try:
                one = json.loads(line)
            except ValueError:
                break  # not written to its end yet
            for partition, offset in one["offsets"].items():
                if offset > last.get(partition, -1):
                    moments.setdefault(partition, []).append(one["ms"] / 1000)
                last[partition] = offset
        return moments

    def all_rose_since(self, moment, partitions):
        moments = self.moments()
        return len(moments) == partitions and all(one[-1] > moment for one in moments.values())

    def longest_pause(self, since, until):
        """The longest time for which a partition stood still that was not over by `since`, nor began behind `until`."""
        gaps = [(after - before) for one in self.moments().values() for before, after in zip(one, one[1:])
                if after > since and before < until]
        if not gaps:
            raise Failed("no commit was seen")
        return max(gaps)


@contextlib.contextmanager
def endless_load(env, job):
    command = env.kit.command("generate", job.topic, "--events", 100_000_000, "--rate", RATE, "--events-per-minute", 60_000)
    load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield load
    finally:
        load.kill()
        load.wait()


def restart(env, job, old, instance):
    """SIGTERM, exit 0, and the same again: (process, what was seen)."""
    begin = time.time()
    old.stop()
    drained = time.time()
    new = env.run(job, instance=instance)
    new.wait_ready()
    return new, {"at": begin, "drained": drained - begin, "ready": time.time() - drained}


def roll(env, restarts, limit_s, instances=(None,), **shape):
    job = env.job(every="500ms", **shape)
    dice = random.Random(1)
    processes = [env.run(job, instance=one) for one in instances]
    commits = Commits(env, job)
    seen = []
    with contextlib.closing(commits), endless_load(env, job) as load:
        for one in processes:
            one.wait_ready()
        wait_for(lambda: commits.all_rose_since(0, 4), "the first commits", 30)
        for number in range(restarts):
            which = number % len(instances)
            processes[which], what = restart(env, job, processes[which], instances[which])
            wait_for(lambda: commits.all_rose_since(what["at"] + what["drained"] + what["ready"], 4), "commits after the restart", 30)
            time.sleep(dice.uniform(0.2, 1.5))
            what["pause"] = commits.longest_pause(what["at"], time.time())
            seen.append(what)
        assert load.poll() is None, "the load has ended before the restarts"
    processes[-1].wait_caught_up(env.kit)
    for one in processes:
        one.stop()
    tell(env, job, seen, env.kit.verify(job, close="watermark"))
    worst = max(what["pause"] for what in seen)
    assert worst < limit_s, f"a restart paused the commits for {worst:.1f} s: {json.dumps(seen)}"


def tell(env, job, seen, summary):
    figures = [f"{name} {statistics.median(values):.2f} s, at most {max(values):.2f}"
               for name in ("drained", "ready", "pause") for values in ([what[name] for what in seen],)]
    print(f"    {job.name}: {len(seen)} restarts under {RATE} events/s, medians: {'; '.join(figures)}; "
          f"{summary['ledger']['read']} records, {summary['results']['found']} rows, all exact", flush=True)


def test_rolling_restart(env):
    roll(env, 3, PATIENCE * LONGEST_PAUSE_S, window=SLIDING, lanes=8)


@long_test
def test_rolling_restart_twenty_times(env):
    roll(env, 20, LONGEST_PAUSE_S, window=SLIDING, lanes=8)


@long_test
def test_rolling_restart_of_two_instances(env):
    """One after the other; the partitions of the one that is away wait for it, those of the other go on."""
    roll(env, 20, LONGEST_PAUSE_S, instances=("a", "b"), window=TUMBLING, partitioned_by=["user_id"])
