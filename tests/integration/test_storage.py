"""Disks that fill up or fail to sync, and state that does not fit into memory: what is acknowledged stays durable, and
work goes on when the disk does."""
import glob
import os
import subprocess
import time

from disks import Filler, mount_tmpfs, sync_shim
from harness import SLIDING, TUMBLING, long_test, wait_for


def failed_checkpoints(process, job):
    return process.total("tidemark_checkpoints_total", pipeline=job.name, result="failure")


def committed(env, job):
    return {p: one["offset"] for p, one in env.kit.offsets(job.name, job.topic).items()}


def stands_still_once_broken(env, job, process, break_it):
    """A checkpoint fails and is counted; from then on nothing is committed, and the process lives."""
    before = failed_checkpoints(process, job)
    break_it()
    wait_for(lambda: process.running() and failed_checkpoints(process, job) > before, "a failed checkpoint counted", 60)
    then = committed(env, job)
    time.sleep(3)
    process.running()
    assert committed(env, job) == then, "an offset was committed whose checkpoint is not durable"
    assert process.get("/livez")[0] == 200, "alive, whatever the disk does"


def test_disk_full_then_freed(env):
    disk = env.directory / "disk"
    mount_tmpfs(disk, "64m")
    try:
        job = env.job(window=SLIDING, every="500ms")
        load = env.kit.generate_in_background(job.topic, 60_000, rate=4_000, events_per_minute=10_000, keys=1_000)
        process = env.run(job, state_dir=disk / "state").wait_ready()
        wait_for(lambda: any(offset > 0 for offset in committed(env, job).values()), "a first commit")
        filler = Filler(disk / "filler")
        stands_still_once_broken(env, job, process, filler.start)
        filler.free()
        load.join(120)
        process.wait_caught_up(env.kit).stop()
        env.run(job, state_dir=disk / "state", until_end=True).wait(0)
        env.kit.verify(job)
    finally:
        env.close()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_sync_fails_for_a_while(env):
    """No sync that failed is repeated or trusted: the work is done again from the committed checkpoint."""
    flag = env.directory / "syncs-fail"
    job = env.job(window=TUMBLING, every="500ms")
    process = env.run(job, env=sync_shim(env.directory, flag))
    process.wait_ready()
    for seed in range(2):  # each with a load that outlasts the failure: where nothing is new, nothing is synced
        load = env.kit.generate_in_background(job.topic, 40_000, rate=4_000, keys=1_000, seed=seed)
        at_first = committed(env, job)
        wait_for(lambda: committed(env, job) != at_first, "commits")
        stands_still_once_broken(env, job, process, flag.touch)
        flag.unlink()
        load.join(120)
        process.wait_caught_up(env.kit)
    process.stop()
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_lost_records_are_counted_once(env):
    """However often the start over a gap fails, and whatever rewinds afterwards."""
    flag = env.directory / "syncs-fail"
    job = env.job(window=TUMBLING, partitions=1)
    env.kit.generate(job.topic, 5_000, partitions=1)
    env.run(job).wait_ready().wait_caught_up(env.kit).stop()
    stood = committed(env, job)[0]
    env.kit.generate(job.topic, 1_000, partitions=1, seed=2)
    env.kit.run("delete-records", job.topic, f"0={stood + 300}")

    def lost():
        return process.total("tidemark_records_lost_total", pipeline=job.name)

    flag.touch()
    process = env.run(job, "--accept-loss", env=sync_shim(env.directory, flag))
    wait_for(lambda: process.running() and process.get("/metrics")[0] == 200, "its metrics")
    wait_for(lambda: process.running() and failed_checkpoints(process, job) >= 2, "starts that failed", 60)
    assert lost() == 0, "what is not committed may still be read"
    flag.unlink()
    process.wait_ready().wait_caught_up(env.kit)
    assert lost() == 300
    for seed in (3, 4):
        env.kit.run("fence", f"tidemark-{job.name}")  # the next commit fails, and the one after a rewind succeeds
        env.kit.generate(job.topic, 1_000, partitions=1, seed=seed)
        process.wait_caught_up(env.kit)
    process.says("rewinding")
    assert lost() == 300
    process.stop()


def test_many_checkpoints_leave_few_files(env):
    """Each leaves a small file in the store: while a window is open for hours, they must not pile up."""
    job = env.job(window=("tumbling", "6h", None), every="20ms")
    checkpoints, most_tables, most_open = 0, 0, 0
    with env.run(job) as process:
        process.wait_ready()
        for seed in range(1, 4000):
            env.kit.generate(job.topic, 300, seed=seed)
            checkpoints = process.total("tidemark_checkpoints_total", result="success")
            most_tables = max(most_tables, len(glob.glob(f"{process.state_dir}/*/work/*/live/*/*.sst")))
            most_open = max(most_open, len(os.listdir(f"/proc/{process.process.pid}/fd")))
            if checkpoints >= 100:
                break
        process.wait_caught_up(env.kit).stop()
    print(f" {checkpoints:.0f} checkpoints: at most {most_tables} files in the store, {most_open} open ...", end="", flush=True)
    assert checkpoints >= 100, f"a test of nothing: {checkpoints} checkpoints"
    assert 0 < most_tables <= 40, f"{most_tables} files in the store"
    assert most_open <= 150, f"{most_open} open files"
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def larger_than_memory(env, keys, events, timeout_s):
    """All keys in one open window, many of them touched again after they were spilled."""
    job = env.job(window=TUMBLING, every="5s", late=None, dead=None, aggregates=[
        {"name": "n", "kind": "count"}, {"name": "pieces", "kind": "sum", "field": "quantity"}])
    env.kit.run("generate-numbered", job.topic, "--events", events, "--keys", keys)
    process = env.run(job, memory="48MiB", until_end=True)
    peak = 0

    def ended():
        nonlocal peak
        peak = max(peak, process.peak_rss()) if process.process.poll() is None else peak
        return process.process.poll() is not None
    wait_for(ended, "the end", timeout_s)
    process.wait(0)
    tally = env.kit.run("tally-numbered", job.out, "--events", events, "--keys", keys).stdout.strip()
    print(f" {keys} keys, {events} events, --memory 48MiB: peak RSS {peak >> 20} MiB; {tally} ...", end="", flush=True)
    most = (48 + 64) << 20  # the budget, and what a process takes that keeps nothing
    assert peak <= most, f"peak RSS {peak >> 20} MiB with --memory 48MiB; at most {most >> 20} MiB was promised"


def test_state_larger_than_memory(env):
    larger_than_memory(env, 1_000_000, 1_500_000, 300)


@long_test
def test_state_much_larger_than_memory(env):
    larger_than_memory(env, 5_000_000, 7_500_000, 1200)
