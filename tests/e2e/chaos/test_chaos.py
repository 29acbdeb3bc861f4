"""Everything of a release is taken away at random for minutes, under load: no job is lost, none is doubled, and all comes back.

MINUTES and SEED say for how long and what; `make e2e-chaos` sets them.
"""

import os
from collections.abc import Callable

import pytest

from tests.chaos.recovery import lost_and_doubled
from tests.e2e.chaos.figures import DEATHS, OUTAGES, block
from tests.e2e.chaos.nemesis import CAUSES, STRIKES
from tests.e2e.chaos.plan import WEIGHTS
from tests.e2e.chaos.run import WITH, Experiment, Report
from tests.e2e.release import Release

MINUTES = float(os.environ.get("MINUTES") or 10)
SEED = int(os.environ.get("SEED") or 1)
VALUES = WITH
pytestmark = pytest.mark.timeout(60 * MINUTES + 1800)


@pytest.fixture(scope="module")
def report(release: Release) -> Report:
    """What came of the run; made by the first test that asks."""
    experiment = Experiment(release, SEED, 60 * MINUTES)
    try:
        found = experiment.run()
    except BaseException:
        release.collect()
        raise
    (release.folder / "figures.md").write_text(block(found) + "\n")
    return found


def test_every_kind_is_struck_by_somebody() -> None:
    assert set(STRIKES) == set(WEIGHTS)
    takes_runs = {kind for kind in WEIGHTS if kind.endswith(("worker", "child", "nursery", "container"))}
    assert set(CAUSES) - {"evict-worker"} == takes_runs == set(DEATHS) - {"evict-worker"}
    assert set(OUTAGES) == set(WEIGHTS) - takes_runs - {"kill-upkeep"}


def test_no_job_is_lost_or_doubled_and_every_count_is_right(report: Report, figure: Callable[[str], None]) -> None:
    figure(block(report))
    for left_out in report.left_out:
        figure(f"left out: {left_out}")
    assert lost_and_doubled(report.violations) == (0, 0), str(report)
    assert not report.violations, str(report)


def test_every_accepted_job_has_ended_once_as_the_service_says(report: Report, release: Release) -> None:
    assert len(release.accepted.ids) > 60 * MINUTES
    release.accepted.check()


def test_most_of_the_plan_was_struck(report: Report) -> None:
    struck = [fault for fault in report.faults if fault.kind != "evict-worker"]
    assert len(struck) >= 2 * MINUTES, str(report)
    assert len(report.left_out) <= len(struck) / 2, str(report)


def test_no_container_was_started_again_without_cause(report: Report) -> None:
    assert not report.restarts, "\n".join(report.restarts)


def test_keda_scaled_out_under_the_load_and_back_to_zero(report: Report, release: Release) -> None:
    assert max(report.pods) > 1
    assert release.worker_replicas() == 0
    assert not release.pods.present("worker")


def test_the_node_is_open_again(report: Report, release: Release) -> None:
    closed = [node.metadata.name for node in release.cluster.core.list_node().items if node.spec.unschedulable]
    assert not closed
