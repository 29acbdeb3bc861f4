"""Whether the versions of the data are whole: every chunk there, as many bytes as they should be, and none that expires."""

from collections.abc import Iterator
from typing import Any

import redis

from lib.examination.finding import FAILED, OK, WARNING, Finding
from lib.examination.look import Look
from lib.versions import VERSIONS_KEPT, Version


def data(look: Look) -> Iterator[Finding]:
    """The current version, and those that are kept beside it."""
    store = look.dataset
    current, kept = look.store.persist(lambda: (store.current(), store.versions()), look.store.patience)
    found = next((each for each in kept if each.id == current), None)
    if current is None:
        yield Finding("data", WARNING, "none is loaded", "trafficjobs load FILE")
        return
    if found is None:
        yield Finding("data", FAILED, f"version {current} is current and is not there", _back(kept))
        return
    trouble = _broken(look, found)
    if trouble:
        whole = [each for each in kept if each.id != current and not _broken(look, each)]
        yield Finding("data", FAILED, f"version {current}: {trouble}", _back(whole))
    for each in kept:
        if each.id != current and (trouble_here := _broken(look, each)):
            yield Finding("data", WARNING, f"version {each.id}: {trouble_here}", f"trafficjobs data remove {each.id}")
    if len(kept) > VERSIONS_KEPT:
        yield Finding(
            "data", WARNING, f"{len(kept)} versions are kept, not {VERSIONS_KEPT}", "load again: that removes the oldest"
        )
    if not trouble:
        seen = f"version {current}: {found.rows} rows, {found.bytes} bytes, each chunk of {found.chunks} there; {len(kept)} kept"
        yield Finding("data", OK, seen)


def _back(whole: list[Version]) -> str:
    again = "trafficjobs load FILE"
    return f"trafficjobs data activate {whole[0].id}, or {again}" if whole else again


def _broken(look: Look, version: Version) -> str:
    """What is wrong with a version; empty where it is whole."""
    keys = [f"{look.store.prefix}data.{version.id}.{n}" for n in range(version.chunks)]

    def read(rd: redis.Redis) -> list[Any]:
        pipeline = rd.pipeline(transaction=False)
        for key in keys:
            pipeline.strlen(key)
            pipeline.pttl(key)
        found: list[Any] = pipeline.execute()
        return found

    replies = look.store.read(read) if keys else []
    sizes, lives = replies[::2], replies[1::2]
    gone = [str(n) for n, size in enumerate(sizes) if not size]
    if gone:
        return f"chunk {', '.join(gone[:5])} of {version.chunks} is gone"
    if sum(sizes) != version.bytes:
        return f"its chunks have {sum(sizes)} bytes, and it has {version.bytes}"
    if any(life >= 0 for life in lives):
        return f"its chunks expire in {min(life for life in lives if life >= 0) / 1000:.0f} s"
    return ""
