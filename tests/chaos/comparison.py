"""What differs between the model and what stands in Redis: jobs, the one place in which each lies, order, leases, and what is
counted. Pure: called by the state machine after every step.
"""

from collections import Counter
from collections.abc import Iterator

import orjson

from lib.states import IN_PROGRESS, NEW, PRIORITIES, SCHEDULED, SUBMITTED, TERMINAL, TRANSITIONS
from tests.chaos import books
from tests.chaos.history import Event, Remains
from tests.chaos.model import LIMITED, UNSERVED, Job, Places

_CHARGES = ("attempt", "crashes", "lost", "retries", "releases")


def differences(model: Places, remains: Remains, new: int) -> list[str]:
    """All of them. `new`: how many of the events are of this step."""
    found = [*_jobs(model, remains), *_places(model, remains), *_lists(model, remains), *_whole(model, remains)]
    return found + list(_moves(remains.events, new)) + books.check_now(remains)


def _jobs(model: Places, remains: Remains) -> Iterator[str]:
    if remains.records.keys() != {*model.jobs, *model.tombs}:
        yield f"records are of {sorted(remains.records)}, jobs are {sorted(model.jobs)}, deleted ones {sorted(model.tombs)}"
        return
    for jid, job in model.jobs.items():
        wanted, found = _of(job), _of_record(job, remains)
        if wanted != found:
            both = {name: (wanted[name], found[name]) for name in wanted if wanted[name] != found[name]}
            yield f"{jid} differs, wanted and found: {both}"
    for jid, job in model.tombs.items():
        record = remains.records[jid]
        if (record["status"], int(record["listed"])) != ("deleted", job.stale):
            yield f"{jid} was deleted and stands in {job.stale} places; the record is {record}"


def _of(job: Job) -> dict[str, object]:
    running = job.status == IN_PROGRESS
    result = {"token": job.why[1]} if job.status == "complete" else None
    return {name: job.charges[name] for name in _CHARGES} | {
        "status": job.status,
        "place": (job.queue, job.priority, job.batch),
        "holder": (job.token, job.child) if running else None,
        "cancel": job.cancel,
        "stale": job.stale,
        "result": result,
        "error": job.why[0] if job.status == "failed" else None,
        "outcomes": job.outcomes,
        "runs": job.runs[-10:],
        "files": job.token if job.staged and job.status == "complete" else None,
        "staged": running and job.staged,
    }


def _of_record(job: Job, remains: Remains) -> dict[str, object]:
    record = remains.records[job.id]
    error = orjson.loads(record["error"]) if "error" in record else None
    result = orjson.loads(record["result"]) if "result" in record else None
    if error is not None:
        result = None if result == {"error": error["message"]} and job.why[1] in error["message"] else result
    numbered = [orjson.loads(value) | {"n": name} for name, value in record.items() if name.startswith("attempt.")]
    runs = {int(name[4:]): orjson.loads(value)["status"] for name, value in record.items() if name.startswith("run.")}
    files = remains.keys.get(f"job.{job.id}.files", {})
    return {name: int(record.get(name, 0)) for name in _CHARGES} | {
        "status": record["status"],
        "place": (record["queue"], record["priority"], record.get("batch")),
        "holder": (record["token"], record.get("child")) if "token" in record else None,
        "cancel": "cancel_requested" in record,
        "stale": int(record.get("listed", 0)),
        "result": result,
        "error": error["reason"] if error else None,
        "outcomes": {int(each["n"][8:]): each["outcome"] for each in numbered},
        "runs": [runs[n] for n in sorted(runs)],
        "files": files.get("said"),
        "staged": f"job.{job.id}.files.{record.get('token')}" in remains.keys,
    }


def _places(model: Places, remains: Remains) -> Iterator[str]:
    """A job is in one place."""
    wanted: dict[str, set[str]] = {}
    for job in model.jobs.values():
        part = {IN_PROGRESS: "leases", SCHEDULED: "scheduled", SUBMITTED: job.aside or "waiting"}.get(job.status)
        if part:
            wanted.setdefault(f"{job.queue}.{part}", set()).add(job.id)
    for queue in model.queues:
        for part in ("leases", "scheduled", UNSERVED, LIMITED, "waiting"):
            name = f"{queue}.{part}"
            if set(remains.keys.get(name, {})) != wanted.get(name, set()):
                yield f"{name} holds {remains.keys.get(name)}, and should {sorted(wanted.get(name, set()))}"
    held = {child: f"{model.jobs[jid].token} {jid}" for child, jid in model.holds.items()}
    if remains.keys.get("holds", {}) != held:
        yield f"children hold {remains.keys.get('holds')}, and should {held}"
    limited = Counter(job.key for job in model.jobs.values() if job.key and job.status == IN_PROGRESS)
    waiting = {job.id for job in model.jobs.values() if job.aside == LIMITED}
    places = [len(value) for name, value in remains.keys.items() if name.startswith("limit.") and not name.endswith(".waiting")]
    queued = [
        jid for name, value in remains.keys.items() if name.startswith("limit.") and name.endswith(".waiting") for jid in value
    ]
    if sorted(places) != sorted(limited.values()) or sorted(queued) != sorted(waiting):
        yield f"places of keys are {places} for {dict(limited)}, and {queued} wait for one, who should be {sorted(waiting)}"


