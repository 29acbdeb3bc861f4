"""Does what the steps of the client yield: sends, reads and waits, blocking or awaited. Nothing else of the client does I/O.

What went wrong is raised within the steps, which decide what to do about it. However a run ends, cancelled in the middle or
left half-read, its steps are closed and so is the stream that it had open.
"""

import asyncio
import codecs
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, closing
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from trafficjobs.steps import Act, Item, Items, Line, Open, Pause, Piece, Request, Steps

T = TypeVar("T")


_END = re.compile(r"\r\n|\n|\r")


class _Lines:
    """Takes a stream of events apart as its form says: lines end with CR, LF or both. httpx would cut them at other signs, too,
    which JSON may hold as they are."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def of(self, piece: bytes, last: bool = False) -> list[str]:
        """The lines that are whole with this piece. Of the last one, also what has no end."""
        text = self._rest + self._text.decode(piece, last)
        whole = text if last or not text.endswith("\r") else text[:-1]  # its LF may be on the way
        *lines, rest = _END.split(whole)
        self._rest = rest + text[len(whole) :]
        return [*lines, rest] if last and rest else lines


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    lines = _Lines()
    for piece in pieces:
        yield from lines.of(piece)
    yield from lines.of(b"", last=True)


async def _lines_awaited(pieces: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    lines = _Lines()
    async for piece in pieces:
        for line in lines.of(piece):
            yield line
    for line in lines.of(b"", last=True):
        yield line


class _Outcome:
    """What became of a step: its answer, or its exception."""

    def __init__(self, value: Any = None, error: Exception | None = None) -> None:
        self.value, self.error = value, error

    def next_of(self, steps: Any) -> Any:
        """Tell it to the steps; what they yield next. Raises StopIteration with what they return."""
        return steps.send(self.value) if self.error is None else steps.throw(self.error)


class Blocking:
    """Runs steps on a client of httpx; may be shared by threads."""

    def __init__(self, **options: Any) -> None:
        self.http = httpx.Client(**options)

    def run(self, steps: Steps[T]) -> T:
        """What the steps return."""
        with closing(steps), _Hand(self.http) as hand:
            outcome = _Outcome()
            while True:
                try:
                    step = outcome.next_of(steps)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                outcome = hand.done(step)

    def items(self, steps: Items[T]) -> Iterator[T]:
        """What the steps give, as it is asked for."""
        with closing(steps), _Hand(self.http) as hand:
            outcome = _Outcome()
            while True:
                try:
                    step = outcome.next_of(steps)
                except StopIteration:
                    return
                if isinstance(step, Item):
                    yield step.value
                    outcome = _Outcome()
                else:
                    outcome = hand.done(step)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


class _Hand:
    """The I/O of one run, with at most one stream."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._stream: httpx.Response | None = None
        self._lines: Iterator[str] = iter(())
        self._pieces: Iterator[bytes] = iter(())

    def done(self, step: Act) -> _Outcome:
        """Do a step."""
        try:
            return _Outcome(self._do(step))
        except Exception as error:
            return _Outcome(error=error)

    def _do(self, step: Act) -> Any:
        match step:
            case Pause():
                time.sleep(step.seconds)
            case Request():
                content: dict[str, Any] = {} if step.body is None else {"content": step.body()}
                return self._http.request(step.method, step.path, **content, **step.options)
            case Open():
                return self._open(step)
            case Line():
                return next(self._lines, None)
            case Piece():
                return next(self._pieces, None)
        return None

    def _open(self, step: Open) -> httpx.Response:
        self._close()
        request = self._http.build_request("GET", step.path, **step.options)
        self._stream = response = self._http.send(request, stream=True)
        if not response.is_success:
            response.read()
        self._lines, self._pieces = _lines(response.iter_bytes()), response.iter_raw()
        return response

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()


class Awaiting:
    """Runs steps on a client of httpx for asyncio; belongs to one event loop."""

    def __init__(self, **options: Any) -> None:
        self.http = httpx.AsyncClient(**options)

    async def run(self, steps: Steps[T]) -> T:
        """What the steps return."""
        async with _AwaitedHand(self.http) as hand:
            with closing(steps):
                outcome = _Outcome()
                while True:
                    try:
                        step = outcome.next_of(steps)
                    except StopIteration as end:
                        return end.value  # type: ignore[no-any-return]
                    outcome = await hand.done(step)

    async def items(self, steps: Items[T]) -> AsyncGenerator[T]:
        """What the steps give, as it is asked for."""
        async with _AwaitedHand(self.http) as hand:
            with closing(steps):
                outcome = _Outcome()
                while True:
                    try:
                        step = outcome.next_of(steps)
                    except StopIteration:
                        return
                    if isinstance(step, Item):
                        yield step.value
                        outcome = _Outcome()
                    else:
                        outcome = await hand.done(step)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()


class _AwaitedHand:
    """The I/O of one run that is awaited, with at most one stream."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._stream: httpx.Response | None = None
        self._lines: AsyncIterator[str] | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def done(self, step: Act) -> _Outcome:
        """Do a step."""
        try:
            return _Outcome(await self._do(step))
        except Exception as error:
            return _Outcome(error=error)

    async def _do(self, step: Act) -> Any:
        match step:
            case Pause():
                await asyncio.sleep(step.seconds)
            case Request():
                body = b"" if step.body is None else step.body()
                if isinstance(body, bytes):
                    content: dict[str, Any] = {} if step.body is None else {"content": body}
                    return await self._http.request(step.method, step.path, **content, **step.options)
                async with aclosing(_read_aside(body)) as pieces:
                    return await self._http.request(step.method, step.path, content=pieces, **step.options)
            case Open():
                return await self._open(step)
            case Line():
                return None if self._lines is None else await anext(self._lines, None)
            case Piece():
                return None if self._pieces is None else await anext(self._pieces, None)
        return None

    async def _open(self, step: Open) -> httpx.Response:
        await self._close()
        request = self._http.build_request("GET", step.path, **step.options)
        self._stream = response = await self._http.send(request, stream=True)
        if not response.is_success:
            await response.aread()
        self._lines, self._pieces = _lines_awaited(response.aiter_bytes()), response.aiter_raw()
        return response

    async def _close(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._close()


async def _read_aside(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """Pieces of a file, read by a thread, so that a slow disk or pipe keeps nobody waiting."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
