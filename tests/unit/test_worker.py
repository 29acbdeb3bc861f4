"""The worker program as a process: what becomes of every way in which an operation can end.

Deaths, stops and outages have their tests in tests/chaos.
"""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lib.functions import keep_functions
from lib.jobs import Job, Jobs, Retry, Submission
from lib.settings import Settings
from lib.states import TERMINAL
from tests.servers import Server, free_port
from tests.waiting import until
from tests.workers import Worker, handles_sigterm

OPERATIONS = '''
import os, sys
from lib.operations import operation, log, progress, save_file, job

@operation(needs_data=False)
def talk(lines: int = 2) -> dict:
    """Prints, logs, reports progress and saves a file."""
    print("printed")
    for n in range(lines):
        log(f"line {n}")
    progress(1, 2, "half")
    save_file("note.txt", b"hello", "text/plain")
    print("no newline", end="")
    return {"attempt": job().attempt, "pid": os.getpid()}

@operation(needs_data=False)
def raising(kind: str = "value") -> dict:
    """Ends badly, in the middle of a line."""
    print("last words", end="")
    if kind == "exit":
        sys.exit(3)
    if kind == "result":
        return {"huge": "x" * 200_000}
    if kind == "json":
        return {"bad": object()}
    raise ValueError("bad luck")

@operation(needs_data=False, memory_limit=64 * 2**20)
def hungry() -> dict:
    """Takes more memory than it may."""
    return {"size": len(bytearray(512 * 2**20))}
'''

SLOW_BIRTH = "import time; os.register_at_fork(after_in_child=lambda: time.sleep(3))"


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with operations of a user's."""
    folder = tmp_path_factory.mktemp("operations")
    (folder / "mine.py").write_text(OPERATIONS)
    (folder / "broken.py").write_text("import nothing_of_that_name\n")
    return folder


@pytest.fixture
def worker(settings: Settings, operations: Path) -> Iterator[Worker]:
    """A worker with one child that serves this test's queue."""
    with Worker(settings, operations_dir=operations, max_result_bytes=100_000, child_max_jobs=2) as running:
        yield running


def ended(jobs: Jobs, submission: Submission) -> Job:
    """Submit a job and wait for its end."""
    jid = jobs.submit(submission).id
    return until(lambda: job if (job := jobs.get(jid)).status in TERMINAL else None, 30, f"the end of {submission.operation}")


@pytest.mark.usefixtures("worker")
def test_what_an_operation_says_reaches_its_record(jobs: Jobs) -> None:
    job = ended(jobs, Submission("talk", {"lines": 3}))
    assert (job.status, job.result["attempt"]) == ("complete", 1)
    assert [line["line"] for line in jobs.log(job.id)] == ["printed", "line 0", "line 1", "line 2", "no newline"]
    assert jobs.file(job.id, "note.txt") == (b"hello", "text/plain")
    assert job.progress is None
    assert job.worker is not None


@pytest.mark.usefixtures("worker")
def test_every_bad_end_fails_the_job_with_its_reason_and_the_child_goes_on(jobs: Jobs) -> None:
    raised = ended(jobs, Submission("raising", retry=Retry(max=1)))
    assert (raised.status, raised.result, len(raised.attempts)) == ("failed", {"error": "bad luck"}, 2)
    assert raised.error is not None
    assert (raised.error["type"], raised.error["reason"]) == ("ValueError", "exception")
    assert "mine.py" in raised.error["traceback"]
    assert [line["line"] for line in jobs.log(raised.id)] == ["last words"] * 2
    left = ended(jobs, Submission("raising", {"kind": "exit"}))
    assert left.error is not None
    assert left.error["type"] == "SystemExit"
    large = ended(jobs, Submission("raising", {"kind": "result"}))
    assert "MAX_RESULT_BYTES (100000)" in large.result["error"]
    assert ended(jobs, Submission("raising", {"kind": "json"})).status == "failed"
    wrong = ended(jobs, Submission("raising", {"colour": "red"}))
    assert "colour" in wrong.result["error"]
    hungry = ended(jobs, Submission("hungry"))
    assert hungry.error is not None
    assert (hungry.error["reason"], "64 MiB" in hungry.result["error"]) == ("memory", True)
    no_data = ended(jobs, Submission("unique_issues"))
    assert no_data.status == "failed"
    assert "POST /data" in no_data.result["error"]
    assert ended(jobs, Submission("talk")).status == "complete"


