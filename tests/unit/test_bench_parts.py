"""The parts of the bench that run nothing, or little: what is asked of whom, what is left out, and what the tables say."""

import ast
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import redis

from bench import answers, report, tables
from bench.arena import arena
from bench.delay import delayed
from bench.entrants import ENTRANTS, Entrant
from bench.environments import NotInstalled
from bench.profiles import frame, shares
from bench.question import Answer, Question, Table, Verdict, against, at_least, at_most, fastest_peer
from bench.runner import run
from tests.listening import in_thread
from tests.servers import Server
from tests.workers import ROOT

OURS, FAST, SLOW = Entrant("ours", "", peer=False), Entrant("fast", ""), Entrant("slow", "")
RATE = Table("a rate", "jobs/s", note="Told below.")
pytestmark = pytest.mark.once


class Rate(Question):
    """Answers with what it was made with; an error is raised."""

    name, tables, most_repeats = "rate", (RATE,), 2

    def __init__(self, **known: float | Exception) -> None:
        self.known, self.asked = known, list[str]()

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        self.asked.append(entrant.name)
        value = self.known[entrant.name]
        if isinstance(value, Exception):
            raise value
        return {RATE: {entrant.name: [value * jobs]}}


def quiet(_: str) -> None:
    pass


def test_each_repeat_begins_with_another_contestant_and_there_are_no_more_than_the_question_wants() -> None:
    question = Rate(ours=3, fast=2, slow=1)
    (found,) = run([question], [OURS, FAST, SLOW], 10, 9, 0, quiet)
    assert question.asked == ["ours", "fast", "slow", "fast", "slow", "ours"]
    assert found.rows[RATE]["ours"].repeats == [[30], [30]]


def test_no_repeat_is_begun_for_which_there_is_no_time() -> None:
    question = Rate(ours=3)
    said: list[str] = []
    run([question], [OURS], 10, 2, 1e-9, said.append)
    assert question.asked == ["ours"]
    assert said[-1] == "no time for more than 1 of 2 repeats"


@pytest.mark.parametrize("error", [NotInstalled("no such wheel"), RuntimeError("slow: long story\nslow: no such wheel")])
def test_a_peer_that_cannot_be_measured_is_left_out_and_the_table_says_why(error: Exception) -> None:
    question = Rate(ours=3, slow=error)
    everything = run([question], [OURS, SLOW], 10, 2, 0, quiet)
    assert question.asked == ["ours", "slow", "ours"]
    (grid,) = answers.grids(everything)
    assert grid.notes == ["Told below.", "Failed, and was left out from then on: slow: no such wheel"]
    assert answers.values(everything)[0]["left_out"] == {"slow": "no such wheel"}


def test_what_goes_wrong_with_ours_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match="lost"):
        run([Rate(ours=RuntimeError("lost"))], [OURS], 10, 1, 0, quiet)


def test_rows_are_in_the_order_of_their_medians_beside_the_fastest_peer() -> None:
    everything = run([Rate(ours=3, fast=2, slow=1)], [SLOW, OURS, FAST], 10, 1, 0, quiet)
    (grid,) = answers.grids(everything)
    assert [(row[0], row[1], row[-1]) for row in grid.rows] == [
        ("**ours**", "30.00", "1.50"),
        ("fast", "20.00", "1.00"),
        ("slow", "10.00", "0.50"),
    ]
    rows = everything[0].rows[RATE]
    assert against(rows, fastest_peer(RATE, rows), 2.0, "rate") == [Verdict("rate: 2 times fast", "1.50 times", False, 0.75)]
    assert against({"fast": rows["fast"]}, rows["fast"], 2.0, "rate") == []


def test_a_verdict_says_what_part_of_the_target_is_reached_and_why_not_all() -> None:
    assert at_least("t", 5, 5, reason="because") == Verdict("t", "5.00 times", True, 1.0)
    assert at_least("t", 4, 5, reason="because") == Verdict("t", "4.00 times; because", False, 0.8)
    assert at_most("t", 150, 100, "MiB").ratio == pytest.approx(2 / 3)
    assert not at_most("t", 150, 100, "MiB").reached
    rows = report.targets([at_least("t", 4, 5), Verdict("u", "not measured", False)]).rows
    assert rows == [["t", "4.00 times", "0.80", "SHORT"], ["u", "not measured", "", "SHORT"]]


