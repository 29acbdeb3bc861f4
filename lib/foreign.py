"""What others put on our lists: ids in HotQueue's spellings, records of the course, whole jobs, and rubbish.

Called by claim with the head of a list that is not an id of ours. The entry is read without executing anything, and
becomes a job in its place, or is moved to the rejected ones; both only if it is still that head, so that any number of
workers may meet the same entry.
"""

import re
import uuid
from collections.abc import Container
from typing import Any

import orjson

from lib.bodies import operation_of, operation_of_message
from lib.errors import InvalidInput
from lib.records import ID, RECORD_VERSION
from lib.store import Store
from lib.unpickle import UnreadableEntry, plain_value, unpickle

UNREADABLE = "unreadable"  # the operation of an adopted job whose record cannot be read; it fails
MESSAGE = "message"  # the operation of a plain message taken by a consumer of HotQueue's kind
_MESSAGE_TTL = 3_600  # seconds a consumed message is kept
_SHOWN = 100  # characters of a text that is no job
_RAW_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}\Z")
_OPERATION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


def decode(entry: bytes) -> Any:
    """The value of a list entry: a raw id, JSON, or a pickle of plain data. Raises UnreadableEntry."""
    if _RAW_ID.match(entry):
        return entry.decode()
    try:
        value = orjson.loads(entry)
    except orjson.JSONDecodeError:
        return unpickle(entry)
    return plain_value(value)


def settle(
    store: Store, list_key: bytes, queue: bytes, priority: bytes, entry: bytes, known: Container[str] | None, messages: bool
) -> None:
    """Adopt the entry or move it aside.

    Args:
        list_key, queue, priority, entry: as the claim script found them.
        known: names of operations; others are recorded under one name, so that nobody fills the metrics with names.
        messages: whether the caller is a consumer that takes any value, not only jobs.
    """
    try:
        value = decode(entry)
        if isinstance(value, str) and not _RAW_ID.match(entry):  # somebody's HotQueue has put it
            jid, fields = _adoption_of_text(store, value, messages)
        else:
            jid, fields = _adoption(store, value, messages)
        if not fields and entry == jid.encode():  # spelled as ours already: the claim refused its record
            raise UnreadableEntry(f"the record of job {jid} is damaged")
    except UnreadableEntry as error:
        store.run("reject", list_key, queue, entry, str(error))
        return
    if known is not None and fields and fields["operation"] not in known and not messages:
        fields["operation"] = UNREADABLE
    store.run("adopt", list_key, queue, priority, entry, jid, *(part for item in fields.items() for part in item))


def _adoption_of_text(store: Store, value: str, messages: bool) -> tuple[str, dict[str, Any]]:
    """As `_adoption`; a text that is no id becomes a job that fails and says so, where whoever put it sees it."""
    try:
        return _adoption(store, value, messages)
    except UnreadableEntry:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        error = f"{shown!r} was put on the queue and is no job: neither the id of one nor an object that names its type."
        return str(uuid.uuid4()), _fields(store, UNREADABLE, {"error": error}, {}, "text")


def _adoption(store: Store, value: Any, messages: bool) -> tuple[str, dict[str, Any]]:
    """Id and fields of the job that a value stands for; no fields where the job is ours already."""
    if isinstance(value, str) and ID.match(value):
        found = _known_record(store, value)
        if found is not None:
            return value, found
        if not messages:
            raise UnreadableEntry(f"no record of job {value}")
    if isinstance(value, dict) and not messages:
        return str(uuid.uuid4()), _whole_job(store, value)
    if messages:
        return str(uuid.uuid4()), _fields(store, MESSAGE, value, {}, MESSAGE) | {"result_ttl": _MESSAGE_TTL}
    raise UnreadableEntry(f"a {type(value).__name__}, not a job")


def _whole_job(store: Store, message: dict[str, Any]) -> dict[str, Any]:
    try:
        operation, params = operation_of_message(message)
    except InvalidInput:
        if "type" not in message:
            raise UnreadableEntry("an object that names no job type") from None
        operation, params = UNREADABLE, {}
    return _fields(store, operation, message, params, "job")


def _known_record(store: Store, jid: str) -> dict[str, Any] | None:
    """Fields for the record that stands under an id: {} for one of ours, None where there is none."""
    ours = f"{store.prefix}job.{jid}"
    bare = [] if store.settings.redis_cluster else [jid, f"job.{jid}"]  # without the prefix, they lie in other slots

    def read(rd: Any) -> Any:
        pipeline = rd.pipeline(transaction=False)
        for key in [ours, *bare]:
            pipeline.type(key)
        return [kind.decode() for kind in pipeline.execute()]

    our_type, json_type, hash_type = (store.read(read) + ["none", "none"])[:3]
    if our_type == "hash":
        raw = store.read(lambda rd: rd.hgetall(ours))
        return {} if b"v" in raw else _hash_record(store, raw)
    if json_type == "string":
        return _json_record(store, store.read(lambda rd: rd.get(jid)))
    if hash_type == "hash":
        return _hash_record(store, store.read(lambda rd: rd.hgetall(f"job.{jid}"))) | {"mirror": "hash"}
    return None


def _json_record(store: Store, raw: bytes) -> dict[str, Any]:
    """The course's record under the bare id: `{"id", "status", "input", "result"}` as JSON text."""
    try:
        record = plain_value(orjson.loads(raw))
        operation, params = operation_of(record["input"])
    except (orjson.JSONDecodeError, UnreadableEntry, InvalidInput, KeyError, TypeError) as error:
        return _fields(store, UNREADABLE, {"error": f"The record under the bare id cannot be read: {error}"}, {}, "json")
    rest = {key: value for key, value in record.items() if key not in ("status", "result")}
    head = orjson.dumps(rest)[:-1] + (b"," if rest else b"")
    return _fields(store, operation, record["input"], params, "json") | {"mirror": "json", "mirror_head": head}


def _hash_record(store: Store, raw: dict[bytes, bytes]) -> dict[str, Any]:
    """The course's record `job.<id>`: a hash of id, status, start and end. Where it stands under our own key (no prefix, or
    written with `_save_job`) it becomes our record itself."""
    values = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in raw.items()}
    given = {name: values[name] for name in ("start", "end") if name in values}
    if not given:
        return _fields(store, UNREADABLE, {"error": "The record has neither start nor end."}, {}, "hash")
    operation, params = operation_of(given)
    return _fields(store, operation, given, params, "hash") | given


def _fields(store: Store, operation: str, given: Any, params: dict[str, Any], adopted: str) -> dict[str, Any]:
    settings = store.settings
    return {
        "v": RECORD_VERSION,
        "operation": operation if _OPERATION.match(operation) else UNREADABLE,
        "input": orjson.dumps(given),
        "params": orjson.dumps(params),
        "timeout": f"{settings.job_timeout:g}",
        "max_crashes": settings.max_crashes,
        "result_ttl": settings.result_ttl,
        "failed_ttl": settings.failed_ttl,
        "adopted": adopted,
    }
