"""Finds, composes and names the Lua scripts. Every change of state is one of the `.lua` files beside this module.

A script may say `--@include part` on a line of its own; the file `parts/part.lua` stands there then, once. What is
fixed for a release (prefix, database numbers, adopted queues, limits) is written into the text, so that no call
carries it; two releases with different settings have different scripts.
"""

import hashlib
import re
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
_INCLUDE = re.compile(r"^--@include (\w+)\n", re.M)


@dataclass(frozen=True)
class Script:
    """A composed script: `sha` is what EVALSHA takes, `text` what EVAL takes."""

    name: str
    text: str
    sha: str


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

    text = _INCLUDE.sub(include, _source(FOLDER / f"{name}.lua"))
    for key, value in {**constants(settings), "GATED": "false" if name in UNGATED else "true"}.items():
        text = text.replace(f"@{key}@", value)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
