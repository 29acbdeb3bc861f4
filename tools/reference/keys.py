"""docs/reference/keys.md: every key in Redis, with its type, its expiry and the scripts whose head names it.

The rows are written here, and tests/unit/test_reference.py holds them against what is in Redis, against the types that tidy.lua
expects, and against the keys that the heads of the scripts name.
"""

import re
from functools import cache
from typing import NamedTuple

from lib.scripts import FOLDER, script_names
from tools.reference.scripts import named_keys

_HEAD = """# Keys

What the service keeps in Redis, in the two databases `REDIS_DB` and `QUEUE_DB` (which may be one). `KEY_PREFIX` stands before
every key, and after `hotqueue:`. Only `hotqueue:<queue>` and `:high`, `:low` are for other programs to write to; reading does no
harm. Times in scores are seconds since 1970, those of `jobs*` microseconds. Where no expiry is named,
a key goes with what it belongs to.
"""
_MOST = 6  # scripts that are named for one key


class Key(NamedTuple):
    """A kind of key: `name` has places as `<id>`; `expiry` is what Redis itself does after a time."""

    name: str
    type: str
    what: str
    expiry: str = ""


RECORDS = (
    Key("job.<id>", "hash", "the record of a job"),
    Key("job.<id>.log", "stream", "lines that it logged"),
    Key("job.<id>.files", "hash", "files of its result"),
    Key("job.<id>.files.<token>", "hash", "files of a run that has not ended"),
    Key("job.<id>.deliveries", "list", "ids of the deliveries of its ends"),
    Key("job.<id>.dependents", "zset", "jobs that wait for this one"),
    Key("jobs", "zset", "all jobs, by when they were submitted"),
    Key("jobs.<status>", "zset", "jobs in a state, by when they were submitted"),
    Key("jobs.expiry", "zset", "ended jobs, by when they are removed"),
    Key("jobs.gone", "zset", "the last 10,000 ids that have expired, for 410"),
    Key("jobs.seq", "string", "the last number that a job was given"),
    Key("idempotency.<owner>/<key>", "string", "the job that an Idempotency-Key stands for"),
    Key("unique.<digest>", "string", "the job that stands for equal ones", "after a throttle's seconds"),
    Key("cache.<digest>.<data version>", "string", "the job whose result does for equal ones", "with its result"),
    Key("limit.<key>", "set", "jobs that run under a concurrency key"),
    Key("limit.<key>.waiting", "zset", "jobs laid aside for it"),
    Key("rate.<operation>", "list", "the last starts of an operation that has a rate", "when they no longer count"),
    Key("quota.pending", "hash", "jobs that have not ended, of tokens with a quota"),
    Key("quota.<token>.<minute>", "string", "submits of a token with a quota in a minute", "2 minutes"),
    Key("batch.<id>", "hash", "the record of a batch, with its counts"),
    Key("batch.<id>.jobs", "zset", "its jobs"),
    Key("batch.<id>.todo", "list", "what is not yet a job, in parts"),
    Key("batch.<id>.deliveries", "list", "ids of the deliveries of its end"),
    Key("batches", "zset", "all batches"),
    Key("batches.open", "zset", "batches that are not yet all jobs"),
    Key("batches.expiry", "zset", "ended batches, by when they are removed"),
    Key("dependents.due", "zset", "jobs whose end is still to be told to their dependents"),
    Key("schedules", "zset", "all schedules"),
    Key("schedules.due", "zset", "schedules, by their next time"),
    Key("schedule.<id>", "hash", "what a schedule submits, when, and what became of it"),
    Key("delivery.<id>", "hash", "one target of an end, and what became of it"),
    Key("deliveries.due", "zset", "deliveries, by when they are to be tried"),
    Key("deliveries.held", "hash", "which delivery a sender's token holds"),
    Key("failures", "zset", "groups of failed jobs that are alike, by when they were last seen"),
    Key("failures.first", "hash", "when each group was first seen"),
    Key("failures.<fingerprint>", "zset", "the jobs of a group"),
    Key("metrics", "hash", "durable counters and buckets of histograms"),
    Key("metrics.exemplars", "hash", "the last traced job of each bucket"),
    Key("history.<span>", "stream", "samples of the counters for an hour, a day and a week"),
    Key("events", "stream", "every move, and what callers did; the last 50,000 or so"),
    Key("noted.<call>", "string", "that a call stands in `events`", "a minute"),
    Key("workers", "zset", "workers, by their last beat"),
    Key("worker.<name>", "hash", "what a worker says of itself, and the order to it as a whole"),
    Key("control.<name>", "stream", "orders to a worker", "an hour"),
    Key("upkeep.lock", "string", "who keeps", "unless it is renewed"),
    Key("upkeep.seen", "hash", "what the reaper knows of restarts"),
    Key("data.current", "string", "the version of the data that jobs work on"),
    Key("data.versions", "zset", "versions that are kept"),
    Key("data.<version>", "hash", "a version's fields and report"),
    Key("data.<version>.<n>", "string", "a chunk of its table", "an hour, until the version is published"),
    Key("uploads.<id>", "hash", "an upload", "an hour after its last piece; a day once it is whole"),
    Key("uploads.<id>.<n>", "string", "a piece of it", "as the upload"),
    Key("session.<digest>", "string", "a sign-in to the dashboard: a proof of its token", "`SESSION_TTL`"),
    Key("readyz", "string", "written to see whether Redis takes writes", "a second"),
    Key("damaged", "zset", "keys in whose place others had put something"),
    Key("damaged.<key>", "any", "what was there", "a week"),
    Key("damaged.due", "zset", "jobs that failed by it and whose end is still to be told"),
    Key("restore", "hash", "the last restore and how far it is"),
    Key("restore.loads", "zset", "files of backups on their way"),
    Key("restore.<token>.<key>", "any", "what a restore will put in place"),
)
QUEUES = (
    Key("hotqueue:<queue>", "list", "ids that wait, in HotQueue's form; priority normal"),
    Key("hotqueue:<queue>:<priority>", "list", "the same, `high` and `low`"),
    Key("hotqueue:<queue>.paused", "list", "what waits while the queue is paused"),
    Key("hotqueue:<queue>:<priority>.paused", "list", "the same, `high` and `low`"),
    Key("<queue>.waiting", "zset", "waiting jobs, in the order in which they run"),
    Key("<queue>.leases", "zset", "running jobs, by when their lease ends"),
    Key("<queue>.scheduled", "zset", "jobs, by when they are due"),
    Key("<queue>.unserved", "zset", "jobs that no worker knows, since when"),
    Key("<queue>.limited", "zset", "jobs laid aside for a limit, since when"),
    Key("<queue>.idle", "zset", "idle children that serve the queue"),
    Key("<queue>.rejected", "list", "entries that could not be read"),
    Key("idle", "hash", "the queues of each idle child"),
    Key("bell.<child>", "list", "what an idle child waits on", "`IDLE_WAIT` and 5 seconds"),
    Key("holds", "hash", "what each child holds"),
    Key("closed", "zset", "names of children that were reported dead"),
    Key("paused", "hash", "paused queues, since when"),
    Key("draining", "hash", "queues that accept nothing, since when"),
    Key("dead", "hash", "ids in lists that will not run, by list"),
    Key("front", "string", "counts pushes to the front"),
    Key("restoring", "string", "while a restore is put in place: its token; no other script runs"),
)


