"""The mapped data and its rows, on a real server."""

import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
import redis

from lib.dataset import Dataset
from lib.errors import Conflict, InvalidInput, NoData, StoreUnavailable
from lib.settings import Settings
from lib.versions import DatasetStore
from tests.unit.incident_files import row
from tests.unit.versions import commit


@pytest.fixture
def dataset(store: DatasetStore, settings: Settings, tmp_path: Path) -> Dataset:
    return Dataset(store, tmp_path / "cache", settings)


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
