"""The workloads that read a filled topic to its end, as fast as they can: who takes part, and what must hold between
them. Each is a function from Place to Section. Those that run against the clock are in live.py.
"""

from contestants import SESSIONS, SLIDING, TUMBLING, Job, RowProducer, Rung, Tidemark
from gates import Section
from measuring import median, rounds
from peers import Peer, available
from place import Stream

RAW = "librdkafka consume"
L4_FOUR = "L4: + simdjson of 4 fields"
L4 = "L4: + simdjson of 3 fields"
L5 = "L5: + naive hash aggregation"
ROWS = "librdkafka produce of the rows"
TIDEMARK = "Tidemark"
NO_CHECKPOINTS = "Tidemark, checkpoints off"
NO_GATE = (RAW, NO_CHECKPOINTS)
SIDE_KEYS = 10_000


def measured(place, section, contestants):
    if place.args.quick:
        contestants = [one for one in contestants if one.name not in NO_GATE]
    section.runs = rounds(contestants, place.args.runs, place.say)
    section.facts["events"] = max(
        (one.job if isinstance(one, Tidemark) else one).stream.events
        for one in contestants
        if isinstance(one, Tidemark) or hasattr(one, "stream")
    )
    for one in contestants:
        if isinstance(one, Tidemark) and one.least_checkpoints:
            section.facts[f"{one.name}: checkpoints every"] = f"{one.every_ms} ms"
            section.at_least(
                f"completed checkpoints in each run of {one.name}",
                min(run.facts["checkpoints"] for run in section.runs[one.name]),
                one.least_checkpoints,
                "",
            )
    return section


def few(place):
    return Stream(place.args.events, place.args.few_keys)


def many(place):
    return Stream(place.args.events, place.args.many_keys)


def peers(place, keys, to_kafka):
    return (
        [Peer(place, kind, Stream(place.args.peer_events, keys), to_kafka) for kind in available(place)]
        if place.args.peers
        else []
    )


def beat_peers(section, contestants, bounds):
    """`bounds`: how many times faster, by the beginning of the peer's key."""
    for one in contestants:
        if isinstance(one, Peer) and section.runs[one.name]:
            bound = next(value for start, value in bounds.items() if one.kind.key.startswith(start))
            section.at_least(
                f"events per CPU-second, Tidemark / {one.name}", section.rate(TIDEMARK) / section.rate(one.name), bound
            )


def w1(place):
    stream = few(place)
    section = Section("W1", "filter and project, 5% pass, exactly once to Kafka")
    measured(
        place,
        section,
        [
            Rung(place, RAW, stream, "raw"),
            Rung(place, L4_FOUR, stream, "four"),
            Tidemark(place, TIDEMARK, Job(stream), to_kafka=True),
        ],
    )
    section.at_least("events per CPU-second, Tidemark / L4", section.rate(TIDEMARK) / section.rate(L4_FOUR), 0.9)
    return section


def w2a(place):
    stream = few(place)
    job = Job(stream, TUMBLING)
    section = Section("W2a", f"tumbling 1 m, count and sum, {stream.keys:,} keys, exactly once to Kafka")
    all_of = [
        Rung(place, RAW, stream, "raw"),
        Rung(place, L4, stream, "three"),
        Rung(place, L5, stream, "aggregate"),
        Tidemark(place, NO_CHECKPOINTS, job, to_kafka=True, every_ms=None),
        Tidemark(place, TIDEMARK, job, to_kafka=True),
        *peers(place, stream.keys, to_kafka=True),
    ]
    measured(place, section, all_of)
    section.at_least("events per CPU-second, Tidemark / L4", section.rate(TIDEMARK) / section.rate(L4), 0.85)
    section.at_most("peak RSS", section.peak_mb(TIDEMARK), 80, "MB")
    beat_peers(section, all_of, {"flink": 6, "streams": 6, "jet": 3})
    return section


def w2b(place):
    stream = many(place)
    job = Job(stream, TUMBLING)
    section = Section("W2b", f"tumbling 1 m, count and sum, {stream.keys:,} keys, rows dropped")
    all_of = [
        Rung(place, L4, stream, "three"),
        Rung(place, L5, stream, "aggregate"),
        Tidemark(place, NO_CHECKPOINTS, job, to_kafka=False, every_ms=None),
        Tidemark(place, TIDEMARK, job, to_kafka=False),
        *peers(place, stream.keys, to_kafka=False),
    ]
    measured(place, section, all_of)
    section.facts["result rows"] = section.runs[TIDEMARK][0].facts["rows"] if section.runs[TIDEMARK] else 0
    section.at_least("events per CPU-second, Tidemark / L5", section.rate(TIDEMARK) / section.rate(L5), 1.1)
    section.at_most("peak RSS", section.peak_mb(TIDEMARK), 350, "MB")
    beat_peers(section, all_of, {"flink-rocksdb": 15, "streams": 15, "flink-heap": 7, "jet": 4})
    return section


