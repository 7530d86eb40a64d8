#!/usr/bin/env python3
"""Says where the time of a workload goes: samples one run of Tidemark with perf and adds the samples up by stage.

    profile.py                      W2a: 100 keys
    profile.py --workload W2b       a million keys
    profile.py --keep profile.data  keeps perf's file, for `perf report`

Writes a Markdown table: nanoseconds of CPU time an event, by stage. Libraries count for the thread that called them.
"""

import argparse
import re
import subprocess
import sys
import tempfile

from contestants import SESSIONS, SLIDING, TEN_MINUTES, TUMBLING, Job, Tidemark
from place import Place, Stream

import kafka  # found by place

PIECES = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+(\S+)\s+\[(.)\]\s+(.*)$")
FREQUENCY = 1999

# (stage, thread, library, symbol): the first that fits. Patterns; an empty one fits all.
STAGES = [
    ("fetch: decompress", "rdk:", "lz4|zstd|snappy|libz", ""),
    ("fetch: kernel", "rdk:", "kernel|vdso", ""),
    ("fetch: librdkafka", "rdk:", "", ""),
    ("fetch: decompress", "", "lz4|zstd|snappy|libz", ""),
    ("fetch: records and checksums", "", "", r"RecordWalk|NativeFetch|BrokerConnection|crc32c|end_of_batches|WireReader"),
    ("compaction and flushes", "rocksdb:", "", ""),
    ("state: sort, encode, write", "state-writer", "", ""),
    ("checkpoints and commits", "pipeline", "", ""),
    ("status pages", "http", "", ""),
    ("decode JSON", "", "", r"Json|json|PartitionReader|simdjson|Decoder|decimal|from_chars|parse_number|Kafka(Fetch|Consumer)"),
    ("clocks, idleness, routing", "", "", r"SourceSide|Watermark|PartitionClock|RowRouting|slice|Slices|Mailbox|Channels"),
    ("keys: bytes and hashes", "", "", r"encode_keys|checksum64|XXH|hash_key|KeyCodec"),
    ("windows: look up and insert", "", "", r"HotTable::(find_or_insert|grow|make_entry|prefetch|entry_at)|AlignedWindowLane::(add|apply|group|move)"),
    ("windows: update aggregates", "", "", r"Aggregate|ExactSum|Count|update_states|FixedSum|ints_of"),
    ("windows: bring together and fire", "", "", r"window|Window|merge|Merge|TableJoin|HotTable|SlidingTotal|decode_key|LaneSlices|ResultWriter"),
    ("rows: render and produce", "", "", r"SinkWriter|Writer|append_|murmur|produce|Producer|rfc3339|to_chars"),
    ("expressions", "", "", r"Program|Node|Vector|kernel|Compare|Stage"),
    ("worker: librdkafka", "", "librdkafka", ""),
    ("worker: kernel", "", "kernel|vdso", ""),
    ("worker: copies and allocation", "", "libc|mimalloc|libstdc", ""),
    ("worker: the rest", "", "", ""),
]


def stages_of(data):
    """{stage: percent of all samples}"""
    report = subprocess.run(
        ["perf", "report", "-i", data, "--stdio", "--no-children", "--sort", "comm,dso,sym"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shares = dict.fromkeys((stage for stage, *_ in STAGES), 0.0)
    for share, thread, library, _, symbol in filter(None, map(pieces_of, report.splitlines())):
        for stage, *patterns in STAGES:
            if all(re.search(p, text) for p, text in zip(patterns, (thread, library, symbol))):
                shares[stage] += share
                break
    return shares


def pieces_of(line):
    found = PIECES.match(line)
    return (float(found[1]), *found.groups()[1:]) if found else None


def jobs(args):
    return {
        "W1": (Job(Stream(args.events, 100)), True),
        "W2a": (Job(Stream(args.events, 100), TUMBLING), True),
        "W2b": (Job(Stream(args.events, 1_000_000), TUMBLING), False),
        "W2c": (Job(Stream(args.events, 1_000_000), TUMBLING), True),
        "W3": (Job(Stream(args.events, 10_000), SLIDING), True),
        "W9": (Job(Stream(args.events, 1_000_000, each_key=True), TEN_MINUTES), False),
        "W11": (Job(Stream(args.events, 1_000_000, events_per_minute=6_000_000), SESSIONS), False),
    }


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="W2a")
    parser.add_argument("--tidemark", default="build/tidemark")
    parser.add_argument("--testkit", default="build/tests/tidemark_testkit")
    parser.add_argument("--bench", default="build/tests/tidemark_bench")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--every-ms", type=int, default=1000)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--keep", help="perf's own file")
    args = parser.parse_args()
    for name, value in dict(partitions=4, broker_cpu="0", cpu="1", work=None, least_checkpoints=0).items():
        setattr(args, name, value)
    if args.workload not in jobs(args):
        parser.error(f"there is no workload `{args.workload}`; there are {', '.join(jobs(args))}")
    return args


def main():
    args = parse()
    job, to_kafka = jobs(args)[args.workload]
    with tempfile.TemporaryDirectory() as directory, kafka.Broker(heap="2g", cpu="0") as broker:
        data = args.keep or f"{directory}/perf.data"
        place = Place(args, broker)
        place.stay_off()
        try:
            run = Tidemark(place, "Tidemark", job, to_kafka, every_ms=args.every_ms).run()
            perf = ["perf", "record", "-q", "-F", FREQUENCY, "-o", data, "--"]
            Tidemark(place, "under perf", job, to_kafka, every_ms=args.every_ms, under=perf).run()
        finally:
            place.close()
        each_ns = 1e9 / run.per_cpu_second
        print(f"\n{args.workload}: {each_ns:.0f} ns an event ({run.per_cpu_second / 1e6:.2f} million events per CPU-second)\n")
        print("| stage | ns an event | share |\n|---|---|---|")
        for stage, share in stages_of(data).items():
            if share >= 0.1:
                print(f"| {stage} | {share * each_ns / 100:.0f} | {share:.0f}% |")


if __name__ == "__main__":
    sys.exit(main())
