"""The workloads that run against the clock: idleness, open loops, kills, checkpoints under load, more cores. Each is a
function from Place to Section."""
import statistics
import time

from contestants import FIELDS, TUMBLING, kafka_sink, source, window_step
from daemon import Daemon
from gates import Section

IDLE_STARTS = 3
SETTLE_S = 5


def live_spec(place, name, topic, steps, sinks, every, fields=FIELDS, **event_time):
    spec = {"name": name, "sources": {"events": source(place, topic, fields)}, "steps": steps, "sinks": sinks,
            "checkpoint": {"every": every}}
    spec["sources"]["events"]["event_time"].update(event_time)
    return spec


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
    section.facts.update({"first start to ready, s": round(ready[0], 3), "restart to ready, s": round(own, 3),
                          "of that Kafka's own (transactions initialised, group joined, offsets read by a bare client), s": round(kafkas, 3)})
    section.at_most("RSS", resident / 1e6, 40, "MB")
    section.at_most("CPU", share * 100, 0.5, "% of a core")
    section.at_most("start to ready, beyond Kafka's own", (own - kafkas) * 1000, 300, "ms")
    return section


LIVE = {"idle": idle}
