"""One fault at a time, on real processes. A promised time is asserted at five times its value."""

import signal

import psutil
import pytest

from tests.chaos.fleet import LEASE, Fleet, gone
from tests.chaos.killing import kill_redis
from tests.chaos.system import now
from tests.waiting import until

AT_ONCE = 0.2  # seconds: what a death that the parent sees may take until its job is queued again


def test_a_killed_child_is_seen_at_once_and_its_job_runs_again(fleet: Fleet) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_gate", path=str(gate))
    first = fleet.started(jid)
    fault = fleet.fault("kill-child", first.worker)
    psutil.Process(first.pid).kill()
    crash = fleet.event(jid, "crash", 20)
    assert crash.time - fault.start < 5 * AT_ONCE
    fleet.started(jid, 2)
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.crashes, job.lost) == ("complete", 2, 1, 0)
    assert job.attempts[0]["error"]["evidence"]["signal"] == "SIGKILL"
    assert fleet.violations([jid]) == []


def test_jobs_of_a_killed_supervisor_are_freed_by_upkeep_with_no_worker_alive(fleet: Fleet) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_gate", path=str(gate))
    first = fleet.started(jid)
    for worker in fleet.workers:
        worker.wanted = False
        fault = fleet.fault("kill-supervisor", worker.name)
        worker.kill()
    lost = fleet.event(jid, "lost", 5 * LEASE)
    assert lost.time - fault.start < 5 * LEASE
    assert gone(first.pid)
    assert fleet.jobs.get(jid).status == "submitted"
    for worker in fleet.workers:
        worker.start()
        fleet.faults[-1].end = now()
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.crashes, job.lost) == ("complete", 2, 0, 1)
    assert fleet.violations([jid]) == []


def test_sigterm_in_mid_job_hands_it_to_another_worker_at_once_and_charges_nothing(fleet: Fleet) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_gate", path=str(gate))
    first = fleet.started(jid)
    worker = fleet.worker_of(first)
    worker.wanted = False
    worker.kill(signal.SIGTERM)
    released = fleet.event(jid, "worker stopped", 20)
    second = fleet.started(jid, 2)
    assert second.worker != first.worker
    assert second.starts[0] - released.time < 5 * AT_ONCE
    assert worker.process is not None
    assert worker.process.wait(20) == 0
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.releases, job.crashes, job.lost) == ("complete", 2, 1, 0, 0)
    assert fleet.violations([jid]) == []


def test_a_second_sigterm_ends_a_job_at_once_and_charges_nothing(fleet: Fleet) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_gate", path=str(gate))
    worker = fleet.worker_of(fleet.started(jid))
    worker.wanted = False
    told = lambda: worker.log.read_text().count("stopping; running jobs have")  # noqa: E731
    before = told()
    worker.kill(signal.SIGTERM)
    until(lambda: told() > before, 10, "the worker to hear of it")
    worker.kill(signal.SIGTERM)
    fleet.event(jid, "worker stopped", 20)
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.releases, job.crashes, job.lost) == ("complete", 1, 0, 0)
    assert fleet.violations([jid]) == []


def test_both_jobs_of_a_worker_that_stops_are_released(fleet: Fleet) -> None:
    gate = fleet.gate()
    jids = [fleet.submit("ledger_gate", path=str(gate)) for _ in range(4)]
    runs = {jid: fleet.started(jid) for jid in jids}
    worker = fleet.workers[0]
    worker.wanted = False
    worker.kill(signal.SIGTERM)
    mine = [jid for jid in jids if runs[jid].worker == worker.name]
    assert len(mine) == 2
    for jid in mine:
        fleet.event(jid, "worker stopped", 20)
    gate.touch()
    ended = [fleet.ended(jid) for jid in mine]
    assert [(job.status, job.releases, job.lost, job.crashes) for job in ended] == [("complete", 1, 0, 0)] * 2
    assert fleet.violations(jids) == []


def test_the_late_result_of_a_supervisor_stopped_past_its_lease_is_dropped_and_counted(fleet: Fleet) -> None:
    gate, stale = fleet.gate(), "stale|ledger_gate"
    before = fleet.jobs.counters().get(stale, 0)
    jid = fleet.submit("ledger_gate", path=str(gate))
    first = fleet.started(jid)
    worker = fleet.worker_of(first)
    fault = fleet.fault("stop-supervisor", worker.name)
    supervisor = psutil.Process(worker.pid)
    supervisor.suspend()
    try:
        fleet.event(jid, "lost", 5 * LEASE)
        second = fleet.started(jid, 2)
        gate.touch()
        until(lambda: fleet.jobs.counters().get(stale, 0) == before + 1, 10, "the stale result in the counters")
    finally:
        supervisor.resume()
        fault.end = now()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.result["token"]) == ("complete", 2, second.token)
    assert fleet.violations([jid]) == []


