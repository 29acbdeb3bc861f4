"""A checked submission in the form of the scripts: the words that parts/accepting.lua reads, and the record that they make.

The digest is of what the submitter said; what settings and the operation's code add (limits, the key of cached results) is
not in it, nor is the request that it came with, so that the same submission sent again is the same job after a change of those.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from lib.records import RECORD_VERSION
from lib.submission import Quota, Submission
from lib.targets import checked

if TYPE_CHECKING:
    from lib.operations import Operation
    from lib.settings import Settings

_KEPT = ("by", "start", "end", "schedule", "scheduled_for", "batch", "run_in", "run_at")  # kept in the record where given


@dataclass(frozen=True)
class Prepared:
    """A checked submission in the form of the scripts: `words` for ARGV (see parts/accepting.lua), and the record it makes."""

    words: list[Any]
    record: dict[str, Any]


def prepare(submission: Submission, queue: str, settings: "Settings", operation: "Operation | None") -> Prepared:
    """The words and the record of a checked submission."""
    fields, digest = _fields(submission, queue, settings, operation)
    rules = _rules(submission, settings, operation)
    limits = _limits(submission, settings, operation)
    fields |= submission.origin.fields()
    if limits:
        fields["limits"] = orjson.dumps(limits)
    if rules.keys() & {"cache", "parents", "quota"} or submission.batch is not None:
        fields["links"] = 1
    if "cache" in rules:
        fields["cache"] = rules["cache"]
    if submission.quota is not None:
        fields["quota"] = 1
    when = f"at {submission.run_at:.6f}" if submission.run_at is not None else repr(float(submission.run_in or 0))
    words: list[Any] = [submission.id, digest, submission.priority, when, submission.operation]
    words += [orjson.dumps(rules) if rules else "", 2 * len(fields), *(part for item in fields.items() for part in item)]
    status = "waiting" if submission.depends_on else "scheduled" if when != "0.0" else "submitted"
    return Prepared(words, fields | {"status": status, "queue": queue, "priority": submission.priority})


def _fields(
    submission: Submission, queue: str, settings: "Settings", operation: "Operation | None"
) -> tuple[dict[str, Any], str]:
    """What the record keeps, and a digest of all that the submitter said."""
    given = submission.input if submission.input is not None else {"operation": submission.operation, "params": submission.params}
    timeout = submission.timeout or (operation.timeout if operation is not None else None) or settings.job_timeout
    fields: dict[str, Any] = {
        "v": RECORD_VERSION,
        "id": submission.id,
        "operation": submission.operation,
        "input": orjson.dumps(given),
        "timeout": f"{timeout:g}",
        "max_crashes": settings.max_crashes if submission.max_crashes is None else submission.max_crashes,
        "result_ttl": submission.result_ttl or settings.result_ttl,
        "failed_ttl": submission.failed_ttl or settings.failed_ttl,
    }
    if submission.retry.max:
        fields |= {
            "max_retries": submission.retry.max,
            "intervals": orjson.dumps(list(submission.retry.intervals)),
            "jitter": submission.retry.jitter,
        }
    if submission.notify:
        fields["notify"] = orjson.dumps(checked(settings, submission.notify))
    fields |= {name: value for name in _KEPT if (value := getattr(submission, name)) is not None}
    if given.get("params") != submission.params:
        fields["params"] = orjson.dumps(submission.params)
    if submission.depends_on:
        fields["depends_on"] = orjson.dumps(list(dict.fromkeys(submission.depends_on)))
        fields |= {"allow_failure": 1} if submission.allow_failure else {}
    content = [str(fields[name]) for name in fields if name != "id"]
    content += [queue, submission.priority]
    for name in ("unique", "throttle", "debounce", "unique_key", "concurrency_key"):
        if value := getattr(submission, name):
            content.append(f"{name}={value}")
    digest = hashlib.blake2b(orjson.dumps(content), digest_size=12).hexdigest()
    return fields, digest


def _rules(submission: Submission, settings: "Settings", operation: "Operation | None") -> dict[str, Any]:
    """What the script must look at before it accepts; see parts/rules.lua. Empty for most jobs."""
    rules: dict[str, Any] = {}
    per = next((name for name in ("throttle", "debounce") if getattr(submission, name)), None)
    if per is None and (submission.unique or submission.unique_key is not None):
        per = "unique"
    if per is not None:
        said = submission.unique_key
        same = [submission.operation, submission.params if said is None else said]
        rules |= {"unique": _digest(same), "per": per}
        rules |= {} if per == "unique" else {"seconds": getattr(submission, per)}
    if submission.depends_on:
        rules["parents"] = list(dict.fromkeys(submission.depends_on))
    elif _is_cacheable(submission, settings, operation) and operation is not None:
        rules["cache"] = _digest([operation.name, operation.source_hash, submission.params, settings.timezone])
    if submission.quota is not None and submission.by is not None:
        rules["quota"] = quota_rule(submission.by, submission.quota)
    if submission.batch is not None:
        rules["batch"] = submission.batch
    return rules


def quota_rule(by: str, quota: Quota) -> dict[str, Any]:
    """A quota as the scripts take it."""
    limits = {"pending": quota.pending, "minute": quota.per_minute}
    return {"of": by} | {name: value for name, value in limits.items() if value is not None}


def _is_cacheable(submission: Submission, settings: "Settings", operation: "Operation | None") -> bool:
    known = operation is not None and operation.cacheable
    return known and submission.cache and settings.result_cache and not (submission.run_in or submission.run_at)


def _limits(submission: Submission, settings: "Settings", operation: "Operation | None") -> dict[str, Any]:
    """How many may run at once, and start in how many seconds; see parts/limits.lua. Empty for most jobs."""
    set_here = settings.operation_limits.get(submission.operation)
    most = (set_here and set_here.concurrency) or (operation.concurrency if operation is not None else None)
    rate = (set_here and set_here.rate) or (operation.rate if operation is not None else None)
    limits: dict[str, Any] = {}
    if submission.concurrency_key is not None:
        limits |= {"key": f"{submission.operation}:{_digest(submission.concurrency_key)}", "most": most or 1}
    elif most is not None:
        limits |= {"key": submission.operation, "most": most}
    if rate is not None:
        limits |= {"rate": submission.operation, "starts": rate.starts, "seconds": rate.seconds}
    return limits


def _digest(value: Any) -> str:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
