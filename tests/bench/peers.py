"""The engines that people would use instead: Flink SQL, Kafka Streams, Hazelcast Jet, fetched from Maven Central into
a cache, their jobs compiled from tests/bench/peers at run time. Each is set up as its own experts would on one
core. A JVM's numbers are taken behind a first third of its events, when most of its code has been compiled; the
whole process stands beside them.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

import kafka
from measuring import Broken, Run, run_process
from place import Stream

SOURCES = pathlib.Path(__file__).resolve().parent / "peers"
MAVEN_TIMEOUT_S = 900
EVERY_MS = 10_000  # checkpoints, snapshots, commits
HEAP = "2g"
NO_LOGGING = "org.slf4j:slf4j-nop:1.7.36"
FLINK = "1.20.1"
STREAMS = "4.1.1"
JET = "5.5.0"

# What Flink's own start scripts and Hazelcast's manual ask of Java 17.
OPEN = [
    f"--add-opens=java.base/{one}=ALL-UNNAMED"
    for one in (
        "java.lang",
        "java.lang.invoke",
        "java.lang.reflect",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "java.net",
        "java.io",
        "java.nio",
        "java.text",
        "java.time",
        "sun.nio.ch",
    )
]
OPEN += [
    "--add-modules=java.se",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.management/sun.management=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
]


class Unavailable(Exception):
    """A peer that cannot be had here, and why."""


@dataclasses.dataclass(frozen=True)
class Kind:
    key: str
    name: str
    main: str
    sources: tuple
    artifacts: tuple
    extra: tuple = ()  # arguments behind the common ones
    sums: str = "near"  # how its doubles can be judged: naive, or near where they are added in an order of its own
    upserts: bool = False
    leaves_open: bool = False  # its last window stays open

    @property
    def version(self):
        return self.artifacts[0].rsplit(":", 1)[1]


FLINK_ARTIFACTS = tuple(
    f"org.apache.flink:flink-{one}:{FLINK}"
    for one in (
        "table-runtime",
        "table-planner-loader",
        "table-api-java-bridge",
        "clients",
        "streaming-java",
        "json",
        "connector-base",
        "statebackend-rocksdb",
    )
) + ("org.apache.flink:flink-connector-kafka:3.4.0-1.20", NO_LOGGING)

KINDS = [
    Kind("flink-heap", f"Flink SQL {FLINK}, heap", "FlinkPeer", ("Meter", "FlinkPeer"), FLINK_ARTIFACTS, ("hashmap",)),
    Kind(
        "flink-rocksdb",
        f"Flink SQL {FLINK}, RocksDB",
        "FlinkPeer",
        ("Meter", "FlinkPeer"),
        FLINK_ARTIFACTS,
        ("rocksdb",),
    ),
    Kind(
        "streams",
        f"Kafka Streams {STREAMS}",
        "StreamsPeer",
        ("Meter", "Event", "StreamsPeer"),
        (f"org.apache.kafka:kafka-streams:{STREAMS}", NO_LOGGING),
        sums="naive",
        upserts=True,
    ),
    Kind(
        "jet",
        f"Hazelcast Jet {JET}",
        "JetPeer",
        ("Meter", "Event", "JetPeer"),
        (
            f"com.hazelcast:hazelcast:{JET}",
            f"com.hazelcast.jet:hazelcast-jet-kafka:{JET}",
            "com.fasterxml.jackson.core:jackson-core:2.17.2",
            NO_LOGGING,
        ),
        leaves_open=True,
    ),
]


# ---- Fetching


def pom(artifacts):
    parts = [dict(zip(("groupId", "artifactId", "version"), one.split(":"))) for one in artifacts]
    dependencies = "".join(
        "<dependency>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + "</dependency>" for one in parts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>tidemark.tests</groupId>"
        f"<artifactId>peer</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>\n"
    )


def fetch(kind):
    """The folder with the peer's jars, from the cache or from Maven Central."""
    home = kafka.cache_dir() / f"peer-{kind.main}-{kind.version}"
    if home.is_dir():
        return home
    kafka.cache_dir().mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="peer.", dir=kafka.cache_dir()))
    try:
        (work / "pom.xml").write_text(pom(kind.artifacts))
        done = subprocess.run(
            [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(work / "pom.xml"),
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={work / 'jars'}",
            ],
            capture_output=True,
            text=True,
            timeout=MAVEN_TIMEOUT_S,
        )
        if done.returncode != 0:
            raise Unavailable(
                "Maven could not fetch it: " + " ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
            )
        if not home.is_dir():
            os.rename(work / "jars", home)
        return home
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"mvn does not run: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def compiled(kind, jars, to, sources=SOURCES):
    """The folder with the job's classes; needs a JDK of 17 or newer, not only a Java."""
    classes = to / f"classes-{kind.main}"
    if classes.is_dir():
        return classes
    classes.mkdir()
    try:
        done = subprocess.run(
            [
                "javac",
                "--release",
                "17",
                "-nowarn",
                "-d",
                str(classes),
                "-cp",
                f"{jars}/*",
                *(str(sources / f"{one}.java") for one in kind.sources),
            ],
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise Unavailable(f"javac does not run (a JDK of 17 or newer is needed): {error}") from error
    if done.returncode != 0:
        raise Broken(f"{kind.main} does not compile:\n{done.stderr}")
    return classes


def available(place):
    """The kinds that can run here; the others are named loudly."""
    out = []
    for kind in KINDS:
        if place.args.peers != "all" and kind.key not in place.args.peers.split(","):
            continue
        try:
            compiled(kind, fetch(kind), place.work)
            out.append(kind)
        except Unavailable as why:
            place.say("=" * 80)
            place.say(f"SKIPPED {kind.name}: {why}")
            place.say("=" * 80)
    return out


# ---- Running


class Peer:
    """Tumbling count and sum by one peer. A job whose rows are to be dropped proves them before, over a stream of its
    own.
    """

    def __init__(self, place, kind, stream, to_kafka):
        self.place, self.kind, self.stream, self.to_kafka = place, kind, stream, to_kafka
        self.name = kind.name
        self.at_most = place.args.peer_runs

    def prepare(self):
        """Proves rows that will be dropped; others are judged in every run. A JVM keeps no warmth for the next
        process.
        """
        if self.to_kafka and self.at_most > 0:
            return None
        small = Stream(
            min(self.stream.events, self.place.args.proof_events), self.stream.keys, self.stream.events_per_minute
        )
        proof = self._run(small, to_kafka=True)
        return proof if self.at_most == 0 else None

    def run(self):
        return self._run(self.stream, self.to_kafka)

    def _run(self, stream, to_kafka):
        topic = self.place.topic(stream)
        name = self.place.new_name(self.kind.key)
        directory = self.place.new_directory(name)
        out = self.place.new_topic(f"{name}-out") if to_kafka else "-"
        jars = fetch(self.kind)
        command = [
            "java",
            "-XX:+UseSerialGC",
            f"-Xmx{HEAP}",
            *OPEN,
            "-cp",
            f"{compiled(self.kind, jars, self.place.work)}:{jars}/*",
            self.kind.main,
            self.place.broker.bootstrap,
            topic,
            out,
            stream.events,
            EVERY_MS,
            directory,
            *self.kind.extra,
        ]
        done = run_process(command, self.place.args.cpu, directory)
        said = done.last_json()
        if to_kafka:
            self._judge(stream, out)
            self.place.delete_topic(out)
        shutil.rmtree(directory)
        part = "warm_" if said["warm_events"] > 0 else ""  # so few events that all came at once have no second part
        facts = {"whole_per_cpu_second": said["events"] / done.cpu_s}
        return Run(said[part + "events"], said[part + "wall_s"], said[part + "cpu_s"], done.peak_bytes, facts)

    def _judge(self, stream, out):
        flags = ["--sums", self.kind.sums]
        flags += ["--upserts"] if self.kind.upserts else []
        flags += ["--closed-until-ms", stream.end_ms() - 2_000] if self.kind.leaves_open else []
        self.place.tool("judge", out, "--partitions", self.place.args.partitions, *stream.flags(), *flags)
