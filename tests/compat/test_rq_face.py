"""RQ's names on our queue: what is enqueued, which options are kept, and what a job shows under RQ's words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lib import rq_face
from lib.errors import Conflict, InvalidInput, UnknownJob
from lib.jobs import Job, Jobs, Queue, Retry, complete, enqueue, enqueue_at, enqueue_in, failed
from lib.operations import load_catalog
from lib.settings import Settings
from lib.upkeep import Upkeep

OPERATIONS = '''
from lib.operations import operation

@operation(needs_data=False)
def count_words(text: str, longest: int = 100, description: str = "") -> int:
    """Counts."""
    return len(text.split()[:longest])
'''
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operations")
    (folder / "words.py").write_text(OPERATIONS)
    return folder


@pytest.fixture
def jobs(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """The environment's queue, as the face sees it."""
    made = Jobs(settings.model_copy(update={"queues": ["low"]}), load_catalog(folder))
    monkeypatch.setattr(rq_face, "_environments", lambda: made)
    yield made
    made.close()


def end(jobs: Jobs, *, error: dict[str, Any] | None = None, may_retry: bool = False) -> None:
    """Run the next job to its end."""
    claim = jobs.claim("child", "worker", jobs.settings.all_queues)
    assert claim is not None
    jobs.finish(claim, complete(b"3") if error is None else failed(error, may_retry))


def function_of(jobs: Jobs) -> Any:
    assert jobs.catalog is not None
    return jobs.catalog.get("count_words").function


def test_a_job_lives_under_rqs_names(jobs: Jobs) -> None:
    job = enqueue("count_words", "one two three", longest=5)
    assert (job.get_status(), job.is_queued, job.get_position(), job.origin) == ("queued", True, 0, "job-queue")
    assert (job.func_name, job.args, job.kwargs) == ("count_words", (), {"text": "one two three", "longest": 5})
    assert (job.started_at, job.ended_at, job.result, job.exc_info) == (None, None, None, None)
    claim = jobs.claim("child", "worker", ["job-queue"])
    assert claim is not None
    assert job.get_status() == "started"
    assert (job.is_started, job.get_position(), job.worker_name) == (True, None, "worker")
    jobs.finish(claim, complete(b"3"))
    assert not job.is_finished  # as it was when it was read
    job.refresh()
    assert job.is_finished
    assert (job.result, job.return_value()) == (3, 3)
    assert job.enqueued_at <= job.started_at <= job.ended_at <= datetime.now(UTC) + timedelta(seconds=1)
    assert Job.fetch(job.id).get_status() == "finished"


def test_a_failed_job_shows_its_traceback_and_is_requeued(jobs: Jobs) -> None:
    job = enqueue("count_words", "a")
    end(jobs, error={"type": "ValueError", "message": "no", "reason": "exception", "traceback": "Traceback ...\nValueError: no"})
    assert job.get_status() == "failed"
    assert (job.is_failed, job.result, job.exc_info) == (True, None, "Traceback ...\nValueError: no")
    assert job.requeue().get_status() == "queued"
    end(jobs, error={"type": "WorkerCrash", "message": "The process died", "reason": "crash"})
    job.refresh()
    assert job.exc_info == "WorkerCrash: The process died"
    job.delete()
    with pytest.raises(UnknownJob):
        Job.fetch(job.id)


def test_a_job_is_cancelled_and_a_job_that_ended_is_not(jobs: Jobs) -> None:
    job = enqueue("count_words", "a")
    job.cancel()
    assert (job.get_status(), job.is_canceled) == ("canceled", True)
    done = enqueue("count_words", "a")
    end(jobs)
    with pytest.raises(Conflict):
        done.cancel()
    with pytest.raises(Conflict):
        done.requeue()


def test_a_job_for_later_is_scheduled_and_then_queued(jobs: Jobs) -> None:
    at = enqueue_at(NOON, "count_words", "a")
    assert (at.get_status(), at.is_scheduled, at.enqueued_at) == ("scheduled", True, None)
    assert str(at.record.due).startswith("2030-01-01T1")
    assert enqueue_in(timedelta(hours=1), "count_words", "a").get_status() == "scheduled"
    assert enqueue_in(timedelta(seconds=-1), "count_words", "a").get_status() == "queued"
    assert enqueue_at(datetime(2020, 1, 1), "count_words", "a").get_status() == "queued"
    soon = enqueue_in(timedelta(microseconds=1), "count_words", "a")
    Upkeep(jobs).round()
    assert soon.get_status() == "queued"


