"""Finds, composes and names the Lua scripts. Every change of state is one of the `.lua` files beside this module.

A script may say `--@include part` on a line of its own; the file `parts/part.lua` stands there then, once. What is
fixed for a release (prefix, database numbers, adopted queues, limits) is written into the text, so that no call
carries it; two releases with different settings have different scripts.

Those that every job needs are also functions of the server: a script makes all its tables and closures anew at each
call, which is a third of what it costs; a function has made them once. lib/functions.py puts them there.
https://redis.io/docs/latest/develop/programmability/functions-intro/
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib.settings import Settings

FOLDER = Path(__file__).parent
# Upper bounds of the wait and run histograms, seconds. The last bucket, +Inf, has no bound here.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
EVENTS_KEPT = 50_000
# Scripts that run while a restore is put in place: its own, and the lock under which upkeep goes on with one whose process died.
UNGATED = frozenset({"restore_begin", "restore_step", "lock"})
# What every job needs: those are functions as well.
HOT = frozenset({"submit", "claim", "finish", "turn"})
_INCLUDE = re.compile(r"^--@include (\w+)\n", re.M)
_HEAD = re.compile(r"#!lua(?: flags=([\w,-]+))?\n")
_BEGIN = "do local refused = begin() if refused then return refused end end\n"
_FUNCTION = """#!lua name=%(name)s
%(parts)s
redis.register_function{function_name='%(name)s', flags={%(flags)s}, callback=function(KEYS, ARGV)
%(body)s
end}
"""


@dataclass(frozen=True)
class Script:
    """A composed script.

    Args:
        text: what EVAL takes.
        sha: what EVALSHA takes.
        function: what FCALL takes, and the name of its library, with a hash of its text; "" where it is none.
        library: what FUNCTION LOAD takes.
    """

    name: str
    text: str
    sha: str
    function: str = ""
    library: str = ""


def script_names() -> list[str]:
    """Names of all scripts, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.lua"))


@lru_cache(maxsize=256)
def _source(path: Path) -> str:
    return path.read_text()


def constants(settings: Settings) -> dict[str, str]:
    """Lua literals for the `@NAME@` places of the scripts."""
    return {
        "PREFIX": f"'{settings.key_prefix}'",
        "RECORDS": str(settings.redis_db),
        "QUEUES": str(settings.queue_db),
        "ADOPTED": "{" + ",".join(f"['{name}']=true" for name in settings.adopt_queues) + "}",
        "BUCKETS": "{" + ",".join(map(repr, BUCKETS)) + "}",
        "EVENTS_KEPT": str(EVENTS_KEPT),
        "LEASE": repr(settings.lease_seconds),
        "IDLE_WAIT": repr(settings.idle_wait),
        "MAX_LOST": str(settings.max_lost),
        "QUEUE_LIMIT": str(settings.queue_limit),
    }


def compose(name: str, settings: Settings) -> Script:
    """The script `name` with its parts and the release's constants in place."""
    seen: set[str] = set()

    def include(match: re.Match[str]) -> str:
        part = match[1]
        if part in seen:
            return ""
        seen.add(part)
        return _INCLUDE.sub(include, _source(FOLDER / "parts" / f"{part}.lua"))

    source = _source(FOLDER / f"{name}.lua")
    head = _HEAD.match(source)
    assert head is not None
    last = max((found.end() for found in _INCLUDE.finditer(source)), default=head.end())
    parts, body = _INCLUDE.sub(include, source[head.end() : last]), source[last:]
    if "base" in seen:
        body = _BEGIN + body
    written = {**constants(settings), "GATED": "false" if name in UNGATED else "true"}
    parts, body = (_written(each, written) for each in (parts, body))
    text = head[0] + parts + body
    if name not in HOT:
        return Script(name, text, _digest(text))
    flags = ",".join(f"'{flag}'" for flag in (head[1] or "").split(",") if flag)
    filled = {"parts": parts, "flags": flags, "body": body}
    function = f"{functions_of(settings)}{name}_{_digest(_FUNCTION % (filled | {'name': ''}))}"
    return Script(name, text, _digest(text), function, _FUNCTION % (filled | {"name": function}))


def functions_of(settings: Settings) -> str:
    """How the names of a release's functions begin: one server may hold those of several releases and versions."""
    return f"trafficjobs_{_digest(f'{settings.key_prefix} {settings.redis_db} {settings.queue_db}')[:8]}_"


def _written(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
