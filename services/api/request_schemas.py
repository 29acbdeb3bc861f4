"""The schemas of the bodies that submit a job, made from the operations' own models: one alternative for each operation.

For the OpenAPI document only; bodies are checked by `services.api.submissions` and the catalog.
"""

from typing import Any

from lib.bodies import DATE_OPERATION, DEFAULT_OPERATION
from lib.egress import MOST_CHARACTERS
from lib.operations import Catalog
from lib.settings import Settings
from lib.targets import MOST_TARGETS
from services.api.schemas import Schema, Schemas
from services.api.shapes_batches import BatchBody
from services.api.shapes_failures import RetryFailedBody
from services.api.shapes_schedules import NewScheduleBody, ScheduleBody
from services.api.submissions import NOT_IN_SCHEDULES, JobOptions, Target

NULL = {"type": "null"}
_GIVEN: Schema = {"not": NULL}
_MEANT: dict[str, Schema] = {"unique": {"const": True}, "depends_on": {"type": "array", "minItems": 1}}
# Options that contradict each other.
_PAIRS = [("run_in", "run_at"), ("unique", "throttle"), ("unique", "debounce"), ("throttle", "debounce")]
_PAIRS += [("debounce", other) for other in ("run_in", "run_at", "depends_on")]
_CONTRADICTIONS: Schema = {
    "anyOf": [{"required": list(pair), "properties": {name: _MEANT.get(name, _GIVEN) for name in pair}} for pair in _PAIRS]
}

JOB_EXAMPLE: dict[str, Any] = {
    "id": "5d9dbb0e-4c1f-4b5c-a3cd-9a8f0ae3c0f5",
    "status": "submitted",
    "operation": "top_locations",
    "input": {"operation": "top_locations", "params": {"n": 5}},
    "queue": "job-queue",
    "priority": "normal",
    "result": None,
    "error": None,
    "progress": None,
    "partial": None,
    "depends_on": [],
    "cached": None,
    "batch": None,
    "submitted": "2024-05-01T12:00:00.000001Z",
    "due": None,
    "started": None,
    "ended": None,
    "attempt": 0,
    "crashes": 0,
    "lost": 0,
    "retries": 0,
    "releases": 0,
    "run": 0,
    "timeout": 600.0,
    "retry": {"max": 0, "intervals": [], "jitter": 0.0},
    "worker": None,
    "by": None,
    "cancel_requested": False,
    "attempts": [],
    "runs": [],
    "fingerprint": None,
    "position": 0,
    "eta": None,
    "eta_at": None,
}


def job_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What POST /jobs takes: the alternatives by the names of their components."""
    options = _options(settings, schemas)
    made = {}
    for name in catalog.names():
        operation = catalog.get(name)
        params = schemas.of_operation(operation)
        needed = any(field.is_required() for field in operation.params_model.model_fields.values())
        made[f"{name}_job"] = _object(
            {
                "operation": {"const": name, "type": "string"},
                "params": params if needed else {"anyOf": [params, NULL]},
                **options,
            },
            ["operation", "params"] if needed else ["operation"],
            operation.summary,
        )
    made["period_job"] = _spelling(
        catalog, DEFAULT_OPERATION, ("start", "end"), options, "Describes the incidents between two local days."
    )
    made["date_job"] = _spelling(catalog, DATE_OPERATION, ("date",), options, "Counts the incidents of a local day.")
    return {name: job | {"not": _CONTRADICTIONS} for name, job in made.items()}


def course_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What the course's routes take: the same, and whole jobs of a HotQueue: `{"type", "params"}`, or parameters beside type."""
    made = job_body(catalog, settings, schemas)
    for name in catalog.names():
        kind = {"const": name, "type": "string"}
        params, summary = schemas.of_operation(catalog.get(name)), made[f"{name}_job"]["description"]
        described = schemas.components[f"{name}_params"]
        # As on the queue, further fields are not looked at; with `operation` it is a job of ours.
        made[f"{name}_message"] = _object({"type": kind, "params": params}, ["type", "params"], summary) | {
            "additionalProperties": True,
            "not": {"required": ["operation"]},
        }
        made[f"{name}_flat_message"] = described | {
            "description": summary,
            "properties": described.get("properties", {}) | {"type": kind},
            "required": ["type", *described.get("required", [])],
        }
    return made


def schedule_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What PUT /schedules/<id> takes: when, and any job that does not say its own id or time."""
    return {"schedule": _schedule(ScheduleBody, catalog, settings, schemas)}


def new_schedule_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What POST /schedules takes: the same, and an id."""
    return {"new_schedule": _schedule(NewScheduleBody, catalog, settings, schemas)}


