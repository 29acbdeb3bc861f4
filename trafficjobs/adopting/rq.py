"""What waits in an RQ: its queues, its scheduled jobs, and those of rq-scheduler. Only reads.

A job's arguments are a pickle; it is read by a decoder for plain data, which runs nothing. Format: rq 1.0 to 3.0.
"""

import json
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from trafficjobs.adopting.operations import Operations, Stays, Waiting
from trafficjobs.plain_pickle import UnreadableEntry, unpickle

_SCHEDULER = b"rq:scheduler:scheduled_jobs"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_CALLBACKS = (b"success_callback_name", b"failure_callback_name", b"stopped_callback_name", b"webhooks")
_AGAIN = ("cron_string", "interval", "rrule_string")  # in the meta of a job that rq-scheduler repeats


def waiting(client: Any, queues: list[str], operations: Operations) -> Iterator[Waiting]:
    """Everything that waits, queue by queue in the order in which it would run; then what is scheduled.

    Args:
        client: a redis-py client on RQ's database, which answers in bytes.
        queues: names; every queue that RQ knows where there are none.
    """
    names = queues or sorted(key.decode().removeprefix("rq:queue:") for key in client.smembers("rq:queues"))
    for name in names:
        key = f"rq:queue:{name}".encode()
        for entry in client.lrange(key, 0, -1):
            yield _waiting(client, key, entry, None, operations)
    for name in names:
        key = f"rq:scheduled:{name}".encode()
        for entry, due in client.zrange(key, 0, -1, withscores=True):
            yield _waiting(client, key, entry, due, operations)
        key = f"rq:deferred:{name}".encode()
        for entry in client.zrange(key, 0, -1):
            yield Waiting(key, entry, "a deferred job", why="it waits for another job; let that one end in RQ first")
    for entry, due in client.zrange(_SCHEDULER, 0, -1, withscores=True):
        if not queues or client.hget(b"rq:job:" + entry, "origin") in [name.encode() for name in queues]:
            yield _waiting(client, _SCHEDULER, entry, due, operations)


def _waiting(client: Any, key: bytes, entry: bytes, due: float | None, operations: Operations) -> Waiting:
    id = entry.decode("utf-8", "replace")
    raw = client.hgetall(f"rq:job:{id}")
    about = "a job of RQ"
    try:
        name, args, kwargs = _call(raw)
        about = name
        if client.exists(f"rq:job:{id}:dependents"):
            raise Stays("other jobs wait for it, and would wait for ever; let it end in RQ")
        body = operations.body(name, args, kwargs) | _options(raw)
    except Stays as error:
        return Waiting(key, entry, about, why=str(error), due=due)
    job = id if _ID.match(id) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"rq:job:{id}"))
    return Waiting(key, entry, about, job, body, due=due, record=f"rq:job:{id}")


def _call(raw: Mapping[bytes, bytes]) -> tuple[str, list[Any], dict[str, Any]]:
    """The name of the function and its arguments. Raises Stays."""
    if b"data" not in raw:
        raise Stays("its record is gone")
    if any(raw.get(name) for name in _CALLBACKS):
        raise Stays("it has callbacks or webhooks of RQ; run it in RQ, or submit it anew with notify")
    meta = _plain(raw.get(b"meta", b"")) if raw.get(b"meta") else {}
    if raw.get(b"repeats_left") or (isinstance(meta, dict) and any(meta.get(name) for name in _AGAIN)):
        raise Stays("it recurs; make a schedule of it (trafficjobs schedule new) and cancel it there")
    try:
        data = zlib.decompressobj().decompress(raw[b"data"], 2**22)
    except zlib.error:
        data = raw[b"data"]
    call = _plain(data)
    if not (isinstance(call, list) and len(call) == 4 and isinstance(call[0], str)):
        raise Stays("its data is no call of RQ")
    name, instance, args, kwargs = call
    if instance is not None:
        raise Stays(f"{name} is a method of an object, and an operation is a function")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise Stays("its data is no call of RQ")
    return name, args, kwargs


def _plain(data: bytes) -> Any:
    """A value that RQ's serializers wrote: a pickle of plain data, or JSON. Raises Stays."""
    try:
        return json.loads(data)
    except ValueError:
        pass
    try:
        return unpickle(data)
    except UnreadableEntry as error:
        raise Stays(f"its arguments are more than plain data: {error}") from None


def _options(raw: Mapping[bytes, bytes]) -> dict[str, Any]:
    """RQ's options that a job here has, too."""
    options: dict[str, Any] = {}
    for theirs, ours in ((b"timeout", "timeout"), (b"result_ttl", "result_ttl"), (b"failure_ttl", "failed_ttl")):
        value = raw.get(theirs, b"")
        if value.isdigit() and int(value) > 0:
            options[ours] = int(value)
    left = raw.get(b"retries_left", b"")
    if left.isdigit() and int(left) > 0:
        options["retry"] = {"max": int(left)}
        intervals = _plain(raw[b"retry_intervals"]) if raw.get(b"retry_intervals") else []
        if intervals:
            options["retry"]["intervals"] = intervals
    return options
