"""Uploads and versions, on a real server: whole or not there, and nothing left of what was dropped."""

from pathlib import Path

import pytest
import redis

from lib.errors import Conflict, InvalidInput, StaleClaim, StoreFull, TooLarge
from lib.settings import Settings
from lib.versions import BaseChanged, ChunkGone, DatasetStore
from tests.servers import Server
from tests.unit.incident_files import row, table_of
from tests.unit.versions import claimed, commit, ours, upload

# Uploads


def test_an_upload_comes_back_as_it_was_sent_in_pieces_of_any_size(
    store: DatasetStore, client: "redis.Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.uploads.CHUNK_BYTES", 4096)
    data = bytes(range(256)) * 50

    sent = upload(store, data, piece=1111)
    reader = store.read_upload(sent)

    assert b"".join(iter(lambda: reader.read(777), b"")) == data
    assert store.read_upload(sent).read() == data
    assert (reader.size, reader.filename) == (len(data), "week.csv")
    assert all(client.ttl(f"{settings.key_prefix}{key}") > 80_000 for key in ours(client, settings))


def test_an_abandoned_upload_expires_and_is_not_readable(store: DatasetStore, client: "redis.Redis", settings: Settings) -> None:
    arriving = store.begin_upload()
    arriving.append(b"x" * 5_000_000)

    assert all(0 < client.ttl(f"{settings.key_prefix}{key}") <= 3600 for key in ours(client, settings))
    with pytest.raises(InvalidInput, match="no finished upload"):
        store.read_upload(arriving.id)
    arriving.abort()
    assert ours(client, settings) == set()


def test_an_upload_above_the_limit_or_empty_is_refused_and_dropped(client: "redis.Redis", settings: Settings) -> None:
    store = DatasetStore(client, settings.model_copy(update={"max_upload_bytes": 2000}))

    with pytest.raises(TooLarge, match="MAX_UPLOAD_BYTES"):
        upload(store, b"x" * 2001)
    with pytest.raises(InvalidInput, match="empty"):
        upload(store, b"")
    assert ours(client, settings) == set()


def test_an_upload_is_admitted_only_where_it_and_its_version_fit(tmp_path: Path, settings: Settings) -> None:
    with Server(tmp_path / "small", maxmemory="24mb") as server, redis.Redis(port=server.port) as client:
        store = DatasetStore(client, settings)

        with pytest.raises(StoreFull, match="raise maxmemory"):
            store.begin_upload("big.csv", 12 * 2**20)
        arriving = store.begin_upload("unannounced.csv")
        with pytest.raises(StoreFull, match="raise maxmemory"):
            arriving.append(b"x" * 16 * 2**20)
        assert ours(client, settings) == set()


# Versions


def test_a_version_appears_whole_with_what_is_known_about_it(
    store: DatasetStore, client: "redis.Redis", settings: Settings
) -> None:
    assert store.current() is None

    version = commit(store, source="week.csv", by="ann")

    found = store.version(version)
    assert found is not None
    assert (store.current(), found.rows, found.source, found.by) == (version, 12, "week.csv", "ann")
    assert (found.first, found.last, found.report) == ("2023-01-03", "2023-01-05", {"rows_read": 1})
    assert sum(map(len, store.chunks(found))) == found.bytes
    assert all(client.ttl(f"{settings.key_prefix}{key}") == -1 for key in ours(client, settings))


def test_a_commit_that_is_sent_twice_is_published_once(store: DatasetStore, client: "redis.Redis", settings: Settings) -> None:
    claimed(client, settings)
    version = store.new_version()

    for _ in range(2):
        assert store.commit(version, table_of(row()), {}, job="j1", token="t1") == version
    client.delete(f"{settings.key_prefix}job.j1")
    assert store.commit(version, table_of(row()), {}, job="j1", token="t1") == version

    assert [each.id for each in store.versions()] == [version]
    assert all(client.ttl(f"{settings.key_prefix}{key}") == -1 for key in ours(client, settings))


@pytest.mark.parametrize("claim", [{}, {"status": "in-progress", "token": "t2"}, {"status": "submitted", "token": "t1"}])
def test_a_commit_under_an_ended_claim_is_dropped_with_its_chunks(
    store: DatasetStore, client: "redis.Redis", settings: Settings, claim: dict[str, str]
) -> None:
    if claim:
        client.hset(f"{settings.key_prefix}job.j1", mapping=claim)  # type: ignore[arg-type]

    with pytest.raises(StaleClaim):
        commit(store, job="j1", token="t1")

    assert store.current() is None
    assert ours(client, settings) <= {"job.j1"}


def test_a_commit_on_a_base_that_is_not_current_is_refused(store: DatasetStore) -> None:
    first = commit(store, base=None)
    second = commit(store, row(), base=first)

    for base in (first, None):
        with pytest.raises(BaseChanged):
            commit(store, row("R9"), base=base)
    assert store.current() == second


def test_a_commit_with_a_lost_chunk_publishes_nothing(
    store: DatasetStore, client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.versions._ChunkSink._store", lambda sink, chunk: setattr(sink, "chunks", sink.chunks + 1))

    with pytest.raises(ChunkGone):
        commit(store)
    assert store.current() is None


def test_the_newest_five_versions_are_kept_and_the_others_leave_no_key(
    store: DatasetStore, client: "redis.Redis", settings: Settings
) -> None:
    versions = [commit(store) for _ in range(7)]

    assert [each.id for each in store.versions()] == versions[:1:-1]
    assert not [key for key in ours(client, settings) if versions[0] in key or versions[1] in key]


def test_a_version_can_be_removed_unless_it_is_the_current_one(
    store: DatasetStore, client: "redis.Redis", settings: Settings
) -> None:
    old, current = commit(store), commit(store)

    with pytest.raises(Conflict, match="is the current version"):
        store.remove(current)
    store.remove(old)
    store.remove(old)

    assert [each.id for each in store.versions()] == [current]
    assert not [key for key in ours(client, settings) if old in key]
