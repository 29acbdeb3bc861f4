"""Jobs that run while nothing waits are left alone by the scaler, because the running ones count."""

from collections.abc import Callable

from tests.e2e import long_jobs
from tests.e2e.release import Release

VALUES = long_jobs.VALUES


def test_jobs_that_outlast_empty_lists_end_where_they_began(release: Release, figure: Callable[[str], None]) -> None:
    seen = long_jobs.observe(release)
    seen.tell(figure)
    assert seen.quiet > long_jobs.QUIET
    assert not seen.harmed
    assert not seen.told_to_go
    release.accepted.check()
