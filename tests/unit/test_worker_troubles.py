"""The worker program in trouble that it does not make itself: Redis away, no room for processes, parts of it frozen, and
operations that meddle. Nothing of it is charged to a job that did nothing wrong."""

import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lib.jobs import Jobs, Submission
from lib.settings import Settings
from services.worker import health
from services.worker.links import Links
from services.worker.marks import Marks
from services.worker.supervisor import Supervisor
from tests.servers import Server, free_port
from tests.waiting import until
from tests.workers import Worker

OPERATIONS = '''
import time
from lib.operations import operation

def act(path: str) -> dict:
    while not open(path).read():
        time.sleep(0.02)
    with open(path, "a") as out:
        out.write(" done")
    return {}

@operation(needs_data=False)
def inside(path: str) -> dict:
    """Waits for a word in a file and adds to it."""
    return act(path)

@operation(needs_data=False, external_effects=True)
def outside(path: str) -> dict:
    """As `inside`, and what it does is not to be done twice."""
    return act(path)
'''


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with operations of a user's."""
    folder = tmp_path_factory.mktemp("operations")
    (folder / "mine.py").write_text(OPERATIONS)
    return folder


@pytest.mark.slow
def test_a_finished_run_may_wait_for_redis_longer_than_its_timeout_and_its_lease(
    settings: Settings, operations: Path, tmp_path: Path
) -> None:
    with Server(tmp_path / "own") as own:
        away = settings.model_copy(update={"redis_port": own.port})
        jobs = Jobs(away)
        with Worker(away, operations_dir=operations, worker_children=2) as worker:
            until(lambda: jobs.queue("job-queue").idle_children == 2, 60, "two idle children")
            paths = {name: tmp_path / name for name in ("inside", "outside")}
            for path in paths.values():
                path.touch()
            timeout = 3.0
            inside = jobs.submit(Submission("inside", {"path": str(paths["inside"])}, timeout=timeout)).id
            outside = jobs.submit(Submission("outside", {"path": str(paths["outside"])})).id
            until(lambda: all(jobs.get(jid).status == "in-progress" for jid in (inside, outside)), 30, "both runs")
            children = {child.pid for child in worker.children}
            own.signal(signal.SIGSTOP)
            frozen = time.monotonic()
            for path in paths.values():
                path.write_text("go")
            until(lambda: all(path.read_text() == "go done" for path in paths.values()), 20, "the end of both runs")
            until(lambda: time.monotonic() > frozen + max(timeout, away.lease_seconds) + 1, 10, "the end of both times")
            own.signal(signal.SIGCONT)
            for jid, path in ((inside, paths["inside"]), (outside, paths["outside"])):
                until(lambda jid=jid: jobs.get(jid).status in ("complete", "failed"), 30, "the end")  # type: ignore[misc]
                assert (jobs.get(jid).status, jobs.get(jid).attempt, path.read_text()) == ("complete", 1, "go done")
            assert {child.pid for child in worker.children} == children
        jobs.close()


NO_ROOM = """
import errno, os, pathlib
fork, full = os.fork, pathlib.Path(__file__).with_name("full")

def fork_if_there_is_room():
    if full.exists():
        raise BlockingIOError(errno.EAGAIN, "no room")
    return fork()

os.fork = fork_if_there_is_room
"""


