"""`adopt`: what waits in RQ and HotQueue becomes jobs, what cannot says why, and a kill at any moment loses and doubles none."""

import json
import pickle
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hotqueue import HotQueue

from tests.cli.conftest import PARKED, Shell
from tests.servers import Server
from trafficjobs import Client
from trafficjobs.adopting.moving import ASIDE
from trafficjobs.errors import Unavailable

DB = 9


class Trap:
    """A pickle that would run something."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


@pytest.fixture
def source(own_server: Server) -> Iterator[redis.Redis]:
    """A Redis of somebody else, empty."""
    with redis.Redis(port=own_server.port, db=DB) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def adopt(shell: Shell, own_server: Server) -> Shell:
    """Runs `adopt` on that Redis, into the queue that nobody serves."""

    def call(*words: object, **more: Any) -> Any:
        return shell("adopt", "--redis", f"redis://127.0.0.1:{own_server.port}/{DB}", "--to", PARKED, *words, **more)

    return call


def rq_job(source: redis.Redis, id: str, name: str, *args: Any, **fields: Any) -> None:
    """A job in RQ's queue `default`, stored as rq 3.0 does. `fields` are of its record."""
    call = (name, fields.pop("instance", None), args, fields.pop("kwargs", {}))
    data: dict[Any, Any] = {
        "data": zlib.compress(pickle.dumps(call, pickle.HIGHEST_PROTOCOL)),
        "origin": "default",
        "status": "queued",
        "timeout": 180,
    }
    source.hset(f"rq:job:{id}", mapping=data | fields)
    source.sadd("rq:queues", "rq:queue:default")
    source.rpush("rq:queue:default", id)


def contents(source: redis.Redis) -> dict[bytes, Any]:
    """Everything in it."""
    return {key: source.dump(key) for key in source.scan_iter()}


def waiting_in_rq(source: redis.Redis) -> list[bytes]:
    return source.lrange("rq:queue:default", 0, -1)  # type: ignore[return-value]


def test_a_dry_run_shows_what_would_become_of_each_and_changes_nothing(adopt: Shell, source: redis.Redis, client: Client) -> None:
    rq_job(source, "adopt-dry", "app.jobs.top_locations", 3)
    rq_job(source, "stranger", "app.jobs.send_mail", "a@b")
    before = contents(source)
    answer = adopt("--from", "rq", "--dry-run")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].split() == ["FROM", "WHAT", "ID", "BECOMES"]
    assert lines[1].split() == ["rq:queue:default", "app.jobs.top_locations", "adopt-dry", "top_locations", '{"n":', "3}"]
    assert "stays: there is no operation 'send_mail'; register it, or say --map app.jobs.send_mail=OPERATION" in lines[2]
    assert answer.err == "1 would be moved, 1 would stay.\n"
    assert contents(source) == before
    assert not [job for job in client.jobs(limit=50) if job.id == "adopt-dry"]


