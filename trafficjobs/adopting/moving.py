"""Takes entries out of their source one by one. A kill at any moment loses none and doubles none.

An entry is first laid aside in the source, under the id that its job will have; then submitted under that id; then
removed. Whoever starts again finds what lies aside and submits it again, under the same id, which changes nothing where
the job is there already.
"""

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from trafficjobs.adopting.operations import Waiting
from trafficjobs.client import Client
from trafficjobs.errors import Conflict, Forbidden, Invalid, NotFound, QueueFull, Unauthorized

ASIDE = "trafficjobs:adopting"  # a hash in the source: the one entry that is on its way
# KEYS: the list or sorted set, ASIDE. ARGV: entry, the job that it becomes. Returns 1 where it was there and lies aside now.
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('BUSY another adoption takes from this Redis now') end
local kind, gone = redis.call('TYPE', KEYS[1]).ok, 0
if kind == 'zset' then gone = redis.call('ZREM', KEYS[1], ARGV[1]) end
if kind == 'list' then gone = redis.call('LREM', KEYS[1], 1, ARGV[1]) end
if gone == 1 then redis.call('HSET', KEYS[2], 'key', KEYS[1], 'entry', ARGV[1], 'job', ARGV[2]) end
return gone
"""
# KEYS: ASIDE, the entry's record in the source. ARGV: the job. It is the service's now.
_DONE = """
if redis.call('HGET', KEYS[1], 'job') == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
"""
# KEYS: ASIDE, the list or sorted set. ARGV: the job, when it is due ('' in a list). The entry goes back to where it was.
_BACK = """
if redis.call('HGET', KEYS[1], 'job') ~= ARGV[1] then return end
local entry = redis.call('HGET', KEYS[1], 'entry')
if ARGV[2] == '' then redis.call('LPUSH', KEYS[2], entry) else redis.call('ZADD', KEYS[2], ARGV[2], entry) end
redis.call('DEL', KEYS[1])
"""
# The service said no; after any other error it may have said yes, and the entry stays aside for the next run.
_REFUSALS = (Invalid, Conflict, NotFound, QueueFull, Unauthorized, Forbidden)


class Mover:
    """Moves entries of one source into one service.

    Args:
        source: a redis-py client on the source's database, which answers in bytes.
        queue: of the service; its default one where None.
    """

    def __init__(self, source: Any, client: Client, queue: str | None) -> None:
        self._source, self._client, self._queue = source, client, queue

    def resume(self) -> str | None:
        """Finish what an earlier run had laid aside; the id of its job. None where there was nothing. Raises as `move`."""
        aside = self._source.hgetall(ASIDE)
        return self._submit(aside[b"key"], aside[b"job"].decode()) if aside else None

    def move(self, entries: Iterable[Waiting], told: Callable[[Waiting], None]) -> None:
        """Move each entry that can be. `told` hears of each that was moved, with its job's id, and of each that stays.

        Raises: TrafficjobsError where the service is away, or takes nothing from this caller.
        """
        for each in entries:
            if each.body is None:
                told(each)
                continue
            id = each.id or str(uuid.uuid4())
            job = json.dumps({"id": id, "body": each.body, "due": each.due, "record": each.record})
            if not self._source.eval(_TAKE, 2, each.key, ASIDE, each.entry, job):
                continue  # somebody else took it meanwhile
            try:
                self._submit(each.key, job)
                told(replace(each, id=id))
            except (Invalid, Conflict) as error:
                told(replace(each, body=None, why=error.message))

    def _submit(self, key: bytes, words: str) -> str:
        job = json.loads(words)
        body = {**job["body"], "id": job["id"]} | ({"queue": self._queue} if self._queue else {})
        if job["due"] is not None:
            body["run_at"] = job["due"]
        try:
            self._client.submit_body(body)  # of an id and content that are there already it makes nothing new
        except _REFUSALS:
            self._source.eval(_BACK, 2, ASIDE, key, words, "" if job["due"] is None else job["due"])
            raise
        self._source.eval(_DONE, 2, ASIDE, job["record"] or ASIDE, words)
        return str(job["id"])
