"""The fleet: one per pytest process, since a worker takes seconds to start."""

from collections.abc import Iterator

import pytest

from tests.chaos.fleet import Fleet


@pytest.fixture(scope="session")
def running_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture
def fleet(running_fleet: Fleet) -> Fleet:
    """Two workers of two children, upkeep and a server; all children are idle."""
    running_fleet.ready()
    return running_fleet
