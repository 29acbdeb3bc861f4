"""The course's programs run on `lib.jobs` with nothing but the import changed, and a killed one loses nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.claims import complete
from lib.jobs import Jobs
from lib.settings import Settings
from lib.upkeep import Upkeep
from tests.compat import course_programs
from tests.waiting import until
from tests.workers import ROOT

Program = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def program(settings: Settings, tmp_path: Path) -> Iterator[Program]:
    """Starts a program of the course against this test's queue; what still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, **values: object) -> subprocess.Popen[str]:
        path = tmp_path / f"program{len(started)}.py"
        path.write_text(source.format(**values) if values else source)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "REDIS_PORT": str(settings.redis_port),
            "KEY_PREFIX": settings.key_prefix,
            "LEASE_SECONDS": str(settings.lease_seconds),
        }
        process = subprocess.Popen([sys.executable, str(path)], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def output(process: subprocess.Popen[str]) -> list[str]:
    """Lines of a program that ends by itself."""
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    return text.splitlines()


def line(process: subprocess.Popen[str]) -> str:
    """The next line of a program that goes on."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_worker_and_producer_complete_every_job(program: Program, jobs: Jobs) -> None:
    ids = output(program(course_programs.PRODUCER, number=3))
    worker = program(course_programs.WORKER, seconds=0)
    assert [line(worker) for _ in ids] == [f"working on {jid}" for jid in ids]
    until(lambda: jobs.counts()["complete"] == 3, 10, "three complete jobs")
    assert {job.start for job in jobs.page().jobs} == {"2020-01-01"}


def test_a_killed_course_worker_loses_nothing(program: Program, jobs: Jobs) -> None:
    upkeep = Upkeep(jobs)
    (jid,) = output(program(course_programs.PRODUCER, number=1))
    first = program(course_programs.WORKER, seconds=60)
    assert line(first) == f"working on {jid}"
    assert jobs.get(jid).status == "in-progress"
    first.send_signal(signal.SIGKILL)
    until(lambda: upkeep.round() and jobs.get(jid).status == "submitted", 5 * 2 * jobs.settings.lease_seconds, "the lease's end")
    second = program(course_programs.WORKER, seconds=0)
    assert line(second) == f"working on {jid}"
    until(lambda: jobs.get(jid).status == "complete", 10, "the second worker")
    assert jobs.get(jid).attempt == 2


def test_a_course_worker_that_raises_fails_the_job_and_goes_on(program: Program, jobs: Jobs) -> None:
    source = course_programs.WORKER.replace("time.sleep({seconds})", "if jid == '{bad}': raise ValueError('bad luck')")
    bad, good = output(program(course_programs.PRODUCER, number=2))
    program(source, bad=bad)
    until(lambda: jobs.get(good).status == "complete", 10, "the second job")
    job = jobs.get(bad)
    assert (job.status, job.result) == ("failed", {"error": "bad luck"})
    assert job.error is not None
    assert "ValueError" in job.error["traceback"]


def test_producer_and_consumer_threads_share_a_queue(program: Program, settings: Settings) -> None:
    process = program(course_programs.THREADS, queue="threads", port=settings.redis_port)
    assert output(process) == [f"Message: Hello {n}" for n in range(5)] + ["left: 0"]


def test_a_killed_consumer_loses_no_item(program: Program, jobs: Jobs, settings: Settings) -> None:
    from hotqueue import HotQueue

    adopting = Jobs(settings.model_copy(update={"adopt_queues": ["words"]}))
    upkeep = Upkeep(adopting)
    with_package = HotQueue("words", host="127.0.0.1", port=settings.redis_port, db=1)
    with_package.put("one", "two")
    assert len(with_package) == 2
    first = program(course_programs.SLOW_CONSUMER, queue="words", port=settings.redis_port, seconds=60)
    assert line(first) == "took one"
    first.kill()
    until(lambda: upkeep.round() and adopting.queue("words").running == 0, 5 * 2 * settings.lease_seconds, "the lease's end")
    second = program(course_programs.SLOW_CONSUMER, queue="words", port=settings.redis_port, seconds=0)
    assert [line(second) for _ in range(4)] == ["took one", "done one", "took two", "done two"]


def test_an_uncaught_exception_hands_the_item_back_and_a_clean_exit_does_not(program: Program, settings: Settings) -> None:
    source = (
        "from lib.jobs import HotQueue\nq = HotQueue('{queue}', host='127.0.0.1', port={port})\nitem = q.get()\nprint(item)\n"
    )
    values = {"queue": "exits", "port": settings.redis_port}
    put = program(source.replace("item = q.get()", "item = q.put('a', 'b')"), **values)
    output(put)
    crashing = program(source + "raise SystemError\n", **values)
    assert crashing.wait(20) == 1
    assert [output(program(source, **values)) for _ in range(3)] == [["a"], ["b"], ["None"]]


def test_records_made_by_hand_are_run_and_their_outcome_written_back(program: Program, settings: Settings) -> None:
    (jid,) = output(program(course_programs.FOREIGN_SUBMIT, queue="job_queue", port=settings.redis_port))
    jobs = Jobs(settings.model_copy(update={"adopt_queues": ["job_queue"]}))
    claim = jobs.claim("c", "w", ["job_queue"])
    assert claim is not None
    assert (claim.id, claim.operation) == (jid, "print")
    jobs.finish(claim, complete(b'{"printed":"hi"}'))
    assert json.loads(jobs.store.records.get(jid) or "")["status"] == "complete"
    jobs.store.records.delete(jid)


def test_hand_made_hashes_of_the_course_are_run(program: Program, jobs: Jobs) -> None:
    source = (
        "from lib.jobs import _generate_jid, _generate_job_key, _instantiate_job, _save_job, _queue_job, get_job_by_id, rd, q\n"
        "jid = _generate_jid()\n"
        "_save_job(_generate_job_key(jid), _instantiate_job(jid, 'submitted', '2020-01-01', '2020-02-01'))\n"
        "_queue_job(jid)\n"
        "assert get_job_by_id(jid)['status'] == 'submitted', get_job_by_id(jid)\n"
        "assert rd.hget(_generate_job_key(jid), 'start') == b'2020-01-01'\n"
        "print(jid, len(q))\n"
    )
    (printed,) = output(program(source))
    jid, length = printed.split()
    assert length == "1"
    claim = jobs.claim("c", "w", ["job-queue"])
    assert claim is not None
    assert (claim.id, claim.operation, claim.params) == (jid, "describe", {"start": "2020-01-01", "end": "2020-02-01"})