@pytest.mark.usefixtures("worker")
def test_a_child_is_replaced_after_its_number_of_jobs(jobs: Jobs) -> None:
    pids = [ended(jobs, Submission("talk")).result["pid"] for _ in range(5)]
    assert len(set(pids)) == 3
    assert jobs.workers()[0]["deaths"] == 0


@pytest.mark.usefixtures("worker")
def test_a_foreign_job_of_an_unknown_type_fails_as_the_course_says_it(jobs: Jobs) -> None:
    jobs.store.queues.rpush(f"hotqueue:{jobs.settings.key_prefix}job-queue", b'{"type":"dance"}')
    job = until(lambda: next(iter(jobs.page(status="failed").jobs), None), 30, "the failed job")
    assert job.result == {"error": "Unknown job type."}


def test_an_operation_that_only_a_newer_worker_knows_waits_for_it(jobs: Jobs, settings: Settings, operations: Path) -> None:
    jid = jobs.submit(Submission("talk")).id
    with Worker(settings) as old:
        until(lambda: jobs.queue("job-queue").unserved == 1, 30, "the job laid aside")
        assert (jobs.get(jid).status, jobs.get(jid).attempt) == ("submitted", 0)
        assert old.stop() == 0
    with Worker(settings, operations_dir=operations) as newer:
        until(lambda: jobs.get(jid).status == "complete", 30, "the newer worker")
        # What an older one lays aside while the newer one is there waits for no restart.
        until(lambda: jobs.queue("job-queue").idle_children == 1, 30, "an idle child")
        (child,) = newer.children
        child.suspend()
        late = jobs.submit(Submission("talk")).id
        claim = jobs.claim("old/0-x", "old", ["job-queue"])
        assert claim is not None
        jobs.set_aside(claim)
        child.resume()
        until(lambda: jobs.get(late).status == "complete", 30, "the newer worker, again")


