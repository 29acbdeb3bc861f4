"""An operation that grows without bound ends failed with `memory limit`, whatever it grows; the worker lives and works on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.jobs import Job, Jobs, Retry, Submission
from lib.settings import Settings
from lib.states import TERMINAL
from tests.servers import Server
from tests.waiting import until
from tests.workers import Worker

MIB = 2**20
OPERATIONS = """
import ctypes, os
from lib.operations import operation

def grow(kind):
    kept = []
    if kind == "aborts":  # what C++ and Rust do where Python raises MemoryError
        try:
            grow("bytearray")
        except MemoryError:
            os.abort()
    while True:
        if kind == "bytearray":
            kept.append(bytearray(2**20))
        elif kind == "list":
            kept.extend([n] for n in range(100_000))
        elif kind == "numpy":
            import numpy
            kept.append(numpy.ones(2**17))
        elif kind == "pandas":
            import pandas
            kept.append(pandas.Series(range(2**17)))
        elif kind == "arrow":
            import pyarrow
            kept.append(pyarrow.repeat(1, 2**17))

@operation(needs_data=False, memory_limit=96 * 2**20)
def grows(kind: str) -> int:
    "Without bound."
    return grow(kind)

@operation(needs_data=False)
def grows_freely(kind: str) -> int:
    "Without bound, and without a limit of its own."
    return grow(kind)

@operation(needs_data=False, memory_limit=1024 * 2**20)
def grows_beyond_the_worker(kind: str) -> int:
    "Is allowed more than the worker allows."
    return grow(kind)

@operation(needs_data=False, memory_limit=96 * 2**20)
def copes() -> str:
    "Does without what it does not get."
    try:
        grow("bytearray")
    except MemoryError:
        return "coped"

@operation(needs_data=False)
def pid() -> int:
    "Of the child."
    return os.getpid()
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """A queue that is served by a worker of one child, whose jobs may allocate 160 MiB."""
    folder: Path = tmp_path_factory.mktemp("memory")
    (folder / "operations").mkdir()
    (folder / "operations" / "growing.py").write_text(OPERATIONS)
    with Server(folder / "redis") as server:
        settings = Settings(redis_ip="127.0.0.1", redis_port=server.port, log_level="warning", worker_state_dir=folder / "state")
        with Worker(settings, operations_dir=folder / "operations", memory_limit=160 * MIB, max_crashes=0):
            made = Jobs(settings)
            yield made
            made.close()


def ended(jobs: Jobs, operation: str, **params: str) -> Job:
    jid = jobs.submit(Submission(operation, params, retry=Retry(max=0))).id
    return until(lambda: job if (job := jobs.get(jid)).status in TERMINAL else None, 60, f"the end of {operation}")


@pytest.mark.parametrize("kind", ["bytearray", "list", "numpy", "pandas", "arrow"])
def test_whatever_grows_ends_by_name_and_the_next_job_has_a_fresh_child(jobs: Jobs, kind: str) -> None:
    before = ended(jobs, "pid").result
    job = ended(jobs, "grows", kind=kind)
    assert job.error is not None
    assert (job.status, job.error["reason"]) == ("failed", "memory")
    assert "reached its memory limit of 96 MiB: give its @operation a larger memory_limit" in job.result["error"]
    after = ended(jobs, "pid").result
    assert after != before
    assert jobs.workers()[0]["deaths"] == 0


@pytest.mark.parametrize("operation", ["grows_freely", "grows_beyond_the_worker"])
def test_no_operation_gets_more_than_the_worker_gives(jobs: Jobs, operation: str) -> None:
    job = ended(jobs, operation, kind="bytearray")
    assert "reached the worker's memory limit of 160 MiB: raise MEMORY_LIMIT" in job.result["error"]


def test_an_operation_may_do_without_what_it_does_not_get(jobs: Jobs) -> None:
    assert ended(jobs, "copes").result == "coped"


def test_where_a_library_aborts_the_evidence_names_the_limit(jobs: Jobs) -> None:
    job = ended(jobs, "grows", kind="aborts")
    assert (job.status, job.error["reason"] if job.error else None) == ("failed", "crash")
    assert "killed by SIGABRT" in job.result["error"]
    assert "memory limit of 96 MiB" in job.result["error"]
    assert ended(jobs, "pid").status == "complete"
