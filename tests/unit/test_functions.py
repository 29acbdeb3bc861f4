"""The scripts that every job needs, as functions of the server: called where they are there, and never needed."""

import os
from typing import Any

import pytest
import redis

from lib.functions import keep_functions
from lib.jobs import Jobs, Submission, complete
from lib.scripts import HOT, functions_of
from lib.store import Store
from lib.upkeep import Upkeep

QUEUES = ["job-queue"]


@pytest.fixture(autouse=True)
def tidied(jobs: Jobs) -> Any:
    """Functions outlive the keys of a test."""
    yield
    for name in names(jobs):
        jobs.store.queues.function_delete(name)


def names(jobs: Jobs) -> set[str]:
    """Of this release's functions."""
    found: list[Any] = jobs.store.queues.function_list(f"{functions_of(jobs.settings)}*")
    return {dict(zip(library[::2], library[1::2], strict=True))[b"library_name"].decode() for library in found}


def calls(jobs: Jobs) -> tuple[int, int]:
    """Functions and scripts that the server ran so far."""
    known = jobs.store.records.info("commandstats")
    fcall, evalsha = (known.get(f"cmdstat_{name}", {"calls": 0, "failed_calls": 0}) for name in ("fcall", "evalsha"))
    return fcall["calls"] - fcall["failed_calls"], evalsha["calls"]


def work(jobs: Jobs) -> None:
    """A job from its submit to its end, and the next one by a turn."""
    first, second = (jobs.submit(Submission("x")).id for _ in range(2))
    claim = jobs.claim("c", "w", QUEUES)
    assert claim is not None
    counted, following = jobs.turn(claim, complete(b"1"), "c", "w", QUEUES)
    assert counted
    assert following is not None
    jobs.finish(following, complete(b"2"))
    assert [(jobs.get(jid).status, jobs.get(jid).result) for jid in (first, second)] == [("complete", 1), ("complete", 2)]


def test_upkeep_loads_them_and_every_step_of_a_job_is_one(jobs: Jobs) -> None:
    Upkeep(jobs).round()
    assert len(names(jobs)) == len(HOT)
    before = calls(jobs)
    work(jobs)
    functions, scripts = (after - earlier for after, earlier in zip(calls(jobs), before, strict=True))
    assert (functions, scripts) == (5, 0)


def test_each_call_has_its_own_time_and_begins_where_the_last_one_failed(jobs: Jobs) -> None:
    keep_functions(jobs.store)
    first = jobs.get(jobs.submit(Submission("x", id="first")).id)
    with pytest.raises(redis.ResponseError):
        jobs.store.run("finish")  # without words
    second = jobs.get(jobs.submit(Submission("x", id="second")).id)
    assert (first.submitted or "") < (second.submitted or "")
    assert jobs.purge("job-queue").cancelled == 2
    work(jobs)


def test_where_they_are_gone_scripts_do_the_same_until_upkeep_has_loaded_them_again(jobs: Jobs) -> None:
    upkeep = Upkeep(jobs)
    upkeep.round()
    for name in names(jobs):
        jobs.store.queues.function_delete(name)
    before = calls(jobs)
    work(jobs)
    assert calls(jobs)[0] == before[0]
    keep_functions(jobs.store)
    fresh = Jobs(jobs.settings, store=Store(jobs.settings))
    work(fresh)
    fresh.close()
    assert calls(jobs)[0] == before[0] + 5


def test_what_another_version_left_is_deleted_and_what_others_have_stays(jobs: Jobs) -> None:
    def library(name: str) -> str:
        return f"#!lua name={name}\nredis.register_function('{name}', function() return 1 end)"

    old, other = f"{functions_of(jobs.settings)}submit_old", f"trafficjobs_other_{os.getpid()}"
    rd = jobs.store.queues
    try:
        rd.function_load(library(old))
        rd.function_load(library(other))
        keep_functions(jobs.store)
        assert old not in names(jobs)
        assert rd.function_list(other)
    finally:
        rd.function_delete(other)


def test_at_full_memory_what_runs_can_end_without_them(jobs: Jobs) -> None:
    jobs.submit(Submission("x", id="runs"))
    claim = jobs.claim("c", "w", QUEUES)
    assert claim is not None
    rd = jobs.store.records
    rd.config_set("maxmemory", 1)
    try:
        keep_functions(jobs.store)
        assert not names(jobs)
        jobs.finish(claim, complete(b"1"))
    finally:
        rd.config_set("maxmemory", 0)
    assert jobs.get("runs").status == "complete"