def test_a_job_is_deferred_until_those_it_depends_on_are_finished(jobs: Jobs) -> None:
    first, second = enqueue("count_words", "a", job_id="first"), enqueue("count_words", "b")
    child = enqueue("count_words", "c", depends_on=[first, second.id])
    assert (child.get_status(), child.is_deferred, child.enqueued_at) == ("deferred", True, None)
    assert child.dependency_ids == ["first", second.id]
    end(jobs)
    assert enqueue("count_words", "d", depends_on="first").get_status() == "queued"
    assert child.get_status() == "deferred"
    end(jobs)
    assert child.get_status() == "queued"
    assert enqueue("count_words", "e", depends_on=child).is_deferred
    with pytest.raises(TypeError, match="depends_on must be jobs or their ids"):
        enqueue("count_words", "f", depends_on=object())


def test_rqs_options_are_kept(jobs: Jobs) -> None:
    retry = Retry(max=3, interval=[10, 30])
    job = enqueue("count_words", "a", job_id="mine", job_timeout="10m", result_ttl=60, failure_ttl=120, retry=retry)
    assert (job.id, job.timeout, job.retries_left) == ("mine", 600.0, 3)
    assert job.record.retry == {"max": 3, "intervals": [10, 30], "jitter": 0.1}
    raw = jobs.store.records.hgetall(f"{jobs.settings.key_prefix}job.mine")
    assert (raw[b"result_ttl"], raw[b"failed_ttl"]) == (b"60", b"120")
    front = enqueue("count_words", "a", at_front=True)
    assert (front.get_position(), job.get_position()) == (0, 1)
    low = Queue("low")
    assert (low.count, len(low)) == (0, 0)
    other = low.enqueue("count_words", "a")
    assert (len(low), other.origin) == (1, "low")
    assert low.fetch_job("mine") is None
    assert low.fetch_job("nothing") is None
    assert Queue().fetch_job("mine").id == "mine"  # type: ignore[union-attr]
    assert enqueue("count_words", args=("a",), kwargs={"description": "b"}).kwargs == {"text": "a", "description": "b"}


def test_retry_is_spelled_in_either_way() -> None:
    assert Retry(3, interval=10) == Retry(max=3, intervals=(10,))
    assert Retry(max=2, interval=[1, 2]).intervals == (1, 2)
    assert Retry(max=2).intervals == ()


def test_a_function_is_enqueued_by_itself(jobs: Jobs, folder: Path) -> None:
    assert enqueue(function_of(jobs), "a").func_name == "count_words"
    again: dict[str, Any] = {}
    exec(compile(OPERATIONS.replace("@operation(needs_data=False)", ""), folder / "words.py", "exec"), again)
    assert enqueue(again["count_words"], "a").func_name == "count_words"  # the same file, imported by somebody else


@pytest.mark.parametrize(
    ("operation", "error", "words"),
    [
        ("package.module.count_words", TypeError, "import path.*enqueue 'count_words'"),
        ("os:system", TypeError, "import path"),
        ("count_word", InvalidInput, 'did you mean "count_words"'),
        (print, TypeError, "'print' is no registered operation"),
        (lambda: None, TypeError, "is no registered operation"),
    ],
)
def test_what_is_not_registered_is_refused(jobs: Jobs, operation: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        enqueue(operation, "a")
    assert jobs.counts()["submitted"] == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ttl": 5}, TypeError, "ttl is an option of RQ that is not kept here: .*cancel it"),
        ({"meta": {}}, TypeError, "progress"),
        ({"description": "x"}, TypeError, "the record shows the operation"),
        ({"on_success": print}, TypeError, "webhook"),
        ({"retry": 3}, TypeError, "lib.jobs.Retry"),
        ({"job_timeout": -1}, InvalidInput, "MAX_TIMEOUT"),
        ({"job_timeout": "soon"}, InvalidInput, "job_timeout"),
        ({"result_ttl": 0}, InvalidInput, "kept for a time"),
        ({"failure_ttl": -1}, InvalidInput, "kept for a time"),
        ({"job_id": "a b"}, InvalidInput, "id: must be"),
        ({"text": "b"}, TypeError, "text twice"),
        ({"lenght": 5}, InvalidInput, "not a parameter"),
    ],
)
def test_options_that_would_not_be_kept_are_refused(
    jobs: Jobs, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        enqueue("count_words", "a", **options)
    with pytest.raises(TypeError, match="takes 3 parameters"):
        enqueue("count_words", 1, 2, 3, 4)
    assert jobs.counts()["submitted"] == 0


def test_the_queue_says_where_redis_is_by_the_environment(jobs: Jobs) -> None:
    with pytest.raises(TypeError, match="REDIS_URL"):
        Queue("low", connection=object())
