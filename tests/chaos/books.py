"""Compares counts, indexes and keys of the whole with the events and the records. Part of the checker."""

import re
from collections import Counter
from collections.abc import Iterator

import orjson

from lib.states import IN_PROGRESS, SCHEDULED, STATUSES, SUBMITTED, TERMINAL
from tests.chaos.evidence import Evidence, Fault, Violation
from tests.chaos.history import Remains

_EVER, _EXPIRES = -1, 1
_TO_LEAVE = 12.0  # seconds from SIGTERM within which a worker gives up telling that it leaves: its grace, and its last words
# Every key that may be left: pattern of its name without prefix, and whether it must have an expiry.
_KEYS = [
    (r"job\.[\w-]+(\.log|\.files|\.dependents)?", _EVER),
    (r"job\.[\w-]+\.files\.[\w-]+", _EXPIRES),
    (r"jobs(\.(seq|expiry|gone|scheduled|submitted|in-progress|complete|failed|cancelled|waiting))?", _EVER),
    (r"events|metrics|metrics\.exemplars|history\.(hour|day|week)|workers|worker\.[^ ]+|upkeep\.seen", _EVER),
    (r"upkeep\.lock|bell\.[^ ]+|noted\.\w+|readyz", _EXPIRES),
    (r"control\.[^ ]+", _EXPIRES),
    (r"idempotency\.[^ ]*", _EVER),
    (r"(job|batch)\.[\w-]+\.deliveries|delivery\.[\w-]+|deliveries\.(due|held)", _EVER),
    (r"unique\.\w+|dependents\.due|quota\.pending|limit\.[\w:-]+(\.waiting)?", _EVER),
    (r"cache\.\w+\.[\w-]*|quota\.[^ ]+\.\d+|rate\.\w+", _EXPIRES),
    (r"batches(\.open|\.expiry)?|batch\.[\w-]+(\.jobs|\.todo)?", _EVER),
    (r"schedules(\.due)?|schedule\.[\w-]+", _EVER),
    (r"failures(\.first|\.[0-9a-f]{16})?", _EVER),
    (r"data\.(current|versions)", _EVER),
    (r"uploads\.[0-9a-f]{16}(\.\d+)?", _EXPIRES),
    (r"closed|idle|front|dead|holds|paused|draining", _EVER),
    (r"[\w-]+\.(waiting|leases|idle|scheduled|unserved|limited|rejected)", _EVER),
    (r"hotqueue:[\w:.-]+", _EVER),
    (r"restore(\.loads)?", _EVER),
]


def check(evidence: Evidence) -> list[Violation]:
    """Violations of the whole."""
    remains = evidence.remains
    told: list[tuple[str, str]] = []
    if remains.missed:
        told.append(("missed-events", f"{remains.missed} events were cut off before they were read"))
    for rule in (_indexes, _failures, _counters, _waiting, _dependents, _batches, _orphans, _keys):
        told += rule(remains)
    told += _workers(evidence)
    return [Violation(kind, "", what) for kind, what in told]


def check_now(remains: Remains) -> list[str]:
    """What must hold at any moment, also while jobs wait and run."""
    return [f"{kind}: {what}" for rule in (_indexes, _failures, _counters, _keys) for kind, what in rule(remains)]


Told = Iterator[tuple[str, str]]


def _indexes(remains: Remains) -> Told:
    """jobs and jobs.<status> hold exactly the records."""
    live = {jid: record for jid, record in remains.records.items() if record.get("status") != "deleted"}
    for name, wanted in [("jobs", set(live))] + [
        (f"jobs.{status}", {jid for jid, record in live.items() if record.get("status") == status}) for status in STATUSES
    ]:
        indexed = set(remains.keys.get(name, {}))
        if indexed != wanted:
            yield "counts", f"{name} has {len(indexed)} ids for {len(wanted)} records; different: {sorted(indexed ^ wanted)[:5]}"
    ended = {jid for jid, record in live.items() if record.get("status") in ("complete", "failed", "cancelled")}
    expiring = set(remains.keys.get("jobs.expiry", {}))
    if expiring != ended:
        yield "counts", f"jobs.expiry and the ended jobs differ in {sorted(expiring ^ ended)[:5]}"