def w2c(place):
    stream = many(place)
    section = Section("W2c", f"tumbling 1 m, count and sum, {stream.keys:,} keys, rows exactly once to Kafka")
    measured(
        place,
        section,
        [
            Rung(place, L5, stream, "aggregate"),
            RowProducer(place, ROWS, stream, TUMBLING),
            Tidemark(place, TIDEMARK, Job(stream, TUMBLING), to_kafka=True),
        ],
    )
    by_hand_s = median(section.runs[L5], lambda run: run.cpu_s) + median(section.runs[ROWS], lambda run: run.cpu_s)
    section.at_least(
        "events per CPU-second, Tidemark / (L5 + produce of the same rows)",
        section.rate(TIDEMARK) / (stream.events / by_hand_s),
        0.6,
    )
    held_back = median(section.runs[TIDEMARK], lambda run: run.facts["backpressured_s"] / run.wall_s)
    section.at_most("share of the time that a full sink held the source back", held_back, 0.05, "of the run")
    return section


def w3(place):
    stream = Stream(place.args.events, min(SIDE_KEYS, place.args.many_keys))
    section = Section("W3", f"sliding 5 m / 5 s, count and sum, {stream.keys:,} keys, exactly once to Kafka")
    tumbling, sliding = "Tidemark tumbling 1 m, rows dropped", "Tidemark sliding"
    measured(
        place,
        section,
        [
            Tidemark(place, tumbling, Job(stream, TUMBLING), to_kafka=False),
            RowProducer(place, ROWS, stream, SLIDING),
            Tidemark(place, sliding, Job(stream, SLIDING), to_kafka=True),
        ],
    )
    cost = {name: median(runs, lambda run: run.cpu_s) for name, runs in section.runs.items()}
    section.facts["result rows"] = section.runs[sliding][0].facts["rows"]
    section.at_most(
        "(CPU of sliding - CPU of producing its rows) / CPU of tumbling",
        (cost[sliding] - cost[ROWS]) / cost[tumbling],
        1.3,
    )
    return section


def w11(place):
    """Dense: a user comes every 10 s or oftener, within the gap of 30 s. Sparse: every 45 s, or every 100 s."""
    few_keys, many_keys, events = place.args.few_keys, place.args.many_keys, place.args.events
    streams = {
        f"{few_keys:,} keys, dense": Stream(events, few_keys),
        f"{few_keys:,} keys, sparse": Stream(events, few_keys, events_per_minute=few_keys * 4 // 3),
        f"{many_keys:,} keys, dense": Stream(events, many_keys, events_per_minute=many_keys * 6),
        f"{many_keys:,} keys, sparse": Stream(events, many_keys),
    }
    section = Section("W11", "sessions, gap 30 s, beside tumbling 1 m, count and sum, rows dropped")
    contestants = [
        Tidemark(place, f"{kind}, {name}", Job(stream, window), to_kafka=False)
        for name, stream in streams.items()
        for kind, window in (("tumbling", TUMBLING), ("sessions", SESSIONS))
    ]
    measured(place, section, contestants)
    for name in streams:
        section.at_least(
            f"events per CPU-second, sessions / tumbling, {name}",
            section.rate(f"sessions, {name}") / section.rate(f"tumbling, {name}"),
            0.6,
        )
    return section


def w12(place):
    """What speaks before the end, or looks at each event twice: how much of tumbling's rate is left. No gates."""
    section = Section("W12", "early rows and repeats, beside tumbling 1 m, count and sum, rows dropped")
    kinds = {
        "on close": {},
        "every 10 s": {"emit": {"every": "10s"}},
        "on change": {"emit": "on_change"},
        "on close behind dedupe, 1 m": {"once": "1m"},
    }
    streams = {f"{stream.keys:,} keys": stream for stream in (few(place), many(place))}
    contestants = [
        Tidemark(place, f"{kind}, {name}", Job(stream, TUMBLING, **more), to_kafka=False)
        for name, stream in streams.items()
        for kind, more in kinds.items()
    ]
    measured(place, section, contestants)
    for name in streams:
        for kind in kinds:
            one = f"{kind}, {name}"
            share = section.rate(one) / section.rate(f"on close, {name}")
            section.facts[f"{one}: result rows"] = section.runs[one][0].facts["rows"]
            section.facts[f"{one}: of the rate on close"] = f"{share:.2f}"
    return section


FILLED = {"W1": w1, "W2a": w2a, "W2b": w2b, "W2c": w2c, "W3": w3, "W11": w11, "W12": w12}
