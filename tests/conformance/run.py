#!/usr/bin/env python3
"""Runs CEL's own test cases and writes the pass rates into docs/cel.md.

    tests/conformance/run.py [--checkout PATH] [--tool build/tests/test_cel]

Without a checkout of github.com/google/cel-spec it takes the cases of tests/conformance/cases.jsonl as they are; with
one it converts them anew first. Exit code 1 when a case fails.
"""
import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", help="a work tree or a bare clone of google/cel-spec")
    parser.add_argument("--tool", default=str(HERE.parents[1] / "build/tests/test_cel"))
    args = parser.parse_args()
    if args.checkout:
        converted = subprocess.run([sys.executable, str(HERE / "convert.py"), args.checkout], capture_output=True,
                                   text=True, check=True).stdout
        (HERE / "cases.jsonl").write_text(converted)
    subprocess.run([args.tool, "[.write]"], check=True)
    sys.exit(subprocess.run([args.tool]).returncode)


if __name__ == "__main__":
    main()
