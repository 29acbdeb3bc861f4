"""Uploads, versions and the mapped data, on a real server."""

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import redis

from lib.dataset import Dataset
from lib.errors import Conflict, InvalidInput, InvalidParameters, NoData, StaleClaim, StoreFull, StoreUnavailable, TooLarge
from lib.operations import JobInfo, Recorder, load_catalog, run, running
from lib.settings import Settings
from lib.versions import BaseChanged, ChunkGone, DatasetStore
from tests.servers import Server
from tests.unit.incident_files import csv_file, row, table_of, week


@pytest.fixture
def client(settings: Settings) -> Iterator["redis.Redis"]:
    with redis.Redis(port=settings.redis_port, db=settings.redis_db) as client:
        yield client


@pytest.fixture
def store(client: "redis.Redis", settings: Settings) -> DatasetStore:
    return DatasetStore(client, settings)


@pytest.fixture
def dataset(store: DatasetStore, settings: Settings, tmp_path: Path) -> Dataset:
    return Dataset(store, tmp_path / "cache", settings)


def commit(store: DatasetStore, *rows: str, **about: Any) -> str:
    return store.commit(store.new_version(), table_of(*(rows or week())), {"rows_read": 1}, **about)


def upload(store: DatasetStore, data: bytes, piece: int = 1000) -> str:
    arriving = store.begin_upload("week.csv", len(data), "ann")
    for start in range(0, len(data), piece):
        arriving.append(data[start : start + piece])
    return arriving.finish()


def claimed(client: "redis.Redis", settings: Settings, job: str = "j1", token: str = "t1") -> None:
    client.hset(f"{settings.key_prefix}job.{job}", mapping={"status": "in-progress", "token": token})


def ours(client: "redis.Redis", settings: Settings) -> set[str]:
    return {key.decode().removeprefix(settings.key_prefix) for key in client.scan_iter(f"{settings.key_prefix}*")}


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


# The mapped data


def test_without_data_the_message_says_how_to_load_some(dataset: Dataset) -> None:
    with pytest.raises(NoData, match="POST /data"):
        dataset.frame()


def test_the_frame_is_mapped_once_and_again_when_the_version_changes(
    store: DatasetStore, dataset: Dataset, tmp_path: Path
) -> None:
    first = commit(store)
    df, version = dataset.frame()
    assert (version, len(df)) == (first, 12)
    table, _ = dataset.table()
    dataset.frame()
    assert dataset.table()[0] is table

    second = commit(store, row())
    assert (dataset.frame()[1], len(dataset.frame()[0])) == (second, 1)
    assert len(dataset.frame(first)[0]) == 12
    assert len(df) == 12  # who still holds the old frame can go on reading it
    for _ in range(3):
        commit(store, row())
        dataset.frame()
    assert len(list((tmp_path / "cache").glob("*.arrow"))) == 2


def test_what_one_operation_does_to_its_frame_no_other_one_sees(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)
    mine, _ = dataset.frame()
    before = mine["issue"].astype(str).tolist()
    mine["issue"] = "gone"
    mine.loc[0, "latitude"] = 1.0
    mine["extra"] = 1
    mine.attrs["timezone"] = "UTC"
    del mine["date"]
    theirs, _ = dataset.frame()
    assert theirs["issue"].astype(str).tolist() == before
    assert "date" in theirs
    assert "extra" not in theirs
    assert not (theirs["latitude"] == 1.0).fillna(False).any()
    assert theirs.attrs["timezone"] == "America/Chicago"


def test_a_version_that_is_gone_is_no_data(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)

    with pytest.raises(NoData, match="not kept any more"):
        dataset.frame("v-none")


def test_a_damaged_version_is_never_mapped(
    store: DatasetStore, dataset: Dataset, client: "redis.Redis", settings: Settings, tmp_path: Path
) -> None:
    version = commit(store)
    client.setrange(f"{settings.key_prefix}data.{version}.0", 100, b"damage")

    with pytest.raises(StoreUnavailable, match="checksum"):
        dataset.frame()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def _read(folder: Path, settings: Settings, results: Any) -> None:
    with redis.Redis(port=settings.redis_port, db=settings.redis_db) as client:
        results.put(len(Dataset(DatasetStore(client, settings), folder, settings).frame()[0]))


def test_processes_that_start_at_once_share_one_file(store: DatasetStore, settings: Settings, tmp_path: Path) -> None:
    commit(store)
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    processes = [context.Process(target=_read, args=(tmp_path / "shared", settings, results)) for _ in range(2)]
    for process in processes:
        process.start()

    assert [results.get(timeout=60) for _ in processes] == [12, 12]
    for process in processes:
        process.join()
    assert len(list((tmp_path / "shared").glob("v-*"))) == 1


