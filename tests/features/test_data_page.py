"""Every command of docs/data.md does what it shows, and its numbers are those of the code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib import incidents_beginning, places
from lib.settings import Settings
from lib.versions import VERSIONS_KEPT
from tests.features.test_readme import matches, somebody
from tests.service import Service, whole_service
from tests.unit.test_downloads import answer, site
from tests.workers import ROOT, environment
from tools.make_sample import make_sample, write

PAGE = (ROOT / "docs" / "data.md").read_text()
PORTAL = "https://data.austintexas.gov"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with data/atx_traffic.csv, of 2,000 rows."""
    write(make_sample(2_000, seed=1), tmp_path / "data" / "atx_traffic.csv")
    return tmp_path


@pytest.fixture
def service(settings: Settings, folder: Path) -> Iterator[tuple[Service, str]]:
    """A service that may fetch from a site, and the address of that."""
    with (
        site(answer((folder / "data" / "atx_traffic.csv").read_bytes())) as url,
        whole_service(settings, folder, data_urls=f"{url}/api/views/", data_urls_allow="127.0.0.0/8") as running,
    ):
        yield running, url


def test_every_command_does_what_the_page_shows(service: tuple[Service, str], folder: Path) -> None:
    running, portal = service
    env = somebody(SimpleNamespace(url=running.url), folder)  # type: ignore[arg-type]
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            here = command.replace("http://127.0.0.1:5000", running.url).replace(PORTAL, portal)
            done = subprocess.run(["bash", "-c", here], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
            assert matches(_plain(shown), _plain(done.stdout)), f"{here}\n{done.stdout}{done.stderr}"
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    notebook = environment(running.settings) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=notebook, capture_output=True, text=True, timeout=60)
    loaded, sample = done.stdout.splitlines()
    assert re.fullmatch(r"\d{4} \w+ .*", loaded), done.stderr
    assert sample == "2000"


def _plain(text: str) -> str:
    """Without the blanks at the ends of lines, which no page shows."""
    return "\n".join(map(str.rstrip, text.splitlines()))


def test_its_limits_are_those_of_the_code() -> None:
    assert f"{incidents_beginning.HEAD_BYTES // 1024} KiB and {incidents_beginning.MOST_COLUMNS:,} columns" in PAGE
    assert f"{incidents_beginning.LINE_BYTES // 2**20} MiB |" in PAGE
    assert f"| versions | {VERSIONS_KEPT} |" in PAGE
    (low, high), (west, east) = places.LATITUDES, places.LONGITUDES
    assert f"({low} to {high}, {west} to {east})" in PAGE
    assert (ROOT / "requirements" / "worker.txt").exists()
