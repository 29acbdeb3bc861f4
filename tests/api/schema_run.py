"""schemathesis against a running server: a gunicorn and a worker of its own on a real Redis, and all that was found.

Nothing of the document is loosened. Where a check is told of a further status, it is one that a schema cannot foresee: an
address that is too long for the server (414), and parameters that contradict one another (422).
"""

import sys
import traceback
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.schemas import BaseSchema

from lib.records import ID
from lib.submission import MOST_PARENTS
from tests.api.conftest import CSV
from tests.api.crowd import Api, gunicorn
from tests.servers import Server
from tests.tokens import line
from tests.waiting import until
from tests.workers import Worker

TOKEN = "tj_schema"
ZONE, MOST_OF_A_ZONE = "Europe/Berlin", 80
PHASES = ("examples", "coverage", "fuzzing", "stateful")
GROUPS = ("jobs", "batches", "schedules", "course", "direct", "others")
# First parts of paths. What makes ids stands with what takes them, so that schemathesis has ids that there are.
_GROUP_OF = {
    "jobs": "jobs",
    "failures": "jobs",
    "bulk": "jobs",
    "queues": "jobs",
    "workers": "jobs",
    "events": "jobs",
    "batches": "batches",
    "schedules": "schedules",
}
_FEW = 5
_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "414", "429"]
_REJECTED = ["400", "401", "403", "404", "405", "406", "409", "414", "422", "429"]
# An entry with two conditions would be for all operations that fulfil either: a method and its path are one name.
_OPERATIONS = [
    # A date and a period contradict one another. A body's schema says so; parameters of a query string have a schema each.
    {"include-path": "/plot", "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "422"]}}},
    # What is no backup is a string of bytes as well.
    {
        "include-name": "POST /restore",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "422"]}},
    },
    # Which addresses may be fetched is the operator's to say.
    {
        "include-name": "POST /data",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "400", "422"]}},
    },
    # Whether a time of cron ever comes, and which time zones there are, is not for a schema to say.
    {
        "include-path-regex": "^/schedules(/[{]sid[}])?$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "400"]}},
    },
    # In a chain it would end all that follow: nothing more is accepted.
    {"include-name": "POST /queues/{name}/drain", "phases": {"stateful": {"enabled": False}}},
    # Its message may be longer than an address: then neither method nor token is seen. test_http asks with a short one.
    {
        "include-path": "/print",
        "checks": {"unsupported_method": {"enabled": False}, "missing_required_header": {"enabled": False}},
    },
    # The same view as /submit under another path: all that its body may say, 13,000 requests, is asked once.
    {"include-name": "POST /job/submit", "phases": {"coverage": {"enabled": False}}},
]
# Where each value that a body may have is a request of its own, which makes thousands. All that a job may say is in each of them.
LARGE_BODIES = ("POST /jobs", "POST /submit", "POST /batches", "POST /schedules", "PUT /schedules/{sid}")


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/octet-stream")
def _raw(ctx: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Which jobs are there to depend on is not for a schema to say, nor that ids differ, nor which time zones there are.

    What is right by itself is left out, or a zone that there is put in its place.
    """
    body = case.body
    _name_zones(case.query)
    _name_zones(body)
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


def _name_zones(value: Any) -> None:
    """Put ZONE in the place of every `tz` that its schema takes, however deep: in params, beside them, in jobs of a batch."""
    if isinstance(value, dict):
        if isinstance(value.get("tz"), str) and 1 <= len(value["tz"]) <= MOST_OF_A_ZONE:
            value["tz"] = ZONE
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        _name_zones(each)


@contextmanager
def service(server: Server, folder: Path, sign_in: bool) -> Iterator[Api]:
    """The API with its worker and the three incidents of CSV, whose streams end at once. With sign-in TOKEN may do everything."""
    more: dict[str, object] = {"data_file": folder / "absent.csv", "max_body_bytes": 64 * 1024}
    if sign_in:
        more["tokens_file"] = folder / "tokens"
        (folder / "tokens").write_text(line("tester", "admin", TOKEN))
    with gunicorn(server, folder, app="tests.api.brief:create_app()", **more) as api:
        settings = api.settings.model_copy(update={"worker_state_dir": folder / "worker", "data_cache": folder / "cache"})
        with Worker(settings, log_level="error"):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            job = requests.post(f"{api.url}/data", data=CSV, headers=headers, timeout=10).json()
            until(lambda: _complete(f"{api.url}/jobs/{job['id']}", headers), 60, "the end of the load")
            yield api


def groups_of(document: dict[str, Any]) -> dict[str, str]:
    """The group of each operation, such as `GET /jobs`: each run that is slow asks one group of GROUPS."""
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation["tags"][0]
            group = tag.lower() if tag in ("Course", "Direct") else _GROUP_OF.get(path.split("/")[1], "others")
            found[f"{method.upper()} {path}"] = group
    return found


def _operations(examples: int, large_bodies: Collection[str]) -> list[dict[str, Any]]:
    """What schemathesis is told of single operations."""
    # Large answers, that of all the schedules which the others have made and the document, with nothing to ask for but an
    # ETag. Only because it is named here is the document's own route asked at all.
    large = ["GET /schedules", "GET /openapi.json"]
    few = {"include-name": large, "generation": {"max-examples": min(examples, _FEW)}}
    left_out = [
        {"include-name": name, "phases": {"coverage": {"enabled": False}}} for name in LARGE_BODIES if name not in large_bodies
    ]
    return [*_OPERATIONS, few, *left_out]


def _take_examples(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for method in path.values():
            for content in method.get("requestBody", {}).get("content", {}).values() if isinstance(method, dict) else ():
                if "examples" in content:
                    content["schema"] = {"enum": [each["value"] for each in content["examples"].values()]}


def _complete(url: str, headers: dict[str, str]) -> bool:
    return bool(requests.get(url, headers=headers, timeout=10).json()["status"] == "complete")


class Run:
    """One run of schemathesis: `found` is all that is wrong, `requests` counts what was sent by phase.

    Args:
        examples: of each operation, and chains of the stateful phase.
        token: whether requests carry TOKEN.
        same: whether every run makes the same examples.
        group: of GROUPS, the operations that are asked; None for all.
        large_bodies: of LARGE_BODIES, those of which the coverage phase tries all that they may say.
        same_bodies: bodies are the document's own examples of them. Chains need that: a body of all that a job may say is so
            large that they are given up before they come to ask for the job.

    `operations` are those to ask, `asked` those that were asked, `succeeded` counts answers below 300 by operation.
    """

    def __init__(
        self,
        url: str,
        examples: int,
        phases: tuple[str, ...] = PHASES,
        token: bool = False,
        same: bool = True,
        group: str | None = None,
        large_bodies: Collection[str] = LARGE_BODIES,
        same_bodies: bool = False,
    ) -> None:
        self.requests: Counter[str] = Counter()
        self.succeeded: Counter[str] = Counter()
        self.asked: set[str] = set()
        self._found: dict[str, str] = {}
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {TOKEN}"} if token else {})
        config = SchemathesisConfig.from_dict(
            {
                "base-url": url,
                "headers": headers,
                "request-timeout": 20,
                "generation": {"max-examples": examples, "database": "none", "deterministic": same},
                "phases": {phase: {"enabled": phase in phases} for phase in PHASES},
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": _ACCEPTED},
                    "negative_data_rejection": {"expected-statuses": _REJECTED},
                },
                "operations": _operations(examples, large_bodies),
            }
        )
        document = requests.get(f"{url}/openapi.json", headers=headers, timeout=10).json()
        if same_bodies:
            _take_examples(document)
        schema: BaseSchema = schemathesis.openapi.from_dict(document, config=config)
        groups = groups_of(schema.raw_schema)
        self.operations = {label for label, its_group in groups.items() if group in (None, its_group)}
        # Not `include`, which would add to the filter that entries of single operations have made, and leave out nothing.
        for event in from_schema(schema.exclude(lambda context: context.operation.label not in self.operations)).execute():
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
            for case, interaction in event.recorder.interactions.items():
                if interaction.response is not None and interaction.response.status_code < 300:
                    self.succeeded[event.recorder.cases[case].value.operation.label] += 1
            if event.recorder.interactions:
                self.asked.add(event.recorder.label)
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
