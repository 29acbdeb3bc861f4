"""Commands for jobs, queues and workers against the real service, as people and scripts use them."""

import json
import uuid
from pathlib import Path

import pytest

from tests.cli.conftest import PARKED, Shell
from tests.waiting import until
from trafficjobs import Client


def parked(client: Client) -> str:
    """A job that waits for good; its id."""
    return client.submit("unique_issues", queue=PARKED).id


def test_submit_prints_the_id_alone_and_result_prints_what_came_out(shell: Shell) -> None:
    submitted = shell("submit", "top_locations", "-p", "n=1")
    assert submitted.code == 0
    answer = shell("result", submitted.out.strip(), "--wait")
    assert answer.json == {"top_locations": {"E RIVERSIDE DR & S CONGRESS AVE": 2}}


def test_submit_and_wait_prints_the_result(shell: Shell) -> None:
    answer = shell("submit", "incident_count_by_date", "-p", "date=2023-01-01", "--wait")
    assert (answer.code, answer.json) == (0, {"incident_count": 2})
    assert answer.err.startswith("Job ")


def test_parameters_are_read_by_the_schema_of_the_operation(shell: Shell) -> None:
    given = ["names=5", "names=true", "flag=yes", "share=0.25"]
    answer = shell("submit", "together", *[word for pair in given for word in ("-p", pair)], "--wait")
    assert answer.json == {"names": ["5", "true"], "flag": True, "share": 0.25}


def test_parameters_may_be_json(shell: Shell) -> None:
    answer = shell("submit", "together", "--json-params", '{"names": ["a"], "flag": true}', "-p", "share=null", "--wait")
    assert answer.json == {"names": ["a"], "flag": True, "share": None}


def test_options_of_a_submit_reach_the_record(shell: Shell) -> None:
    jid = f"mine-{uuid.uuid4().hex}"
    options = ["--priority", "high", "--queue", PARKED, "--run-in", 60, "--timeout", 9, "--retry", 2, "--retry-interval", 1]
    record = shell("submit", "unique_issues", "--id", jid, *options, "--result-ttl", 60, "--json").json
    assert {name: record[name] for name in ("id", "status", "priority", "queue", "timeout")} == {
        "id": jid,
        "status": "scheduled",
        "priority": "high",
        "queue": PARKED,
        "timeout": 9.0,
    }
    assert record["retry"] == {"max": 2, "intervals": [1.0], "jitter": 0.1}


def test_many_bodies_come_from_a_file_or_standard_input(shell: Shell, tmp_path: Path) -> None:
    lines = '{"operation": "unique_issues"}\n\n{"operation": "print", "params": {"msg": "hi"}}\n{"date": "2023-01-02"}\n'
    (tmp_path / "bodies.jsonl").write_text(lines)
    ids = shell("submit", "--file", tmp_path / "bodies.jsonl").out.split()
    assert len(set(ids)) == 3
    answer = shell("submit", "--file", "-", "--wait", stdin=lines)
    results = [json.loads(line) for line in answer.out.splitlines()]
    assert [one["status"] for one in results] == ["complete"] * 3
    assert results[2]["result"] == {"incident_count": 1}
    as_list = shell("submit", "--file", "-", "--json", stdin=json.dumps([{"operation": "unique_issues"}]))
    assert [job["operation"] for job in as_list.json["jobs"]] == ["unique_issues"]


def test_a_body_that_is_refused_says_what_was_submitted_before_it(shell: Shell) -> None:
    answer = shell("submit", "-f", "-", stdin='{"operation": "unique_issues"}\n{"operation": "nonsense"}\n')
    assert answer.code == 2
    assert len(answer.out.split()) == 1
    assert "1 of 2 were submitted." in answer.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["submit"], "Name one operation"),
        (["submit", "print", "-f", "-"], "Name one operation"),
        (["submit", "-f", "-", "-p", "n=1"], "put parameters and options into its lines"),
        (["submit", "-f", "-"], "no body"),
        (["submit", "-f", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (["submit", "top_locations", "-p", "n"], "name=value"),
        (["submit", "top_locations", "-p", "n=five"], "params.n: must be a whole number"),
        (["submit", "top_locations", "--json-params", "["], "--json-params is not JSON"),
        (["submit", "top_locations", "--json-params", "[]"], "must be a JSON object"),
        (["submit", "nonsense"], "trafficjobs operations"),
        (["submit", "print", "-p", "msg=x", "--queue", "nonsense"], "trafficjobs queues"),
        (["load", "/nowhere/at/all"], "/nowhere/at/all cannot be read"),
        (["load", "--mode", "sideways"], "--mode is replace or append"),
        (["list", "--status", "lost"], "must be one of 'waiting'"),
        (["frobnicate"], "No such command 'frobnicate'. See: trafficjobs --help"),
        (["list", "--bogus"], "trafficjobs list --help"),
        (["status"], "Missing argument"),
        (["data"], "trafficjobs data --help"),
    ],
)
def test_what_is_not_right_is_told_in_one_sentence_with_exit_code_2(shell: Shell, words: list[str], told: str) -> None:
    answer = shell(*words)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert len(answer.err.splitlines()) == 1
    assert answer.err.startswith("trafficjobs: ")


