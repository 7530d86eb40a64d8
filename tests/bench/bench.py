#!/usr/bin/env python3
"""Measures Tidemark beside the bare client that it stands on and beside the engines that people use instead, on a real
Kafka, and holds it to gates.

    bench.py                                       the standard workloads: W1, W2a, W2b, W2c, W3, idle; without peers
    bench.py --peers all                           with Flink SQL, Kafka Streams, Hazelcast Jet (Maven, a JDK of 17)
    bench.py --workload W2a,W9 --runs 5            some of them, more rounds
    bench.py --quick                               the standard gates in under two minutes; one run, noisy
    bench.py --smoke                               a few thousand events: does it all work? No gates
    bench.py --compare docs/benchmarks.json        and say what changed

The broker is pinned to one core, the measured process to another; the bench and its tools stay on the broker's. Writes
docs/benchmarks.md, its charts, and docs/benchmarks.json; what was not measured this time stays in them as it was.
Exit code: 0 all gates passed, 1 one failed, 2 something could not be measured. What must be built: ninja tidemark
tidemark_testkit tidemark_bench."""

import argparse
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import kafka  # noqa: E402
import report  # noqa: E402
from limits import LIMITS  # noqa: E402
from live import LIVE  # noqa: E402
from measuring import Broken  # noqa: E402
from place import ROOT, Place  # noqa: E402
from workloads import FILLED  # noqa: E402

STANDARD = ["W1", "W2a", "W2b", "W2c", "W3", "idle"]
ALL = {**FILLED, **LIVE, **LIMITS}

# What --quick and --smoke put in the place of defaults.
QUICK = {"events": 1_000_000, "runs": 1, "every_ms": 100, "least_checkpoints": 3, "idle_seconds": 8, "output": "-"}
SMOKE = {
    "events": 6_000,
    "keys": "20,500",
    "runs": 0,
    "least_checkpoints": 0,
    "idle_seconds": 1,
    "output": "-",
    "peer_events": 6_000,
    "peer_runs": 0,
    "proof_events": 6_000,
    "workload": "W1,W2c",
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = ROOT / "build"
    parser.add_argument("--tidemark", default=str(build / "tidemark"))
    parser.add_argument("--testkit", default=str(build / "tests" / "tidemark_testkit"))
    parser.add_argument("--bench", default=str(build / "tests" / "tidemark_bench"))
    parser.add_argument("--workload", help=f"some of {','.join(ALL)}, or `all`; default: {','.join(STANDARD)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--peers", default="", help="`all`, or some of flink-heap,flink-rocksdb,streams,jet")
    parser.add_argument("--events", type=int, default=25_000_000)
    parser.add_argument("--keys", default="100,1000000", help="few and many")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3, help="measured rounds, behind the warm-up")
    parser.add_argument(
        "--peer-events", type=int, default=3_000_000, help="of the topics that peers read; as dense as the others"
    )
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument(
        "--proof-events", type=int, default=1_000_000, help="over which peers prove rows that they will drop"
    )
    parser.add_argument("--least-checkpoints", type=int, default=10, help="a run with fewer does not count")
    parser.add_argument("--every-ms", type=int, default=1000, help="checkpoints at first; the warm-up shortens it")
    parser.add_argument("--idle-seconds", type=int, default=20)
    parser.add_argument("--live-seconds", type=int, default=70, help="of W2d's open loop")
    parser.add_argument("--state-keys", type=int, default=10_000_000, help="of W7")
    parser.add_argument("--spill-keys", type=int, default=50_000_000, help="of W6")
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--broker-cpu", default="0")
    parser.add_argument("--cpu", default="1")
    parser.add_argument("--work", help="folder for states and logs; default: the system's temporary one")
    parser.add_argument("--kafka", default=kafka.DEFAULT_VERSION)
    parser.add_argument("--output", default=str(ROOT / "docs" / "benchmarks.md"), help="`-`: only print")
    parser.add_argument("--json", help="the numbers; default: beside the output, with .json; `-`: none")
    parser.add_argument("--compare", help="an earlier JSON")
    for mode, changes in (("--quick", QUICK), ("--smoke", SMOKE)):
        if mode in sys.argv[1:]:
            parser.set_defaults(**changes)
    return complete(parser, parser.parse_args())


def complete(parser, args):
    args.few_keys, args.many_keys = map(int, args.keys.split(","))
    args.workloads = list(ALL) if args.workload == "all" else args.workload.split(",") if args.workload else STANDARD
    for name in args.workloads:
        if name not in ALL:
            parser.error(f"there is no workload `{name}`; there are {', '.join(ALL)}")
    if args.output != "-" and not args.output.endswith(".md"):
        parser.error(f"--output {args.output}: a name that ends with .md, beside which the charts and numbers go, or `-`")
    if args.json is None:
        args.json = "-" if args.output == "-" else str(pathlib.Path(args.output).with_suffix(".json"))
    return args


def measure(args):
    """(sections, what could not be measured)"""
    sections, broken, how = [], [], report.circumstances(args, args.kafka)
    with kafka.Broker(args.kafka, heap="2g", cpu=args.broker_cpu) as broker:
        place = Place(args, broker)
        place.stay_off()
        try:
            for name in args.workloads:
                place.say(f"---- {name}")
                try:
                    sections.append(ALL[name](place))
                    if args.smoke:
                        sections[-1].gates.clear()  # so few events say nothing
                    report.show(sections[-1])
                    save(args, how, sections)
                except Broken as error:
                    broken.append(f"{name}: {error}")
                    print(f"BROKEN {name}: {error}", file=sys.stderr, flush=True)
        finally:
            place.close()
    return sections, broken


def save(args, how, sections):
    """Writes what there is so far: a run that is broken off keeps what it has measured."""
    if args.smoke:
        return
    if args.json != "-":
        data = report.merge(args.json, sections, how)
    else:
        data = {one.name: {"circumstances": how, **one.to_json()} for one in sections}
    if args.output != "-":
        report.write(args.output, data)


def main():
    args = parse()
    old = report.load(args.compare) if args.compare else None
    if args.work:
        tempfile.tempdir = args.work
    try:
        sections, broken = measure(args)
    except kafka.KafkaUnavailable as error:
        sys.exit(f"bench: no broker: {error}")
    if args.smoke:
        print(f"{len(sections)} passed, {len(broken)} failed")
        return 1 if broken else 0
    gates = [(section, gate) for section in sections for gate in section.gates]
    print("\nGates")
    for section, gate in gates:
        print(f"  {section.name:5} {gate.line()}")
    if old is not None:
        report.compare(old, sections)
    return 2 if broken else 1 if any(not gate.passed for _, gate in gates) else 0


if __name__ == "__main__":
    sys.exit(main())
