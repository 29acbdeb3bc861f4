"""What other programs or hands did to keys and records of this release, as scripts and upkeep have met it in the last week."""

from collections.abc import Iterator

from lib.examination.finding import OK, WARNING, Finding
from lib.examination.look import Look
from lib.reading import text_of

_SHOWN = 5
_SECONDS = 7 * 86_400


def damage(look: Look) -> Iterator[Finding]:
    """The newest of them, and how many there are; at most 1,000 are kept."""
    key = f"{look.store.prefix}damaged"
    now = look.store.read(lambda rd: rd.time())[0]
    found = look.store.read(lambda rd: rd.zrevrangebyscore(key, "+inf", now - _SECONDS))
    if not found:
        yield Finding("damage", OK, "no other program has written to what is ours in the last week")
        return
    shown = "; ".join(text_of(words)[:200] for words in found[:_SHOWN])
    seen = f"{len(found)} keys were found damaged in the last week: {shown}"
    remedy = f"find who writes there and give each program a user and a prefix of its own; once that is done: redis-cli DEL {key}"
    yield Finding("damage", WARNING, seen, remedy)