def _failures(remains: Remains) -> Told:
    """Every failed job stands in the group of its fingerprint, and no group is empty."""
    wanted: dict[str, set[str]] = {}
    for jid, record in remains.records.items():
        if record.get("status") == "failed":
            wanted.setdefault(record.get("fingerprint", ""), set()).add(jid)
    prefix = "failures."
    names = [name for name in remains.keys if name.startswith(prefix) and name != "failures.first"]
    found = {name.removeprefix(prefix): set(remains.keys[name]) for name in names}
    if found != wanted:
        yield "counts", f"failed jobs by fingerprint are {wanted}, the index has {found}"
    for name in ("failures", "failures.first"):
        if set(remains.keys.get(name, {})) != set(wanted):
            yield "counts", f"{name} has {sorted(remains.keys.get(name, {}))} for the groups {sorted(wanted)}"


def counted(remains: Remains) -> dict[str, Counter[str]]:
    """What the durable counters must be, by the events: counter -> reason (or "") -> number."""
    told: dict[str, Counter[str]] = {}
    status_of: dict[str, str] = {}
    for event in remains.events:
        before, back = status_of.get(event.job, ""), event.status in (SUBMITTED, SCHEDULED)
        if event.status in ("deleted", "expired"):
            status_of.pop(event.job, None)  # another one may come under its id
        if event.reason in ("progress", "partial") or event.status in ("deleted", "expired", "rejected"):
            continue
        status_of[event.job] = event.status

        def add(name: str, reason: str = "") -> None:
            told.setdefault(name, Counter())[reason] += 1

        if not before:
            add("submitted")
        if event.status in ("complete", "cancelled"):
            add(event.status)
        if event.status == "failed":
            add("failed", event.reason)
        if event.status == "in-progress":
            add("wait")
        if before == "in-progress" and event.status in ("complete", "failed", "cancelled"):
            add("run")
        if event.reason == "rerun":
            add("rerun")
        if before == "in-progress" and event.status == "cancelled" and event.reason == "lost":
            add("reaped")
        if before != "in-progress" or event.status in ("complete", "cancelled"):
            continue
        if event.reason in ("crash", "lost"):
            add({"crash": "crashed", "lost": "reaped"}[event.reason])
        elif event.reason == "unserved":
            add("unserved")
        elif back and event.reason in ("exception", "timeout", "memory", "invalid", "stale"):
            add("retried", event.reason)
        elif back:
            add("released", event.reason)
    return told


def _counters(remains: Remains) -> Told:
    told = counted(remains)
    kept: dict[str, Counter[str]] = {}
    for field, number in remains.counters.items():
        name, *labels = field.split("|")
        reason = labels[1] if name in ("failed", "retried", "released") else ""
        kept.setdefault(name, Counter())[reason] += number
    for name in (
        "submitted",
        "complete",
        "failed",
        "cancelled",
        "wait",
        "run",
        "rerun",
        "crashed",
        "reaped",
        "retried",
        "released",
        "unserved",
    ):
        wanted, found = told.get(name, Counter()), kept.get(name, Counter())
        if wanted != found:
            yield "counters", f"{name} is counted {dict(found)}, the events say {dict(wanted)}"


def _waiting(remains: Remains) -> Told:
    """A list holds ids that wait, and dead ids, whose number is known."""
    listed: Counter[str] = Counter()
    for name, entries in remains.keys.items():
        if not name.startswith("hotqueue:"):
            continue
        waits = Counter(jid for jid in entries if remains.records.get(jid, {}).get("status") == SUBMITTED)
        dead = int(remains.keys.get("dead", {}).get(_raw(remains, name), 0)) if not name.endswith(".paused") else 0
        listed += Counter(entries)
        if sum(waits.values()) + dead != len(entries):
            yield "orphan", f"{name} has {len(entries)} entries: {sum(waits.values())} that wait, {dead} known to be dead"
    for jid, record in remains.records.items():
        surplus = int(record.get("listed", 0))
        if listed[jid] != surplus + (record.get("status") == SUBMITTED):
            yield "orphan", f"{jid} is {record.get('status')}, stands in {listed[jid]} places and should in {surplus}"


