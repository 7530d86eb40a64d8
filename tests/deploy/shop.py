"""A shop to watch: a Tidemark on a real Kafka of its own, a topic that is written to until the test ends, and a Prometheus
that scrapes it. Knows no single dashboard and no single alert."""
import re
import subprocess

import kafka
from harness import ONCE, TUMBLING, Job, Kit, Tidemark
from prometheus import Prometheus

SECONDS_FOR = {"m": "s", "h": "m", "d": "h"}


def shortened(env):
    """The alert rules sixty times as fast: what they ask of minutes, they ask of seconds."""
    text = (env.deploy / "prometheus" / "tidemark.rules.yml").read_text()

    def faster(found):
        return f"{found[1]}{found[2]}{SECONDS_FOR[found[3]]}"

    text = re.sub(r"(\[|offset |for: )(\d+)([mhd])\b", faster, text).replace("interval: 30s", "interval: 1s")
    text = text.replace("interval_seconds, 300)", "interval_seconds, 5)").replace("interval_seconds), 10)", "interval_seconds), 1)")
    path = env.directory / "tidemark.rules.yml"
    path.write_text(text)
    return path


class Shop:
    """One broker with the topics in, out, late and dead; jobs, writers and servers end with the test's stack."""

    def __init__(self, env, partitions=4, broker=None):
        self.env = env
        self.broker = env.stack.enter_context(broker or kafka.Broker())
        self.kit = Kit(env.testkit, self.broker.bootstrap)
        for topic, count in (("in", partitions), ("out", 3), ("late", 1), ("dead", 1)):
            self.kit.create_topic(topic, count)

    def job(self, name="shop", **options):
        options = {"window": TUMBLING, "filter": [["event_type", "!=", "refund"]], "dedupe": ONCE, "max_delay": "2s", **options}
        return Job(self.env.directory, name, self.broker.bootstrap, "in", out="out", late="late", dead="dead", **options)

    def start(self, job, *args, **options):
        return self.env.stack.enter_context(Tidemark(self.env.tidemark, job, *args, **options))

    def run(self, job, *args, **options):
        return self.start(job, *args, **options).wait_ready()

    def write(self, rate=3_000, **options):
        """Until the test ends; half a minute of event time a second, whatever the rate."""
        options = {"events": 10_000_000, "rate": rate, "events_per_minute": 2 * rate, **options}
        flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        command = self.kit.command("generate", "in", *flags)
        writer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.env.stack.callback(writer.wait)
        self.env.stack.callback(writer.kill)

    def watch(self, *processes):
        """By the shortened rules."""
        return Prometheus(self.env, [f"127.0.0.1:{one.port}" for one in processes], [shortened(self.env)])
