"""Commands that look: events, templates, one queue, jobs found by text, deliveries of a batch, and how their tables stand."""

import json
import uuid

from tests.cli.conftest import PARKED, Shell


def test_templates_are_bodies_that_submit_takes(shell: Shell) -> None:
    every = shell("templates").out.splitlines()
    assert {json.loads(line)["operation"] for line in every} == set(shell("templates", "--json").json)
    one = shell("templates", "top_locations").out
    assert shell("submit", "--file", "-", "--wait", stdin=one).code == 0
    unknown = shell("templates", "nonsense")
    assert (unknown.code, unknown.err) == (
        3,
        "trafficjobs: There is no operation 'nonsense'; `trafficjobs operations` lists them.\n",
    )


def test_one_queue_is_shown(shell: Shell) -> None:
    assert shell("queues", PARKED, "--json").json["name"] == PARKED
    assert len(shell("queues", PARKED).out.splitlines()) == 2
    assert shell("queues", "nonsense").code == 3


def test_events_of_a_job_are_printed_to_its_end(shell: Shell) -> None:
    jid = shell("submit", "chatty", "-p", "lines=1", "--run-in", 0.3).out.strip()
    lines = shell("events", jid).out.splitlines()
    assert lines[0].split()[:2] == ["job", jid]
    assert lines[-1].split()[:3] == ["status", jid, "complete"]
    assert any(line.startswith("log       line 0") and "\x1b" not in line for line in lines)
    told = [json.loads(line) for line in shell("events", jid, "--json").out.splitlines()]
    assert [(one["kind"], one["data"]["status"]) for one in told] == [("job", "complete")]
    assert shell("events", jid, "--after", told[0]["id"]).out == ""
    assert shell("events", "no-such-job").code == 3
    assert shell("events", "--status", "nonsense").code == 2
    assert shell("events", "--timeout", 0.1, "--status", "cancelled").code == 0


def test_jobs_are_found_by_text(shell: Shell) -> None:
    word = uuid.uuid4().hex
    jid = shell("submit", "print", "-p", f"msg=say {word}").out.strip()
    assert [job["id"] for job in shell("list", "--search", word.upper(), "--json").json["jobs"]] == [jid]
    assert shell("list", "--search", uuid.uuid4().hex).err == "There are no such jobs.\n"


def test_deliveries_of_a_batch(shell: Shell) -> None:
    bid = shell("batch", "submit", "-", stdin='{"operation": "unique_issues"}').out.strip()
    assert shell("batch", "wait", bid).code == 0
    assert shell("batch", "deliveries", bid).err.startswith("Nobody was told")
    assert shell("batch", "deliveries", bid, "--json").json == {"deliveries": []}
    assert shell("batch", "resend", bid, "batch_none_0_1").code == 3


def test_tables_have_no_spaces_at_the_end_and_no_empty_headings(shell: Shell) -> None:
    bid = shell("batch", "submit", "-", stdin='{"operation": "unique_issues"}').out.strip()
    shown = shell("batch", "show", bid).out.splitlines()
    assert shown[0].split() == ["id", bid]
    assert all(line == line.rstrip() for line in [*shown, *shell("queues").out.splitlines(), *shell("top").out.splitlines()])
