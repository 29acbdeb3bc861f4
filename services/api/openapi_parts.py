"""The parts of the OpenAPI document that are not made from the code: headers, path parameters, tags, what the whole is about."""

from typing import Any

from lib.operations import Catalog
from lib.records import ID_PATTERN
from lib.settings import Settings

TITLE = "trafficjobs"
VERSION = "1.0"
ABOUT = """A job queue for the analysis of traffic incidents. Submit a job, ask for its result, or let small questions be
answered at once by the direct routes. Errors are problem details (RFC 9457); their `type` leads to a page that explains it."""

TAGS = {
    "Jobs": "Submit, list, look at, cancel, retry, delete.",
    "Results": "What a job has left: its result, files and log.",
    "Notifications": "Who was told of the end of a job.",
    "Batches": "Many jobs under one id.",
    "Schedules": "Jobs that recur.",
    "Operations": "What a job can do.",
    "Direct": "Small questions, answered within the request.",
    "Data": "Load incidents, search them, keep versions.",
    "Queues": "What stands where, and who works on it.",
    "Live": "What happens, as it happens.",
    "Course": "The course's routes, in the course's words.",
    "Service": "For machines and readers. No token is needed, but for /doctor, /backup and /restore.",
}

# What routes say in `takes`. Without examples: /docs would send them, and the same key with every body is a conflict.
REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "1 to 255 printable characters. The same key with the same content is the same job while it is kept.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    "If-None-Match": {
        "description": "The ETag of an earlier answer; 304 where nothing has changed.",
        "schema": {"type": "string"},
    },
    "Prefer": {
        "description": "`wait=10`: answer when the job has ended, or after 10 seconds.",
        "schema": {"type": "string"},
    },
    "Last-Event-ID": {
        "description": "The id of the last event that was seen.",
        "schema": {"type": "string"},
    },
}

# What routes say in `Answer.headers`.
HEADERS: dict[str, dict[str, Any]] = {
    "Location": {"description": "Where the job is.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "Stands there where the job had been accepted before.",
        "schema": {"type": "string", "const": "true"},
    },
    "Deduplicated": {
        "description": "Stands there where another job stands for this one.",
        "schema": {"type": "string", "const": "true"},
    },
    "Cache": {
        "description": "Stands there where the job has the result of an earlier one.",
        "schema": {"type": "string", "const": "HIT"},
    },
    "Link": {"description": '`<address>; rel="next"` of the next page; absent on the last.', "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}},
    "X-Total-Count": {"description": "Incidents on all pages.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "X-Data-Version": {"description": "The version of the data that was searched.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "Under which the service's log has this request.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}},
    "Preference-Applied": {"description": "What of Prefer was heeded.", "schema": {"type": "string"}},
    "traceparent": {"description": "The trace that the job belongs to, where it belongs to one.", "schema": {"type": "string"}},
}

# An answer as application/geo+json (RFC 7946).
FEATURES: dict[str, Any] = {
    "type": "object",
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": {"type": "object"}}},
    "required": ["type", "features"],
}

SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of the file TOKENS_FILE. Roles: view reads, submit submits and changes its own jobs, admin does all.",
}


def path_parameter(rule: str, name: str, catalog: Catalog, settings: Settings) -> dict[str, Any]:
    """A parameter of a path."""
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    identity = {"type": "string", "pattern": ID_PATTERN + "$"}
    description, schema = {
        "jid": ("Id of a job.", identity),
        "bid": ("Id of a batch.", identity),
        "sid": ("Id of a schedule.", {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}),
        "delivery": ("Id of a delivery.", text),
        "report_id": ("Report id of an incident.", text),
        "version": ("Id of a version of the data.", text),
        "slug": ("The last part of a problem's type.", text),
    }.get(name, ("Name.", text))
    if rule.startswith("/queues/"):
        description, schema = "Name of a queue.", {"type": "string", "enum": settings.all_queues}
    elif rule.startswith("/operations/"):
        description, schema = "Name of an operation.", {"type": "string", "enum": catalog.names()}
    elif "/files/" in rule:
        description = "Name of a file."
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
