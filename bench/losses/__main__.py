"""`python -m bench.losses`: the same jobs and the same kills for us, HotQueue and RQ, and a table of what each lost."""

import argparse
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from bench import report
from bench.losses.body import SECONDS
from bench.losses.contenders import CONTENDERS
from bench.losses.experiment import KINDS, WORKERS, Experiment, Losses, Plan, spread


def main() -> int:
    """Run all, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.losses", description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="contenders whose name begins with one of these words, comma-separated")
    options = parser.parse_args()
    plan = Plan(options.jobs, options.kills, options.seed)
    kinds = [kind for kind in CONTENDERS if report.begins(kind.name, options.only)]
    folder, lock = Path(tempfile.mkdtemp(prefix="trafficjobs-losses-")), threading.Lock()
    print(f"logs in {folder}", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(len(CONTENDERS)) as pool:
        runs = [pool.submit(Experiment(kind, plan, folder / str(n), lock).run) for n, kind in enumerate(kinds)]
        found = [run.result() for run in runs]
    print("\n".join(grid(found, plan).markdown()))
    return 0


def grid(found: list[Losses], plan: Plan) -> report.Grid:
    """What came of it."""
    title = f"{plan.jobs} jobs of {SECONDS:g} s, {WORKERS} workers, {plan.kills} kills of a running job (seed {plan.seed})"
    counted = ["accepted", "ended", "lost", "failed for no fault of theirs", "ended twice"]
    rows, notes = [], []
    for each in found:
        name = each.contender.name + (f" {version(each.contender.package)}" if each.contender.package else "")
        times = [f"{len(each.again.get(k, []))} of {each.kills[k]}: {spread(each.again.get(k, []))}" for k in KINDS]
        numbers = (each.accepted, each.ended, each.lost, each.failed, each.ended_twice)
        rows.append([name, *map(str, numbers), *times])
        waited = f"waited {each.waited:.0f} s of at most {each.contender.patience:.0f} s"
        notes.append(f"{each.contender.name} recovers: {each.contender.recovers}; {waited}.")
    return report.Grid(title, ["", *counted, *(f"again, {kind} killed" for kind in KINDS)], rows, notes)


if __name__ == "__main__":
    sys.exit(main())
