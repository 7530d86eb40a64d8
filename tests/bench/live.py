"""The workloads that run against the clock: idleness, open loops, kills. Each is a function from Place to Section."""

import json
import shutil
import statistics
import subprocess
import time

from contestants import (
    FIELDS,
    FIELDS_AND_TYPE,
    FILTER,
    LEAST_CENTS,
    LONG_PAUSE_S,
    TEN_MINUTES,
    TUMBLING,
    Job,
    Tidemark,
    counted_pauses,
    kafka_sink,
    long_pauses,
    longest_pause,
    source,
    window_step,
)
from daemon import Daemon
from gates import Section
from measuring import Broken, Run, total
from place import START_MS, Stream, Window

IDLE_STARTS = 3
SETTLE_S = 5
WARM_S = 10
OPEN_RATE = 50_000
OPEN_MEMORY = "128MiB"  # less than the state, so that it spills
HOUR = Window(3_600_000, 3_600_000)
STATE_BYTES = 1_000_000_000
LATENCY_S = 25
PROBE_EVENTS = 2_000_000
TOOL_TIMEOUT_S = 900


def live_spec(place, name, topic, steps, sinks, every, fields=FIELDS, **event_time):
    spec = {
        "name": name,
        "sources": {"events": source(place, topic, fields)},
        "steps": steps,
        "sinks": sinks,
        "checkpoint": {"every": every},
    }
    spec["sources"]["events"]["event_time"].update(event_time)
    return spec


def result_of(process):
    """The JSON that a tool started with start_tool() prints last."""
    out, err = process.communicate(timeout=TOOL_TIMEOUT_S)
    if process.returncode != 0:
        raise Broken(f"{' '.join(map(str, process.args))}: exit {process.returncode}\n{err}")
    return json.loads(out.strip().splitlines()[-1])


def paced(loader, stream):
    """What a paced loader prints, if it kept its pace; a machine too busy for that cannot measure latency."""
    said = result_of(loader)
    due_s = stream.events * 60 / stream.events_per_minute
    if said["wall_s"] > due_s * 1.02 + 1:
        raise Broken(
            f"the load of {due_s:.0f} s took {said['wall_s']:.1f} s: the broker's core is too busy for an open loop"
        )
    return said


# ---- Idle


def idle(place):
    section = Section("idle", "an idle pipeline: windows, exactly once to Kafka, nothing to read")
    name = place.new_name("idle")
    topic, out, directory = place.new_topic(f"{name}-in"), place.new_topic(f"{name}-out"), place.new_directory(name)
    spec = live_spec(place, name, topic, [window_step(TUMBLING)], [kafka_sink(out)], "5s")
    ready, joined = [], []
    for number in range(IDLE_STARTS + 1):
        joined.append(place.tool("join", topic, "--partitions", place.args.partitions)["ready_s"])
        with Daemon(place, directory, spec) as daemon:
            ready.append(daemon.wait_ready())
            if number == IDLE_STARTS:
                time.sleep(SETTLE_S)
                before, start = daemon.cpu_seconds(), time.monotonic()
                time.sleep(place.args.idle_seconds)
                share = (daemon.cpu_seconds() - before) / (time.monotonic() - start)
                resident = daemon.rss_bytes()
            daemon.stop()
    # The first start also makes what later ones find.
    own, kafkas = statistics.median(ready[1:]), statistics.median(joined[1:])
    section.facts.update(
        {
            "first start to ready, s": round(ready[0], 3),
            "restart to ready, s": round(own, 3),
            "of that Kafka's own (transactions initialised, group joined, offsets read by a bare client), s": round(
                kafkas, 3
            ),
        }
    )
    section.at_most("RSS", resident / 1e6, 40, "MB")
    section.at_most("CPU", share * 100, 0.5, "% of a core")
    section.at_most("start to ready, beyond Kafka's own", (own - kafkas) * 1000, 300, "ms")
    return section


# ---- Open loop: state that lives


def proven(place, stream, topic, window):
    """The same job over what the topic now holds, to the end, with its rows compared."""
    place.topics[stream] = topic
    return Tidemark(place, "proof", Job(stream, window), to_kafka=True, every_ms=None).run()


