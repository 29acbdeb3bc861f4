"""`python -m tests.chaos --jobs 20000 --kills 2000 --seed 1`: kill at random, check, and exit with 1 if a promise broke.

It prints the faults that the seed plans, by the part of the jobs that have ended, and at its end figures for
docs/reliability.md. The same arguments strike the same faults at the same part of the same load.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.nemesis import WEIGHTS
from tests.chaos.run import Experiment, Plan

_PRINTED = 100  # faults; a longer plan stands in a file alone


def main() -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without", type=_kinds, default=frozenset(), help="kinds of faults that do not come, comma-separated")
    parser.add_argument("--surely", type=_kinds, default=frozenset(), help="kinds that come at least once, comma-separated")
    parser.add_argument("--server", help="path of a redis-server or valkey-server; the embedded one by default")
    parser.add_argument("--folder", type=Path, help="for logs, ledger, plan and data; a temporary one by default")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="trafficjobs-chaos-"))
    wanted = Plan(given.seed, given.jobs, given.kills, given.lease, given.workers, without=given.without, surely=given.surely)
    print(f"{wanted.command()}\nlogs in {folder}", flush=True)
    faults = [str(planned) for planned in wanted.faults()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan").write_text("\n".join(faults) + "\n")
    print("\n".join(faults) if len(faults) <= _PRINTED else f"{len(faults)} faults, in {folder / 'plan'}", flush=True)
    report = Experiment(wanted, folder, given.server).run()
    print(f"{report}\n\n{report.block()}")
    return 1 if report.violations else 0


def _kinds(words: str) -> frozenset[str]:
    kinds = frozenset(words.split(","))
    if kinds - set(WEIGHTS):
        raise argparse.ArgumentTypeError(f"{sorted(kinds - set(WEIGHTS))}: no such kind; there are {', '.join(WEIGHTS)}")
    return kinds


if __name__ == "__main__":
    sys.exit(main())