def test_the_page_is_written_from_the_newest_results_of_each_program(tmp_path: Path) -> None:
    for day, value in (("2026-01-02", "new"), ("2026-01-01", "old")):
        found = report.document("queues", [], [report.Grid("a", ["x", "y"], [[value, "1"]])], [at_least("t", 5, 5)])
        report.publish(found | {"at": f"{day}T000000+00:00"}, tmp_path)
    assert len(list(tmp_path.glob("*-queues.json"))) == 2
    block = "\n".join(tables.markdown(tables.newest(tmp_path), "A quiet machine."))
    assert "| new | 1 |" in block
    assert "old" not in block
    assert "| t | 5.00 times | 1.00 | met |" in block
    page = f"before\n{tables.BEGIN}\nstale\n{tables.END}\nafter\n"
    written = tables.replaced(page, block)
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "stale" not in written
    assert tables.replaced(written, block) == written
    with pytest.raises(ValueError, match="no line"):
        tables.replaced("a page without markers", block)


def test_the_page_has_the_markers_between_which_tables_are_written() -> None:
    page = tables.PAGE.read_text()
    assert tables.replaced(page, "x") != page


def test_every_contestant_has_its_class_and_its_locked_environment() -> None:
    for entrant in ENTRANTS:
        module, _, name = entrant.place.partition(":")
        tree = ast.parse((ROOT / "bench" / "contestants" / f"{module}.py").read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        if entrant.environment:
            lock = (ROOT / "requirements" / f"bench-{entrant.environment}.txt").read_text()
            locked = {line.partition("==")[0].partition("[")[0] for line in lock.splitlines() if "==" in line}
            assert {*entrant.packages, "numpy"} <= locked
    peers = re.search(r"^PEERS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert peers is not None
    assert set(peers[1].split()) == {entrant.environment for entrant in ENTRANTS} - {""}
    assert len({entrant.name for entrant in ENTRANTS}) == len(ENTRANTS)


def test_a_far_server_is_far_in_both_directions_and_the_way_to_it_no_narrower(tmp_path: Path) -> None:
    away, lines = 20.0, 200
    with Server(tmp_path) as server, delayed(server.port, away) as port, redis.Redis(port=port) as client:
        client.ping()
        began = time.monotonic()
        client.set("key", b"x" * 100_000)
        assert client.get("key") == b"x" * 100_000
        assert time.monotonic() - began >= 4 * away / 1_000
        pipeline = client.pipeline(transaction=False)
        for number in range(lines):
            pipeline.rpush("list", number)
        began = time.monotonic()
        assert pipeline.execute() == list(range(1, lines + 1))
        assert time.monotonic() - began < lines * away / 1_000


def test_the_load_counts_answers_and_takes_nothing_but_success() -> None:
    def load(port: int) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "bench.http.load", "127.0.0.1", str(port), "4", "0.2"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    with subprocess.Popen([sys.executable, "-m", "bench.http.load", "--serve"], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = json.loads(load(int(process.stdout.readline())).stdout)
        process.kill()
    assert found["answers"] >= 4
    assert found["seconds"] >= 0.2

    with in_thread(server := HTTPServer(("127.0.0.1", 0), _Refuses)):
        refused = load(server.server_port)
    assert refused.returncode == 1
    assert "503" in refused.stderr


class _Refuses(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        pass


def test_a_contestant_runs_every_body_in_two_processes_far_from_the_server_and_shows_the_results() -> None:
    from bench.body import BODIES, make_file

    make_file()
    entrant = next(each for each in ENTRANTS if each.name == "hotqueue + hash")
    with arena(entrant, 2, delay=1) as ready:
        assert all(ready.drain(10, body) > 0 for body in BODIES)
        assert ready.submit(10, batched=False) > 0
        assert len(ready.latencies("", 3)) == 3
        assert ready.stored() > 0


def broken(place: str) -> Callable[[], None]:
    def enter() -> None:
        with arena(Entrant("broken", place), 1) as ready:
            ready.latencies("", 1)

    return enter


@pytest.mark.parametrize(("place", "said"), [("nobody:Nobody", "No module named"), ("hotqueue_hash:Nobody", "has no attribute")])
def test_a_contestant_that_does_not_start_is_an_error_with_its_last_words(place: str, said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        broken(place)()


def test_samples_are_counted_by_whose_code_runs_and_by_our_functions_on_the_way() -> None:
    others = Path(redis.__file__).parents[1]
    main, execute = f"main ({ROOT}/services/worker/child.py:9)", f"Wire.execute ({ROOT}/lib/wire.py:30)"
    folded = f"""{main};{execute};send ({others}/redis/connection.py:12) 5
{main};{execute} 2
{main};{main};dumps (/usr/lib/python3/json/__init__.py:200) 1
(unknown) 1
"""
    own, within, total = shares(folded)
    assert own == {"redis": 5, "lib/wire.py": 2, "Python's library": 1, "(native)": 1}
    assert within == {"services/worker/child.py: main": 8, "lib/wire.py: Wire.execute": 7}
    assert total == 9
    assert frame(f"patch ({others}/six.py:3)").file == "six"
