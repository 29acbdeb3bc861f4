"""The debug pod, under restricted Pod Security: ipython as a command and at a terminal, with everything at hand, and a
string put on the queue of the service by hand."""

import io

import pytest

from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.terminal import Terminal
from tests.e2e.waits import until
from tests.unit.incident_files import csv_file, row

VALUES = {"debug": {"enabled": True}}
DEBUG = f"deploy/{FULL}-debug"
STARTS_WITHIN = 90  # seconds; ten are usual, on a machine that has nothing else to do


@pytest.fixture(scope="module")
def loaded(release: Release) -> Release:
    """A release with one incident."""
    loading = release.accepted.note(release.client().load(io.BytesIO(csv_file(row("A1")))))
    release.accepted.end([loading], 150)
    return release


def _ipython(release: Release, program: str) -> str:
    """What a program prints by `ipython -c`, as documented."""
    return kubectl("-n", release.namespace, "exec", DEBUG, "--", "ipython", "-c", program, timeout=STARTS_WITHIN)


def test_queue_redis_jobs_and_data_are_at_hand(loaded: Release) -> None:
    told = _ipython(loaded, "print(len(q), rd.ping(), jobs.q is q, len(df), df['report_id'].tolist())")
    assert told.splitlines()[-1] == "0 True True 1 ['A1']"


def test_the_data_is_loaded_as_in_a_notebook(loaded: Release) -> None:
    told = _ipython(loaded, "from lib import incidents; df = incidents.load(); print(len(df), df['issue'].tolist())")
    assert told.splitlines()[-1] == "1 ['Crash Urgent']"


def test_a_person_at_a_terminal_finds_the_same(loaded: Release) -> None:
    jid = loaded.accepted.submit("where")[0].id
    with Terminal(loaded.namespace, DEBUG, "ipython") as terminal:
        banner = terminal.expect(r"(?s)q +the queue job-queue.*the data: 1 incidents.*In \[1\]:", STARTS_WITHIN)
        assert "HotQueue('exercise')" in banner
        terminal.type(f"jobs.get_job_by_id('{jid}')['id'] + ' is there'")
        terminal.expect(rf"Out\[1\]: .*{jid} is there", 30)
        terminal.type("6 * 7 + len(df)")
        terminal.expect(r"Out\[2\]: 43", 30)
        terminal.press("\x04")
        terminal.expect("exit", 30)


def test_a_string_put_on_the_queue_of_the_service_becomes_a_failed_job_with_its_reason(loaded: Release) -> None:
    known = {job.id for job in loaded.client().jobs()}
    _ipython(loaded, "HotQueue('job-queue').put('not a job')")
    # A worker makes a job of it, and KEDA calls one for whatever is on the list.
    (job,) = until(lambda: [each for each in loaded.client().jobs() if each.id not in known], len, 150, "a job of the string")
    (ended,) = loaded.accepted.end([loaded.accepted.note(job)], 150)
    assert ended.record["status"] == "failed"
    assert ended.record["error"]["message"].startswith("'not a job' was put on the queue and is no job")
    listed = {found.id: found.status for found in loaded.client().jobs(status="failed")}
    assert listed == {job.id: "failed"}
    loaded.accepted.check()


def test_its_user_does_not_govern_redis(loaded: Release) -> None:
    for command in ("rd.config_get('*')", "rd.flushall()", "rd.acl_list()"):
        told = kubectl("-n", loaded.namespace, "exec", DEBUG, "--", "ipython", "-c", command, check=False, timeout=STARTS_WITHIN)
        assert "NoPermissionError" in told, told
