"""`python -m tests.chaos --jobs 20000 --kills 2000 --seed 1`: kill at random, check, and exit with 1 if a promise broke."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Experiment, Plan


def main() -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--server", help="path of a redis-server or valkey-server; the embedded one by default")
    parser.add_argument("--folder", type=Path, help="for logs, ledger and data; a temporary one by default")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="trafficjobs-chaos-"))
    wanted = Plan(given.seed, given.jobs, given.kills, given.lease, given.workers)
    print(f"seed {given.seed}: {given.jobs} jobs, {given.kills} faults, lease {given.lease:g} s", flush=True)
    report = Experiment(wanted, folder, given.server).run()
    print(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
