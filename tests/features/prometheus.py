"""A Prometheus of a test's own, which scrapes every second; Debian has the program in the package prometheus.

Where it is not on PATH what asks it is skipped, unless TRAFFICJOBS_PROMTOOL names its companion: then it has to be there.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.chart import promtool
from tests.servers import free_port
from tests.waiting import until

PROGRAM = str(Path(promtool.NAMED).with_name("prometheus")) if promtool.NAMED else shutil.which("prometheus")
needed = pytest.mark.skipif(PROGRAM is None, reason="no prometheus on PATH; Debian and Ubuntu have a package of this name")


class Prometheus:
    """What it knows, asked in PromQL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, expr: str, at: float | None = None) -> dict[frozenset[tuple[str, str]], float]:
        """The value of each series, by its labels without its name; NaN left out."""
        given = {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"}
        answer = httpx.get(f"{self.url}/api/v1/query", params=given, timeout=10)
        assert answer.status_code == 200, (expr, answer.text)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        series = {
            frozenset((k, v) for k, v in each["metric"].items() if k != "__name__"): float(each["value"][1]) for each in found
        }
        return {labels: value for labels, value in series.items() if value == value}

    def targets(self) -> list[str]:
        """host:port of everything that is scraped."""
        found = httpx.get(f"{self.url}/api/v1/targets", timeout=10).json()["data"]["activeTargets"]
        return [urlsplit(each["scrapeUrl"]).netloc for each in found]

    def wait_for_scrape(self, since: float) -> None:
        """Wait until every target was scraped after `since`, a time of this machine."""
        until(lambda: all(each > since for each in self._scraped()), 30, "a scrape of every target")

    def _scraped(self) -> list[float]:
        moments = self.ask("timestamp(up)")  # of a plain selector: when it was scraped
        there = len(self.ask("up == 1")) == len(self.targets()) == len(moments)
        return list(moments.values()) if there else [0.0]


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, Sequence[str]], labels: Mapping[str, str]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes.

    Args:
        targets: host:port of each, by the job whose label they get.
        labels: of everything.
    """
    assert PROGRAM
    jobs = [
        {"job_name": job, "static_configs": [{"targets": list(addresses), "labels": dict(labels)}]}
        for job, addresses in targets.items()
    ]
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, *options], cwd=folder, stdout=log, stderr=log)
    try:
        asked = Prometheus(f"http://127.0.0.1:{port}")
        until(lambda: _ready(asked.url), 60, f"Prometheus; see {folder / 'log'}")
        asked.wait_for_scrape(time.time())
        yield asked
    finally:
        process.terminate()
        process.wait(30)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
