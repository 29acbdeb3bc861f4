"""The benchmark with a handful of jobs: every contestant really runs every job, and the report holds numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workers import ROOT


def bench(results: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """A tiny run; what it wrote, and what it printed."""
    command = [sys.executable, "-m", "bench", "--jobs", "20", "--repeats", "1", "--results", str(results), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    (file,) = results.glob("*-queues.json")
    report = json.loads(file.read_text())
    assert [answer["left_out"] for answer in report["answers"]] == [{}] * len(report["answers"])
    return report, ended.stdout


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Table -> label -> figures, all of which are more than nothing but memory, which is noise where jobs are so few."""
    found = {table["title"]: table["rows"] for answer in report["answers"] for table in answer["tables"]}
    for title, figures in found.items():
        if "memory" not in title:
            assert all(value > 0 for row in figures.values() for repeat in row["repeats"] for value in repeat), title
    return found


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_tiny_run_measures_ours_beside_a_peer_in_an_environment_of_its_own_and_writes_numbers(tmp_path: Path) -> None:
    report, printed = bench(tmp_path, "--only", "trafficjobs,huey", "--questions", "drain,submit,latency", "--delay", "0")

    found = rows(report)
    # A contestant whose jobs did not all end, or with results of other jobs, is left out with the reason.
    for title, figures in found.items():
        names = {label.partition(" [")[0].partition(" (")[0] for label in figures}
        assert names == {"trafficjobs", "huey"}, title
    assert {"trafficjobs (high)", "trafficjobs (second queue)"} <= set(next(f for t, f in found.items() if "latency" in t))
    assert report["peers"]["huey"].keys() == {"huey", "redis"}
    told = {target["target"].partition(" ")[0].strip(",:") for target in report["targets"]}
    assert {"drain", "submit", "latency", "Redis"} <= told
    assert all(target["target"] in printed for target in report["targets"])


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_tiny_run_submits_over_http_to_ours_and_to_flask_with_rq_and_drains_with_many_workers(tmp_path: Path) -> None:
    report, _ = bench(tmp_path, "--only", "trafficjobs,rq", "--questions", "http,scale,rates,upkeep")

    rate, wait, load, drained, used, *paced, upkeep = rows(report).values()
    assert set(rate) == {"trafficjobs", "Flask + RQ"}
    assert set(wait) == {"trafficjobs"}
    assert set(load) == {"an empty answer"}
    assert set(drained) == set(used) == {"1 worker", *(f"{2**n} workers" for n in range(1, 7))}
    assert [set(table) for table in paced] == 3 * [{f"{n:,} a second" for n in (10, 30, 100, 300, 1_000, 3_000, 10_000)}]
    assert set(upkeep) == {"empty queue", "jobs that are not due"}
    assert len(report["targets"]) == 3


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_tiny_run_compares_the_answers_of_the_analysis_and_writes_numbers(tmp_path: Path) -> None:
    for peer in ("duckdb", "polars"):
        pytest.importorskip(peer, reason="the group `bench` is not installed")
    command = [sys.executable, "-m", "bench.analysis", "--rows", "3000", "--calls", "3", "--starts", "1", "--results"]
    ended = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr[-2000:]
    (file,) = tmp_path.glob("*-analysis.json")
    report = json.loads(file.read_text())
    course = {"incident_count_by_date", "top_locations", "average_response_time", "unique_issues", "incidents_by_road"}
    assert set(report["operations"]) == course
    for by in report["operations"].values():  # answers that differ end the run with an error
        assert {name: len(row["milliseconds"]) for name, row in by.items()} == {"trafficjobs": 3, "polars": 3, "duckdb": 3}
    assert all(len(seconds) == 1 and seconds[0] > 0 for seconds in report["start"].values())
    assert all(used > 2**20 for used in report["memory"].values())
    assert len(report["targets"]) == len(course) + 4
    for target in report["targets"]:
        assert target["target"] in ended.stdout
        assert target["measured"] in ended.stdout


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(300)
def test_the_same_kills_cost_hotqueue_jobs_and_us_none() -> None:
    pytest.importorskip("rq", reason="the group `bench` is not installed")
    command = [sys.executable, "-m", "bench.losses", "--jobs", "40", "--kills", "4", "--only", "trafficjobs,hotqueue"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr[-2000:]
    rows = [
        line.strip("| ").split(" | ") for line in ended.stdout.splitlines() if line.startswith(("| trafficjobs", "| hotqueue"))
    ]
    accepted, finished, lost, failed, twice = (int(cell) for cell in rows[0][1:6])
    assert (accepted, finished, lost, failed, twice) == (40, 40, 0, 0, 0)
    assert int(rows[1][3]) > 0


@pytest.mark.slow
@pytest.mark.once
def test_what_is_done_while_many_jobs_wait_takes_no_more_commands_than_while_few_do() -> None:
    from bench.waiting import compare, grid, judge

    few, many = compare(200, 2_000, 2)
    assert all(many.commands[name] <= count for name, count in few.commands.items()), (few.commands, many.commands)
    assert {"submit", "claim", "cancel", "record, position", "page of jobs", "/metrics"} <= few.commands.keys()
    assert 0 < many.bytes_each < 1_536
    assert len(grid(few, many, 200, 2_000).rows) == len(few.times)
    assert len(list(judge(few, many))) == 3


@pytest.mark.slow
@pytest.mark.once
def test_a_bare_script_leaves_what_ours_leaves() -> None:
    from bench.costs import prepared, run

    with prepared(1) as bench:
        records: Any = bench.jobs.store.records

        def left(*ids: str) -> dict[str, object]:
            """Keys of both databases: a record's fields, or a number of members. Counters vary with the time that passes."""
            found: dict[str, object] = {}
            for client in (records, bench.client):
                for key in client.scan_iter():
                    kind, name = client.type(key), key.decode()
                    for number, jid in enumerate(ids):
                        name = name.replace(jid, f"<{number}>")
                    size = {b"hash": client.hkeys, b"list": client.llen, b"zset": client.zcard, b"stream": client.xlen}
                    found[name] = size[kind](key) if kind in size and name != "metrics" else kind
            client.flushall()
            return found

        (jid,) = (bench.jobs.submit(bench.submission(), queue="parked").id,)
        ours = left(jid)
        bench.client.fcall("bare_submit", 0, "another")
        assert left("another") == ours
        assert bench.commands["submit"] > 10

        jids = bench.submit(2)
        bench.turn(bench.claim())
        ours = left(*jids)
        jids = bench.submit(2)
        bench.claim()
        bench.client.fcall("bare_turn", 0, *jids)
        assert left(*jids) == ours

    names = [row[0] for row in run(20, 1).rows]
    assert names == ["PING", "RPUSH of a job's text", "submit", "submit, bare", "submit_many, a job", "turn", "turn, bare"]


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of another process")
def test_a_short_look_says_whose_code_runs_and_what_redis_ran(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.profiles", "--seconds", "2", "--results", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2_000:]
    (file,) = tmp_path.glob("*-profiles.json")
    tables = {grid["title"]: {row[0]: row[1:] for row in grid["rows"]} for grid in json.loads(file.read_text())["grids"]}
    assert len(tables) == 8
    of_api, of_child = (next(rows for title, rows in tables.items() if name in title) for name in ("API under", "child that"))
    assert {"werkzeug", "gunicorn"} <= of_api.keys()
    assert "services/worker/child.py" in of_child
    assert all("fcall" in rows for title, rows in tables.items() if "what Redis runs" in title)