def page() -> str:
    """The whole page."""
    named = {name: {row for each in named_keys(FOLDER / f"{name}.lua") for row in meant(each)} for name in script_names()}
    lines = [_HEAD]
    for database, keys in (("REDIS_DB", RECORDS), ("QUEUE_DB", QUEUES)):
        lines += [f"## In `{database}`\n", "| key | type | what | expires | scripts |", "|---|---|---|---|---|"]
        for key in keys:
            users = [script for script, rows in named.items() if key in rows]
            shown = (
                " ".join(f"[{script}](scripts.md#{script})" for script in users)
                if len(users) <= _MOST
                else f"{len(users)} of them"
            )
            lines.append(f"| `{key.name}` | {key.type} | {key.what} | {key.expiry} | {shown} |")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def find(name: str, among: tuple[Key, ...] = RECORDS + QUEUES) -> Key | None:
    """The row of a key as it is in Redis (without the prefix) or as a head writes it; the most particular one."""
    fitting = [key for key in among if key.name == name or _pattern(key.name).fullmatch(name)]
    return max(fitting, key=lambda key: (key.name == name, len(re.sub(r"<[^>]*>", "", key.name))), default=None)


def meant(name: str) -> list[Key]:
    """The rows that a script's head means by a name, which may end in `*`; none for a word that is no key."""
    if name.endswith("*") and len(name) > 1:
        return [key for key in RECORDS + QUEUES if key.name.startswith(name.rstrip("*."))]
    row = find(name)
    return [row] if row else []


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """`<key>` is whatever there may be; another place has no dot, unless it is the whole of a key's middle."""
    places = {
        "<key>": ".+",
        "<owner>": ".*",
        "<status>": "[a-z-]+",
        "<priority>": "(high|low)",
        "<n>": r"\d+",
        "<span>": "(hour|day|week)",
    }
    parts = re.split(r"(<[^>]*>)", name)
    return re.compile("".join(places.get(part, r"[^.]*") if part.startswith("<") else re.escape(part) for part in parts))
