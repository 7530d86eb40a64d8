"""Turns sections into docs/benchmarks.md with its charts, and into a JSON that a later run can add to and compare
with. What was not measured this time stays as it was. Knows nothing of how anything was measured.
"""

import datetime
import json
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys

import svg
from gates import Section
from measuring import median
from place import ROOT

ORDER = ["W1", "W2a", "W2b", "W2c", "W2d", "W3", "W6", "W7", "W8", "W9", "W10", "W11", "W12", "idle"]

HEAD = """# Benchmarks

Written by `tests/bench/bench.py`; run it again to get your own numbers. Real Apache Kafka, JSON events of about 195
bytes, lz4, keyed, 600,000 events to a minute of event time. The broker is pinned to one core, the measured process with
all its threads, its collector included, to another. The order of the contestants rotates from round to round, and a
warm-up round is thrown away. Numbers are medians, least to most in brackets. CPU time is the kernel's account of all
threads and children; a JVM's begins behind the first third of its events, when most of its code has been compiled, ours
and the ladder's with the process.

Every contestant's output was compared with an oracle before its rate counted: Tidemark's, Kafka Streams' and the
ladder's to the last bit of every double; Flink's and Jet's sums, whose order of addition depends on the run, to 1e-12.
Where rows are dropped, the same job wrote them to Kafka first. That a run of Tidemark holds at least ten completed
checkpoints is a gate of its own; peers checkpoint every 10 s.

The ladder: the bare client (librdkafka's callback consume); L4, the same with simdjson On-Demand of the fields that the
workload uses; L5, the same with one hash map from key to count and sum, no windows, nothing durable.
"""


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip().splitlines()[0] if (done.stdout + done.stderr).strip() else ""


def circumstances(args, kafka_version):
    """What has to be known to judge the numbers, or to get them again."""
    commit = first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    return {
        "date": datetime.date.today().isoformat(),
        "command": "tests/bench/bench.py " + shlex.join(sys.argv[1:]),
        "commit": commit,
        "cpu": cpu_model(),
        "linux": platform.release(),
        "kafka": kafka_version,
        "java": first_line(["java", "-version"]),
        "tidemark": first_line([args.tidemark, "version"]) if args.tidemark else "",
        "events": args.events,
        "runs": args.runs,
    }


# ---- JSON


def load(path):
    path = pathlib.Path(path)
    return json.loads(path.read_text()) if path.exists() else {}


def merge(path, sections, how):
    """The sections of the file with these in their place."""
    data = load(path)
    for section in sections:
        data[section.name] = {"circumstances": how, **section.to_json()}
    data = {name: data[name] for name in ORDER if name in data}
    pathlib.Path(path).write_text(json.dumps(data, indent=1) + "\n")
    return data


# ---- Markdown


def spread(values, scale=1.0, digits=2):
    values = [one * scale for one in values]
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"


COLUMNS = "contestant|million events per CPU-second|per wall second|CPU / wall|peak RSS, MB|checkpoints|runs".split("|")


def row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def table(section):
    lines = []
    for name, runs in section.runs.items():
        if not runs:
            continue
        checkpoints = [run.facts["checkpoints"] for run in runs if run.facts.get("checkpoints")]
        cells = [
            name,
            spread([run.per_cpu_second for run in runs], 1e-6),
            spread([run.per_wall_second for run in runs], 1e-6),
            spread([run.cpu_s / run.wall_s for run in runs]),
            spread([run.peak_bytes for run in runs], 1e-6, 0),
            min(checkpoints, default=""),
            len(runs),
        ]
        lines.append(row(cells))
    return [row(COLUMNS), "|---" * len(COLUMNS) + "|", *lines] if lines else []


def gate_rows(section):
    for gate in section.gates:
        bound = f"{'>=' if gate.at_least else '<='} {gate.bound:g} {gate.unit}"
        yield row([section.name, gate.text, bound, f"{gate.measured:.3g}", "pass" if gate.passed else "**fail**"])


def chart(section, folder):
    values = []
    for name, runs in section.runs.items():
        if runs and "produce" not in name:
            rates = [run.per_cpu_second / 1e6 for run in runs]
            values.append(
                (
                    name,
                    median(runs, lambda run: run.per_cpu_second) / 1e6,
                    min(rates),
                    max(rates),
                    name.startswith("Tidemark"),
                )
            )
    if len(values) < 2:
        return None
    folder.mkdir(exist_ok=True)
    (folder / f"{section.name}.svg").write_text(
        svg.bars(f"{section.name}: {section.title}", "million events per CPU-second", values)
    )
    return f"![{section.name}: million events per CPU-second]({folder.name}/{section.name}.svg)"


def section_text(section, how, folder):
    lines = [f"\n## {section.name}: {section.title}\n"]
    drawn = chart(section, folder)
    lines += [drawn, ""] if drawn else []
    lines += table(section) + [""]
    lines += [
        f"- {name}: {value:,}" if isinstance(value, int) else f"- {name}: {value}"
        for name, value in section.facts.items()
    ]
    lines += ["", f"{how['date']}, commit {how['commit']}: `{how['command']}`"]
    return "\n".join(lines)


def machine_text(data):
    seen = []
    for one in data.values():
        how = one["circumstances"]
        text = f"{how['cpu']}, Linux {how['linux']}, Kafka {how['kafka']}, {how['java']}; {how['tidemark']}."
        if text not in seen:
            seen.append(text)
    return "\n".join(seen)


def write(path, data):
    path = pathlib.Path(path)
    sections = [
        Section.from_json(name, {k: v for k, v in one.items() if k != "circumstances"}) for name, one in data.items()
    ]
    lines = [
        HEAD,
        machine_text(data),
        "\n## Gates\n",
        "| workload | what | gate | measured | |",
        "|---|---|---|---|---|",
    ]
    for section in sections:
        lines += gate_rows(section)
    for section in sections:
        lines.append(section_text(section, data[section.name]["circumstances"], path.parent / path.stem))
    path.write_text("\n".join(lines) + "\n")


# ---- For the terminal


def show(section):
    print(f"\n{section.name}: {section.title}")
    for line in table(section):
        print("  " + line)
    for name, value in section.facts.items():
        print(f"  {name}: {value}")
    for gate in section.gates:
        print(f"  {section.name} {gate.line()}")
    sys.stdout.flush()


def compare(old, sections):
    """Each contestant's rate against an earlier file's; a change counts where the two spreads do not overlap."""
    print("\n| workload | contestant | then | now | now / then | |\n|---|---|---|---|---|---|")
    for section in sections:
        earlier = old.get(section.name, {})
        if earlier.get("title") != section.title:
            print(f"| {section.name} | not comparable: then `{earlier.get('title', 'not measured')}` | | | | |")
            continue
        before = earlier["runs"]
        for name, runs in section.runs.items():
            if not runs or not before.get(name):
                continue
            then = [run["events"] / run["cpu_s"] for run in before[name]]
            now = [run.per_cpu_second for run in runs]
            ratio = median(runs, lambda run: run.per_cpu_second) / statistics.median(then)
            verdict = "faster" if min(now) > max(then) else "SLOWER" if max(now) < min(then) else ""
            print(f"| {section.name} | {name} | {spread(then, 1e-6)} | {spread(now, 1e-6)} | {ratio:.2f} | {verdict} |")
