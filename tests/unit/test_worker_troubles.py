"""The worker program in trouble that it does not make itself: Redis away, no room for processes, parts of it frozen, and
operations that meddle. Nothing of it is charged to a job that did nothing wrong."""

import signal
import time
from pathlib import Path

import pytest

from lib.jobs import Jobs, Submission
from lib.settings import Settings
from tests.servers import Server
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