def test_rqs_jobs_are_moved_with_their_options_in_their_order(adopt: Shell, source: redis.Redis, client: Client) -> None:
    rq_job(source, "adopt-1", "app.top", 3, timeout=99, result_ttl=500, retries_left=2, retry_intervals="[10, 20]")
    rq_job(source, "adopt-2", "print", kwargs={"msg": ["not", "text"]})
    rq_job(source, "adopt-3", "print", "told", result_ttl=-1)
    rq_job(source, "odd id:4", "app.unique_issues")
    answer = adopt("--from", "rq", "--map", "app.top=top_locations", "--json")
    assert answer.code == 1
    told = answer.json
    assert (told["moved"], told["stay"]) == (3, 1)
    assert [each["what"] for each in told["entries"]] == ["app.top", "print", "print", "app.unique_issues"]
    assert "must be a string" in told["entries"][1]["stays"]
    job = client.job("adopt-1").record
    assert (job["input"], job["timeout"], job["queue"]) == ({"operation": "top_locations", "params": {"n": 3}}, 99, PARKED)
    assert job["retry"] == {"max": 2, "intervals": [10, 20], "jitter": 0.1}
    odd = client.job(told["entries"][3]["id"]).record
    assert odd["operation"] == "unique_issues"
    places: list[Any] = [client.job(id).record["position"] for id in ("adopt-1", "adopt-3", odd["id"])]
    assert places == sorted(places)
    assert waiting_in_rq(source) == [b"adopt-2"]
    assert set(source.keys("rq:job:*")) == {b"rq:job:adopt-2"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"args": (Trap(),)}, "more than plain data"),
        ({"args": (1,) * 10}, "takes 9 parameters, and this has 10 arguments"),
        ({"kwargs": {"m": 1}}, "takes n, by, start, end, issue, road, bbox, agency, tz, and this has m"),
        ({"instance": "self"}, "a method of an object"),
        ({"success_callback_name": "app.done"}, "it has callbacks"),
        ({"webhooks": "[{}]"}, "it has callbacks or webhooks"),
        ({"repeats_left": 3}, "make a schedule"),
        ({"meta": pickle.dumps({"cron_string": "* * * * *"})}, "make a schedule"),
        ({"data": b"\x80rubbish"}, "not a pickle"),
        ({"data": zlib.compress(b'["a"]')}, "no call of RQ"),
    ],
)
def test_what_cannot_be_moved_stays_and_says_why(adopt: Shell, source: redis.Redis, fields: dict[str, Any], why: str) -> None:
    args = fields.pop("args", ())
    rq_job(source, "stays", "top_locations", *args, **fields)
    answer = adopt("--from", "rq")
    assert answer.code == 1
    assert why in answer.out
    assert answer.err == "0 were moved, 1 stay.\n"
    assert waiting_in_rq(source) == [b"stays"]
    assert not source.exists(ASIDE)


def test_a_job_whose_record_is_gone_and_jobs_that_wait_for_each_other_stay(adopt: Shell, source: redis.Redis) -> None:
    source.sadd("rq:queues", "rq:queue:default")
    source.rpush("rq:queue:default", "gone")
    source.zadd("rq:deferred:default", {"later": 1})
    rq_job(source, "parent", "unique_issues")
    source.sadd("rq:job:parent:dependents", "later")
    answer = adopt("--from", "rq")
    assert "other jobs wait for it" in answer.out
    assert "its record is gone" in answer.out
    assert "it waits for another job" in answer.out
    assert adopt("--from", "rq", "--queue", "other").err == "Nothing waits there.\n"


def test_scheduled_jobs_keep_their_time(adopt: Shell, source: redis.Redis, client: Client) -> None:
    due = time.time() + 3_600
    for id, key in (("adopt-at", "rq:scheduled:default"), ("adopt-scheduler", "rq:scheduler:scheduled_jobs")):
        rq_job(source, id, "unique_issues", status="scheduled")
        source.lrem("rq:queue:default", 1, id)
        source.zadd(key, {id: due})
    assert adopt("--from", "rq").code == 0
    for id in ("adopt-at", "adopt-scheduler"):
        job = client.job(id).record
        assert job["status"] == "scheduled"
        assert job["due"] is not None
    assert not source.exists("rq:scheduled:default", "rq:scheduler:scheduled_jobs")


