"""The operation `load`: what it publishes, once, whatever overtakes it or kills it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import redis

from lib.errors import InvalidInput, InvalidParameters
from lib.operations import JobInfo, Recorder, load_catalog, run, running
from lib.settings import Settings
from lib.versions import ChunkGone, DatasetStore
from tests.unit.incident_files import csv_file, row, table_of, week
from tests.unit.versions import claimed, commit, ours, upload


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


def test_a_part_that_was_gone_is_said_as_what_it_is_and_the_load_is_repeated(
    store: DatasetStore, client: "redis.Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(client, settings)
    original, gone = store.commit, [ChunkGone("its time was over")]

    def commit_(*args: Any, **about: Any) -> str:
        if gone:
            raise gone.pop()
        return original(*args, **about)

    monkeypatch.setattr(store, "commit", commit_)
    result, context = loaded(store, upload=upload(store, csv_file(row("C"))))
    assert result["rows"] == 1
    assert [line for line in context.lines if "gone" in line or "came first" in line] == [
        "a part of the data was gone before all of it was published; trying again"
    ]


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
