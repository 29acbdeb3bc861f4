"""A release with something of everything in it, what another program may do to its keys, and whether it goes on serving."""

import random
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient

from lib.errors import StaleClaim
from lib.jobs import Jobs, Submission, complete, failed
from lib.recurrence import Recurrence
from lib.schedules import Schedule
from lib.upkeep import Upkeep
from tests.api.conftest import backend_of

BOTHERED = b"\xff\xfe not UTF-8 \x00"
VALUES = [  # of fields
    *[b"", b"rubbish", BOTHERED, b"nan", b"inf", b"-1", b"1e400", b"9" * 40, b"0x10"],
    *[b"[]", b"{}", b"null", b"[" * 5_000, b"x" * 100_000],
]
KINDS: dict[str, Callable[[Any, str], Any]] = {
    "string": lambda rd, key: rd.set(key, BOTHERED),
    "list": lambda rd, key: rd.rpush(key, BOTHERED, b"{}"),
    "hash": lambda rd, key: rd.hset(key, mapping={BOTHERED: BOTHERED, b"v": b"x"}),
    "zset": lambda rd, key: rd.zadd(key, {BOTHERED: 1, b"rubbish": float("inf")}),
    "set": lambda rd, key: rd.sadd(key, BOTHERED),
    "stream": lambda rd, key: rd.xadd(key, {"rubbish": BOTHERED}, id="18446744073709551615-18446744073709551615"),
}
# What asks for a stream that does not end, or is not a question to Redis.
_LEFT_OUT = {"/events", "/jobs/<jid>/events", "/batches/<bid>/events", "/static/<path:filename>", "/full"}


class Release:
    """Jobs in every state, a batch, schedules, a worker, deliveries, counters and events.

    Args:
        app: of the settings under which all of it is made.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.jobs: Jobs = backend_of(app).jobs
        self.prefix = self.jobs.settings.key_prefix
        self.upkeep = Upkeep(self.jobs)
        self.queue = self.jobs.settings.all_queues[0]
        self._fill()

    def _fill(self) -> None:
        jobs = self.jobs
        tells = [{"webhook": "http://127.0.0.1:9999/hook", "on": ["complete", "failed", "cancelled"]}]
        for name in ("done", "failed", "cancelled", "running"):
            jobs.submit(Submission("unique_issues", id=name, notify=tells if name == "done" else [], concurrency_key=name))
            if name == "cancelled":
                jobs.cancel(name)
                continue
            claim = jobs.claim(f"w/{name}", "w", [self.queue])
            assert claim is not None
            jobs.append_log(claim, ["a line"])
            jobs.progress(claim, 1, 2, "half")
            if name == "done":
                jobs.stage_file(claim, "a.txt", b"text", "text/plain")
                jobs.finish(claim, complete(b"1"))
            elif name == "failed":
                jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception"}, may_retry=False))
        jobs.submit(Submission("unique_issues", id="first"), idempotency_key="k")
        jobs.submit(Submission("unique_issues", id="low", priority="low"))
        jobs.submit(Submission("unique_issues", id="later", run_in=3600))
        jobs.submit(Submission("unique_issues", id="child", depends_on=["low"]))
        jobs.submit(Submission("unique_issues", id="twin", unique_key="same"))
        jobs.submit_batch([Submission("unique_issues", id=f"b{n}") for n in range(2)], id="batch")
        jobs.put_schedule(Schedule("often", {"operation": "unique_issues"}, Recurrence(None, 3600, "UTC", 0.0)))
        jobs.drain("other")
        said = {"queues": [self.queue], "operations": ["unique_issues"], "children": 1, "version": "0"}
        jobs.beat("w", {"kind": "worker"} | said, [])
        self.upkeep.round()

    def everything(self) -> list[tuple[Any, str]]:
        """Every key of it, with the client of its database, in one order."""
        found = []
        for rd in (self.jobs.store.records, self.jobs.store.queues):
            names = sorted({key.decode() for key in rd.scan_iter(f"*{self.prefix}*", count=1_000)})
            found += [(rd, name) for name in names if not name.endswith(("upkeep.lock", ".damaged"))]
        return found

    def wrong_type(self, rd: Any, key: str, choice: random.Random) -> str:
        """Put something of another type in the place of a key; of which type."""
        is_type = rd.type(key).decode()
        kind = choice.choice([each for each in KINDS if each != is_type])
        rd.delete(key)
        KINDS[kind](rd, key)
        return kind

    def ask(self) -> dict[str, int]:
        """The status of each GET, by path."""
        found = {}
        values = {"bid": "batch", "sid": "often", "name": self.queue, "operation": "unique_issues", "file": "a.txt"}
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.rule in _LEFT_OUT:
                continue
            for jid in ("done", "running", "first") if "jid" in rule.arguments else ("",):
                path = rule.rule
                for name in rule.arguments:
                    value = jid if name == "jid" else values.get(name, "x")
                    for form in (f"<{name}>", f"<path:{name}>", f"<string:{name}>"):
                        path = path.replace(form, value)
                found[path] = self.client.get(path).status_code
        return found

    def tidy(self) -> None:
        """Two rounds of upkeep, and the leases of those that no longer run end."""
        self.upkeep.round()
        self.jobs.store.records.hset(f"{self.prefix}upkeep.seen", "not_before", 0)
        self.jobs.store.queues.zadd(f"{self.prefix}{self.queue}.leases", {"running": 1}, xx=True)
        self.upkeep.round()

    def drain(self) -> set[str]:
        """Run what there is to run; which jobs ran."""
        ran = set[str]()
        for n in range(200):
            self.upkeep.round()
            claim = self.jobs.claim(f"w/{n}", "w", [self.queue])
            if claim is None:
                return ran
            try:
                self.jobs.finish(claim, complete(orjson.dumps(n)))
            except StaleClaim:  # what only its end reads was damaged
                error = self.jobs.get(claim.id).error
                assert error is not None
                assert error["type"] == "DamagedRecord"
            else:
                ran.add(claim.id)
        raise AssertionError("there is no end to what can be claimed")

    def named(self) -> set[str]:
        """Keys that were found damaged."""
        found = self.jobs.store.records.zrange(f"{self.prefix}damaged", 0, -1)
        return {words.decode("utf-8", "replace").split(" ")[0] for words in found}
