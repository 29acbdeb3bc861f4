"""The client of the HTTP API: `Client(url, token).submit("top_locations", n=5).result(timeout=30)`, and its twin for asyncio.

Requests are sent again while the service is away or full, and nothing is ever done twice by it: every submit carries an
id and an Idempotency-Key of its own, made once per call. What the two have in common stands in `Calls` and its parts, once.
"""

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Generic, Self

import httpx

from trafficjobs import profiles
from trafficjobs.backups import Backups
from trafficjobs.batching import Batching
from trafficjobs.failing import Failing
from trafficjobs.glances import FOREVER
from trafficjobs.incidents import Incidents
from trafficjobs.job import AsyncJob, J, Job
from trafficjobs.scheduling import Scheduling
from trafficjobs.serving import Serving
from trafficjobs.shapes import JobRecord
from trafficjobs.steering import Steering
from trafficjobs.steps import Awaiting, Blocking
from trafficjobs.submitting import Submitting
from trafficjobs.transport import Transport
from trafficjobs.watching import Watching


class Calls(Submitting[J], Watching[J], Batching, Scheduling[J], Failing, Steering, Incidents[J], Serving, Backups, Generic[J]):
    """What one can ask of a service."""

    target: profiles.Target

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @property
    def url(self) -> str:
        return self._transport.url


class Client(Calls[Job], Blocking):
    """A service of trafficjobs. It keeps its connections and may be shared by threads.

    Args:
        url: such as http://127.0.0.1:5000; by default TRAFFICJOBS_URL, or the profile in use, or that address.
        token: for signing in; by default TRAFFICJOBS_TOKEN, or that of the profile, which goes to its own address only.
        profile: name of a profile, as `trafficjobs profile set` makes it.
        timeout: seconds without a byte after which an answer counts as lost.
        patience: seconds during which a request is sent again while the service is away or full.
        transport: another way to the service than the network, for tests.

    Raises: TrafficjobsError, here and from every method; of the class that says what happened.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        profile: str | None = None,
        timeout: float = 30.0,
        patience: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.target = profiles.resolve(url, token, profile)
        self._transport = Transport(self.target.url, self.target.token, timeout, patience, transport)

    def watch(self, timeout: float | None = None) -> Iterator[JobRecord]:
        """Records of all jobs as they change from now on; changes in quick succession may be shown as one.

        Polls where the service has no stream of events; what happens between two looks may then be missed.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        driver = self._transport.driver
        found: Iterator[JobRecord] = driver.items(self._changed(driver.run(self._newest()), end))
        return found

    def close(self) -> None:
        """Close the connections."""
        self._transport.driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handle(self, record: JobRecord) -> Job:
        return Job(self._transport, record)


class AsyncClient(Calls[AsyncJob], Awaiting):
    """The same for asyncio: `await client.submit("print", msg="x")`, `async for job in client.jobs()`.

    Arguments, exceptions and what is sent again are those of `Client`; iterators begin when they are first asked. It belongs to
    one event loop and sends up to a hundred requests at once, while others wait for their turn. A call that is cancelled
    leaves no connection open; what it had sent may have been done.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        profile: str | None = None,
        timeout: float = 30.0,
        patience: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.target = profiles.resolve(url, token, profile)
        self._transport = Transport(self.target.url, self.target.token, timeout, patience, transport, awaited=True)

    async def watch(self, timeout: float | None = None) -> AsyncGenerator[JobRecord]:
        """Records of all jobs as they change from the first time that it is asked; as `Client.watch`."""
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        driver = self._transport.driver
        async with aclosing(driver.items(self._changed(await driver.run(self._newest()), end))) as records:
            async for record in records:
                yield record

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _handle(self, record: JobRecord) -> AsyncJob:
        return AsyncJob(self._transport, record)
