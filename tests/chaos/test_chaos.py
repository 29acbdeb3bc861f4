"""The whole under random faults: whatever dies, each accepted job ends once, and every count is right."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos.run import Experiment, Plan

# A seed of one's own repeats a run: TRAFFICJOBS_CHAOS_SEED=5.
SEED = int(os.environ.get("TRAFFICJOBS_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.timeout(300)
def test_no_job_is_lost_or_doubled_under_random_kills(tmp_path: Path) -> None:
    report = Experiment(Plan(SEED, jobs=2_000, kills=20), tmp_path, os.environ.get("TRAFFICJOBS_SERVER")).run()
    assert not report.violations, str(report)
    assert report.numbers["jobs"] == 2_000
    assert report.numbers["faults"] >= 15
    assert report.numbers["complete"] > 1_800


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_job_is_lost_or_doubled_with_the_real_lease(tmp_path: Path) -> None:
    report = Experiment(Plan(SEED, jobs=3_000, kills=8, lease=30.0), tmp_path, os.environ.get("TRAFFICJOBS_SERVER")).run()
    assert not report.violations, str(report)
    assert report.numbers["jobs"] == 3_000
    assert report.numbers["faults"] >= 5
