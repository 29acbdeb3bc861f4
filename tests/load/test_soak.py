"""Half a minute of the soak: under mixed load nothing grows, every job ends as it should, and nothing of it stays."""

from pathlib import Path

import pytest

from tests.load.soak import run


@pytest.mark.nightly
@pytest.mark.once
@pytest.mark.timeout(240)
def test_half_a_minute_of_mixed_load_makes_nothing_grow(tmp_path: Path) -> None:
    report = run(tmp_path, seconds=35, warm=15, rate=60)
    assert not report.problems, "\n".join(report.lines())
