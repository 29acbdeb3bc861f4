"""Requests that are sent again: nothing is done twice by it, whatever the network loses, and Retry-After is kept."""

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.cli.conftest import CSV, PARKED
from tests.cli.fakes import Loses
from tests.service import Service
from tests.waiting import until
from trafficjobs import Client, Invalid, QueueFull, Unavailable
from trafficjobs.errors import Conflict, NotFound


def posts(request: httpx.Request) -> bool:
    return request.method == "POST"


def those_of(client: Client, message: str) -> list[str]:
    """Ids of the jobs that print a message."""
    return [job.id for job in client.jobs(operation="print") if job.record["input"]["params"]["msg"] == message]


@pytest.mark.parametrize("lost", [1, 3])
def test_a_submit_whose_answer_is_lost_leaves_one_job(service: Service, client: Client, lost: int) -> None:
    message = uuid.uuid4().hex
    with Client(service.url, transport=(network := Loses(lost, posts))) as unlucky:
        job = unlucky.submit("print", msg=message)
    assert network.sent == ["POST /jobs"] * (lost + 1)
    assert those_of(client, message) == [job.id]


def test_a_submit_that_is_sent_again_to_another_copy_of_the_api_leaves_one_job(
    service: Service, small: str, client: Client
) -> None:
    message = uuid.uuid4().hex
    with Client(service.url, transport=Loses(1, posts, then=small)) as unlucky:
        job = unlucky.submit("print", msg=message)
        assert job.result() == client.job(job.id).result()
    assert those_of(client, message) == [job.id]


def test_many_submits_whose_answers_are_lost_leave_one_job_each(service: Service, client: Client) -> None:
    message = uuid.uuid4().hex
    bodies = [{"operation": "print", "params": {"msg": message}} for _ in range(5)]
    with Client(service.url, transport=Loses(4, posts)) as unlucky:
        ids = [job.id for job in unlucky.submit_many(bodies)]
    assert sorted(those_of(client, message)) == sorted(ids)


def test_the_same_idempotency_key_finds_the_same_job_in_another_process(service: Service, client: Client) -> None:
    key = uuid.uuid4().hex
    first = client.submit("print", msg="once", idempotency_key=key)
    with Client(service.url) as other:
        assert other.submit("print", msg="once", idempotency_key=key).id == first.id
        with pytest.raises(Conflict):
            other.submit("print", msg="twice", idempotency_key=key)


@pytest.mark.parametrize("lost", [1, 3])
def test_a_retry_whose_answer_is_lost_runs_the_job_once_more(service: Service, client: Client, lost: int) -> None:
    failed = client.submit("divide", by=0).wait(20)
    with Client(service.url, transport=(network := Loses(lost, posts))) as unlucky:
        assert unlucky.job(failed.id).retry().wait(20).record["run"] == 1
    assert [sent for sent in network.sent if sent.startswith("POST")] == [f"POST /jobs/{failed.id}/retry"] * (lost + 1)
    assert client.job(failed.id).record["run"] == 1


def test_a_retry_that_is_sent_again_after_its_run_has_failed_runs_nothing_more(service: Service, client: Client) -> None:
    failed = client.submit("divide", by=0).wait(20)

    def late(request: httpx.Request) -> bool:
        """The answer is lost only when the run that it began has ended."""
        if posts(request):
            until(lambda: client.job(failed.id).status == "failed", 20, "the end of the second run")
        return posts(request)

    with Client(service.url, transport=Loses(1, late)) as unlucky:
        assert unlucky.job(failed.id).retry().record["run"] == 1
    assert [run["status"] for run in client.job(failed.id).record["runs"]] == ["failed"]


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_a_cancel_or_delete_whose_answer_is_lost_is_done(service: Service, client: Client, action: str) -> None:
    jid = client.submit("unique_issues", queue=PARKED).id
    with Client(service.url, transport=Loses(1, lambda request: request.method != "GET")) as unlucky:
        getattr(unlucky.job(jid), action)()
    gone = jid not in [job.id for job in client.jobs(limit=50)]
    assert gone if action == "delete" else client.job(jid).status == "cancelled"


