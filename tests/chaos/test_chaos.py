"""The whole under random faults: whatever dies, each accepted job ends once, and every count is right."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos import deaths, troubles
from tests.chaos.load import todos
from tests.chaos.nemesis import WEIGHTS, plan
from tests.chaos.run import Experiment, Plan

# A seed of one's own repeats a run: TRAFFICJOBS_CHAOS_SEED=5.
SEED = int(os.environ.get("TRAFFICJOBS_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


# Each of these holds up something for longer than a lease.
OUTAGES = frozenset(
    {"stop-worker", "stop-api", "partition", "fill-memory", "fill-disk", "pause-queue", "drain-queue", "drain-worker"}
)
# These can always be struck, whatever is just being started again.
CERTAIN = frozenset({"fill-disk", "half-open", "partition", "slow-network", "pause-queue", "drain-queue"})


def test_every_kind_of_fault_is_struck_by_somebody() -> None:
    assert set(WEIGHTS) == set(deaths.STRIKES | troubles.STRIKES)


def test_a_seed_is_one_plan_and_one_load() -> None:
    assert plan(7, 50) == plan(7, 50)
    assert plan(7, 50) != plan(8, 50)
    assert todos(7, 50) == todos(7, 50)
    assert {"fill-disk"} <= {planned.kind for planned in plan(7, 5, surely=frozenset({"fill-disk"}))}
    assert "fill-disk" not in {planned.kind for planned in plan(7, 500, without=frozenset({"fill-disk"}))}


@pytest.mark.once
@pytest.mark.timeout(300)
def test_no_job_is_lost_or_doubled_under_random_kills(tmp_path: Path) -> None:
    report = Experiment(Plan(SEED, jobs=2_000, kills=20, without=OUTAGES), tmp_path, os.environ.get("TRAFFICJOBS_SERVER")).run()
    assert not report.violations, str(report)
    assert report.asked == 2_000
    assert report.numbers["faults"] >= 15
    assert report.numbers["complete"] > 1_700


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(600)
def test_no_job_is_lost_or_doubled_where_memory_disk_and_network_fail(tmp_path: Path) -> None:
    wanted = Plan(SEED, jobs=2_000, kills=22, surely=OUTAGES | CERTAIN)
    report = Experiment(wanted, tmp_path, os.environ.get("TRAFFICJOBS_SERVER")).run()
    assert not report.violations, str(report)
    assert report.asked == 2_000
    assert {fault.kind for fault in report.evidence.faults} | set(report.left_out) >= CERTAIN


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(900)
def test_no_job_is_lost_or_doubled_with_the_real_lease(tmp_path: Path) -> None:
    wanted = Plan(SEED, jobs=1_500, kills=8, lease=30.0, without=OUTAGES)
    report = Experiment(wanted, tmp_path, os.environ.get("TRAFFICJOBS_SERVER")).run()
    assert not report.violations, str(report)
    assert report.asked == 1_500
    assert report.numbers["faults"] >= 5
