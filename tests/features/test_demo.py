"""`make demo` as a newcomer sees it."""

import re
from typing import Any

import httpx
import psutil

from tests.features.conftest import ENDED, Demo
from tests.service import ready
from tests.waiting import until

PROGRAMS = ["redis", "api", "upkeep", "worker"]
RECOVERY_SECONDS = 30.0


def test_the_demo_runs_one_job_of_each_operation_and_shows_its_result(demo: Demo) -> None:
    templates = httpx.get(f"{demo.url}/templates", timeout=30).json()
    for name in ["load", *templates]:
        assert re.search(rf"^  ✓ {name} +\d+ ms  \S", demo.text, re.MULTILINE), f"{name} is missing:\n{demo.text}"
    assert "✗" not in demo.text


def test_the_demo_saves_a_plot_and_says_where_to_look(demo: Demo) -> None:
    assert (demo.data / "plot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    look = demo.text.partition("\nLook at\n")[2]
    assert str(demo.data / "plot.png") in look
    pages = re.findall(rf"^  .+  ({re.escape(demo.url)}/\S*)$", look, re.MULTILINE)
    assert {f"{demo.url}/", f"{demo.url}/docs", f"{demo.url}/metrics"} <= set(pages)
    for page in pages:
        assert httpx.get(page, headers={"Accept": "text/html, */*;q=0.1"}, follow_redirects=True, timeout=30).status_code == 200


def test_the_demo_stays_up_and_outlives_a_kill_of_each_of_its_processes(demo: Demo) -> None:
    before = httpx.get(f"{demo.url}/jobs", timeout=30).json()
    for program in PROGRAMS:
        psutil.Process(demo.pid_of(program)).kill()
    job = {"operation": "incident_count_by_date", "params": {"date": "2020-01-01"}}
    with httpx.Client(base_url=demo.url, timeout=RECOVERY_SECONDS) as client:
        until(lambda: ready(demo.url), RECOVERY_SECONDS, f"the service again:\n{demo.text}")
        jid = client.post("/jobs", json=job).json()["id"]
        ended = until(lambda: _ended(client, jid), RECOVERY_SECONDS, f"the end of {jid}:\n{demo.text}")
        assert ended["status"] == "complete", ended
        after = client.get("/jobs").json()
    known = {entry["id"] for entry in after["jobs"]}
    assert {entry["id"] for entry in before["jobs"]} <= known, "a job was lost with the killed processes"


def _ended(client: httpx.Client, jid: str) -> dict[str, Any] | None:
    record: dict[str, Any] = client.get(f"/jobs/{jid}").json()
    return record if record["status"] in ENDED else None