def test_threads_share_one_dataset(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)
    seen: list[tuple[int, int]] = []
    threads = [threading.Thread(target=lambda: seen.append((len(dataset.frame()[0]), id(dataset.table()[0])))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len(set(seen)) == 1


# Rows


def test_pages_hold_every_row_once_in_the_order_of_time(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)
    seen: list[str] = []
    after = None
    while True:
        page = dataset.rows(limit=5, after=after)
        seen += [each["report_id"] for each in page.rows]
        after = page.next
        if after is None:
            break

    assert page.total == 12
    assert sorted(seen) == sorted(f"R{n}" for n in range(12))
    assert dataset.rows(limit=12).next is None


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"start": "2023-01-04", "end": "2023-01-04"}, 5),
        ({"start": "2023-01-05", "end": "2023-01-04"}, 7),
        ({"issue": "zSTALLED VEHICLE"}, 6),
        ({"issue": "no such"}, 0),
        ({"search": "congress"}, 5),
        ({"search": "stalled"}, 6),
        ({"search": "R1"}, 3),
        ({"search": "(north"}, 2),
        ({"search": "congress", "issue": "crash urgent", "end": "2023-01-03"}, 2),
    ],
)
def test_rows_are_filtered(store: DatasetStore, dataset: Dataset, filters: dict[str, str], count: int) -> None:
    commit(store)

    page = dataset.rows(**filters)  # type: ignore[arg-type]

    assert (len(page.rows), page.total) == (count, count)


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 10_001}, {"start": "soon"}, {"end": "2023-02-30"}])
def test_arguments_that_do_not_fit_are_refused_by_name(store: DatasetStore, dataset: Dataset, arguments: dict[str, Any]) -> None:
    commit(store)

    with pytest.raises(InvalidInput) as caught:
        dataset.rows(**arguments)
    assert caught.value.field in arguments


def test_a_page_after_a_row_that_is_gone_is_a_conflict(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)

    with pytest.raises(Conflict, match="after"):
        dataset.rows(after="gone")


def test_one_row_is_found_by_its_id(store: DatasetStore, dataset: Dataset) -> None:
    commit(store)

    found = dataset.by_id("R0")

    assert found is not None
    assert (found["published"], found["address"], found["hour"]) == ("2023-01-03T13:00:00Z", "100 S CONGRESS AVE", 7)
    assert dataset.by_id("none") is None


# Loading


def loaded(store: DatasetStore, token: str = "t1", **params: Any) -> tuple[dict[str, Any], Recorder]:
    context = Recorder(run=JobInfo("j1", 1, token), versions=store)
    with running(context):
        return run(load_catalog().get("load"), params), context


def test_a_load_job_publishes_reports_and_drops_the_upload(
    store: DatasetStore, client: "redis.Redis", settings: Settings
) -> None:
    claimed(client, settings)

    answer, context = loaded(store, upload=upload(store, csv_file(*week())), by="ann")

    found = store.version(answer["version"])
    assert found is not None
    assert (answer["rows"], answer["report"]["rows_read"], found.source, found.by, found.job) == (12, 12, "week.csv", "ann", "j1")
    assert not [key for key in ours(client, settings) if key.startswith("uploads")]
    assert context.steps[-1] == (1, 1, "published")
    assert all(done <= 1 for done, _, _ in context.steps)


def test_a_load_that_runs_again_after_its_commit_returns_the_same_answer(
    store: DatasetStore, client: "redis.Redis", settings: Settings
) -> None:
    claimed(client, settings)
    sent = upload(store, csv_file(row()))
    first, _ = loaded(store, upload=sent)
    claimed(client, settings, token="t2")

    assert loaded(store, token="t2", upload=sent)[0] == first
    assert len(store.versions()) == 1


def test_appending_adds_rows_and_a_second_time_adds_none(store: DatasetStore, client: "redis.Redis", settings: Settings) -> None:
    commit(store)
    for job, expected in (("a", 13), ("b", 13)):
        claimed(client, settings, job)
        context = Recorder(run=JobInfo(job, 1, "t1"), versions=store)
        with running(context):
            sent = upload(store, csv_file(row("R1"), row("R99")))
            assert run(load_catalog().get("load"), {"upload": sent, "mode": "append"})["rows"] == expected


def test_an_append_that_another_load_overtakes_builds_on_it(
    store: DatasetStore, client: "redis.Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(client, settings)
    commit(store, row("A"))
    original = store.commit
    overtaken: list[str] = []

    def overtake(version: str, table: pa.Table, report: dict[str, Any], **about: Any) -> str:
        if not overtaken:
            overtaken.append(original(store.new_version(), table_of(row("B")), {}))
        return original(version, table, report, **about)

    monkeypatch.setattr(store, "commit", overtake)

    assert loaded(store, upload=upload(store, csv_file(row("C"))), mode="append")[0]["rows"] == 2  # B and C


def test_without_an_upload_the_data_file_is_loaded(client: "redis.Redis", settings: Settings, tmp_path: Path) -> None:
    claimed(client, settings)
    store = DatasetStore(client, settings.model_copy(update={"data_file": tmp_path / "atx.csv"}))

    with pytest.raises(InvalidInput, match=r"DATA_FILE .* cannot be read"):
        loaded(store)
    (tmp_path / "atx.csv").write_bytes(csv_file(*week()))
    assert loaded(store)[0]["rows"] == 12


def test_a_load_takes_no_path_and_no_odd_upload() -> None:
    catalog = load_catalog()

    for params in ({"data_file": "/etc/passwd"}, {"upload": "../../etc"}, {"mode": "merge"}):
        with pytest.raises(InvalidParameters):
            catalog.validate("load", params)
