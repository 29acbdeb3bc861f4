"""What an operation raises, prints and notes is no reason for its child to die, nor for a result to be lost."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from pydantic import BaseModel

from lib.claims import LOG_LINES_KEPT
from lib.context import log, partial, progress
from lib.dataset import Dataset
from lib.errors import StoreUnavailable
from lib.fingerprints import raised
from lib.jobs import FOREVER, Jobs, Outcome, Submission, failed
from lib.operations import Catalog, Operation
from lib.settings import Settings
from lib.store import Store
from lib.versions import DatasetStore
from services.worker.run import run_job
from tests.servers import Server
from tests.unit.claiming import claim
from tests.waiting import until


class Words(BaseModel):
    """An operation without parameters."""


class NoData:
    """A dataset that nobody asks."""

    store = cast(DatasetStore, None)


def ran(jobs: Jobs, function: Callable[[], Any]) -> Outcome:
    """The outcome of the job `one`, which runs `function`; it has begun and is not finished."""
    jobs.submit(Submission("x", id="one"))
    catalog = Catalog([Operation(name="x", function=function, params_model=Words, title="", doc="", needs_data=False)])
    return run_job(claim(jobs), jobs, catalog, cast(Dataset, NoData()), lambda: None)


def lines(jobs: Jobs) -> list[str]:
    return [each["line"] for each in jobs.log("one")]


class Unspeakable(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "no such file", "caf\udce9.csv"), "[Errno 2] no such file: 'caf\\udce9.csv'"),
        (ValueError("caf\udce9"), "caf?"),
        (Unspeakable(), "its message cannot be had: its __str__ raised RuntimeError"),
        (ValueError(), "ValueError"),
    ],
)
def test_whatever_is_raised_becomes_the_error_of_the_job(jobs: Jobs, error: Exception, message: str) -> None:
    def broken() -> None:
        raise error

    outcome = ran(jobs, broken)
    said = orjson.loads(outcome.error)
    assert (outcome.kind, said["type"], said["message"]) == ("failed", type(error).__name__, message)
    assert said["traceback"].startswith("Traceback")
    assert failed(raised(error) | {"reason": "exception"}).error  # as a consumer says it


def test_text_that_is_no_character_costs_a_question_mark_and_no_result(jobs: Jobs) -> None:
    def speaking() -> int:
        progress(1, 2, "note \udc80")
        log("line \udc80")
        print("printed \udc80")
        print("last \udc80", end="")
        return 1

    assert ran(jobs, speaking).result == b"1"
    assert lines(jobs) == ["line ?", "printed ?", "last ?"]
    found = jobs.get("one").progress
    assert found is not None
    assert found["note"] == "note ?"


def test_what_cannot_be_written_at_the_end_costs_no_result(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise ValueError("nobody expected it")

    def printing() -> int:
        monkeypatch.setattr(jobs, "append_log", refused)
        print("a last line", end="")
        return 1

    assert ran(jobs, printing).result == b"1"


def test_a_long_line_is_cut_at_its_bytes_and_between_two_characters(jobs: Jobs) -> None:
    ran(jobs, lambda: log("a" + "é" * 5_000))
    assert lines(jobs) == ["a" + "é" * 2_047]


def test_an_operation_that_speaks_goes_on_while_redis_is_away_and_all_of_it_is_said_afterwards(
    tmp_path: Path, settings: Settings
) -> None:
    with (
        Server(tmp_path / "redis", appendfsync="always") as server,
        closing(Jobs(settings, store=Store(settings.model_copy(update={"redis_port": server.port}), FOREVER))) as jobs,
    ):
        shown: list[Any] = []

        def speaking() -> int:
            print("before")
            server.kill()
            for number in range(3):
                print(f"line {number}")
                progress(number, 3)
                partial({"number": number})
                time.sleep(0.11)  # longer than the pause: each is tried
            server.start()
            until(lambda: len(lines(jobs)) == 4, 20, "the lines, although nothing more is said")
            progress(3, 3)
            shown.extend([jobs.get("one").partial, jobs.get("one").progress])
            print("after")
            return 1

        assert ran(jobs, speaking).result == b"1"
        assert lines(jobs) == ["before", "line 0", "line 1", "line 2", "after"]
        assert shown[0] == {"number": 2}


def test_lines_whose_reply_was_lost_stand_in_the_log_once_and_no_more_are_kept_than_a_log_has(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = jobs.store.run

    def deaf(name: str, *args: Any, **more: Any) -> Any:
        answer = send(name, *args, **more)
        if name == "log":
            raise StoreUnavailable("the reply is lost")
        return answer

    def speaking() -> int:
        monkeypatch.setattr(jobs.store, "run", deaf)
        print("heard")
        for number in range(2 * LOG_LINES_KEPT):
            print(number)
        monkeypatch.setattr(jobs.store, "run", send)
        return 1

    assert ran(jobs, speaking).result == b"1"
    kept = range(LOG_LINES_KEPT, 2 * LOG_LINES_KEPT)
    assert lines(jobs)[0] == "heard"
    assert [each["line"] for each in jobs.last_lines("one", LOG_LINES_KEPT)] == [str(number) for number in kept]
    assert len(jobs.log("one", limit=5_000)) < 2 * LOG_LINES_KEPT


def test_a_bar_that_is_drawn_anew_is_lines_and_text_without_an_end_is_bounded(jobs: Jobs) -> None:
    def drawing() -> int:
        for percent in (0, 50, 100):
            print(f"\r{percent} %", end="")
        print("\r\nnext\r")
        for _ in range(100):
            print("x" * 1_000, end="")
        return 1

    assert ran(jobs, drawing).result == b"1"
    assert lines(jobs) == ["0 %", "50 %", "100 %", "next", "x" * 4_096]
