"""One service for all tests of the browser, with a sample of incidents, seen at several addresses."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lib.settings import Settings, load_settings
from tests.servers import Server
from tests.service import serving, whole_service
from tests.tokens import line
from tests.waiting import until
from tests.workers import ROOT

TOKENS = {role: f"tj_{role}_{'0' * 30}" for role in ("view", "submit", "admin")}
PATH = "/tools/incidents"
OPERATIONS = ROOT / "tests" / "features" / "operations"


@dataclass
class House:
    """The service. `http` asks the one that is open.

    Args:
        open: address where nobody signs in.
        guarded: address where TOKENS do.
        behind: address under a path.
        empty: address of another release, with neither data nor workers.
    """

    open: str
    guarded: str
    behind: str
    empty: str
    settings: Settings
    http: httpx.Client

    def submit(self, operation: str, params: Any = None, **more: Any) -> str:
        """Submit a job; its id."""
        answer = self.http.post("/jobs", json={"operation": operation, "params": params or {}} | more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, jid: str, seconds: float = 30) -> str:
        """Wait for the end of a job; its status."""

        def look() -> str | None:
            status = str(self.http.get(f"/jobs/{jid}").json()["status"])
            return status if status in ("complete", "failed", "cancelled") else None

        return until(look, seconds, f"the end of {jid}")


@contextmanager
def built(folder: Path, sample: Path, **others: Any) -> Iterator[House]:
    """The running service, with the sample loaded; `others` are further settings."""
    (folder / "tokens").write_text("".join(line(f"{role}-name", role, token) for role, token in TOKENS.items()))
    with Server(folder / "redis", binary=os.environ.get("TRAFFICJOBS_SERVER")) as server:
        settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            key_prefix="browser:",
            upkeep_interval=0.1,
            data_cache=folder / "cache",
            worker_state_dir=folder / "worker",
            data_file=folder / "absent.csv",
            log_level="warning",
            queues=["job-queue", "parked"],
            **others,
        )
        more = {"operations_dir": OPERATIONS, "queues": "job-queue,parked"} | others
        with (
            whole_service(settings, folder, worker_queues="job-queue", worker_children=3, **more) as service,
            ExitStack() as stack,
        ):
            guarded = stack.enter_context(serving(settings, folder, tokens_file=folder / "tokens", **more)).url
            behind = stack.enter_context(serving(settings, folder, path_prefix=PATH, **more)).url
            empty = stack.enter_context(serving(settings.model_copy(update={"key_prefix": "empty:"}), folder)).url
            http = stack.enter_context(httpx.Client(base_url=service.url, timeout=30))
            made = House(service.url, guarded, behind + PATH, empty, settings, http)
            assert made.ended(str(http.post("/data", content=sample.read_bytes()).json()["id"])) == "complete"
            yield made
