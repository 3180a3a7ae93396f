"""What the topics of make bench share: options, folders."""
import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "build/bench"
PROGRAMS = pathlib.Path(os.environ.get("CAIRN_BUILD", ROOT / "build/release"))
SHARED = pathlib.Path(os.environ.get("CAIRN_SHARED_DIR", ROOT / "../shared"))


def options(names):
    """quick, rounds (or None), results, only: the names that are wanted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--results", type=pathlib.Path, default=BENCH / "results.json")
    parser.add_argument("--only", default=",".join(names))
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    unknown = set(chosen.only) - set(names)
    if unknown:
        sys.exit(f"bench: there is no {', '.join(sorted(unknown))}, but {', '.join(names)}")
    return chosen


def say(text):
    print(text, file=sys.stderr, flush=True)
