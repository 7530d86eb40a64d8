"""What sources make columns of: parts of a record beside its value, formats, lists. On a real Kafka, judged by the oracle."""
import csv
import io
import json
import random

from harness import SLIDING, TUMBLING, Source, wait_for

RECORD = {"at": ("kafka.offset", {"kafka": "offset"}), "part": ("kafka.partition", {"kafka": "partition"}),
          "sent_as": ("kafka.key", {"kafka": "key"}), "topic": ("kafka.topic", {"kafka": "topic"}),
          "trace": ("kafka.headers['trace']", {"kafka": "headers.trace"}),
          "written": ("kafka.timestamp", {"kafka": "timestamp"})}

OF_RECORDS = [{"name": "n", "kind": "count"}, {"name": "traced", "kind": "count", "field": "trace"},
              {"name": "furthest", "kind": "max", "field": "at"}, {"name": "newest", "kind": "max", "field": "written"},
              {"name": "keys", "kind": "distinct", "field": "sent_as"}, {"name": "last_trace", "kind": "last", "field": "trace"}]


def generate(env, job, events, **options):
    env.kit.generate(job.topic, events, headers=300_000, **options)


def test_parts_of_records(env):
    job = env.job(map=RECORD)
    generate(env, job, 20_000)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)
    rows = env.kit.consume(job.out)
    assert any('"trace":"again"' in row["value"] for row in rows) and any('"trace":null' in row["value"] for row in rows), rows[:3]


def test_parts_of_records_by_librdkafka(env):
    job = env.job(map=RECORD, fetch="librdkafka")
    generate(env, job, 20_000)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_parts_of_records_in_windows(env):
    """By a part, over parts, and through a kill."""
    job = env.job(map=RECORD, window=TUMBLING, by=["part", "topic"], aggregates=OF_RECORDS)
    generate(env, job, 40_000)
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    process.kill()
    generate(env, job, 20_000, seed=2, start_ms=1767225600000 + 30_000)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


# ---- CSV, written by Python's own writer

CSV_SCHEMA = [("event_id", "string", None), ("user_id", "string", None), ("amount", "double?", None), ("quantity", "int?", None),
              ("ts", "timestamp(ms)", None), ("note", "string?", None), ("big", "bool?", None)]
SUMS = [{"name": "n", "kind": "count"}, {"name": "spent", "kind": "sum", "field": "amount"},
        {"name": "pieces", "kind": "sum", "field": "quantity"}, {"name": "notes", "kind": "distinct", "field": "note"},
        {"name": "last_note", "kind": "last", "field": "note"}]