def follow(place, daemon, loader, rate):
    """Watches a daemon while a loader feeds it: CPU seconds an event behind the warm-up, the end's metrics."""
    time.sleep(WARM_S)
    before, start = daemon.cpu_seconds(), time.monotonic()
    metrics = first = daemon.metrics()
    while loader.poll() is None:
        time.sleep(0.5)
        metrics = daemon.metrics() or metrics
    took = time.monotonic() - start
    checkpoints = total(metrics, "tidemark_checkpoints_total", "success") - total(
        first, "tidemark_checkpoints_total", "success"
    )
    return Run(
        int(took * rate),
        took,
        daemon.cpu_seconds() - before,
        daemon.peak_bytes(),
        {
            "checkpoints": int(checkpoints),
            "long_pauses": long_pauses(metrics),
            "longest_pause_s": longest_pause(metrics),
        },
    )


def w2d(place):
    keys, seconds = place.args.many_keys, place.args.live_seconds
    # A window's end lies in the middle of the run.
    stream = Stream(OPEN_RATE * seconds, keys, OPEN_RATE * 60, START_MS + 600_000 - seconds * 500)
    section = Section(
        "W2d", f"open loop, {OPEN_RATE:,} events/s for {seconds} s, {keys:,} keys, 10 m windows, checkpoints every 5 s"
    )
    name = place.new_name("open")
    topic, directory = place.new_topic(f"{name}-in"), place.new_directory(name)
    spec = live_spec(place, name, topic, [window_step(TEN_MINUTES)], [{"drop": {}}], "5s")
    with Daemon(place, directory, spec, memory=OPEN_MEMORY) as daemon:
        daemon.wait_ready()
        loader = place.start_tool("fill", topic, "--paced", *stream.flags())
        run = follow(place, daemon, loader, OPEN_RATE)
        paced(loader, stream)
        daemon.stop()
    proven(place, stream, topic, TEN_MINUTES)
    closed = Tidemark(place, "full speed", Job(Stream(place.args.events, keys), TUMBLING), to_kafka=False)
    section.runs = {"Tidemark, open loop": [run], "Tidemark at full speed (W2b)": [closed.prepare()]}
    section.at_most(
        "CPU per event / W2b's", section.rate("Tidemark at full speed (W2b)") / section.rate("Tidemark, open loop"), 1.5
    )
    section.at_most("peak RSS", run.peak_bytes / 1e6, 400, "MB")
    section.at_most(f"input pauses above {LONG_PAUSE_S * 1000:.0f} ms", counted_pauses(run), 0, "")
    section.at_least("completed checkpoints", run.facts["checkpoints"], place.args.least_checkpoints, "")
    section.facts["longest pause's bucket, s"] = run.facts["longest_pause_s"]
    return section


# ---- Killed


