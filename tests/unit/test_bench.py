"""The benchmark with a handful of jobs: every contestant really runs every job, and the report holds numbers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_tiny_run_measures_every_contestant_and_writes_numbers(tmp_path: Path) -> None:
    for peer in ("rq", "taskiq", "taskiq_redis"):
        pytest.importorskip(peer, reason="the group `bench` is not installed")
    from bench.contestants import load_contestants

    command = [sys.executable, "-m", "bench", "--jobs", "20", "--repeats", "1", "--results", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr[-2000:]
    (file,) = tmp_path.glob("*.json")
    report = json.loads(file.read_text())
    names = {contestant.name for contestant in load_contestants()}
    assert {"trafficjobs", "hotqueue + hash", "rq", "rq, SimpleWorker", "taskiq, list", "taskiq, stream"} <= names
    for answer in report["answers"]:
        # A contestant whose jobs did not all end, or with results of other jobs, ends the run with an error.
        wanted = {"empty queue", "jobs that are not due"} if "upkeep" in answer["question"] else names
        assert wanted <= set(answer["rows"])
        assert all(value > 0 for row in answer["rows"].values() for repeat in row["repeats"] for value in repeat)
    assert {"drain", "submit", "latency"} <= {target["target"].partition(" ")[0].strip(",:") for target in report["targets"]}
    assert "trafficjobs" in ended.stdout


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_tiny_run_compares_the_answers_of_the_analysis_and_writes_numbers(tmp_path: Path) -> None:
    for peer in ("duckdb", "polars"):
        pytest.importorskip(peer, reason="the group `bench` is not installed")
    command = [sys.executable, "-m", "bench.analysis", "--rows", "3000", "--calls", "3", "--starts", "1", "--results"]
    ended = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr[-2000:]
    (file,) = tmp_path.glob("*.json")
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


@pytest.mark.slow
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
    from bench.waiting import compare, lines

    few, many = compare(200, 4_000, 3)
    assert all(many.commands[name] <= count for name, count in few.commands.items()), (few.commands, many.commands)
    assert {"submit", "claim", "cancel", "record, position", "page of jobs", "/metrics"} <= few.commands.keys()
    assert 0 < many.bytes_each < 1_536
    assert "targets" in "\n".join(lines(few, many, 200, 4_000))
