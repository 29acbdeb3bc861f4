"""What waits in HotQueues: whole jobs, ids of the course's records, and messages. Only reads.

Entries are raw, JSON or pickles of plain data; a pickle is read by a decoder that runs nothing. Format: hotqueue 0.2.8.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from trafficjobs.adopting.operations import Operations, Stays, Waiting
from trafficjobs.plain_pickle import UnreadableEntry, plain_value, unpickle

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def waiting(client: Any, records: Any, queues: list[str], operations: Operations, message: str | None) -> Iterator[Waiting]:
    """Everything that waits, queue by queue from the head.

    Args:
        client, records: redis-py clients on the databases of the queues, and of the records that ids stand for.
        queues: names; every list `hotqueue:*` where there are none.
        message: `OPERATION.PARAMETER` for entries that are no job: each becomes one, with the entry as that parameter.
    """
    keys = [f"hotqueue:{name}".encode() for name in queues] or sorted(client.scan_iter("hotqueue:*", count=1_000, _type="list"))
    for key in keys:
        for entry in client.lrange(key, 0, -1):
            try:
                value = _decoded(entry)
                yield _waiting(records, key, entry, value, operations, message)
            except Stays as error:
                yield Waiting(key, entry, _shown(entry), why=str(error))


def _waiting(records: Any, key: bytes, entry: bytes, value: Any, operations: Operations, message: str | None) -> Waiting:
    about = _shown(json.dumps(value).encode())
    name = value.get("type", value.get("operation")) if isinstance(value, dict) else None
    if isinstance(name, str):
        params = value["params"] if "params" in value else {key: each for key, each in value.items() if key != "type"}
        if not isinstance(params, dict):
            raise Stays("its params are no object")
        return Waiting(key, entry, about, None, operations.body(name, [], params))
    if isinstance(value, str) and _ID.match(value):
        given = _input(records, value)
        if given is not None:
            asked = given.get("operation")
            body = operations.body(str(asked), [], given.get("params") or {}) if asked else given
            return Waiting(key, entry, about, value, body)
        if message is None:
            raise Stays("it is the id of no record; --records-db names the database of the records")
    if message is None:
        raise Stays("it names no operation; --message OPERATION.PARAMETER makes a job of each such entry")
    operation, _, parameter = message.partition(".")
    return Waiting(key, entry, about, None, operations.body(operation, [], {parameter: value}))


def _input(records: Any, id: str) -> dict[str, Any] | None:
    """What the course's record under an id asks for; None where there is none. Raises Stays."""
    kinds = [records.type(key) for key in (f"job.{id}", id)]
    if kinds[0] == b"hash":
        version, start, end = records.hmget(f"job.{id}", "v", "start", "end")
        if version is not None:
            raise Stays("it is a job of trafficjobs already")
        given = {name: value.decode() for name, value in (("start", start), ("end", end)) if value is not None}
        if not given:
            raise Stays(f"the record job.{id} has neither start nor end")
        return given
    if kinds[1] != b"string":
        return None
    try:
        record = plain_value(json.loads(records.get(id)))
        return dict(record["input"])
    except (ValueError, UnreadableEntry, KeyError, TypeError):
        raise Stays(f"the record {id} cannot be read") from None


def _decoded(entry: bytes) -> Any:
    """The value of an entry. Raises Stays."""
    if re.fullmatch(rb"[A-Za-z0-9_-]{1,64}", entry):
        return entry.decode()
    try:
        return plain_value(json.loads(entry))
    except (ValueError, UnreadableEntry):
        pass
    try:
        return unpickle(entry)
    except UnreadableEntry as error:
        raise Stays(f"it is neither JSON nor a pickle of plain data: {error}") from None


def _shown(entry: bytes) -> str:
    text = entry.decode("utf-8", "replace")
    return text if len(text) <= 60 else f"{text[:57]}..."