def loads(client: Client) -> list[str]:
    return [job.id for job in client.jobs(operation="load")]


def test_an_upload_whose_answer_is_lost_leaves_one_job(service: Service, client: Client) -> None:
    before = loads(client)
    with Client(service.url, transport=(network := Loses(1, posts))) as unlucky:
        job = unlucky.load(io.BytesIO(CSV), mode="append")
        assert job.result()["rows"] == 3
    assert [sent for sent in network.sent if sent.startswith("POST")] == ["POST /data"] * 2
    assert loads(client) == [job.id, *before]


def test_an_upload_from_a_pipe_is_never_sent_again(service: Service) -> None:
    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError("a pipe has no place")

    with Client(service.url, transport=(network := Loses(1, posts))) as unlucky, pytest.raises(Unavailable):
        unlucky.load(Pipe(CSV), mode="append")
    assert network.sent == ["POST /data"]


def scripted(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """A client whose requests get these answers in turn, and the requests."""
    left, seen = list(answers), list[httpx.Request]()

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client("http://service", "token", transport=httpx.MockTransport(handler)), seen


def problem(status: int, kind: str, **headers: str) -> httpx.Response:
    body = {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": f"it is {kind}."}
    return httpx.Response(status, json=body, headers=headers)


def test_every_try_of_a_submit_carries_the_same_key_and_id() -> None:
    client, seen = scripted(
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        problem(502, "bad-gateway"),
        problem(503, "store-unavailable", **{"Retry-After": "0"}),
        problem(429, "queue-full", **{"Retry-After": "0"}),
        httpx.Response(202, json={"id": "x", "status": "submitted"}),
    )
    assert client.submit("top_locations", n=5).status == "submitted"
    assert len(seen) == 6
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len({request.content for request in seen}) == 1
    assert {request.headers["Authorization"] for request in seen} == {"Bearer token"}


def test_two_submits_never_share_a_key() -> None:
    client, seen = scripted(*(httpx.Response(202, json={"id": "x", "status": "submitted"}) for _ in range(2)))
    client.submit("unique_issues")
    client.submit("unique_issues")
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 2


def test_a_retry_after_that_is_longer_than_the_patience_ends_at_once() -> None:
    client, seen = scripted(problem(429, "queue-full", **{"Retry-After": "3600"}))
    with pytest.raises(QueueFull, match="it is queue-full") as found:
        client.submit("unique_issues")
    assert found.value.retry_after == 3600
    assert len(seen) == 1


@pytest.mark.parametrize("call", [lambda client: client.health(), lambda client: client.jobs(limit=0) and client.queues()])
def test_a_service_that_never_answers_is_unavailable(nowhere: str, call: Callable[[Client], object]) -> None:
    with Client(nowhere, patience=0.2) as client, pytest.raises(Unavailable, match="cannot be reached"):
        call(client)


def changes(request: httpx.Request) -> bool:
    return request.method not in ("GET", "HEAD")


def test_a_batch_whose_answer_is_lost_is_there_once(service: Service, client: Client) -> None:
    message = uuid.uuid4().hex
    with Client(service.url, transport=(network := Loses(1, changes))) as unlucky:
        made = unlucky.submit_batch([{"operation": "print", "params": {"msg": message}}] * 3, queue=PARKED)
        assert (made["total"], len(those_of(client, message))) == (3, 3)
        network.left = 1
        assert unlucky.cancel_batch(made["id"]) == {"cancelled": 0, "told": 0}  # what the second answer says
    assert client.batch(made["id"])["cancelled"] == 3


def test_schedules_whose_answers_are_lost_are_changed_once(service: Service, client: Client) -> None:
    job = {"operation": "print", "params": {"msg": (message := uuid.uuid4().hex)}, "queue": PARKED}
    with Client(service.url, transport=(network := Loses(0, changes))) as unlucky:

        def unluckily(call: Callable[..., Any], *args: Any, **given: Any) -> Any:
            network.left = 1
            found = call(*args, **given)
            assert network.left == 0
            return found

        sid = unluckily(unlucky.create_schedule, job, every=3600)["id"]
        assert [one["id"] for one in client.schedules()].count(sid) == 1
        assert unluckily(unlucky.change_schedule, sid, job, every=7200)["every"] == 7200
        assert unluckily(unlucky.pause_schedule, sid)["paused"] is True
        assert unluckily(unlucky.resume_schedule, sid)["paused"] is False
        triggered = unluckily(unlucky.trigger_schedule, sid)
        assert those_of(client, message) == [triggered.id]
        unluckily(unlucky.delete_schedule, sid)
        with pytest.raises(NotFound):
            unlucky.delete_schedule(sid)  # nothing was lost, and it is not there
    assert sid not in [one["id"] for one in client.schedules()]


def test_queues_workers_and_versions_whose_answers_are_lost_are_as_wanted(service: Service, client: Client) -> None:
    (worker,) = client.workers()
    for _ in range(2):
        client.load(io.BytesIO(CSV)).result(60)
    newest, before = (one["id"] for one in client.versions()[:2])
    with Client(service.url, transport=(network := Loses(0, changes))) as unlucky:
        steps: list[tuple[Callable[[], Any], Callable[[Any], bool]]] = [
            (lambda: unlucky.pause(PARKED), lambda found: found["paused"]),
            (lambda: unlucky.resume(PARKED), lambda found: not found["paused"]),
            (lambda: unlucky.drain(PARKED), lambda found: found["draining"]),
            (lambda: unlucky.open(PARKED), lambda found: not found["draining"]),
            (lambda: unlucky.drain_worker(worker["name"]), lambda found: found["draining"]),
            (lambda: unlucky.resume_worker(worker["name"]), lambda found: not found["draining"]),
            (lambda: unlucky.activate(before), lambda found: found["current"]),
            (lambda: unlucky.activate(newest), lambda found: found["current"]),
            (lambda: unlucky.remove_version(before), lambda _: before not in [one["id"] for one in client.versions()]),
        ]
        for call, is_so in steps:
            network.left = 1
            assert is_so(call())
            assert network.left == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda client, batch: client.purge(PARKED),
        lambda client, batch: client.retry_batch(batch),
        lambda client, batch: client.retry_failed(operation="unique_issues"),
    ],
    ids=["purge", "retry_batch", "retry_failed"],
)
def test_what_acts_on_all_that_is_there_is_sent_once(
    service: Service, client: Client, call: Callable[[Client, str], Any]
) -> None:
    batch = client.submit_batch([{"operation": "unique_issues"}], queue=PARKED)["id"]
    with Client(service.url, transport=(network := Loses(1, changes))) as unlucky:
        with pytest.raises(Unavailable, match="Whether it was done is not known; look before you ask for it again"):
            call(unlucky, batch)
        assert len(network.sent) == 1
        call(unlucky, batch)


def test_many_failed_jobs_are_run_again_page_by_page_from_where_it_stood() -> None:
    pages = [{"retried": 5, "next": "there"}, {"retried": 2, "next": None}]
    client, seen = scripted(
        httpx.ConnectError("refused"),
        httpx.Response(200, json=pages[0]),
        httpx.ReadError("x"),
        httpx.Response(200, json=pages[1]),
    )
    assert client.retry_failed() == 7
    assert [json.loads(request.content)["cursor"] for request in seen] == [None, None, "there", "there"]


def test_a_service_that_says_at_once_is_asked_with_pauses_all_the_same() -> None:
    client, seen = scripted(*[problem(503, "store-unavailable", **{"Retry-After": "0"})] * 1_000)
    client._transport.patience = 1.0
    with pytest.raises(Unavailable):
        client.submit("unique_issues")
    assert 2 < len(seen) < 20


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_in_which_nothing_can_come_is_refused(timeout: float) -> None:
    with pytest.raises(Invalid, match="more than 0"):
        Client("http://service", timeout=timeout)


def test_a_timeout_may_be_endless(nowhere: str) -> None:
    with Client(nowhere, timeout=float("inf"), patience=0.2) as client, pytest.raises(Unavailable, match="cannot be reached"):
        client.queues()
