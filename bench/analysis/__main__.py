"""Runs all parts on one set of data, prints the ratios and the targets, and writes every value to bench/results."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from bench import report
from bench.analysis.memory import of_api, of_worker, serving
from bench.question import Verdict
from lib.settings import Settings
from tests.servers import Server
from tests.waiting import until
from tests.workers import ROOT, Worker, environment

MIB = 2**20
# Threads of everybody's libraries; ours and DuckDB's are set where they are used.
_THREADS = {"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
FASTER, START, API, WORKER = 5.0, 10.0, 250, 300  # the design's targets: ratios, and MiB
# Why a target may be missed.
_REASONS = {
    "incident_count_by_date": "finding and unwrapping a column of a pandas frame takes longer than comparing its codes",
    "average_response_time": "all three read one column of numbers once, as fast as memory is",
    "unique_issues": "each reads the code of every row once",
    "incidents_by_road": "the peers, too, look for the text in the distinct addresses, and then at the code of every row",
    "fetched": "it carries the whole version from Redis, checks its sum and syncs it to the disk",
}


def main() -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.analysis", description=__doc__)
    parser.add_argument("--rows", type=int, default=432_500, help="rows of the data (432500, as the portal's export has)")
    parser.add_argument("--calls", type=int, default=40, help="calls of each operation by each contestant (40; at least 2)")
    parser.add_argument("--starts", type=int, default=5, help="starts of each kind (5)")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="folder of the JSON file")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trafficjobs-bench-") as name, Server(Path(name) / "redis") as server:
        folder = Path(name)
        settings = Settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            log_level="error",
            data_cache=folder / "cache",
            data_file=folder / "x.csv",
        )
        _load(settings, folder, options.rows)
        env = environment(settings) | _THREADS | {"PYTHONPATH": str(ROOT)}
        found: dict[str, Any] = _part(env, "operations", options.calls)
        found["start"] = _starts(env, folder, options.starts)
        found["memory"] = {"api": of_api(settings, folder), "worker": of_worker(settings, folder)}
    verdicts = list(judge(found))
    print("\n".join([*lines(found), "", "targets", *map(_line, verdicts)]))
    path = report.write(_document(found, verdicts), options.results)
    print(f"\n{time.monotonic() - began:.0f} s; every value is in {path}")
    return 0


def _load(settings: Settings, folder: Path, rows: int) -> None:
    """Make the export and load it as anybody would; worker and API end before anything is measured."""
    path = settings.data_file
    command = [sys.executable, "tools/make_sample.py", "--rows", str(rows), "--out", str(path)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with serving(settings, folder, data_cache=folder / "loading") as (_, url), Worker(settings, data_cache=folder / "loading"):
        job = httpx.post(f"{url}/data", timeout=60).raise_for_status().json()["id"]
        until(lambda: httpx.get(f"{url}/jobs/{job}").json()["status"] not in ("submitted", "in-progress"), 120, "the data")
        record = httpx.get(f"{url}/jobs/{job}").json()
    if record["status"] != "complete":
        raise RuntimeError(f"the data could not be loaded: {record['error']}")


def _part(env: Mapping[str, str], module: str, *arguments: object) -> Any:
    command = [sys.executable, "-m", f"bench.analysis.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=dict(env), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr[-2_000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _starts(env: Mapping[str, str], folder: Path, times: int) -> dict[str, list[float]]:
    """Seconds of each start, in turns."""
    found: dict[str, list[float]] = {"fetched": [], "mapped": [], "pandas": []}
    for turn in range(times):
        for kind, seconds in found.items():
            own = {"DATA_CACHE": str(folder / f"start-{turn}")}
            seconds.append(_part(dict(env) | own, "start", kind, folder / "x.csv")["seconds"])
    return found


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The tables, as text."""
    yield f"\noperations on {found['rows']:,} rows (milliseconds, median; two threads each; new parameters in every call)"
    yield f"  {'':26}{'trafficjobs':>14}{'polars':>12}{'duckdb':>12}{'x faster peer':>16}  their fastest forms"
    for name, by in found["operations"].items():
        ours, polars, duckdb = (_median(by[each]) for each in ("trafficjobs", "polars", "duckdb"))
        forms = f"{by['polars']['form']}; {by['duckdb']['form']}"
        yield f"  {name:26}{ours:>14.3f}{polars:>12.3f}{duckdb:>12.3f}{min(polars, duckdb) / ours:>16.1f}  {forms}"
    yield "\nfrom the imports to the data (seconds, median)"
    for kind, what in (
        ("fetched", "worker, the pod's first process: from Redis"),
        ("mapped", "worker, every other process"),
        ("pandas", "pandas.read_csv and to_datetime"),
    ):
        yield f"  {what:46}{statistics.median(found['start'][kind]):.3f}"
    yield "\nmemory with the data mapped (PSS, MiB)"
    yield f"  {'API, two processes':46}{found['memory']['api'] / MIB:.0f}"
    yield f"  {'worker, two children':46}{found['memory']['worker'] / MIB:.0f}"


def judge(found: Mapping[str, Any]) -> Iterator[Verdict]:
    """What is reached of the design's targets."""
    for name, by in found["operations"].items():
        ours = _median(by["trafficjobs"])
        ratio = min(_median(by["polars"]), _median(by["duckdb"])) / ours
        yield _ratio(name, f"{name}: {FASTER:g} times the faster peer", ratio, FASTER)
    start = {kind: statistics.median(seconds) for kind, seconds in found["start"].items()}
    for kind, what in (("fetched", "data ready from Redis"), ("mapped", "data ready from the pod's file")):
        yield _ratio(kind, f"{what}: {START:g} times read_csv and to_datetime", start["pandas"] / start[kind], START)
    for name, limit in (("api", API), ("worker", WORKER)):
        used = found["memory"][name] / MIB
        yield Verdict(f"memory of {name}: at most {limit} MiB", f"{used:.0f} MiB", used <= limit)


def _ratio(name: str, target: str, ratio: float, wanted: float) -> Verdict:
    reason = f"; {_REASONS[name]}" if ratio < wanted and name in _REASONS else ""
    return Verdict(target, f"{ratio:.1f} times{reason}", ratio >= wanted)


def _median(row: Mapping[str, Any]) -> float:
    return statistics.median(row["milliseconds"])


def _line(verdict: Verdict) -> str:
    return f"  {'reached' if verdict.reached else 'SHORT':10}{verdict.target:68}{verdict.measured}"


def _document(found: Mapping[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
    packages = {name: version(name) for name in ("pandas", "pyarrow", "polars", "duckdb")}
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "versions": packages, "load": os.getloadavg()}
    return about | dict(found) | {"targets": [vars(verdict) for verdict in verdicts]}


if __name__ == "__main__":
    sys.exit(main())
