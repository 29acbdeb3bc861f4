"""Everything that stands on a server of one's own, in one round trip, for tests that look after every step; and time that moves
by hand, for tests that must not wait: what has a deadline has it as the score of a sorted set, and is given one long ago.
"""

import time
from typing import Any

from lib.jobs import Jobs
from tests.chaos.history import Event, Remains, plain

# ARGV: the databases. Returns for each {key, its seconds to live or -1, its type, its value}, ...
_DUMP = """
local read = {hash = {"HGETALL"}, zset = {"ZRANGE", 0, -1, "WITHSCORES"}, list = {"LRANGE", 0, -1}, set = {"SMEMBERS"},
  string = {"GET"}}
local reply = {}
for _, db in ipairs(ARGV) do
  redis.call('SELECT', db)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local command = read[kind]
    local value = command and redis.call(command[1], key, unpack(command, 2)) or ''
    reply[#reply + 1] = {key, redis.call('TTL', key), kind, value}
  end
end
return reply
"""


def snapshot(jobs: Jobs) -> Remains:
    """Every key of the release as it is now, without events. Only for a server that holds little else."""
    settings = jobs.settings
    remains = Remains(settings)
    databases = {settings.redis_db, settings.queue_db}
    for key, ttl, kind, value in jobs.store.queues.eval(_DUMP, 0, *databases):  # type: ignore[union-attr]
        name = plain(key.decode(), settings.key_prefix)
        if name is None:
            continue
        remains.ttls[name] = ttl
        remains.keys[name] = _value(kind, value)
        if name == "metrics":
            remains.counters = {field: int(number) for field, number in remains.keys[name].items()}
        elif name.startswith("job.") and name.count(".") == 1:
            remains.records[name.removeprefix("job.")] = remains.keys[name]
    return remains


def _value(kind: bytes, value: Any) -> Any:
    if kind == b"string":
        return value.decode("utf-8", "replace")
    words = [each.decode("utf-8", "replace") for each in value] if isinstance(value, list) else []
    if kind == b"hash":
        return dict(zip(words[::2], words[1::2], strict=True))
    if kind == b"zset":
        return {member: float(score) for member, score in zip(words[::2], words[1::2], strict=True)}
    return words


def events_after(jobs: Jobs, last: str) -> tuple[list[Event], str]:
    """Moves of jobs since an entry of the stream (`0` for all), and the last entry now."""
    found: Any = jobs.store.records.xrange(f"{jobs.settings.key_prefix}events", f"({last}" if last != "0" else "-")
    events = []
    for entry, raw in found:
        last = entry.decode()
        values = {key.decode(): value.decode() for key, value in raw.items()}
        if values.get("id"):
            at = int(last.split("-")[0]) / 1000
            events.append(Event(at, values["id"], values["status"], int(values["attempt"]), values["token"], values["reason"]))
    return events, last


class Clock:
    """Lets the time of one thing be over; nobody waits. The scripts read Redis's clock, which no test can move."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs, self.settings = jobs, jobs.settings

    def _key(self, name: str) -> str:
        return f"{self.settings.key_prefix}{name}"

    def end_lease(self, queue: str, jid: str, at: float = 1) -> None:
        """As if nobody had renewed it; `at`, seconds since 1970, orders those that are over."""
        self.jobs.store.queues.zadd(self._key(f"{queue}.leases"), {jid: at}, xx=True)

    def end_delay(self, queue: str, jid: str, at: float = 1) -> None:
        """A scheduled job is due."""
        self.jobs.store.queues.zadd(self._key(f"{queue}.scheduled"), {jid: at}, xx=True)

    def end_patience(self, queue: str, jid: str, at: float = 1) -> None:
        """Nobody has served a job's operation for too long."""
        self.jobs.store.queues.zadd(self._key(f"{queue}.unserved"), {jid: at}, xx=True)

    def end_life(self, jid: str, at: float = 1) -> None:
        """An ended job is to be removed."""
        self.jobs.store.records.zadd(self._key("jobs.expiry"), {jid: at}, xx=True)

    def end_life_of_batch(self, batch: str, at: float = 1) -> None:
        """An ended batch is to be removed."""
        self.jobs.store.records.zadd(self._key("batches.expiry"), {batch: at}, xx=True)

    def trust(self) -> None:
        """The reaper has waited for one lease after whatever made it wait."""
        self.jobs.store.records.hset(self._key("upkeep.seen"), "not_before", 0)

    def look(self) -> None:
        """Upkeep has looked just now, however long this process was held up."""
        self.jobs.store.records.hset(self._key("upkeep.seen"), "last", time.time())

    def restart(self) -> None:
        """As Redis looks to upkeep after a restart."""
        self.jobs.store.records.hset(self._key("upkeep.seen"), "run_id", "another")

    def free_lock(self) -> None:
        """The lock of an upkeep that died has ended."""
        self.jobs.store.records.delete(self._key("upkeep.lock"))