def _lists(model: Places, remains: Remains) -> Iterator[str]:
    """Entries and their order, how many are known to be dead, and the order in which pages show what waits."""
    for (queue, priority, held), entries in model.lists.items():
        name = f"hotqueue:{queue}" + ("" if priority == "normal" else f":{priority}") + (".paused" if held else "")
        if remains.keys.get(name, []) != entries:
            yield f"{name} is {remains.keys.get(name, [])}, and should be {entries}"
    known = [*model.jobs.values(), *model.tombs.values()]
    for queue in model.queues:
        for priority in PRIORITIES:
            name = f"hotqueue:{remains.settings.key_prefix}{queue}" + ("" if priority == "normal" else f":{priority}")
            dead = sum(job.stale for job in known if (job.queue, job.priority) == (queue, priority))
            if int(remains.keys.get("dead", {}).get(name, 0)) != dead:
                yield f"{name} is said to hold {remains.keys['dead'].get(name)} dead ids, and holds {dead}"
        if len(remains.keys.get(f"{queue}.rejected", [])) != model.rejected[queue]:
            yield f"{queue} has rejected {remains.keys.get(f'{queue}.rejected')}, and should {model.rejected[queue]}"
        yield from _positions(model, remains, queue)


def _positions(model: Places, remains: Remains, queue: str) -> Iterator[str]:
    """Who stands before whom is said as it is; of a job with entries that are left over from before, the last is meant."""
    entries = [entry for priority in PRIORITIES for held in (True, False) for entry in model.lists[queue, priority, held]]
    once = {jid for jid, number in Counter(entries).items() if number == 1 and jid in model.jobs}
    live = {jid: job for jid in once if (job := model.jobs[jid]).status == SUBMITTED and not job.aside and job.queue == queue}
    at_home = {jid for jid, job in live.items() if jid in model.lists[queue, job.priority, queue in model.paused]}
    shown: dict[str, float] = remains.keys.get(f"{queue}.waiting", {})
    if [jid for jid in shown if jid in at_home] != [jid for jid in entries if jid in at_home]:
        yield f"{queue} runs {entries}, and shows {list(shown)}"


def _whole(model: Places, remains: Remains) -> Iterator[str]:
    for name, wanted in (("paused", model.paused), ("draining", model.draining), ("closed", model.closed)):
        if set(remains.keys.get(name, {})) != wanted:
            yield f"{name} are {remains.keys.get(name)}, and should be {wanted}"
    if set(remains.keys.get("batches", {})) != set(model.batches):
        yield f"batches are {set(remains.keys.get('batches', {}))}, and should be {set(model.batches)}"
        return
    for name, batch in model.batches.items():
        record = remains.keys[f"batch.{name}"]
        found = {status: int(record.get(status, 0)) for status in TERMINAL}
        if found != {status: batch.counts[status] for status in TERMINAL} or ("ended" in record) != batch.ended:
            yield f"{name} is {record}, and should count {dict(batch.counts)} of {len(batch.ids)}"
        if (name in remains.keys.get("batches.expiry", {})) != batch.ended:
            yield f"{name} has ended: {batch.ended}, but expiries are {remains.keys.get('batches.expiry')}"
    keys = {name for name in remains.keys if name.startswith("idempotency.")}
    if len(keys) != len(model.idempotency):
        yield f"idempotency keys are {keys}, and should be of {model.idempotency}"
    standing = {child for name, value in remains.keys.items() if name.endswith(".idle") for child in value}
    if standing != set(remains.keys.get("idle", {})):
        yield f"{standing} stand in idle sets, and {remains.keys.get('idle')} are known to"
    if repaired := [name for name in remains.counters if name.startswith("repaired")]:
        yield f"upkeep had to repair: {repaired}"
    if remains.keys.get("dependents.due") or remains.keys.get("batches.open"):
        yield "the end of a job was not told to others"


def _moves(events: list[Event], new: int) -> Iterator[str]:
    """Only moves of the table, and out of an end only by an explicit retry."""
    status: dict[str, str] = {}
    for place, event in enumerate(events):
        before = status.get(event.job, NEW)
        if event.status in ("deleted", "expired"):
            status.pop(event.job, None)
            continue
        status[event.job] = event.status
        if place < len(events) - new:
            continue
        if event.status not in TRANSITIONS.get(before, ()):
            yield f"{event.job} went from {before} to {event.status}: {event}"
        if before in TERMINAL and event.reason != "rerun":
            yield f"{event.job} was {before} and changed without a retry: {event}"
