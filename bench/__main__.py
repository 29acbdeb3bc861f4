"""`python -m bench`: measures our queue beside its peers in one run and prints what of the design's targets is reached."""

import argparse
import sys
import time
from pathlib import Path

from bench import report
from bench.contestants import load_contestants
from bench.questions import load_questions
from bench.runner import run

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs of one measurement, about (3000)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each contestant (3)")
    parser.add_argument("--seconds", type=float, default=175, help="begin no repeat that would end later (175; 0: any time)")
    parser.add_argument("--only", default="", help="contestants whose name holds one of these words, comma-separated")
    parser.add_argument("--questions", default="", help="questions whose title holds one of these words, comma-separated")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files (bench/results)")
    options = parser.parse_args()
    contestants = [each for each in load_contestants() if _wanted(each.name, options.only)]
    questions = [each for each in load_questions() if _wanted(each.title, options.questions)]
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)

    everything = run(questions, contestants, options.jobs, options.repeats, options.seconds, say)
    print("\n".join(report.lines(everything)))
    path = report.write(report.document(everything, contestants, options.jobs), options.results)
    print(f"\n{time.monotonic() - began:.0f} s; every value is in {path}")
    return 0


def _wanted(name: str, words: str) -> bool:
    return not words or any(word.strip() in name for word in words.split(","))


if __name__ == "__main__":
    sys.exit(main())
