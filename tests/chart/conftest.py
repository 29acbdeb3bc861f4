"""The chart, read once for the tests of a process, and the releases that most tests look at."""

from collections.abc import Iterator

import pytest

from tests.chart.combinations import COMBINATIONS
from tests.chart.rendering import Chart, Release


@pytest.fixture(scope="session")
def chart() -> Iterator[Chart]:
    """The chart of this checkout."""
    made = Chart()
    yield made
    made.close()


@pytest.fixture(params=COMBINATIONS, scope="session")
def release(request: pytest.FixtureRequest, chart: Chart) -> Release:
    """Each of the combinations in turn."""
    return chart.render(COMBINATIONS[request.param])