def test_where_there_is_no_room_for_another_process_those_that_run_go_on(jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.py").write_text(OPERATIONS + NO_ROOM)
    path, log = tmp_path / "gate", tmp_path / "log"
    path.touch()
    with Worker(settings, log=log, operations_dir=folder, worker_children=2) as worker:
        until(lambda: jobs.queue("job-queue").idle_children == 2, 60, "two idle children")
        jid = jobs.submit(Submission("inside", {"path": str(path)})).id
        until(lambda: jobs.get(jid).status == "in-progress", 30, "the run")
        nursery, (holder,) = worker.nursery, [one["running"][0]["child"] for one in jobs.workers()]
        idle = next(child for child in worker.children if child.pid != pid_of(settings, holder))
        (folder / "full").touch()
        idle.kill()
        until(lambda: "no child could be forked" in log.read_text(), 20, "the word that there is no room")
        (folder / "full").unlink()
        until(lambda: jobs.queue("job-queue").idle_children == 1, 30, "another child")
        path.write_text("go")
        until(lambda: jobs.get(jid).status == "complete", 30, "the end")
        assert (jobs.get(jid).attempt, jobs.get(jid).crashes) == (1, 0)
        assert worker.nursery == nursery


def pid_of(settings: Settings, name: str) -> int:
    """The process of a child, as its mark has it."""
    assert settings.worker_state_dir is not None
    (path,) = settings.worker_state_dir.glob("*.marks")
    marks = Marks(path)
    found = [mark.pid for slot in range(marks.slots) if (mark := marks.read(slot)) is not None and mark.child == name]
    marks.close()
    return found[0]


@pytest.mark.slow
def test_a_nursery_that_is_frozen_before_it_forks_is_replaced_and_holds_up_no_end(jobs: Jobs, settings: Settings) -> None:
    port = free_port()

    def health() -> int:
        try:
            return int(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30).status)
        except urllib.error.HTTPError as error:
            return error.code

    def freeze() -> int:
        """Freeze the nursery of a worker without children, and have it fork; its pid."""
        jobs.drain_worker(jobs.workers()[0]["name"])
        until(lambda: not worker.children, 30, "the end of the child")
        assert worker.nursery is not None
        worker.nursery.suspend()
        jobs.resume_worker(jobs.workers()[0]["name"])
        until(lambda: health() == 503, 30, "the word that no job can be run")
        return worker.nursery.pid

    with Worker(settings, worker_port=port, worker_grace=1) as worker:
        until(lambda: jobs.queue("job-queue").idle_children == 1, 60, "an idle child")
        frozen = freeze()
        until(lambda: jobs.queue("job-queue").idle_children == 1, 60, "a child of another nursery")
        assert worker.nursery is not None
        assert worker.nursery.pid != frozen
        assert health() == 200
        freeze()
        assert worker.stop(wait=20) == 0


def test_clients_that_say_nothing_do_not_use_up_the_health_port(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_PATIENCE", 0.5)
    marks = Marks(tmp_path / "w.marks", slots=4)
    supervisor = Supervisor(settings, "w", marks)
    server = health.serve_health(0, "127.0.0.1", supervisor, Links(supervisor))
    address = ("127.0.0.1", server.server_address[1])
    try:
        silent = [socket.create_connection(address, timeout=20) for _ in range(health._MOST_CLIENTS + 1)]
        assert [client.recv(1) for client in silent] == [b""] * len(silent)  # one at once, the others when it has had enough
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{address[1]}/nothing", timeout=20)
        for client in silent:
            client.close()
    finally:
        server.shutdown()
        server.server_close()
        marks.close()


DEAF = """
import signal

@operation(needs_data=False)
def deaf(path: str, how: str) -> dict:
    \"\"\"Takes care that SIGTERM is not heard.\"\"\"
    if how == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if how == "ignored" else lambda *_: None)
    return act(path)
"""


def test_a_child_hears_that_it_is_to_leave_whatever_its_job_did_to_the_signal(
    jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.py").write_text(OPERATIONS + DEAF)
    log = tmp_path / "log"
    with Worker(settings, log=log, operations_dir=folder) as worker:
        until(lambda: jobs.queue("job-queue").idle_children == 1, 60, "an idle child")
        name = jobs.workers()[0]["name"]
        for how in ("ignored", "handled", "blocked"):
            path = tmp_path / how
            path.touch()
            jid = jobs.submit(Submission("deaf", {"path": str(path), "how": how})).id
            until(lambda jid=jid: jobs.get(jid).status == "in-progress", 30, "the run")  # type: ignore[misc]
            waiting = jobs.submit(Submission("inside", {"path": str(path)})).id
            told = log.read_text().count("draining")
            jobs.drain_worker(name)
            until(lambda told=told: log.read_text().count("draining") > told, 20, "the word")  # type: ignore[misc]
            path.write_text("go")
            until(lambda jid=jid: jobs.get(jid).status == "complete", 30, "the end of the run")  # type: ignore[misc]
            until(lambda: not worker.children, 30, f"the end of the child where SIGTERM was {how}")
            assert jobs.get(waiting).status == "submitted"
            jobs.resume_worker(name)
            until(lambda waiting=waiting: jobs.get(waiting).status == "complete", 30, "the next child")  # type: ignore[misc]
