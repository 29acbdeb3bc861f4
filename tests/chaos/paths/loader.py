"""The way of data: an upload in chunks, the job that loads it, the version that it publishes, activation and removal."""

from collections.abc import Iterator
from unittest.mock import patch

import orjson

from lib.connections import connect
from lib.jobs import Submission
from lib.versions import DatasetStore
from tests.chaos.counting import Command
from tests.chaos.crash_points import CrashPath, Scene
from tests.chaos.history import Remains
from tests.chaos.lost_replies.data import dataset, rows
from tests.chaos.paths.api import ApiPath, Request, post
from tests.chaos.paths.worker import WorkerPath

_ROWS = 30
CSV = "\n".join(
    [
        "Traffic Report ID,Published Date,Issue Reported,Latitude,Longitude,Address,Status",
        *(
            f"R-{n:04},2024-03-{1 + n % 28:02} 10:{n % 60:02}:00 +0000,Crash Urgent,30.{n:02}0,-97.{n:02}0,{n} MAIN ST,ARCHIVED"
            for n in range(_ROWS)
        ),
    ]
)
_UPLOADING = frozenset({"HSET", "EXPIRE", "SET", "MULTI", "EXEC", "submit"})
_KEY = {"Idempotency-Key": "file-1"}


def _upload(_: Scene) -> list[Request]:
    return [{"method": "POST", "path": "/data", "data": CSV, "content_type": "text/csv", "headers": _KEY, "wanted": 202}]


def _of(remains: Remains, operation: str) -> dict[str, dict[str, str]]:
    return {jid: record for jid, record in remains.records.items() if record.get("operation") == operation}


def one_load(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
    """That there is one job at most, and the whole file that it names."""
    loads = _of(remains, "load")
    if len(loads) > 1:
        yield "two-loads", f"one file was sent, and there are the jobs {sorted(loads)}"
    for jid, record in loads.items():
        upload = orjson.loads(record["input"])["params"]["upload"]
        meta = remains.keys.get(f"uploads.{upload}", {})
        parts = [remains.keys.get(f"uploads.{upload}.{n}") or "" for n in range(int(meta.get("chunks", 0)))]
        if meta.get("complete") != "1" or "".join(parts) != CSV:
            yield "half-an-upload", f"job {jid} names the upload {upload}, of which {meta} and {len(parts)} chunks are there"


class Sent(ApiPath):
    """POST /data, once; with its key it may be sent again."""

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        yield from one_load(scene, remains)
        if self.again and not _of(remains, "load"):
            yield "lost-submit", "the file was acknowledged, and no job is to load it"


class Load(WorkerPath):
    """A job that loads an upload, in a worker whose child is killed."""

    job, at_least = "a load", 20
    holds = frozenset({"claim", "GET", "progress", "log", "SET", "commit_version", "UNLINK", "turn"})

    def prepare(self, scene: Scene) -> None:
        settings = scene.settings
        with connect(settings, settings.redis_db) as client, patch("lib.uploads.CHUNK_BYTES", 1024):
            upload = DatasetStore(client, settings).begin_upload("incidents.csv")
            upload.append(CSV.encode())
            self.upload = upload.finish()
        scene.jobs.submit(Submission("load", {"upload": self.upload}, id="load"))
        scene.acknowledged["load"] = "load"

    def points(self, commands: list[Command]) -> list[Command]:
        most = {"progress": 2, "log": 1}  # the others come by time, or together
        return [(name, earlier) for name, earlier in super().points(commands) if earlier < most.get(name, 1_000)]

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        yield from super().judge(scene, remains)
        versions = remains.keys.get("data.versions", {})
        if len(versions) != 1:
            yield "two-versions", f"one file was loaded, and there are the versions {sorted(versions)}"
        result = orjson.loads(remains.records["load"].get("result", "{}"))
        if result.get("version") not in versions or result.get("rows") != _ROWS:
            yield "wrong-version", f"the job says {result}, and there are the versions {sorted(versions)}"
        yield from readable(scene, remains)


def readable(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
    """That every version is whole, and the current one of them."""
    store = dataset(scene.jobs)
    for version in store.versions():
        found = sum(map(len, store.chunks(version)))
        if found != version.bytes:
            yield "half-a-version", f"{version.id} has {found} of {version.bytes} bytes"
    current = remains.keys.get("data.current")
    if current not in remains.keys.get("data.versions", {}):
        yield "wrong-version", f"{current} is current, and not among {sorted(remains.keys.get('data.versions', {}))}"


def two_versions(scene: Scene) -> None:
    """Two versions, `v-old` and `v-new`, which is current."""
    with patch("lib.versions.CHUNK_BYTES", 512):
        for version in ("v-old", "v-new"):
            dataset(scene.jobs).commit(version, rows(), {})


def old_is_current(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
    """That the older version is current, and both are whole."""
    if remains.keys["data.current"] != "v-old" or set(remains.keys["data.versions"]) != {"v-old", "v-new"}:
        yield "wrong-version", f"{remains.keys['data.current']} of {remains.keys['data.versions']} is current"
    yield from readable(scene, remains)


def old_is_gone(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
    """That the older version is gone with all of its keys."""
    if set(remains.keys["data.versions"]) != {"v-new"} or any(name.startswith("data.v-old") for name in remains.keys):
        yield "orphan", f"of the version that was removed is left: {[n for n in remains.keys if n.startswith('data.v-old')]}"
    yield from readable(scene, remains)


PATHS: list[CrashPath] = [
    Sent("an upload, sent again", 20, _upload, holds=_UPLOADING),
    Sent("an upload, not sent again", 20, _upload, holds=_UPLOADING, again=False),
    Load("child", "supervisor"),
    Load("worker", "successor"),
    ApiPath(
        "activation of a version",
        7,
        lambda _: [post("/data/versions/v-old/activate", wanted=200)],
        two_versions,
        holds=frozenset({"activate_version"}),
        judged=old_is_current,
    ),
    ApiPath(
        "removal of a version",
        4,
        lambda _: [{"method": "DELETE", "path": "/data/versions/v-old", "wanted": 204}],
        two_versions,
        holds=frozenset({"remove_version"}),
        judged=old_is_gone,
    ),
]
