"""Memory of API and worker with the data mapped, as the kernel tells it: PSS, in which what several processes share counts once.

Each is started alone, so that it shares the mapped file with nobody else.
"""

from pathlib import Path

import httpx
import psutil

from lib.jobs import Jobs, Submission
from lib.settings import Settings
from lib.states import TERMINAL
from tests.service import serving
from tests.waiting import until
from tests.workers import Worker

COURSE: dict[str, dict[str, object]] = {
    "incident_count_by_date": {"date": "2023-01-01"},
    "top_locations": {"n": 10},
    "average_response_time": {},
    "unique_issues": {},
    "incidents_by_road": {"road": "LAMAR"},
}
ROUNDS = 8  # of all five operations; enough that every process has answered


def proportional_bytes(root: int) -> int:
    """PSS of a process and all below it."""
    family = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    return sum(process.memory_full_info().pss for process in family)


def of_api(settings: Settings, folder: Path) -> int:
    """Bytes of gunicorn's parent and two workers, each of which has answered from the data."""
    with serving(settings, folder, api_workers=2, data_cache=folder / "api") as api:
        for _ in range(ROUNDS):
            for name, params in COURSE.items():
                httpx.get(f"{api.url}/{name}", params=params, timeout=30).raise_for_status()  # type: ignore[arg-type]
        return proportional_bytes(api.process.pid)


def of_worker(settings: Settings, folder: Path) -> int:
    """Bytes of a supervisor, its nursery and two children that have run jobs on the data."""
    jobs = Jobs(settings)
    with Worker(settings, worker_children=2, data_cache=folder / "worker", result_cache="false") as worker:
        ids = [jobs.submit(Submission(name, params)).id for _ in range(ROUNDS) for name, params in COURSE.items()]
        until(lambda: all(jobs.get(jid).status in TERMINAL for jid in ids), 60, "the jobs")
        found = proportional_bytes(worker.pid)
        worker.stop()
    jobs.close()
    return found