def w7(place):
    """Windows hold the state; a filter beside them writes rows all the time, so that the first committed one can be
    seen.
    """
    keys = place.args.state_keys
    stream = Stream(keys * 3 // 2, keys, events_per_minute=keys, each_key=True)
    section = Section("W7", f"SIGKILL at full load with {STATE_BYTES / 1e9:.0f} GB of state, checkpoints every 500 ms")
    name = place.new_name("kill")
    topic, rows, rare, directory = (
        place.topic(stream),
        place.new_topic(f"{name}-rows"),
        place.new_topic(f"{name}-rare"),
        place.new_directory(name),
    )
    steps = [window_step(HOUR), {"name": "rare", "from": "events", "filter": FILTER}]
    sinks = [kafka_sink(rows, **{"from": "per_user"}), kafka_sink(rare, **{"from": "rare"})]
    spec = live_spec(place, name, topic, steps, sinks, "500ms", FIELDS_AND_TYPE)
    with Daemon(place, directory, spec) as daemon:
        daemon.wait_ready()
        daemon.wait_until(lambda: daemon.total("tidemark_state_keys") >= 0.9 * keys, "the state's keys", every_s=0.2)
        metrics = daemon.metrics()
        lag = total(metrics, "tidemark_consumer_lag{") or total(metrics, "tidemark_consumer_lag")
        section.facts["state when killed, bytes"] = int(total(metrics, "tidemark_state_bytes"))
        section.facts["records still to read when killed"] = int(lag)
        daemon.kill()
    watcher = place.start_tool("first-row", rare, "--partitions", place.args.partitions)
    if watcher.stdout.readline().strip() != "ready":
        raise Broken("the watcher does not come up")
    restarted_ms = time.time() * 1000
    with Daemon(place, directory, spec) as daemon:
        section.facts["ready after, s"] = round(daemon.wait_ready(), 3)
        first_s = (result_of(watcher)["wall_ms"] - restarted_ms) / 1000
        daemon.wait_until(lambda: daemon.total("tidemark_committed_lag") == 0, "all read and committed", every_s=0.3)
        daemon.stop()
    close_windows(place, directory)
    place.tool("judge", rows, "--partitions", place.args.partitions, *stream.flags(), *HOUR.flags())
    place.tool(
        "judge-filter", rare, "--partitions", place.args.partitions, *stream.flags(), "--least-cents", LEAST_CENTS
    )
    section.facts["rows"] = "nothing lost, nothing doubled, all equal to the oracle's"
    section.at_least("state when killed", section.facts["state when killed, bytes"] / 1e9, STATE_BYTES / 1e9, "GB")
    section.at_least("records still to read when killed", lag, 1, "")
    section.at_most("first committed row after the restart", first_s, 2.5, "s")
    shutil.rmtree(directory)
    return section


def close_windows(place, directory):
    done = subprocess.run(
        [
            place.args.tidemark,
            "run",
            directory / "pipeline.yaml",
            "--until-end",
            "--http",
            "off",
            "--threads",
            "1",
            "--memory",
            place.args.memory,
            "--state-dir",
            directory / "state",
        ],
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise Broken(f"the last run to the end: exit {done.returncode}\n{done.stderr[-3000:]}")


# ---- Latency


def watched(place, topic, out, spec, directory, stream, field):
    """Percentiles of how late rows were seen, behind a warm-up; every event is due at the wall time that it bears."""
    with Daemon(place, directory, spec) as daemon:
        daemon.wait_ready()
        loader = place.start_tool("fill", topic, "--paced", *stream.flags())
        watcher = place.start_tool(
            "watch",
            out,
            "--partitions",
            place.args.partitions,
            "--field",
            field,
            "--from-ms",
            int(time.time() * 1000) + WARM_S * 1000,
            "--quiet-s",
            8,
        )
        stream_start_ms = paced(loader, stream)["start_ms"]
        daemon.wait_until(lambda: watcher.poll() is not None, "the last rows seen")
        seen = result_of(watcher)
        daemon.stop()
    return seen, stream_start_ms


def live_filter(place):
    """(topic, out, spec, directory) of a filter that runs at least once."""
    name = place.new_name("filter")
    topic, out, directory = place.new_topic(f"{name}-in"), place.new_topic(f"{name}-out"), place.new_directory(name)
    steps = [{"filter": FILTER}, {"select": {one: one for one in FIELDS}}]
    sinks = [kafka_sink(out, delivery="at_least_once")]
    return topic, out, live_spec(place, name, topic, steps, sinks, "1s", FIELDS_AND_TYPE), directory


def sustained(place):
    """Events a second that loader, broker and Tidemark carry together, as fast as they go, the last one committed."""
    topic, _, spec, directory = live_filter(place)
    stream = Stream(PROBE_EVENTS, place.args.few_keys)
    with Daemon(place, directory, spec) as daemon:
        daemon.wait_ready()
        start = time.monotonic()
        place.tool("fill", topic, *stream.flags())
        daemon.wait_until(lambda: daemon.total("tidemark_records_read_total") >= stream.events, "all events read")
        return stream.events / (time.monotonic() - start)


def w8(place):
    """Half of what the whole path carries: loader and broker share a core, and one of them may be the limit."""
    section = Section("W8", "open-loop latency at half of the maximum")
    rate = int(sustained(place) / 2)
    stream = Stream(rate * (LATENCY_S + WARM_S), place.args.few_keys, rate * 60, 0)
    section.facts["events per second"] = rate
    topic, out, spec, directory = live_filter(place)
    seen, start_ms = watched(place, topic, out, spec, directory, stream, "ts")
    place.tool(
        "judge-filter",
        out,
        "--partitions",
        place.args.partitions,
        *Stream(stream.events, stream.keys, stream.events_per_minute, start_ms).flags(),
        "--least-cents",
        LEAST_CENTS,
    )
    section.facts["filter, at least once"] = seen
    if not seen["rows"]:
        raise Broken("no row of the filter was due behind the warm-up")
    section.at_most("p99 of the filter, at least once", seen["p99_ms"], 10, "ms")

    name = place.new_name("windows")
    topic, out, directory = place.new_topic(f"{name}-in"), place.new_topic(f"{name}-out"), place.new_directory(name)
    spec = live_spec(place, name, topic, [window_step(Window(1000, 1000))], [kafka_sink(out)], "200ms", max_delay="0s")
    seen, _ = watched(place, topic, out, spec, directory, stream, "window_end")
    section.facts["windows of 1 s, exactly once, every 200 ms"] = seen
    section.at_most("p99 of exactly-once windows behind their end", seen["p99_ms"], 260, "ms")
    return section


LIVE = {"idle": idle, "W2d": w2d, "W7": w7, "W8": w8}
