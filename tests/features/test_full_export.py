"""An export as large as the city's: loaded over HTTP, with and without the column Agency, in bounded memory."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lib.settings import Settings
from tests.service import Service, whole_service
from tools.make_sample import make_sample, write
from trafficjobs import Client

ROWS = 432_500
MIB = 2**20
pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(300)]


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    with whole_service(settings, tmp_path, lease_seconds=30) as running:
        yield running


def resident(word: str, prefix: str) -> int:
    """Bytes that the processes of one program of this release have resident, all together."""
    found = 0
    for process in psutil.process_iter(["cmdline"]):
        try:
            if any(word in part for part in process.info["cmdline"] or []) and process.environ().get("KEY_PREFIX") == prefix:
                found += process.memory_info().rss
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("agency", [True, False], ids=["ten columns", "nine columns"])
def test_the_whole_export_is_loaded_in_bounded_memory(service: Service, tmp_path: Path, agency: bool) -> None:
    table = make_sample(ROWS, seed=1)
    path = tmp_path / "full.csv"
    write(table if agency else table.drop_columns(["Agency"]), path)
    prefix = service.settings.key_prefix
    before, most = (
        {word: resident(word, prefix) for word in ("gunicorn", "services.worker")},
        {"gunicorn": 0, "services.worker": 0},
    )
    with Client(service.url) as client:
        began = time.monotonic()
        job = client.load(path, progress=lambda sent, _: _note(most, "gunicorn", prefix) if sent % (4 * MIB) == 0 else None)
        sent = time.monotonic() - began
        for _ in job.watch(120):
            _note(most, "services.worker", prefix)
        took = time.monotonic() - began
        report = job.value()["report"]
        grown = {word: (most[word] - before[word]) / MIB for word in most}
        print(f"sent in {sent:.1f} s, loaded in {took:.1f} s; grown by {grown} MiB; file {path.stat().st_size / MIB:.0f} MiB")
        assert report["rows_read"] == ROWS
        assert report["rows_kept"] + report["duplicates"]["count"] == ROWS
        assert len(report["columns"]) == 10 if agency else 9
        assert took < 60
        assert grown["gunicorn"] < 32
        assert 0 < grown["services.worker"] < 8 * path.stat().st_size / MIB
        first = next(iter(client.data(limit=1)))
        assert first.get("agency") is not None if agency else first["agency"] is None


def _note(most: dict[str, int], word: str, prefix: str) -> None:
    most[word] = max(most[word], resident(word, prefix))
