"""`python -m tests.load --minutes 5`: a soak. Prints what grew, and exits with 1 if something grew too much or went wrong."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.load.picture import draw
from tests.load.soak import run

_WARM = 90.0  # seconds at most that are not looked at; of a short soak a third


def main() -> int:
    """Soak once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of load (5)")
    parser.add_argument("--rate", type=float, default=60.0, help="jobs a second, at most (60)")
    parser.add_argument("--picture", type=Path, help="where to draw what was seen, such as soak.png")
    given = parser.parse_args()
    seconds = 60 * given.minutes
    folder = Path(tempfile.mkdtemp(prefix="trafficjobs-soak-"))
    print(f"{given.minutes:g} minutes of {given.rate:g} jobs a second; logs in {folder}", flush=True)
    report = run(folder, seconds, min(_WARM, seconds / 3), given.rate)
    print("\n".join(report.lines()))
    if given.picture:
        draw(report, given.picture)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
