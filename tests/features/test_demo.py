"""`make demo` as a newcomer sees it."""

import re
from collections.abc import Callable
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
    job = {"id": "after-the-kill", "operation": "incident_count_by_date", "params": {"date": "2020-01-01"}}
    with httpx.Client(base_url=demo.url, timeout=RECOVERY_SECONDS) as client:
        until(lambda: ready(demo.url), RECOVERY_SECONDS, f"the service again:\n{demo.text}")
        until(lambda: answered(lambda: client.post("/jobs", json=job)), RECOVERY_SECONDS, "an answer to the submission")
        ended = until(lambda: _ended(client), RECOVERY_SECONDS, f"the end of the job:\n{demo.text}")
        assert ended["status"] == "complete", ended
        after = until(lambda: answered(lambda: client.get("/jobs")), RECOVERY_SECONDS, "the list of jobs")
    known = {entry["id"] for entry in after["jobs"]}
    assert {entry["id"] for entry in before["jobs"]} <= known, "a job was lost with the killed processes"


def answered(ask: Callable[[], httpx.Response]) -> Any:
    """What is answered, if it is. Whom the killed API has left behind may answer once more, and hang up on the next request."""
    try:
        return ask().raise_for_status().json()
    except httpx.TransportError:
        return None


def _ended(client: httpx.Client) -> Any:
    record = answered(lambda: client.get("/jobs/after-the-kill"))
    return record if record and record["status"] in ENDED else None
