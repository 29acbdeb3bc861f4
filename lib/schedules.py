"""Jobs that recur: schedules are created, changed, paused, triggered and deleted at run time. Part of `lib.jobs.Jobs`.

A schedule holds its job as it would be submitted. Upkeep fires it (`lib.firing`): the job and the schedule's next time are
written by one script under the due time, so that each time fires once, however many processes try.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from types import NoneType
from typing import Any

import orjson

from lib.errors import Conflict, InvalidInput, UnknownSchedule
from lib.origin import NOWHERE, Origin
from lib.reading import Reading, fields_of, iso, text_of
from lib.recurrence import Recurrence
from lib.retries import Retry
from lib.store import Store, text
from lib.submission import Accepted, Submission
from lib.submitting import Submitting
from lib.targets import shown

SCHEDULE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")  # with a time behind it, it must still be the id of a job
MISSED = ("once", "skip", "all")
MOST_SCHEDULES = 10_000
_SHOWN_TIMES = 5
_LATEST = 220_000_000_000.0  # seconds since 1970; soon after it end the years of Python's calendar
_NUMBER, _TEXT = (int, float, NoneType), (str, NoneType)  # a truth value is a number
# Fields of a submission that a schedule keeps, and of which types they are in its record.
_JOB_FIELDS: dict[str, tuple[type, ...]] = {
    **{"params": (dict, NoneType), "input": (dict, NoneType), "priority": (str,), "timeout": _NUMBER, "retry": (dict,)},
    **{"max_crashes": _NUMBER, "result_ttl": _NUMBER, "failed_ttl": _NUMBER, "start": _TEXT, "end": _TEXT, "notify": (list,)},
    **{"unique": _NUMBER, "throttle": _NUMBER, "unique_key": _TEXT, "cache": _NUMBER, "concurrency_key": _TEXT},
}


@dataclass(frozen=True)
class Schedule:
    """When which job is submitted.

    Args:
        id: 1 to 40 letters, digits, - or _.
        job: what is submitted: the fields of `Submission` that `job_of` gives, as JSON.
        recurrence: when.
        queue: the default one where None.
        missed: what becomes of times at which nothing could fire: `once` runs one job for all of them, `skip` none, `all` each.
        by: name of whom it and its jobs belong to.
        origin: the request that made it, as which its jobs come.
    """

    id: str
    job: dict[str, Any]
    recurrence: Recurrence
    queue: str | None = None
    missed: str = "once"
    by: str | None = None
    paused: bool = False
    next: float | None = None  # seconds since 1970
    last: float | None = None
    last_job: str | None = None
    fired: int = 0
    missed_count: int = 0
    problem: str | None = None
    created: str | None = None
    updated: str | None = None
    origin: Origin = NOWHERE
    due_text: str = field(default="", repr=False)  # `next` as the record has it, for the script that fires

    def to_dict(self) -> dict[str, Any]:
        """As HTTP shows it; `upcoming` are its next times."""
        when = self.recurrence
        following = [] if self.next is None or self.paused else [self.next, *islice(when.after(self.next), _SHOWN_TIMES - 1)]
        return {
            "id": self.id,
            **({"cron": when.cron, "timezone": when.timezone} if when.cron is not None else {"every": when.every}),
            "job": self.job | ({"notify": shown(self.job["notify"])} if "notify" in self.job else {}),
            **{"queue": self.queue, "missed": self.missed, "paused": self.paused, "by": self.by},
            **{"next": iso(following[0]) if following else None, "upcoming": [iso(time) for time in following]},
            **{"last": iso(self.last), "last_job": self.last_job, "fired": self.fired, "missed_count": self.missed_count},
            **{"problem": self.problem, "created": self.created, "updated": self.updated},
        }

    def submission(self, jid: str, for_time: float | None = None) -> Submission:
        """The job of one time."""
        fields = self.job | ({"retry": Retry(**self.job["retry"])} if "retry" in self.job else {})
        return Submission(**fields, id=jid, by=self.by, schedule=self.id, scheduled_for=for_time, origin=self.origin)


def job_of(submission: Submission) -> dict[str, Any]:
    """The fields of a submission that a schedule keeps, those at their defaults left out, as JSON."""
    plain = Submission(submission.operation, id="x")
    kept = {"operation": submission.operation} | {
        name: value for name in _JOB_FIELDS if (value := getattr(submission, name)) != getattr(plain, name)
    }
    return kept | ({"retry": asdict(submission.retry)} if "retry" in kept else {})


class Scheduling(Submitting):
    """The scheduling side of `Jobs`."""

    store: Store

    def put_schedule(self, schedule: Schedule, *, replace: bool = False) -> Schedule:
        """Create a schedule; with `replace`, change the one of that id, which keeps its pause and its history.

        The same content again changes nothing.

        Raises: InvalidInput naming the field; Conflict where the id stands for another one; StoreFull, StoreUnavailable.
        """
        self._check_schedule(schedule)
        fields: dict[str, Any] = {"job": orjson.dumps(schedule.job), "missed": schedule.missed, "queue": schedule.queue or ""}
        when = schedule.recurrence
        if when.cron is not None:
            fields |= {"cron": when.cron, "timezone": when.timezone}
        else:
            fields["every"] = repr(float(when.every or 0))
        if schedule.by is not None:
            fields["by"] = schedule.by
        digest = hashlib.blake2b(orjson.dumps(list(map(str, fields.values()))), digest_size=12).hexdigest()
        fields |= schedule.origin.fields()
        now = self._now()
        following = Recurrence(when.cron, when.every, when.timezone, now).next(now)
        values = [part for item in (fields | {"anchor": repr(now)}).items() for part in item]
        mode = "replace" if replace else "create"
        (code,) = text(
            self.store.run("put_schedule", schedule.id, mode, digest, _seconds(following), MOST_SCHEDULES, len(values), *values)
        )
        if code == "CONFLICT":
            raise Conflict(f"The schedule {schedule.id} stands there with another content; replace it, or take another id.")
        if code == "FULL":
            raise Conflict(f"There are {MOST_SCHEDULES} schedules already, and there can be no more.")
        return self.schedule(schedule.id)

    def schedule(self, sid: str) -> Schedule:
        """One schedule. Raises UnknownSchedule, StoreUnavailable."""
        (found,) = self._schedules([sid]) if SCHEDULE_ID.match(sid) else [None]
        if found is None:
            raise _unknown(sid)
        return found

    def schedules(self, first: int = 0, most: int = MOST_SCHEDULES) -> list[Schedule]:
        """Those from the `first` on in the order of their creation, at most so many."""
        ids = self.store.read(lambda rd: rd.zrange(f"{self.store.prefix}schedules", first, first + most - 1))
        found: list[Schedule] = []
        for at in range(0, len(ids), 500):
            found += [each for each in self._schedules([text_of(sid) for sid in ids[at : at + 500]]) if each is not None]
        return found

    def due_schedules(self, most: int, first: int = 0) -> tuple[float, list[Schedule]]:
        """The time of the server, and schedules that are due at it, from the `first` on, longest due first."""
        now = self._now()
        key = f"{self.store.prefix}schedules.due"
        ids = self.store.read(lambda rd: rd.zrangebyscore(key, "-inf", now, first, most))
        found = []
        for sid, raw in zip(ids, self._read(list(ids)), strict=True) if ids else []:
            schedule, why = _schedule(raw)
            if schedule is None:  # it would be due again and again, before all others
                updated = (raw or {}).get(b"updated", b"")
                self.store.run("shelve", sid, updated, why)
            else:
                found.append(schedule)
        return now, found

    def pause_schedule(self, sid: str) -> Schedule:
        """Fire it no more until it is resumed. Raises UnknownSchedule."""
        return self._switch(sid, "pause")

    def resume_schedule(self, sid: str) -> Schedule:
        """Let it go on with its next time; those of the pause are not made up for. Raises UnknownSchedule."""
        return self._switch(sid, "resume")

    def delete_schedule(self, sid: str) -> None:
        """Its jobs stay. Raises UnknownSchedule."""
        # One that cannot be read is deleted as well. Later the script may no longer know it: its first reply was lost.
        if not SCHEDULE_ID.match(sid) or self._read([sid]) == [{}]:
            raise _unknown(sid)
        self.store.run("switch_schedule", sid, "delete", "")

    def trigger_schedule(self, sid: str, jid: str, *, idempotency_key: str | None = None, origin: Origin = NOWHERE) -> Accepted:
        """Submit its job now, beside its times, under the id `jid`. Raises UnknownSchedule, and as submit."""
        schedule = self.schedule(sid)
        submission = replace(schedule.submission(jid), origin=origin)
        return self.submit(submission, queue=schedule.queue, idempotency_key=idempotency_key)

    def fire(self, schedule: Schedule, following: float | None, missed: int, for_time: float | None, problem: str = "") -> str:
        """Submit the job of the time `for_time` (None: of none, because of `problem` perhaps) and move on to `following`.

        Returns: `OK`; `GONE` where it was fired or changed meanwhile; `FULL` or `DRAINING` where its queue is.
        """
        args: list[Any] = [schedule.id, schedule.due_text, _seconds(following), missed, _seconds(for_time), problem]
        if for_time is not None:
            submission = schedule.submission(f"{schedule.id}-{for_time:.0f}", for_time)
            queue = self._queue(schedule.queue, own=True)
            self._check(submission)
            args += [queue, "", *self._prepared(submission, queue).words]
        return str(text(self.store.run("fire", *args)[0]))

    def _switch(self, sid: str, order: str) -> Schedule:
        recurrence = self.schedule(sid).recurrence
        following = recurrence.next(self._now()) if order == "resume" else None
        self.store.run("switch_schedule", sid, order, _seconds(following))
        return self.schedule(sid)

    def _now(self) -> float:
        seconds, microseconds = self.store.read(lambda rd: rd.time())
        return float(seconds) + float(microseconds) / 1e6

    def _check_schedule(self, schedule: Schedule) -> None:
        if not SCHEDULE_ID.match(schedule.id):
            raise InvalidInput("id", "must be 1 to 40 letters, digits, - or _")
        if schedule.missed not in MISSED:
            raise InvalidInput("missed", f"must be one of {', '.join(MISSED)}, not {schedule.missed!r}")
        self._queue(schedule.queue, own=True)
        self._check(schedule.submission("x"))

    def _schedules(self, ids: Sequence[str]) -> list[Schedule | None]:
        return [_schedule(raw)[0] for raw in self._read(ids)]

    def _read(self, ids: Sequence[str | bytes]) -> Any:
        prefix = f"{self.store.prefix}schedule.".encode()

        def ask(pipeline: Any) -> None:
            for sid in ids:
                pipeline.hgetall(prefix + (sid.encode() if isinstance(sid, str) else sid))

        return self.store.read_each(ask)


def _unknown(sid: str) -> UnknownSchedule:
    return UnknownSchedule(f"There is no schedule {sid[:80]!r}.")


def _seconds(moment: float | None) -> str:
    return "" if moment is None else f"{moment:.6f}"


def _schedule(raw: Any) -> tuple[Schedule | None, str]:
    """A record and nothing; None where there is none, and why where other programs have damaged it."""
    if not raw:
        return None, "was no hash" if raw is None else ""
    values = fields_of(raw)
    read = Reading(values)
    try:
        every, last = (float(values[name]) if values.get(name) else None for name in ("every", "last"))
        schedule = Schedule(
            id=values["id"],
            job=_checked_job(read.json("job", dict)),
            recurrence=Recurrence(values.get("cron"), every, values.get("timezone", "UTC"), _moment(values["anchor"])),
            queue=values["queue"] or None,
            missed=values["missed"],
            by=values.get("by"),
            origin=Origin.of(values),
            paused=values["paused"] == "1",
            next=_moment(values["next"]) if values["next"] else None,
            last=last,
            last_job=values.get("last_job"),
            fired=read.int("fired"),
            missed_count=read.int("missed_count"),
            problem=values.get("problem"),
            created=read.time("created"),
            updated=read.time("updated"),
            due_text=values["next"],
        )
    except (KeyError, ValueError, TypeError, OverflowError, AttributeError, InvalidInput) as error:
        return None, f"cannot be read as a schedule: {type(error).__name__} {error}"[:200]
    return schedule, ""


def _moment(text: str) -> float:
    """A time from which on there may be others. Raises ValueError."""
    moment = float(text)
    if not 0 <= moment < _LATEST:
        raise ValueError(f"{text} is no time")
    return moment


def _checked_job(job: Any) -> dict[str, Any]:
    """A job of which a submission can be made, and which can be shown. Raises ValueError, TypeError, InvalidInput, ..."""
    if not isinstance(job, dict) or not isinstance(job.get("operation"), str):
        raise ValueError("job")
    for name in job.keys() - {"operation"}:
        if not isinstance(job[name], _JOB_FIELDS[name]):
            raise ValueError(f"job.{name}")
    retry = Retry(**job.get("retry", {}))
    if not all(isinstance(each, int | float) for each in (retry.max, retry.jitter, *retry.intervals)):
        raise ValueError("job.retry")
    for target in job.get("notify", ()):
        texts = [value for name, value in target.items() if name != "on" and value is not None]
        if not all(isinstance(each, str) for each in [*texts, *(target.get("on") or ())]):
            raise ValueError("job.notify")
    shown(job.get("notify", ()))
    return job
