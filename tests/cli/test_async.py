"""The twin of the client for asyncio: the same methods, awaited, against the real service; and what cancelling leaves open."""

import asyncio
import inspect
import io
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from tests.cli.conftest import CSV, PARKED
from tests.service import Service
from trafficjobs import AsyncClient, AsyncJob, Client, Invalid, Job, JobFailed, QueueFull, ResultTimeout, Unavailable

Story = Callable[[AsyncClient], Coroutine[Any, Any, Any]]


def told(url: str, story: Story, **options: Any) -> Any:
    """What a story returns that is told on a client of its own."""

    async def whole() -> Any:
        async with AsyncClient(url, **options) as client:
            return await story(client)

    return asyncio.run(asyncio.wait_for(whole(), 60))


def public(cls: type) -> dict[str, inspect.Signature]:
    methods = {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name))}
    return {name: inspect.signature(method) for name, method in methods.items()}


def test_the_twins_have_the_same_methods_with_the_same_arguments() -> None:
    blocking, awaited = public(Client), public(AsyncClient)
    del awaited["aclose"], blocking["close"]
    assert list(blocking.pop("watch").parameters) == list(awaited.pop("watch").parameters)
    assert blocking == awaited
    assert public(Job) == public(AsyncJob)
    assert "submit" in blocking
    assert "frame" in public(Job)
    assert inspect.getdoc(AsyncClient.submit) == inspect.getdoc(Client.submit)
    assert "self" not in inspect.signature(Client("http://x").submit).parameters


def test_a_result_is_awaited(service: Service, home: object) -> None:
    async def story(client: AsyncClient) -> Any:
        job = await client.submit("top_locations", n=1)
        assert isinstance(job, AsyncJob)
        return await job.result(timeout=30)

    assert told(service.url, story) == {"top_locations": {"E RIVERSIDE DR & S CONGRESS AVE": 2}}


def test_many_submits_at_once(service: Service, home: object) -> None:
    async def story(client: AsyncClient) -> list[Any]:
        jobs = await asyncio.gather(*(client.submit("print", msg=f"number {n}") for n in range(30)))
        return await asyncio.gather(*(job.result(60) for job in jobs))

    assert told(service.url, story) == [{"msg": f"number {n}"} for n in range(30)]


