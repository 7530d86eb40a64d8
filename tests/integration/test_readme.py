"""The README's walk, as it stands there: the records that it shows, the command, and the rows and headers that come out."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOPICS = {"shop.events": 2, "features.purchases": 3, "shop.events.late": 1, "shop.events.dead": 1}


def blocks(text):
    return re.findall(r"```[a-z]*\n(.*?)```", text, re.S)


def told(block):
    """{topic: (value, {header: value})} of the README's list of what was set aside."""
    out = {}
    for part in filter(None, re.split(r"(?m)^(?=\S)", block.strip())):
        first, *rest = part.splitlines()
        topic, value = first.split(None, 1)
        out[topic] = (value, dict(re.findall(r"(tidemark\.\w+): (.*?)(?=   tidemark\.|$)", "\n".join(rest), re.M)))
    return out


def test_what_the_readme_shows_is_what_comes_out(env):
    all_blocks = blocks((ROOT / "README.md").read_text())
    (records,) = [b for b in all_blocks if b.startswith('{"event_id":"e1"')]
    (rows,) = [b for b in all_blocks if '"window_start"' in b]
    (aside,) = [b for b in all_blocks if "tidemark.reason" in b]
    (command,) = [b for b in all_blocks if "tidemark run examples/purchases.yaml" in b]
    env.own_broker()
    for topic, partitions in TOPICS.items():
        env.kit.create_topic(topic, partitions)
    lines = records.splitlines()
    assert len(lines) == 11, lines
    env.kit.produce([{"topic": "shop.events", "partition": 1 if '"bob"' in line else 0, "key": "bob" if '"bob"' in line else "ada",
                      "value": line} for line in lines])
    words = command.strip().replace("kafka:9092", env.broker.bootstrap).split()
    done = subprocess.run([str(env.tidemark), *words[1:], "--http", "off"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "XDG_STATE_HOME": str(env.directory)})
    assert done.returncode == 0, done.stderr
    found = sorted(one["value"] for one in env.kit.consume("features.purchases"))
    assert found == sorted(rows.splitlines()), found
    for topic, (value, headers) in told(aside).items():
        (one,) = env.kit.consume(topic)
        have = {h["name"]: h["value"] for h in one["headers"]}
        assert one["value"] == value, (one["value"], value)
        assert {name: have.get(name) for name in headers} == headers, (have, headers)
        assert len(headers) >= 4, headers
