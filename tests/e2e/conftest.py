"""Fixtures of the tests on a cluster: the cluster itself, one release a file, and a place for figures.

They run only where their folder is named on the command line, as `make e2e` does: `make test` needs no cluster. One file
is one release in one namespace, so that files can run side by side (pytest -n 3 --dist loadfile).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, ClusterError, connect
from tests.e2e.release import Release
from tests.e2e.values import Values

FIRST_LOOK = 300  # seconds; a scaler that was made before Redis was up is looked at again after a minute or two
_LONGEST = 900  # seconds of one test with its fixtures
_FIGURES = "figures"
_releases: list[Release] = []


def _asked_for(config: pytest.Config) -> bool:
    return any("e2e" in Path(str(argument).partition("::")[0]).parts for argument in config.args)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the folder alone unless it is named."""
    return None if _asked_for(config) else True


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say once, and before anything else, why the tests cannot run here."""
    if _asked_for(session.config) and not hasattr(session.config, "workerinput"):
        try:
            connect()
        except ClusterError as error:
            raise pytest.UsageError(f"tests/e2e: {error}") from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Clusters take their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep everything about the releases that are there when a test fails."""
    report = yield
    if call.when == "call" and call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        for release in _releases:
            release.collect()
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures of all tests, also those of other processes."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = {
        report.nodeid: [text for name, text in report.user_properties if name == _FIGURES]
        for report in reports
        if report.when == "call"
    }
    if any(told.values()):
        terminalreporter.section("figures")
        for test, texts in sorted(told.items()):
            if texts:
                terminalreporter.line("\n    ".join([test.rpartition("::")[2], *texts]))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that KUBECONFIG points at."""
    return connect()


@contextmanager
def _watched(release: Release) -> Iterator[Release]:
    """A release of which everything is kept when a test fails."""
    with release:
        _releases.append(release)
        try:
            yield release
        finally:
            _releases.remove(release)


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Callable[..., AbstractContextManager[Release]]:
    """Opens a release: `with installed("word", values) as release`."""

    def install(about: str, values: Values | None = None, **options: Any) -> AbstractContextManager[Release]:
        return _watched(Release(cluster, about, values, **options))

    return install


@pytest.fixture(scope="module")
def release(request: pytest.FixtureRequest, installed: Callable[..., AbstractContextManager[Release]]) -> Iterator[Release]:
    """The release of this file, with the values in its VALUES."""
    name = Path(request.path).stem.removeprefix("test_")
    with installed(name, getattr(request.module, "VALUES", None)) as found:
        yield found


@pytest.fixture(scope="module")
def at_zero(release: Release) -> None:
    """The pods of the installation are gone, which KEDA takes away when it first looks at the empty lists.

    For tests about a pod and what becomes of it: one that claims a job in the moment before is told to go with it, and a
    container that ends in such a pod is not started again.
    """
    release.wait_for_zero(FIRST_LOOK)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Notes a measured figure, which is printed at the end of the session."""

    def note(text: str) -> None:
        request.node.user_properties.append((_FIGURES, text))

    return note