@pytest.mark.parametrize("reached", [True, False])
def test_a_kill_or_a_lost_answer_in_the_middle_loses_and_doubles_nothing(
    adopt: Shell, source: redis.Redis, client: Client, monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    """Before and after the service has the job; of HotQueue, whose entries have no id of their own."""
    queue = HotQueue("old", host="127.0.0.1", port=source.connection_pool.connection_kwargs["port"], db=DB)
    mark = f"adopted-{reached}"
    for _ in range(3):
        queue.put({"type": "print", "msg": mark})
    submit = Client.submit_body
    calls = []

    def dies_at_the_second(self: Client, *args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            if reached:
                submit(self, *args, **more)
            raise Unavailable("The answer is lost.")
        return submit(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "submit_body", dies_at_the_second)
        first = adopt("--from", "hotqueue")
    assert (first.code, len(queue), source.exists(ASIDE)) == (5, 1, 1)
    second = adopt("--from", "hotqueue")
    assert second.code == 0
    assert "had been on its way" in second.err
    assert (len(queue), source.exists(ASIDE)) == (0, 0)
    mine = [job for job in client.jobs(operation="print", limit=100) if job.record["input"]["params"] == {"msg": mark}]
    assert len(mine) == 3


def test_an_entry_that_the_service_refuses_goes_back_to_its_place(adopt: Shell, source: redis.Redis, small: str) -> None:
    for n in range(4):
        rq_job(source, f"full-{n}", "unique_issues")
    answer = adopt("--from", "rq", "--url", small, "--patience", 0)
    assert answer.code == 4
    assert waiting_in_rq(source)[0] in (b"full-0", b"full-1", b"full-2")
    assert not source.exists(ASIDE)


def test_hotqueues_entries_are_jobs_records_and_messages(adopt: Shell, source: redis.Redis, client: Client) -> None:
    port = source.connection_pool.connection_kwargs["port"]
    HotQueue("old", host="127.0.0.1", port=port, db=DB).put({"type": "print", "params": {"msg": "pickled"}}, ("a", "tuple"))
    HotQueue("old", serializer=json, host="127.0.0.1", port=port, db=DB).put(
        {"operation": "top_locations", "params": {"n": 1}}, "hello"
    )
    HotQueue("old", serializer=None, host="127.0.0.1", port=port, db=DB).put(b"adopt-course", b"adopt-json", b"nobody")
    source.hset(
        "job.adopt-course", mapping={"id": "adopt-course", "status": "submitted", "start": "2023-01-01", "end": "2023-02-01"}
    )
    source.set(
        "adopt-json", json.dumps({"id": "adopt-json", "status": "submitted", "input": {"date": "2023-01-01"}, "result": None})
    )
    dry = adopt("--from", "hotqueue", "--records-db", DB, "--dry-run", "--json").json
    assert (dry["moved"], dry["stay"]) == (0, 3), dry
    assert [each["stays"] is None for each in dry["entries"]] == [True, False, True, False, True, True, False]
    assert "--message" in dry["entries"][1]["stays"]
    assert "--records-db" in dry["entries"][6]["stays"]
    told = adopt("--from", "hotqueue", "--records-db", DB, "--message", "print.msg", "--json").json
    assert (told["moved"], told["stay"]) == (6, 1)
    assert "must be a string" in told["entries"][1]["stays"]  # a list is no message of print
    assert client.job("adopt-course").record["input"] == {"start": "2023-01-01", "end": "2023-02-01"}
    assert client.job("adopt-json").record["operation"] == "incident_count_by_date"
    assert client.job(told["entries"][3]["id"]).record["input"]["params"] == {"msg": "hello"}


def test_a_job_of_ours_is_left_alone(adopt: Shell, source: redis.Redis) -> None:
    source.rpush("hotqueue:job-queue", "ours")
    source.hset("job.ours", mapping={"v": 1, "status": "submitted"})
    assert "a job of trafficjobs already" in adopt("--from", "hotqueue", "--records-db", DB).out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--map", "nonsense"], 2, "is not NAME=OPERATION"),
        (["--redis", "http://there"], 2, "is no address of a Redis"),
        (["--redis", "redis://user:secret@127.0.0.1:1/0"], 5, "127.0.0.1:1/0: "),
    ],
)
def test_what_is_wrong_with_the_command_is_told(adopt: Shell, words: list[str], code: int, told: str) -> None:
    answer = adopt("--from", "rq", *words)
    assert answer.code == code
    assert told in answer.err
    assert "secret" not in answer.err


@pytest.mark.slow
def test_a_queue_that_rq_itself_made_is_moved(adopt: Shell, source: redis.Redis, client: Client) -> None:
    rq = pytest.importorskip("rq", reason="rq is one of the peers of bench; make test-all installs them")
    queue = rq.Queue("default", connection=source)
    queue.enqueue("app.top_locations", 2, by="location", job_id="adopt-real", retry=rq.Retry(max=3, interval=[1, 2]))
    queue.enqueue_in(__import__("datetime").timedelta(hours=1), "app.unique_issues", job_id="adopt-real-in")
    assert adopt("--from", "rq").code == 0
    job = client.job("adopt-real").record
    assert job["input"]["params"] == {"n": 2, "by": "location"}
    assert job["retry"]["intervals"] == [1, 2]
    assert client.job("adopt-real-in").record["status"] == "scheduled"
    assert len(queue) == 0
