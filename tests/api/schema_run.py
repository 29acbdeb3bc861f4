"""schemathesis against a running server: a gunicorn and a worker of its own on a real Redis, and all that was found.

Nothing of the document is loosened. Where a check is told of a further status, it is one that a schema cannot foresee: an
address that is too long for the server (414), and parameters that contradict one another (422).
"""

import hashlib
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from lib.records import ID
from lib.submission import MOST_PARENTS
from tests.api.conftest import CSV
from tests.api.crowd import Api
from tests.servers import Server
from tests.waiting import until
from tests.workers import Worker

TOKEN = "tj_schema"
PHASES = ("examples", "coverage", "fuzzing", "stateful")
_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "414", "429"]
_REJECTED = ["400", "401", "403", "404", "405", "406", "409", "414", "422", "429"]
_OPERATIONS = [
    # A date and a period contradict one another. A body's schema says so; parameters of a query string have a schema each.
    {"include-path": "/plot", "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "422"]}}},
    # Whether a time of cron ever comes, and which time zones there are, is not for a schema to say.
    {
        "include-path-regex": "^/schedules(/[{]sid[}])?$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "400"]}},
    },
    # A batch is as large as all else in a chain together; then most chains are given up before their first request.
    {"include-path": "/batches", "include-method": "POST", "phases": {"stateful": {"enabled": False}}},
    # Its message may be longer than an address: then neither method nor token is seen. test_http asks with a short one.
    {
        "include-path": "/print",
        "checks": {"unsupported_method": {"enabled": False}, "missing_required_header": {"enabled": False}},
    },
]


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/octet-stream")
def _raw(ctx: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Which jobs are there to depend on is not for a schema to say, nor that ids differ: what is right by itself is left out."""
    body = case.body
    bodies = body.get("jobs") if isinstance(body, dict) and "jobs" in body else [body]
    for job in bodies if isinstance(bodies, list) else []:
        if isinstance(job, dict):
            parents = job.get("depends_on")
            if (
                isinstance(parents, list)
                and len(parents) <= MOST_PARENTS
                and all(isinstance(p, str) and ID.match(p) for p in parents)
            ):
                del job["depends_on"]
            if job is not body and isinstance(job.get("id"), str) and ID.match(job["id"]):
                del job["id"]


@contextmanager
def service(server: Server, folder: Path, sign_in: bool) -> Iterator[Api]:
    """The API with its worker and the three incidents of CSV, whose streams end at once. With sign-in TOKEN may do everything."""
    more: dict[str, object] = {"data_file": folder / "absent.csv", "max_body_bytes": 64 * 1024}
    if sign_in:
        more["tokens_file"] = folder / "tokens"
        (folder / "tokens").write_text(f"tester admin {hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    with Api(server, folder, app="tests.api.brief:create_app()", **more) as api:
        settings = api.settings.model_copy(update={"worker_state_dir": folder / "worker", "data_cache": folder / "cache"})
        with Worker(settings, log_level="error"):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            job = requests.post(f"{api.url}/data", data=CSV, headers=headers, timeout=10).json()
            until(lambda: _complete(f"{api.url}/jobs/{job['id']}", headers), 60, "the end of the load")
            yield api


def _complete(url: str, headers: dict[str, str]) -> bool:
    return bool(requests.get(url, headers=headers, timeout=10).json()["status"] == "complete")


class Run:
    """One run of schemathesis: `found` is all that is wrong, `requests` counts what was sent by phase.

    Args:
        examples: of each operation, and chains of the stateful phase.
        token: whether requests carry TOKEN.
        same: whether every run makes the same examples.
    """

    def __init__(self, url: str, examples: int, phases: tuple[str, ...] = PHASES, token: bool = False, same: bool = True) -> None:
        self.requests: Counter[str] = Counter()
        self._found: dict[str, str] = {}
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {TOKEN}"} if token else {})
        config = SchemathesisConfig.from_dict(
            {
                "headers": headers,
                "request-timeout": 20,
                "generation": {"max-examples": examples, "database": "none", "deterministic": same},
                "phases": {phase: {"enabled": phase in phases} for phase in PHASES},
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": _ACCEPTED},
                    "negative_data_rejection": {"expected-statuses": _REJECTED},
                },
                "operations": _OPERATIONS,
            }
        )
        for event in from_schema(schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)).execute():
            self._take(event)

    @property
    def found(self) -> list[str]:
        """Every finding once, with the request that shows it."""
        return [f"{title}\n{text}" for title, text in self._found.items()]

    def _take(self, event: object) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            error = event.exception if isinstance(event, events.FatalError) else event.value
            self._found[f"{type(error).__name__}: {error}"[:200]] = "".join(traceback.format_exception(error))[-3_000:]
        if isinstance(event, events.ScenarioFinished):
            self.requests[event.phase.name] += len(event.recorder.interactions)
            if event.status is Status.FAILURE:
                self._take_failures(event.recorder)

    def _take_failures(self, recorder: ScenarioRecorder) -> None:
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    title = f"{recorder.label}: {check.name}: {failure.title}"
                    self._found.setdefault(title, f"{failure.message[:2_000]}\n{check.failure_info.code_sample[:2_000]}")


if __name__ == "__main__":
    # Another run each time, against a service that is there: python -m tests.api.schema_run ADDRESS EXAMPLES
    print("\n\n".join(Run(sys.argv[1], int(sys.argv[2]), token=True, same=False).found))