def test_a_stopped_worker_leaves_nothing_behind(jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    with Worker(settings, worker_children=2) as worker:
        until(lambda: jobs.queue("job-queue").idle_children == 2, 30, "two idle children")
        assert worker.stop() == 0
    assert jobs.workers() == []
    assert jobs.queue("job-queue").idle_children == 0
    assert list((tmp_path / "worker").iterdir()) == []
    left = {key.decode().removeprefix(settings.key_prefix) for key in jobs.store.queues.scan_iter(f"{settings.key_prefix}*")}
    assert left == {"closed"}


def test_an_idle_worker_stops_at_once_while_redis_is_away(settings: Settings, tmp_path: Path) -> None:
    with Server(tmp_path / "own") as own:
        away = settings.model_copy(update={"redis_port": own.port})
        jobs = Jobs(away)
        with Worker(away, worker_children=2, worker_grace=60) as worker:
            until(lambda: jobs.queue("job-queue").idle_children == 2, 30, "two idle children")
            own.kill()
            time.sleep(1)  # long enough for both to be asking for a job again
            assert worker.stop(wait=30) == 0
        jobs.close()


@pytest.mark.parametrize("drained", [False, True], ids=["stopped", "drained"])
def test_a_child_that_is_told_to_leave_while_it_comes_into_the_world_leaves(
    jobs: Jobs, settings: Settings, tmp_path: Path, drained: bool
) -> None:
    """It listens only once it is set up; what it was told before counts as well."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "birth.py").write_text(OPERATIONS + SLOW_BIRTH)
    with Worker(settings, operations_dir=tmp_path / "slow", worker_grace=60) as worker:
        until(lambda: any("talk" in beat["operations"] for beat in jobs.workers()), 60, "the imports")
        (child,) = until(lambda: worker.children, 60, "the child")
        began = time.monotonic()
        if drained:
            jobs.drain_worker(jobs.workers()[0]["name"])
            until(lambda: not child.is_running(), 20, "its end")
        assert worker.stop() == 0
        assert time.monotonic() - began < 20


def test_health_and_metrics_of_the_process(jobs: Jobs, settings: Settings) -> None:
    port = free_port()

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    with Worker(settings, worker_port=port) as worker:
        until(lambda: get("/healthz")[0] == 200, 30, "a healthy worker")
        until(lambda: jobs.queue("job-queue").idle_children == 1, 30, "an idle child")
        status, text = get("/metrics")
        assert status == 200
        assert "trafficjobs_worker_children 1.0" in text
        assert 'trafficjobs_worker_child_deaths_total{reason="signal"} 0.0' in text
        assert get("/nothing")[0] == 404
        # The supervisor starts in a moment and stays small: what computes is in the nursery and its children.
        assert worker.nursery is not None
        pyarrow = ["pyarrow" in Path(f"/proc/{pid}/maps").read_text() for pid in (worker.pid, worker.nursery.pid)]
        assert pyarrow == [False, True]


def test_a_job_in_the_steady_state_is_one_round_trip(settings: Settings, operations: Path, tmp_path: Path) -> None:
    number = 200
    (operations / "little.py").write_text(OPERATIONS.split("@operation")[0] + LITTLE)
    with Server(tmp_path / "redis") as server:  # of its own: commands are counted for the whole server
        own = settings.model_copy(update={"redis_port": server.port})
        jobs = Jobs(own)
        keep_functions(jobs.store)

        def commands(name: str) -> int:
            return int(jobs.store.records.info("commandstats").get(f"cmdstat_{name}", {"calls": 0})["calls"])

        def scripts() -> int:
            return commands("fcall") + commands("evalsha") + commands("eval")

        with Worker(own, operations_dir=operations, lease_seconds=30):
            until(lambda: jobs.queue("job-queue").idle_children == 1, 30, "an idle child")
            until(lambda: "talk_little" in str(jobs.workers()), 30, "the registration")
            waits, before = commands("blpop"), scripts()
            jobs.submit_many(Submission("talk_little") for _ in range(number))
            until(lambda: jobs.counts()["complete"] == number, 60, "the last job")
            spent = scripts() - before
            # One turn a job. On top: the submit, the first claim after the bell, the registration (again with each lease)
            # and a beat or two, and each script the server did not know once more as EVAL.
            assert number <= spent <= number + 9
            assert commands("blpop") - waits <= 2


def test_a_frozen_nursery_hides_no_death(jobs: Jobs, settings: Settings, operations: Path) -> None:
    (operations / "nap.py").write_text(NAP)
    with Worker(settings, operations_dir=operations) as worker:
        jid = jobs.submit(Submission("nap")).id
        until(lambda: jobs.get(jid).status == "in-progress", 30, "the run")
        assert worker.nursery is not None
        (child,) = worker.children
        worker.nursery.suspend()
        child.kill()
        until(lambda: jobs.get(jid).crashes == 1, 20, "the death told without the nursery")
        until(lambda: jobs.get(jid).attempt == 2, 20, "the next run, of another nursery")


NAP = """
import time
from lib.operations import operation

@operation(needs_data=False)
def nap() -> dict:
    \"\"\"Takes its time.\"\"\"
    time.sleep(60)
    return {}
"""

LITTLE = '''
@operation(needs_data=False)
def talk_little() -> dict:
    """Does nothing."""
    return {}
'''


def test_an_idle_worker_is_rung_for_every_priority_and_queue_without_upkeep(
    jobs: Jobs, settings: Settings, operations: Path
) -> None:
    both = settings.model_copy(update={"queues": ["second"]})
    jobs = Jobs(both)
    with Worker(both, operations_dir=operations, queues="second", idle_wait=600):
        until(lambda: jobs.queue("second").idle_children == 1, 30, "an idle child")
        for queue in ("job-queue", "second"):
            for priority in ("high", "normal", "low"):
                jid = jobs.submit(Submission("talk", priority=priority), queue=queue).id
                until(lambda jid=jid: jobs.get(jid).status == "complete", 10, f"the {priority} job of {queue}")  # type: ignore[misc]
                until(lambda queue=queue: jobs.queue(queue).idle_children == 1, 10, "the child idle again")  # type: ignore[misc]


def test_a_worker_that_is_told_to_go_while_it_starts_goes(settings: Settings, jobs: Jobs) -> None:
    """As PID 1 of a container it would never see a signal that it has no handler for yet."""
    with Worker(settings) as worker:
        until(lambda: handles_sigterm(worker.pid), 10, "a handler of SIGTERM")
        assert psutil.Process(worker.pid).children() == []  # it is not further than its imports
        assert worker.stop(wait=10) == 0
    assert jobs.workers() == []