def line_of(values, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerow(values)
    return out.getvalue()


def csv_records(topic, partitions, count, columns, spoil=True, **dialect):
    dice = random.Random(count)
    base = 1767225600000
    for i in range(count):
        values = {"event_id": f"e{i}", "user_id": dice.choice(["u1", "u2", "a;b,c", 'the "one"', "two\nlines", "M\u00e4rta"]),
                  "amount": dice.choice(["", "1.5", "-0.25", "3", "1e-7"]), "quantity": dice.choice(["", "7", "-3"]),
                  "ts": str(base + i * 40 - dice.randrange(1500)), "note": dice.choice(["", "n'1", "NULL", " blank "]),
                  "big": dice.choice(["", "true", "false"]), "other": "passed, over"}
        if spoil and dice.random() < 0.03:
            values[dice.choice(["amount", "quantity", "ts", "big", "user_id"])] = dice.choice(["x", "1.5.2", "007", ""])
        line = line_of([values[name] for name in columns], **dialect)
        if spoil and dice.random() < 0.02:
            line = dice.choice([line + line, line.rstrip() + dialect.get("delimiter", ","), '"' + line, "nothing"])
        at = {"timestamp": base + i * 40, "key": f"k{i % 9}"} if dice.random() < 0.9 else {"timestamp": base + i * 40}
        yield {"topic": topic, "partition": i % partitions, "value": line, **at}


def test_csv(env):
    job = env.job(csv={"delimiter": ","}, schema=CSV_SCHEMA, window=TUMBLING, aggregates=SUMS)
    env.kit.produce(csv_records(job.topic, 4, 8_000, [name for name, *_ in CSV_SCHEMA]))
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["dead_letters"]["found"] > 100 and summary["results"]["found"] > 10, summary


def test_csv_with_every_option(env):
    columns = ["other", "ts", "user_id", "note", "quantity", "big", "amount", "event_id"]
    options = {"delimiter": ";", "quote": "'", "header": "none", "columns": columns, "null_text": "NULL", "trim": True}
    job = env.job(csv=options, schema=CSV_SCHEMA, filter=[["quantity", "!=", 7]])
    records = csv_records(job.topic, 4, 8_000, columns, delimiter=";", quotechar="'", lineterminator="\n")
    env.kit.produce(records)
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["dead_letters"]["found"] > 100 and summary["results"]["found"] > 0, summary


# ---- Lists

LIST_SCHEMA = [("event_id", "string", None), ("user_id", "string", None), ("ts", "timestamp(ms)", None),
               ("tags", "list<string>", None), ("marks", "list<int>?", "more.marks"), ("seen", "list<timestamp(iso)>?", None)]
OF_LISTS = [{"name": "n", "kind": "count"}, {"name": "marked", "kind": "count", "field": "marks"},
            {"name": "opened", "kind": "first", "field": "tags"}, {"name": "closed", "kind": "last", "field": "marks"},
            {"name": "newest", "kind": "arg_max", "field": "seen", "by": "ts"}]


def list_records(topic, partitions, count):
    dice = random.Random(count)
    base = 1767225600000
    for i in range(count):
        value = {"event_id": f"e{i}", "user_id": f"u{i % 7}", "ts": base + i * 40,
                 "tags": dice.sample(["a", "b", 'the "c"', "M\u00e4rta", ""], dice.randrange(4)),
                 "more": {"marks": dice.choice([None, [], [1, -2, 3], [9007199254740993]])},
                 "seen": dice.choice([None, [], ["2026-01-01T00:00:00.5Z", "2026-01-01T01:00:00+01:00"]])}
        if dice.random() < 0.05:
            value[dice.choice(["tags", "seen"])] = dice.choice([["a", 1], "a", [None], {}, [["a"]]])
        yield {"topic": topic, "partition": i % partitions, "timestamp": base + i * 40, "value": json.dumps(value, indent=i % 3 or None)}


def test_lists(env):
    job = env.job(schema=LIST_SCHEMA, filter=[["tags", "exists", "a"]])
    env.kit.produce(list_records(job.topic, 4, 6_000))
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["dead_letters"]["found"] > 100 and summary["results"]["found"] > 1_000, summary


def test_lists_in_windows(env):
    job = env.job(schema=LIST_SCHEMA, filter=[["marks", "exists", 3]], window=TUMBLING, aggregates=OF_LISTS)
    env.kit.produce(list_records(job.topic, 4, 6_000))
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["dead_letters"]["found"] > 1_000 and summary["results"]["found"] > 10, summary


# ---- Several sources

def order_records(topic, partitions, count, seed):
    """The columns of CSV_SCHEMA as JSON: the amount lies deeper, and times are text."""
    dice = random.Random(seed)
    base = 1767225600000
    for i in range(count):
        at = base + i * 40 - dice.randrange(4000)
        value = {"event_id": f"o{i}", "user_id": dice.choice(["u1", "u2", "a;b,c"]), "ts": f"{at / 1000:.3f}",
                 "order": {"amount": dice.choice([None, 2.5, -1, 1e-7])}, "quantity": dice.choice([None, 3]),
                 "note": dice.choice(["n", "NULL"]), "big": dice.choice([None, True])}
        value["ts"] = f"2026-01-01T00:{at // 60000 % 60:02d}:{at // 1000 % 60:02d}.{at % 1000:03d}Z" if dice.random() < 0.99 else at
        yield {"topic": topic, "partition": i % partitions, "value": json.dumps(value), "timestamp": base + i * 40, "key": f"o{i % 5}"}


def union_job(env, **options):
    """JSON orders in one topic and lines of CSV in another, with fewer partitions and more disorder."""
    name = options.pop("name", None) or env.name
    orders = [("event_id", "string", None), ("user_id", "string", None), ("amount", "double?", "order.amount"),
              ("quantity", "int?", None), ("ts", "timestamp(iso)", None), ("note", "string?", None), ("big", "bool?", None)]
    lines = list(reversed(CSV_SCHEMA))
    env.kit.create_topic(f"{name}.lines", 2)
    more = [Source("lines", f"{name}.lines", lines, {"delimiter": ";"}, max_delay="1s")]
    job = env.job(name=name, schema=orders, max_delay="3s", more=more, aggregates=SUMS, **options)
    columns = [field for field, *_ in lines]

    def produce(seed):
        env.kit.produce(order_records(job.topic, 4, 6_000, seed))
        env.kit.produce(csv_records(f"{name}.lines", 2, 6_000 + seed, columns, delimiter=";"))
    return job, produce


def test_union(env):
    job, produce = union_job(env, window=TUMBLING)
    produce(1)
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["results"]["found"] > 10 and summary["late"]["found"] > 0 and summary["dead_letters"]["found"] > 50, summary


def test_union_through_a_kill(env):
    job, produce = union_job(env, window=SLIDING, properties={"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000})
    produce(2)
    process = env.run(job).wait_ready().wait_caught_up(env.kit)
    read = {source: process.total("tidemark_records_read_total", pipeline=job.name, step=source) for source in ("events", "lines")}
    assert read == {"events": 6_000, "lines": 6_002}, read
    process.kill()
    produce(3)
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["results"]["found"] > 10, summary


def test_union_of_names_and_a_pattern(env):
    """The pattern matches the named topic, too, and takes what is left: one topic from the start, another found later."""
    job, produce = union_job(env, window=TUMBLING, pattern=f"^{env.name}[.](in|lines|more)",
                             properties={"topic.metadata.refresh.interval.ms": 500})
    produce(4)
    with env.run(job).wait_ready().wait_caught_up(env.kit) as process:
        read = {source: process.total("tidemark_records_read_total", pipeline=job.name, step=source) for source in ("events", "lines")}
        assert read == {"events": 6_000, "lines": 6_004}, read
        job.found = [env.kit.create_topic(f"{env.name}.more", 2)]
        event = {"event_id": "m", "user_id": "found later", "ts": "2026-01-01T00:04:00Z", "note": "n", "big": None}
        record = {"topic": job.found[0], "key": None, "timestamp": 1767225600000 + 6_000 * 40, "value": json.dumps(event)}
        env.kit.produce([{**record, "partition": partition} for partition in range(2)])
        wait_for(lambda: process.total("tidemark_records_read_total", pipeline=job.name, topic=job.found[0]) == 2, "all of it is read")
        process.stop()
    env.run(job, until_end=True).wait(0)
    summary = env.kit.verify(job)
    assert summary["results"]["found"] > 10 and summary["dead_letters"]["found"] > 50, summary