def _dependents(remains: Remains) -> Told:
    """A job runs only once those it depends on have ended, and fails because of one only where that is not complete."""
    started: dict[str, int] = {}
    ends: dict[str, tuple[int, str]] = {}  # the first end of a job: what counts for those that wait for it
    for place, event in enumerate(remains.events):
        if event.status == IN_PROGRESS and event.reason != "progress":
            started.setdefault(event.job, place)
        if event.status in TERMINAL:
            ends.setdefault(event.job, (place, event.status))
    for jid, record in remains.records.items():
        parents = orjson.loads(record.get("depends_on", "[]"))
        broken = [parent for parent in parents if ends.get(parent, (0, ""))[1] != "complete"]
        for parent in parents:
            if jid in started and ends.get(parent, (started[jid] + 1, ""))[0] > started[jid]:
                yield "ran-too-early", f"{jid} ran before the end of {parent}, on which it depends"
        if jid in started and broken and "allow_failure" not in record:
            yield "ran-too-early", f"{jid} ran although {broken} did not become complete"
        if not broken and parents and orjson.loads(record.get("error", "{}")).get("reason") == "parent":
            yield "failed-without-cause", f"{jid} failed because of a parent, and all of them are complete"


def _batches(remains: Remains) -> Told:
    """A batch has ended with all of its jobs, and nothing of it is still to be accepted."""
    for name in remains.keys.get("batches", {}):
        batch = remains.keys.get(f"batch.{name}", {})
        ended = sum(int(batch.get(status, 0)) for status in TERMINAL)
        if ended != int(batch.get("total", -1)) or "ended" not in batch or f"batch.{name}.todo" in remains.keys:
            yield "batch-open", f"all has calmed down, and the batch {name} is {batch}"


def _raw(remains: Remains, name: str) -> str:
    return "hotqueue:" + remains.settings.key_prefix + name.removeprefix("hotqueue:")


def _orphans(remains: Remains) -> Told:
    """After everything has ended and the workers have left, nobody holds, waits or stands idle."""
    for name, value in remains.keys.items():
        if (
            re.fullmatch(
                r"holds|idle|paused|batches\.open|quota\.pending|dependents\.due|limit\..*|[\w-]+\.(waiting|leases|idle|scheduled|limited)",
                name,
            )
            and value
        ):
            yield "orphan", f"{name} still holds {dict(list(value.items())[:3])}"
        if re.fullmatch(r"job\.[\w-]+\.files\.[\w-]+", name):
            yield "orphan", f"{name} was staged under a token that has ended"
        if name.startswith("idempotency.") and value not in remains.records:
            yield "orphan", f"{name} stands for {value}, which is not there"
    for jid, record in remains.records.items():
        has_files = f"job.{jid}.files" in remains.keys
        if has_files and record.get("status") != "complete":
            yield "orphan", f"{jid} is {record.get('status')} and has files"


def _workers(evidence: Evidence) -> Told:
    """Only workers that were killed, or could not tell Redis of their end, are listed; upkeep forgets them after ten leases."""
    gone = Counter(
        fault.worker
        for fault in evidence.faults
        if fault.kind in ("kill-supervisor", "kill-worker") or (fault.kind == "end-worker" and _unheard(evidence, fault))
    )
    listed = Counter(name.rpartition("-")[0] for name in evidence.remains.keys.get("workers", {}))
    for name, number in listed.items():
        if number > gone[name]:
            yield "orphan", f"{number} workers called {name} are listed, {gone[name]} were killed or could not tell their end"


def _unheard(evidence: Evidence, end: Fault) -> bool:
    """Whether Redis was away, or silent for that worker, while it may have tried to leave."""
    meanwhile = (
        each for each in evidence.faults + evidence.stalls if each.start < end.start + _TO_LEAVE and each.end > end.start
    )
    return any(
        each.kind in ("kill-redis", "partition", "fill-disk")
        or (each.kind in ("half-open", "stalled") and each.worker == end.worker)
        for each in meanwhile
    )


def _keys(remains: Remains) -> Told:
    """Every key is one that we know, and what must expire does."""
    for name, ttl in remains.ttls.items():
        rule = next((expiry for pattern, expiry in _KEYS if re.fullmatch(pattern, name)), None)
        if version := re.fullmatch(r"data\.(v-[\w-]+)(\.\d+)?", name):  # chunks of one that is not published yet vanish
            rule = _EVER if version[1] in remains.keys.get("data.versions", {}) else _EXPIRES
        if rule is None:
            yield "unknown-key", name
        elif rule == _EXPIRES and ttl == -1:
            yield "no-expiry", f"{name} has no expiry"
        elif rule == _EVER and ttl >= 0:
            yield "expiry", f"{name} would vanish after {ttl} s"