def batch_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What POST /batches takes: any jobs that do not name their queue."""
    jobs = []
    for name, job in job_body(catalog, settings, schemas).items():
        fields = {field: schema for field, schema in job["properties"].items() if field != "queue"}
        jobs.append(schemas.add(f"batched_{name}", job | {"properties": fields}))
    properties = schemas.fields(BatchBody)
    properties["jobs"] |= {"items": {"oneOf": jobs}}
    properties["queue"] |= {"anyOf": [{"type": "string", "enum": settings.own_queues}, NULL]}
    properties["notify"] |= {"anyOf": [_targets(settings, schemas), NULL]}
    return {"batch": _object(properties, ["jobs"], "Many jobs at once.")}


def batch_examples(catalog: Catalog) -> dict[str, Any]:
    """A batch that works, in which one job waits for another."""
    first, second = list(catalog.templates().values())[:2]
    jobs = [first | {"id": "count"}, second | {"id": "after-it", "depends_on": ["count"]}]
    return {"batch": {"summary": "Two jobs, one after the other", "value": {"jobs": jobs}}}


def retry_failed_body(catalog: Catalog, settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """What POST /failures/retry takes."""
    properties = schemas.fields(RetryFailedBody)
    properties["queue"] |= {"anyOf": [{"type": "string", "enum": settings.all_queues}, NULL]}
    return {"retry_failed": _object(properties, [], "Which failed jobs are run again.")}


def retry_failed_examples(catalog: Catalog) -> dict[str, Any]:
    """A choice, and none."""
    return {
        "operation": {"summary": "Those of one operation", "value": {"operation": next(iter(catalog.templates()))}},
        "all": {"summary": "All", "value": {}},
    }


def schedule_examples(catalog: Catalog) -> dict[str, Any]:
    """Bodies of both kinds that work."""
    job = next(iter(catalog.templates().values()))
    return {
        "cron": {
            "summary": "Working days at half past six",
            "value": {"cron": "30 6 * * 1-5", "timezone": "America/Chicago", "job": job},
        },
        "every": {"summary": "Every hour", "value": {"every": 3600, "job": job, "missed": "skip"}},
    }


def body_examples(catalog: Catalog) -> dict[str, Any]:
    """A body that works for each alternative."""
    examples = {name: {"summary": catalog.get(name).title, "value": body} for name, body in catalog.templates().items()}
    return examples | {
        "period": {"summary": "Between two days", "value": {"start": "2023-01-01", "end": "2023-12-31"}},
        "date": {"summary": "Of one day", "value": {"date": "2023-01-01"}},
    }


def _schedule(model: type[ScheduleBody], catalog: Catalog, settings: Settings, schemas: Schemas) -> Schema:
    jobs = []
    for name, job in job_body(catalog, settings, schemas).items():
        fields = {field: schema for field, schema in job["properties"].items() if field not in NOT_IN_SCHEDULES}
        jobs.append(schemas.add(f"scheduled_{name}", job | {"properties": fields}))
    properties = schemas.fields(model)
    properties["job"] = {"oneOf": jobs, "description": properties["job"]["description"]}
    made = _object(properties, ["job"], "When which job is submitted: cron or every, and job.")
    cron = {"required": ["cron"], "properties": {"cron": _GIVEN}}
    zoned = {"required": ["timezone"], "properties": {"timezone": _GIVEN}}
    every = {"required": ["every"], "properties": {"every": _GIVEN}, "not": zoned}
    return made | {"oneOf": [cron, every]}


def _options(settings: Settings, schemas: Schemas) -> dict[str, Schema]:
    """The options of a job, within the limits that these settings have."""
    properties = {name: dict(schema) for name, schema in schemas.fields(JobOptions).items()}
    properties["queue"] |= {"anyOf": [{"type": "string", "enum": settings.own_queues}, NULL]}
    seconds = {"type": "number", "exclusiveMinimum": 0, "maximum": settings.max_timeout}
    properties["timeout"] |= {"anyOf": [seconds, NULL]}
    properties["notify"] |= {"anyOf": [_targets(settings, schemas), NULL]}
    return {name: schemas.add(f"job_{name}", schema) for name, schema in properties.items()}


def _targets(settings: Settings, schemas: Schemas) -> Schema:
    """What `notify` takes where these settings are: nothing where neither webhooks nor e-mails can be sent."""
    fields = schemas.fields(Target)
    on = fields.pop("on")
    forms: dict[str, Schema] = {
        "webhook": {"pattern": "^https?://[!-~]+$", "maxLength": MOST_CHARACTERS},
        "email": {"format": "email"},
    }
    configured = {"webhook": settings.webhook_secret, "email": settings.smtp_host}
    kinds = []
    for name, form in forms.items():
        given = {"type": "string", "description": fields[name]["description"]} | form
        text = f"Somebody who is told by {name}."
        made = schemas.add(f"{name}_target", _object({name: given, "on": on}, [name], text))
        kinds += [made] if configured[name] else []
    return {"type": "array", "items": {"anyOf": kinds} if kinds else {"type": "object"}, "maxItems": MOST_TARGETS if kinds else 0}


def _spelling(catalog: Catalog, operation: str, names: tuple[str, ...], options: dict[str, Schema], description: str) -> Schema:
    """The course's bodies without an operation: the parameters that the course has, at the top."""
    model = catalog.get(operation).params_model
    fields = {name: model.model_json_schema()["properties"][name] for name in names}
    made = _object({**fields, **options}, [], description)
    del made["required"]
    return made | {"anyOf": [{"required": [name]} for name in fields]}


def _object(properties: dict[str, Schema], required: list[str], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
