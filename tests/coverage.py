#!/usr/bin/env python3
"""Says how many lines of operators/ the tests have run, folder by folder, from what a build with gcc's counters has left
behind. Builds and runs nothing: that is `scripts/test --only coverage`, or suites.py where gcovr is installed.

    coverage.py BUILD [--at-least 90] [--missed]

A line counts once, whatever number of programs or template instances run it. Exit 1: too few were run."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OF = "operators"


def read(build):
    """gcovr's account of the files of operators/."""
    with tempfile.TemporaryDirectory(prefix="tidemark-coverage.") as work:
        out = pathlib.Path(work) / "coverage.json"
        command = ["gcovr", "--root", ROOT, "--filter", f"{ROOT / OF}/", "-j", len(os.sched_getaffinity(0)),
                   "--json", out, build]
        try:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        except OSError as error:
            sys.exit(f"gcovr does not run: {error}")
        if done.returncode != 0:
            sys.exit(f"gcovr: exit {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(out.read_text())["files"]


def by_folder(files):
    """{folder: [lines, of them run]}"""
    counts = collections.defaultdict(lambda: [0, 0])
    for one in files:
        lines = [line for line in one["lines"] if not line.get("gcovr/noncode")]
        count = counts[str(pathlib.Path(one["file"]).parent)]
        count[0] += len(lines)
        count[1] += sum(line["count"] > 0 for line in lines)
    return dict(sorted(counts.items()))


def missed(files):
    """FILE: 3-5, 9 for each file with lines that nothing ran."""
    for one in sorted(files, key=lambda one: one["file"]):
        numbers = sorted(line["line_number"] for line in one["lines"] if line["count"] == 0 and not line.get("gcovr/noncode"))
        spans = []
        for number in numbers:
            if spans and number == spans[-1][1] + 1:
                spans[-1][1] = number
            else:
                spans.append([number, number])
        if spans:
            yield f"{one['file']}: " + ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in spans)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--at-least", type=float, default=90, help="percent")
    parser.add_argument("--missed", action="store_true", help="also name the lines that nothing ran")
    args = parser.parse_args()
    files = read(args.build)
    counts = by_folder(files)
    lines, run = (sum(one[i] for one in counts.values()) for i in (0, 1))
    if lines == 0:
        sys.exit(f"{args.build} holds no counts of {OF}/")
    if args.missed:
        print("\n".join(missed(files)))
    for name, (all_of, some) in {**counts, "all": (lines, run)}.items():
        print(f"{name:24} {some:6,} of {all_of:6,} lines  {100 * some / all_of:5.1f} %")
    enough = 100 * run >= args.at_least * lines
    if not enough:
        print(f"fewer than {args.at_least:g} % of the lines were run")
    print("1 passed, 0 failed" if enough else "0 passed, 1 failed")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
