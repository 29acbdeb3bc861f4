"""A job as it is submitted: what its submitter says and the checks of it, and what became of it.

Nothing here talks to Redis: `lib.prepared` makes words for the scripts of it, `lib.submitting` sends them.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.errors import InvalidInput
from lib.origin import NOWHERE, Origin
from lib.records import ID, Job
from lib.retries import MAX_DELAY, Retry
from lib.states import PRIORITIES
from lib.views import Shown

MOST_PARENTS = 1_000
KEY_PATTERN = r"^[^\x00-\x1f\x7f]{1,255}"
_KEY = re.compile(KEY_PATTERN + r"\Z")
LONGEST_PERIOD = 366 * 86_400  # seconds, of throttle and debounce


@dataclass(frozen=True)
class Quota:
    """What one submitter may have and send; None: as much as it likes.

    Args:
        pending: jobs that have not ended.
        per_minute: jobs submitted in a minute of the clock.
    """

    pending: int | None = None
    per_minute: int | None = None


@dataclass(frozen=True)
class Submission:
    """One job to be. Only `operation` is needed; None means the setting's default.

    Args:
        operation: a registered name.
        params: its parameters, JSON values.
        input: what the record shows as `input`; by default `{"operation", "params"}`.
        id: letters, digits, `-` and `_`; a fresh UUID by default. Sending the same id and content again changes nothing.
        run_in: seconds until it joins the queue; counted from the end of the last job that it depends on.
        run_at: when it joins the queue, seconds since 1970; instead of `run_in`.
        depends_on: ids of jobs that must be complete before; with `allow_failure`, that must have ended.
        unique: while a job of the same `unique_key` has not ended, submitting gives that one.
        throttle: at most one job of the same `unique_key` in so many seconds; within them, submitting gives that one.
        debounce: seconds by which it waits for another of the same `unique_key`, which takes its place and waits anew.
        unique_key: what must be the same beside the operation; its parameters by default. Alone it means `unique`.
        cache: take the result of a complete job with the same operation, code, parameters and data, where there is one.
        concurrency_key: of all jobs of the operation with this key, only as many run at once as the operation allows, or one.
        timeout: seconds a run may take.
        by: name of whom it belongs to.
        quota: of `by`.
        start, end: the course's two fields, kept in the record.
        notify: whom it tells of its end: `{"webhook": url}` or `{"email": address}`, each perhaps with `on`, a list of
            `complete`, `failed`, `cancelled`; all of them by default.
        schedule, scheduled_for: which schedule fired it, for which of its times; seconds since 1970.
        batch: to which it belongs.
        origin: the request that it comes with; sent again by another one, it is the same job.
    """

    operation: str
    params: dict[str, Any] = field(default_factory=dict)
    input: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    priority: str = "normal"
    run_in: float | None = None
    run_at: float | None = None
    depends_on: Sequence[str] = ()
    allow_failure: bool = False
    unique: bool = False
    throttle: float | None = None
    debounce: float | None = None
    unique_key: str | None = None
    cache: bool = True
    concurrency_key: str | None = None
    timeout: float | None = None
    retry: Retry = field(default_factory=Retry)
    max_crashes: int | None = None
    result_ttl: int | None = None
    failed_ttl: int | None = None
    by: str | None = None
    quota: Quota | None = None
    start: str | None = None
    end: str | None = None
    notify: Sequence[Mapping[str, Any]] = ()
    schedule: str | None = None
    scheduled_for: float | None = None
    batch: str | None = None
    origin: Origin = NOWHERE

    def check(self, max_timeout: float) -> None:
        """Everything but operation and parameters, which are the catalog's. Raises InvalidInput naming the field."""
        if not ID.match(self.id):
            raise InvalidInput("id", "must be 1 to 64 letters, digits, - or _")
        if self.priority not in PRIORITIES:
            raise InvalidInput("priority", f"must be one of {', '.join(PRIORITIES)}, not {self.priority!r}")
        self._check_times(max_timeout)
        self._check_parents()
        self._check_once()
        if self.concurrency_key is not None and not _is_key(self.concurrency_key):
            raise InvalidInput("concurrency_key", "must be 1 to 255 characters, and no control characters")
        self.retry.check()
        for name in ("max_crashes", "result_ttl", "failed_ttl"):
            value = getattr(self, name)
            if value is not None and not (0 if name == "max_crashes" else 1) <= value <= MAX_DELAY:
                raise InvalidInput(name, f"is {value}, out of range")

    def _check_times(self, max_timeout: float) -> None:
        if self.run_in is not None and self.run_at is not None:
            raise InvalidInput("run_at", "stands beside run_in; say one of them")
        if self.run_in is not None and not 0 <= self.run_in <= MAX_DELAY:
            raise InvalidInput("run_in", "must be 0 seconds to ten years")
        if self.run_at is not None and not 0 <= self.run_at < 253_402_300_800:
            raise InvalidInput("run_at", "must be a time from 1970 to the year 9999")
        if self.timeout is not None and not 0 < self.timeout <= max_timeout:
            raise InvalidInput("timeout", f"must be above 0 and at most {max_timeout:g} seconds")

    def _check_parents(self) -> None:
        if len(self.depends_on) > MOST_PARENTS:
            raise InvalidInput("depends_on", f"names {len(self.depends_on)} jobs; there may be {MOST_PARENTS}")
        for n, parent in enumerate(self.depends_on):
            if not ID.match(parent):
                raise InvalidInput(f"depends_on.{n}", "must be the id of a job")
            if parent == self.id:
                raise InvalidInput(f"depends_on.{n}", "is the job itself")

    def _check_once(self) -> None:
        said = [name for name in ("unique", "throttle", "debounce") if getattr(self, name)]
        if len(said) > 1:
            raise InvalidInput(said[1], f"stands beside {said[0]}; say one of them")
        for name in ("throttle", "debounce"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= LONGEST_PERIOD:
                raise InvalidInput(name, "must be above 0 seconds and at most a year")
        if self.unique_key is not None and not _is_key(self.unique_key):
            raise InvalidInput("unique_key", "must be 1 to 255 characters, and no control characters")
        if self.debounce is not None and (self.run_in is not None or self.run_at is not None or self.depends_on):
            raise InvalidInput("debounce", "says when the job runs, and so do run_in, run_at and depends_on; say one of them")


def _is_key(value: str) -> bool:
    return _KEY.match(value) is not None


@dataclass(frozen=True)
class Accepted:
    """An accepted job's id, and whether it stood there already.

    Args:
        replayed: an id or Idempotency-Key was sent again.
        deduplicated: another job stands for it, by `unique`, `throttle` or `debounce`.
        cached: it is complete, with the result of an earlier one.
        values: the record as the call wrote it; None where it must be read.
        position: how many jobs run before it; known where it waits and was submitted alone.
    """

    id: str
    replayed: bool
    deduplicated: bool = False
    cached: bool = False
    values: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    position: int | None = field(default=None, repr=False, compare=False)

    @property
    def shown(self) -> Shown | None:
        """The job as it was accepted, made without asking Redis; None where it must be read."""
        if self.values is None:
            return None
        job = Job.from_values(
            {name: each.decode() if isinstance(each, bytes) else str(each) for name, each in self.values.items()}
        )
        return None if job is None else Shown(job, self.position, [])
