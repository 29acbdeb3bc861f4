"""The counterproof of test_long_jobs.py: with the running jobs taken out of the scaler's formula, the same look sees harm.

What is harmed is not lost: jobs are handed back uncharged, and end.
"""

from collections.abc import Callable

from tests.e2e import long_jobs
from tests.e2e.release import Release

VALUES = long_jobs.VALUES


def test_without_the_running_jobs_in_the_formula_the_scaler_takes_pods_that_work(
    release: Release, figure: Callable[[str], None]
) -> None:
    release.wait_for_zero(300)
    whole = release.scaled_object()["spec"]["advanced"]["scalingModifiers"]["formula"]
    busy, _, queued = whole.partition(" + ")
    assert "busy" in busy
    assert "busy" not in queued
    _set_formula(release, f"ceil({queued}")
    seen = long_jobs.observe(release)
    seen.tell(figure)
    assert seen.harmed
    assert seen.told_to_go
    assert seen.quiet < long_jobs.JOB
    _set_formula(release, whole)
    ended = release.accepted.end([release.client().job(each.record["id"]) for each in seen.jobs], 5 * long_jobs.JOB)
    assert {each.record["status"] for each in ended} == {"complete"}
    assert {each.record["crashes"] for each in ended} == {0}
    release.accepted.check()


def _set_formula(release: Release, formula: str) -> None:
    release.patch_scaled_object({"advanced": {"scalingModifiers": {"formula": formula}}})
