"""Schedules by the command line and the client, against the real service; upkeep fires them."""

import uuid

from tests.cli.conftest import PARKED, Shell
from tests.waiting import until
from trafficjobs import Client


def test_a_schedule_fires_by_itself_and_its_jobs_are_run(client: Client) -> None:
    made = client.create_schedule({"operation": "print", "params": {"msg": "again"}}, every=1)
    try:
        fired = until(lambda: client.schedule(made["id"])["fired"] >= 2, 30, "two jobs of the schedule")
        assert fired
        last = client.schedule(made["id"])["last_job"]
        assert last is not None
        assert client.job(last).result(timeout=30) == {"msg": "again"}
        assert client.job(last).record["schedule"] == made["id"]  # type: ignore[typeddict-item]
    finally:
        client.delete_schedule(made["id"])


def test_every_command_of_the_group(shell: Shell) -> None:
    sid = f"cli-{uuid.uuid4().hex[:8]}"
    words = [
        "schedule",
        "new",
        "top_locations",
        "-p",
        "n=2",
        "--cron",
        "30 6 * * 1-5",
        "--timezone",
        "Europe/Berlin",
        "--id",
        sid,
    ]
    first, again = shell(*words), shell(*words)
    assert (first.code, first.out.strip(), again.out) == (0, sid, first.out)
    assert first.err.startswith("Next at ")
    assert "30 6 * * 1-5 (Europe/Berlin)" in shell("schedule", "list").out
    shown = shell("schedule", "show", sid, "--json").json
    assert (shown["job"], len(shown["upcoming"])) == ({"operation": "top_locations", "params": {"n": 2}}, 5)
    changed = shell("schedule", "change", sid, "-p", "n=3", "--json").json
    assert (changed["cron"], changed["timezone"], changed["job"]["params"]) == ("30 6 * * 1-5", "Europe/Berlin", {"n": 3})
    changed = shell("schedule", "change", sid, "--cron", "0 7 * * *", "--json").json
    assert (changed["cron"], changed["timezone"], changed["job"]["params"]) == ("0 7 * * *", "Europe/Berlin", {"n": 3})
    changed = shell("schedule", "change", sid, "--every", "60", "--missed", "all", "--json").json
    assert (changed["every"], changed["missed"], "cron" in changed, changed["job"]["params"]) == (60, "all", False, {"n": 3})
    assert shell("schedule", "pause", sid).out.strip() == f"{sid} is paused"
    assert "paused" in next(line for line in shell("schedule", "list").out.splitlines() if line.startswith(sid))
    assert shell("schedule", "resume", sid).out.startswith(f"{sid} is on; next at ")
    job = shell("schedule", "trigger", sid).out.strip()
    assert shell("result", job, "--wait").code == 0
    assert shell("schedule", "delete", sid).out.strip() == f"{sid} is deleted"
    gone = shell("schedule", "show", sid)
    assert (gone.code, sid in gone.err) == (3, True)
    assert shell("schedule", "change", sid, "--every", "60").code == 3


def test_a_change_leaves_the_queue_and_the_course_spelling_of_the_job_as_they_are(shell: Shell, client: Client) -> None:
    sid = f"cli-{uuid.uuid4().hex[:8]}"
    period = {"start": "2023-01-01", "end": "2023-01-02"}
    client.create_schedule(period | {"queue": PARKED}, every=3600, id=sid)
    changed = shell("schedule", "change", sid, "--every", "7200", "--json").json
    job = changed["job"]
    assert (changed["every"], changed["queue"], job["operation"], job["params"]) == (7200, PARKED, "describe", period)
    client.delete_schedule(sid)


def test_what_is_no_schedule_is_told_in_one_sentence(shell: Shell) -> None:
    for words, told in (
        (["--cron", "61 * * * *"], "cron"),
        ([], "cron"),
        (["--every", "60", "--timezone", "UTC"], "timezone"),
        (["--every", "60", "--missed", "never"], "missed"),
    ):
        answer = shell("schedule", "new", "unique_issues", *words)
        assert answer.code == 2, answer.err
        assert told in answer.err
