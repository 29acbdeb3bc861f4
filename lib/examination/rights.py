"""Whether the user that we sign in as may send every command that the programs need, on every key of the release.

Asked within a transaction that is then discarded: the server checks rights when it queues a command, and runs none of them.
That asks for exactly what will be sent, on the same connection, and needs no right to look at users.
"""

from collections.abc import Iterator
from typing import Any

import redis

from lib.examination.finding import FAILED, OK, Finding
from lib.examination.look import Look

# Every command of the scripts and of the programs, with arguments that a server accepts; K is a key.
COMMANDS = """
COPY K K|DEL K|EXISTS K|EXPIRE K 1|GET K|HDEL K f|HEXISTS K f|HGET K f|HGETALL K|HINCRBY K f 1|HKEYS K|HMGET K f|HSET K f v
HSETNX K f v|HSTRLEN K f|INCR K|LINDEX K 0|LLEN K|LMOVE K K LEFT RIGHT|LMPOP 1 K LEFT|LPOP K|LPOS K e|LPUSH K e|LRANGE K 0 1
LREM K 0 e|LSET K 0 e|LTRIM K 0 1|PERSIST K|PEXPIRE K 1|PEXPIRETIME K|RENAME K K|RPUSH K e|SADD K m|SCARD K|SET K v|SMEMBERS K
SREM K m|TYPE K|UNLINK K|XADD K * f v|XINFO STREAM K|XRANGE K - +|XREAD STREAMS K 0|XREVRANGE K + -|ZADD K 1 m|ZCARD K
ZCOUNT K 0 1|ZPOPMAX K|ZPOPMIN K|ZRANGE K 0 1|ZRANGEBYSCORE K 0 1|ZRANK K m|ZREM K m|ZREMRANGEBYRANK K 0 1
ZREMRANGEBYSCORE K 0 1|ZREVRANGE K 0 1|ZREVRANGEBYSCORE K 1 0|ZSCORE K m|BLPOP K 1|EVAL x 1 K|EVALSHA x 1 K|SCAN 0|SELECT 0|INFO
PING|TIME
"""
_STRICT = "|WAITAOF 0 0 1"


def rights(look: Look) -> Iterator[Finding]:
    """What the user may not."""
    prefix, settings = look.store.prefix, look.settings
    keys = [f"{prefix}doctor", f"hotqueue:{prefix}doctor", *(f"hotqueue:{name}" for name in settings.adopt_queues)]
    lines = (COMMANDS.strip().replace("\n", "|") + (_STRICT if settings.durability == "strict" else "")).split("|")
    commands = [[keys[0] if word == "K" else word for word in line.split()] for line in lines]
    commands += [command for key in keys[1:] for command in (["GET", key], ["SET", key, "v"])]
    replies = look.store.persist(lambda: _queued(look.store.records, commands), look.store.patience)
    refused = [(command, str(reply)) for command, reply in zip(commands, replies, strict=True) if _is_refusal(reply)]
    if not refused:
        yield Finding("rights", OK, f"all {len(lines)} commands are allowed on the keys of this release")
        return
    words = sorted({_name(command) for command, why in refused if "key" not in why.rpartition("NOPERM")[2].lower()})
    if words:
        allow = " ".join(f"+{word.lower().replace(' ', '|')}" for word in words)
        yield Finding("rights", FAILED, f"{_user(look)} may not: {', '.join(words)}", f"allow them: {allow} in its ACL rule")
    shut = sorted({key for command, why in refused if _name(command) not in words for key in keys if key in command})
    if shut:
        allow = " ".join(f"~{key.removesuffix('doctor')}*" for key in shut)
        seen = f"{_user(look)} may not use keys such as {', '.join(shut)}"
        yield Finding("rights", FAILED, seen, f"allow them: {allow} in its ACL rule")


def _queued(client: redis.Redis, commands: list[list[str]]) -> list[Any]:
    """What the server says to each command within a transaction that is not run."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands([["MULTI"], *commands, ["DISCARD"]]))
        _, *replies, _ = [_reply(connection) for _ in range(len(commands) + 2)]
    except BaseException:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
    return replies


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ConnectionError:
        raise
    except redis.ResponseError as error:
        return error


def _is_refusal(reply: Any) -> bool:
    return isinstance(reply, redis.exceptions.NoPermissionError)


def _name(command: list[str]) -> str:
    return " ".join(command[:2]) if command[0] == "XINFO" else command[0]


def _user(look: Look) -> str:
    name = look.settings.redis_username
    return f"the user {name}" if name else "the user that signs in"