def test_lists_and_streams_are_iterated(service: Service, home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafficjobs.submitting.PAGE", 2)

    async def story(client: AsyncClient) -> None:
        ids = [job.id for job in await client.submit_many({"operation": "print", "queue": PARKED} | one for one in BODIES)]
        assert [job.id async for job in client.jobs(operation="print", limit=3)] == ids[::-1]
        job = await client.submit("chatty", lines=2)
        assert [record["status"] async for record in job.watch()][-1] == "complete"
        assert [line["line"][:6] async for line in job.log()] == ["line 0", "line 1"]
        assert [line["line"][:6] async for line in job.follow_log()] == ["line 0", "line 1"]
        assert await job.download("table.csv") == b"a,b\n1,2\n"
        assert [row["report_id"] async for row in client.data(limit=2)] == ["A_1", "A_2"]

    told(service.url, story)


BODIES = [{"params": {"msg": str(n)}} for n in range(3)]


def test_events_are_iterated_and_gone_on_from(service: Service, home: object) -> None:
    async def story(client: AsyncClient) -> None:
        job = await client.submit("chatty", run_in=0.3)
        seen = [event async for event in job.events()]
        assert seen[0].kind == "job"
        assert (seen[-1].kind, seen[-1].data["status"]) == ("status", "complete")
        assert len([event for event in seen if event.kind == "log"]) == 3
        at = next(number for number, event in enumerate(seen) if event.kind == "log")
        later = [event async for event in job.events(after=seen[at].id)]
        assert sorted(event.kind for event in later) == sorted(event.kind for event in seen[at + 1 :])
        first = await asyncio.gather(anext(client.events()), client.submit("print", msg="x", run_in=0.3))
        assert first[0].kind in ("status", "progress", "action")
        assert [event async for event in client.events(timeout=0.05, status="cancelled")] == []

    told(service.url, story)


def test_all_jobs_are_watched(service: Service, home: object) -> None:
    jid = uuid.uuid4().hex

    async def seen(client: AsyncClient) -> list[str]:
        statuses: list[str] = []
        async with aclosing(client.watch(30)) as records:
            async for record in records:
                statuses += [record["status"]] if record["id"] == jid else []
                if "complete" in statuses:
                    break
        return statuses

    async def story(client: AsyncClient) -> list[str]:
        watching = asyncio.ensure_future(seen(client))
        await client.submit("print", msg="watched", id=jid, run_in=1)
        return await watching

    assert told(service.url, story)[-1] == "complete"


def test_a_file_is_uploaded_with_progress(service: Service, home: object) -> None:
    seen: list[int] = []

    async def story(client: AsyncClient) -> Any:
        job = await client.load(io.BytesIO(CSV), progress=lambda sent, _: seen.append(sent))
        return await job.result()

    assert told(service.url, story)["rows"] == 3
    assert seen[-1] == len(CSV)


def test_what_went_wrong_is_raised(service: Service, nowhere: str, home: object) -> None:
    async def story(client: AsyncClient) -> None:
        with pytest.raises(JobFailed, match="ZeroDivisionError"):
            await (await client.submit("divide", by=0)).result()
        with pytest.raises(Invalid):
            await client.submit("top_locations", n="five")
        with pytest.raises(ResultTimeout):
            await (await client.submit("unique_issues", queue=PARKED)).result(0.05)

    async def away(client: AsyncClient) -> None:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.health()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.submit("print", msg="x")

    told(service.url, story)
    told(nowhere, away, patience=0.2)


class Slow(httpx.AsyncByteStream):
    """The body of a stream that never ends, and says whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'event: status\nid: 1\ndata: {"id": "x"}\n\n'
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


def streaming() -> tuple[Slow, httpx.MockTransport]:
    body = Slow()
    answer = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=body)
    return body, httpx.MockTransport(lambda _: answer)


def test_a_stream_that_is_cancelled_left_or_in_time_is_closed() -> None:
    async def cancelled(client: AsyncClient, body: Slow) -> None:
        events = client.events()
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert body.closed

    async def left(client: AsyncClient, body: Slow) -> None:
        async with aclosing(client.events()) as events:
            async for _ in events:
                break
        assert body.closed

    for story in (cancelled, left):
        body, transport = streaming()
        told("http://service", lambda client, story=story, body=body: story(client, body), transport=transport)  # type: ignore[misc]


def test_a_submit_that_is_cancelled_is_not_sent_again_and_its_connection_is_given_back() -> None:
    seen: list[str] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        if request.url.path == "/jobs":
            await asyncio.Event().wait()
        return httpx.Response(200, json={"queues": []})

    async def story(client: AsyncClient) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.submit("print", msg="x"), 0.05)
        assert await client.queues() == []

    told("http://service", story, transport=httpx.MockTransport(handler))
    assert seen == ["/jobs", "/queues"]


ACCEPTED = {"id": "x", "status": "submitted"}


def test_every_try_of_a_submit_carries_the_same_key_and_id() -> None:
    seen: list[httpx.Request] = []
    left: list[Any] = [
        httpx.ReadTimeout("late"),
        httpx.Response(503),
        httpx.Response(202, json={"id": "x", "status": "submitted"}),
    ]

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer := left.pop(0), Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def story(client: AsyncClient) -> str:
        return (await client.submit("top_locations", n=5)).status

    assert told("http://service", story, transport=httpx.MockTransport(handler)) == "submitted"
    assert (len(seen), len({one.headers["Idempotency-Key"] for one in seen}), len({one.content for one in seen})) == (3, 1, 1)


def test_a_retry_after_that_is_longer_than_the_patience_ends_at_once() -> None:
    problem = {"type": "/problems/queue-full", "title": "full", "status": 429, "detail": "It is full."}
    answer = httpx.Response(429, json=problem, headers={"Retry-After": "3600"})

    async def story(client: AsyncClient) -> None:
        with pytest.raises(QueueFull):
            await client.submit("unique_issues")

    told("http://service", story, transport=httpx.MockTransport(lambda _: answer))