@pytest.mark.parametrize("command", ["status", "result", "cancel", "retry", "delete", "log", "watch"])
def test_a_job_that_is_not_there_is_exit_code_3(shell: Shell, command: str) -> None:
    answer = shell(command, "no-such-job")
    assert (answer.code, answer.out) == (3, "")
    assert "trafficjobs list" in answer.err


@pytest.mark.parametrize("words", [["operations", "nope"], ["pause", "nope"], ["resume", "nope"], ["data", "get", "nope"]])
def test_other_things_that_are_not_there_are_exit_code_3_too(shell: Shell, words: list[str]) -> None:
    assert shell(*words).code == 3


def test_a_failed_job_is_exit_code_1_and_says_why(shell: Shell) -> None:
    answer = shell("submit", "divide", "-p", "by=0", "--wait")
    assert (answer.code, answer.out) == (1, "")
    assert "ZeroDivisionError: float division by zero" in answer.err
    jid = answer.err.split()[1]
    for words in (["result", jid], ["watch", jid], ["result", jid, "--accept", "csv"]):
        assert shell(*words).code == 1
    as_json = shell("submit", "divide", "-p", "by=0", "--wait", "--json")
    assert (as_json.code, as_json.json["status"]) == (1, "failed")
    assert json.loads(as_json.err.splitlines()[-1])["error"]["kind"] == "JobFailed"


def test_a_job_that_does_not_end_in_time_is_exit_code_6(shell: Shell, client: Client) -> None:
    jid = parked(client)
    for words in (["result", jid], ["result", jid, "--wait", "--timeout", 0.1], ["watch", jid, "--timeout", 0.1]):
        answer = shell(*words)
        assert answer.code == 6
        assert f"trafficjobs result {jid} --wait" in answer.err
    waited = shell("submit", "unique_issues", "--queue", PARKED, "--wait", "--wait-timeout", 0.1)
    assert waited.code == 6


def test_status_shows_the_record(shell: Shell) -> None:
    jid = shell("submit", "print", "-p", "msg=hello").out.strip()
    until(lambda: shell("status", jid, "--json").json["status"] == "complete", 20, "the end of the job")
    shown = shell("status", jid).out
    assert f"id          {jid}" in shown
    assert "operation   print" in shown
    assert "request_id  " in shown
    assert "ago)" in shown


