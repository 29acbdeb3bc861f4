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
    modifiers = release.scaled_object()["spec"]["advanced"]["scalingModifiers"]
    queued, busy = modifiers["formula"].partition(" + ")[2], modifiers["formula"].partition(" + ")[0]
    assert "busy" in busy
    assert "busy" not in queued
    release.patch_scaled_object({"advanced": {"scalingModifiers": {"formula": f"ceil({queued}"}}})
    seen = long_jobs.observe(release)
    seen.tell(figure)
    assert seen.harmed
    assert seen.told_to_go
    assert {each.record["status"] for each in seen.ended} == {"complete"}
    assert {each.record["crashes"] + each.record["lost"] for each in seen.ended} == {0}
    release.accepted.check()
