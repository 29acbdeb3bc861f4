"""One service for all tests of the browser, with a sample of incidents, seen at several addresses.

`house.open` is where nobody signs in, `house.guarded` where TOKENS do, `house.behind` under a path, and `house.empty` a release
that has nothing yet. All of it is slow: `make test-all` runs it once, on the embedded server.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import CHROMIUM, WHERE, started
from tests.browser.furniture import Jobs, furnish
from tests.browser.house import House, built
from tests.browser.windows import Windows
from tools.make_sample import make_sample, write

ROWS = 3_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is slow, and wants Chromium."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(300))
            item.add_marker(pytest.mark.once)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason=WHERE))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of incidents."""
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    write(make_sample(ROWS, seed=1), path)
    return path


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[House]:
    """The running service."""
    with built(tmp_path_factory.mktemp("house"), sample) as running:
        yield running


@pytest.fixture(scope="session")
def jobs(house: House) -> Jobs:
    """Jobs of every kind for the pages to show."""
    return furnish(house)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this process."""
    with started() as running:
        yield running


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Opens windows. At the end of the test whatever their pages complained of fails it."""
    made = Windows(browser)
    yield made
    made.close()
    made.check()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A path that jobs of `gate` and `talk` wait for, and what opens it; opened at the latest with the end of the test."""
    path = tmp_path / "gate"
    yield str(path), path.touch
    path.touch()