def test_redis_away_for_three_leases_under_running_jobs_charges_nothing(fleet: Fleet) -> None:
    gate = fleet.gate()
    jids = [fleet.submit("ledger_gate", path=str(gate)) for _ in range(3)]
    for jid in jids:
        fleet.started(jid)
    kill_redis(fleet.server)
    back = now() + 3 * LEASE
    until(lambda: now() >= back, 4 * LEASE, "the end of three leases")
    fleet.server.start()
    seen = f"{fleet.settings.key_prefix}upkeep.seen"
    restarted = now()

    def reaping() -> bool:
        values = fleet.jobs.store.records.hgetall(seen)
        return float(values[b"last"]) > max(restarted, float(values[b"not_before"]))

    until(reaping, 5 * LEASE, "upkeep that reaps again")
    gate.touch()
    for job in map(fleet.ended, jids):
        assert (job.status, job.attempt, job.crashes, job.lost, job.releases) == ("complete", 1, 0, 0, 0)
    assert fleet.violations(jids) == []


def test_a_child_that_moved_on_is_not_killed_for_its_last_job(fleet: Fleet) -> None:
    gate = fleet.gate()
    done = fleet.submit("ledger_noop")
    old = fleet.jobs.get(done) if fleet.ended(done) else None
    assert old is not None
    jids = [fleet.submit("ledger_gate", path=str(gate)) for _ in range(4)]
    runs = [fleet.started(jid) for jid in jids]
    token = fleet.started(done).token
    for name in {str(fleet.jobs.get(jid).worker) for jid in jids}:
        control = f"{fleet.settings.key_prefix}control.{name}"
        fleet.jobs.store.records.xadd(control, {"order": "cancel", "child": "any", "token": token, "id": done})
    for run in (runs[0], next(run for run in runs if run.worker != runs[0].worker)):  # orders are carried out in turn
        fleet.jobs.cancel(run.job)
        assert fleet.ended(run.job, 5).status == "cancelled"
    gate.touch()
    ended = [fleet.ended(jid) for jid in jids]
    assert sorted(job.status for job in ended) == ["cancelled", "cancelled", "complete", "complete"]
    assert {job.attempt for job in ended} == {1}
    assert fleet.violations(jids) == []


def test_after_all_processes_of_a_worker_died_at_once_its_next_start_reports_the_evidence(fleet: Fleet) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_gate", path=str(gate))
    first = fleet.started(jid)
    worker, upkeep = fleet.worker_of(first), psutil.Process(fleet.upkeep.pid)
    upkeep.suspend()  # the evidence, not the end of the lease, must free the job
    try:
        fleet.fault("kill-worker", worker.name)
        family = worker.family()
        worker.kill()
        for process in family:
            process.kill()
        fleet.event(jid, "crash", 30)
    finally:
        upkeep.resume()
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.crashes, job.lost) == ("complete", 2, 1, 0)
    assert "killed at once" in job.attempts[0]["error"]["evidence"]["summary"]
    assert fleet.violations([jid]) == []


def test_a_job_in_c_code_is_cancelled_within_a_second(fleet: Fleet) -> None:
    jid = fleet.submit("ledger_c_code", seconds=60.0)
    run = fleet.started(jid)
    asked = now()
    fleet.jobs.cancel(jid, by="test")
    assert fleet.ended(jid, 20).status == "cancelled"
    assert now() - asked < 5 * 1.0
    until(lambda: gone(run.pid), 1, "the end of its process")
    assert fleet.violations([jid]) == []


@pytest.mark.parametrize("frozen", [False, True], ids=["away", "frozen"])
def test_an_operation_with_external_effects_does_not_outlive_its_lease_without_redis(fleet: Fleet, frozen: bool) -> None:
    gate = fleet.gate()
    jid = fleet.submit("ledger_external", path=str(gate))
    other = fleet.submit("ledger_gate", path=str(gate))
    first, unharmed = fleet.started(jid), fleet.started(other)
    if frozen:
        fleet.server.signal(signal.SIGSTOP)
    else:
        kill_redis(fleet.server)
    killed = now()
    until(lambda: gone(first.pid), 5 * LEASE, "the end of the process")
    last = fleet.ledger.started(jid)
    assert last is not None
    assert last.last - killed < LEASE + 1.0  # nothing more came out of it than within its lease and a look of the supervisor
    assert not gone(unharmed.pid)
    if frozen:
        fleet.server.signal(signal.SIGCONT)
    else:
        fleet.server.start()
    fleet.event(jid, "lease unsure", 20)
    fleet.started(jid, 2)
    gate.touch()
    job = fleet.ended(jid)
    assert (job.status, job.attempt, job.releases, job.crashes, job.lost) == ("complete", 2, 1, 0, 0)
    assert fleet.ended(other).attempt == 1
    assert fleet.violations([jid, other]) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_upkeep_loses_nothing_and_comes_back(fleet: Fleet, number: signal.Signals) -> None:
    fleet.upkeep.kill(number)
    until(lambda: fleet.upkeep.process is not None and fleet.upkeep.alive, 10, "the next upkeep")
    jid = fleet.submit("ledger_noop")
    assert fleet.ended(jid).attempt == 1
    until(lambda: (fleet.jobs.upkeep_age() or 99) < 1, 20, "a look of upkeep")
    assert fleet.violations([jid]) == []