def test_a_result_is_fetched_in_the_form_that_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    plot = shell("submit", "plot", "-p", "kind=by_hour").out.strip()
    shell("result", plot, "--wait", "--accept", "png", "--output", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert shell("result", plot, "--accept", "image/png").bytes.startswith(b"\x89PNG")
    assert shell("result", plot, "--file", "plot.png").bytes == (tmp_path / "plot.png").read_bytes()
    assert shell("result", plot, "--file", "nope.png").code == 3
    assert shell("result", plot, "--accept", "svg").bytes.startswith(b"<?xml")
    refused = shell("result", plot, "--accept", "application/geo+json")
    assert (refused.code, "image/png" in refused.err) == (2, True)
    chatty = shell("submit", "chatty").out.strip()
    assert shell("result", chatty, "-w", "--accept", "csv").out == "a,b\n1,2\n"
    shell("result", chatty, "-o", tmp_path / "result.json")
    assert json.loads((tmp_path / "result.json").read_text()) == {"lines": 3}


def test_list_filters_and_limits(shell: Shell) -> None:
    for _ in range(3):
        shell("submit", "together", "-p", "names=list", "--queue", PARKED)
    found = shell("list", "--operation", "together", "--status", "submitted", "-n", 2, "--json").json["jobs"]
    assert [(job["operation"], job["status"]) for job in found] == [("together", "submitted")] * 2
    table = shell("list", "--operation", "together", "-n", 2).out.splitlines()
    assert table[0].split() == ["ID", "STATUS", "OPERATION", "QUEUE", "SUBMITTED", "TOOK"]
    assert len(table) == 3
    assert [job["id"] for job in shell("list", "--search", found[0]["id"], "--json").json["jobs"]] == [found[0]["id"]]
    assert len(shell("list", "--search", "TOGETHER", "-n", 2, "--json").json["jobs"]) == 2
    assert shell("list", "--search", "nothing of the sort").err == "There are no such jobs.\n"
    assert shell("list", "--until", "2001-01-01").err == "There are no such jobs.\n"


def test_cancel_retry_and_delete(shell: Shell, client: Client) -> None:
    jid, other = parked(client), parked(client)
    assert shell("cancel", jid, other).out == f"{jid} cancelled\n{other} cancelled\n"
    assert shell("cancel", jid, "--json").json["status"] == "cancelled"
    cancelled = shell("result", jid)
    assert (cancelled.code, cancelled.err) == (1, f"trafficjobs: Job {jid} was cancelled and has no result.\n")
    assert shell("retry", jid).out == f"{jid} submitted\n"
    again = shell("retry", jid)
    assert again.code == 4
    assert "only failed and cancelled jobs can be retried" in again.err
    assert shell("delete", jid, other).out == f"{jid} deleted\n{other} deleted\n"
    assert shell("status", jid).code == 3


def test_the_log_is_printed_and_followed_without_control_characters(shell: Shell) -> None:
    jid = shell("submit", "chatty", "-p", "lines=2").out.strip()
    followed = shell("log", jid, "--follow")
    assert followed.out == "line 0 �[31mred\nline 1 �[31mred\n"
    assert shell("log", jid).out == followed.out
    assert [json.loads(line)["line"][:6] for line in shell("log", jid, "--json").out.splitlines()] == ["line 0", "line 1"]


def test_watch_shows_a_job_to_its_end(shell: Shell) -> None:
    jid = shell("submit", "chatty").out.strip()
    answer = shell("watch", jid)
    assert answer.code == 0
    assert answer.out.splitlines()[-1].split()[:3] == ["complete", jid, "chatty"]
    records = [json.loads(line) for line in shell("watch", jid, "--json").out.splitlines()]
    assert [record["status"] for record in records] == ["complete"]


def test_operations_are_listed_and_shown_with_their_parameters(shell: Shell) -> None:
    assert "top_locations" in shell("operations").out
    shown = shell("operations", "top_locations").out
    assert "integer 1..10000" in shown
    assert "Try: trafficjobs submit top_locations -p n=5 --wait" in shown
    assert shell("operations", "incidents_by_road", "--json").json["schema"]["required"] == ["road"]
    assert "string, several times" in shell("operations", "together").out


def test_a_queue_is_shown_paused_and_resumed(shell: Shell) -> None:
    assert PARKED in shell("queues").out
    assert shell("pause", PARKED).out.startswith(f"{PARKED} is paused; ")
    try:
        states = {queue["name"]: queue["paused"] for queue in shell("queues", "--json").json["queues"]}
        assert states == {"job-queue": False, PARKED: True}
        sick = shell("doctor")
        assert sick.code == 1
        assert f"✗ queue {PARKED}: paused" in sick.out
        assert f"trafficjobs resume {PARKED}" in sick.out
    finally:
        assert shell("resume", PARKED).out.startswith(f"{PARKED} is open; ")


def test_workers_are_shown(shell: Shell) -> None:
    (worker,) = shell("workers", "--json").json["workers"]
    assert worker["children"] == 2
    assert worker["name"] in shell("workers").out


def test_doctor_finds_nothing_wrong_with_a_service_that_is_well(shell: Shell) -> None:
    answer = shell("doctor")
    assert answer.code == 0, answer.out
    assert "✗" not in answer.out
    for name in ("reachable", "ready", "clock", "redis clock", "upkeep", "data", "workers", "queue job-queue"):
        assert f"✓ {name}: " in answer.out
    told = shell("doctor", "--json").json
    assert told["ok"] is True
    assert {"name", "status", "ok", "seen", "remedy"} == set(told["checks"][0])
