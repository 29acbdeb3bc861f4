"""The program at the end of each page for those who come from elsewhere runs, and prints what the page says."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.features.test_readme import matches
from tests.service import Service
from tests.workers import ROOT, environment
from trafficjobs import Client

PAGES = sorted((ROOT / "docs" / "coming-from").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Kind and text of every block of a page, in order."""
    return _BLOCK.findall(page.read_text())


@pytest.fixture(autouse=True)
def _nothing_failed_stays(whole: Service) -> Iterator[None]:
    """Failures of one page are no failures of the next."""
    yield
    with Client(whole.url) as client:
        for job in client.jobs(operation="split_bill"):
            job.wait(timeout=30).delete()


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "README"], ids=lambda page: page.stem)
def test_the_program_at_the_end_prints_what_the_page_says(whole: Service, page: Path) -> None:
    (kind, program), (shown_as, shown) = blocks(page)[-2:]
    assert (kind, shown_as) == ("python", "text")
    env = environment(whole.settings, **whole.running) | {"TRAFFICJOBS_URL": whole.url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert matches(shown, done.stdout), done.stdout + done.stderr


def test_the_pages_say_what_they_must() -> None:
    index = (ROOT / "docs" / "coming-from" / "README.md").read_text()
    for page in PAGES[1:] if PAGES[0].stem == "README" else PAGES:
        text = page.read_text()
        assert f"]({page.name})" in index, page.name
        for part in ("| what you know |" if page.stem != "plain-redis" else "| the recipe |", "**Better.**", "**Missing.**"):
            assert part in text, (page.name, part)


def test_the_operations_of_the_pages_are_those_that_run_here() -> None:
    (program,) = [text for kind, text in blocks(ROOT / "docs" / "coming-from" / "README.md") if kind == "python"]
    assert program == (Path(__file__).parent / "operations" / "words.py").read_text()
