"""At Redis's memory limit what runs still ends, and upkeep still works; only what is new is refused."""

from collections.abc import Iterator

import pytest

from lib.errors import StoreFull
from lib.jobs import Submission
from tests.chaos.fleet import LEASE, Fleet
from tests.chaos.system import now
from tests.waiting import until


@pytest.fixture
def full(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet; call `fill` to bring its server to the limit. Afterwards there is room again."""
    yield fleet
    fleet.jobs.store.records.config_set("maxmemory", 0)


def fill(fleet: Fleet) -> None:
    """From now on Redis refuses every write that takes memory, unless it comes with allow-oom."""
    used = int(fleet.jobs.store.records.info("memory")["used_memory"])
    fleet.jobs.store.records.config_set("maxmemory", used // 2)
    with pytest.raises(StoreFull):
        fleet.jobs.submit(Submission("ledger_noop"))


def test_twenty_jobs_run_to_their_end_at_full_memory(full: Fleet) -> None:
    gate = full.gate()
    jids = [full.submit("ledger_gate", path=str(gate)) for _ in range(4)]
    jids += [full.submit("ledger_talk", lines=3) for _ in range(8)] + [full.submit("ledger_raise", times=9) for _ in range(8)]
    for jid in jids[:4]:
        full.started(jid)
    fill(full)
    gate.touch()
    statuses = [full.ended(jid).status for jid in jids]
    assert statuses == ["complete"] * 12 + ["failed"] * 8
    assert full.violations(jids) == []


def test_upkeep_that_is_restarted_at_full_memory_still_expires_and_reaps(full: Fleet) -> None:
    short = full.jobs.submit(Submission("ledger_noop", id="short", result_ttl=1)).id
    full.ended(short)
    # A child of nobody, on a queue that no worker of the fleet serves
    orphan = full.submit("ledger_noop", queue="aside")
    claim = full.jobs.claim("nobody/1", "nobody", ["aside"])
    assert claim is not None
    full.fault("kill-supervisor", "nobody")
    fill(full)
    killed = full.upkeep.pid
    full.upkeep.kill()
    until(lambda: full.upkeep.alive and full.upkeep.pid != killed, 10, "the next upkeep")
    restarted = now()
    lost = full.event(orphan, "lost", 5 * 2 * LEASE)  # a lease, and another one after the gap
    assert lost.time - restarted < 5 * 2 * LEASE
    prefix = full.settings.key_prefix
    until(lambda: not full.jobs.store.records.exists(f"{prefix}job.{short}"), 5 * LEASE, "the end of an expired record")
    full.jobs.cancel(orphan)
    assert full.violations([orphan]) == []


def test_a_child_that_dies_at_full_memory_is_reported_and_its_job_runs_again(full: Fleet) -> None:
    gate = full.gate()
    jid = full.submit("ledger_crash", times=1)
    poison = full.submit("ledger_crash", times=99)
    held = full.submit("ledger_gate", path=str(gate))
    full.started(held)
    fill(full)
    gate.touch()
    assert (full.ended(jid).status, full.ended(poison).status, full.ended(held).status) == ("complete", "failed", "complete")
    job = full.jobs.get(poison)
    assert job.error is not None
    assert (job.crashes, job.attempt, job.error["reason"]) == (job_budget(full) + 1, job_budget(full) + 1, "crash")
    assert full.violations([jid, poison, held]) == []


def job_budget(fleet: Fleet) -> int:
    """Deaths that a job survives."""
    return fleet.settings.max_crashes
