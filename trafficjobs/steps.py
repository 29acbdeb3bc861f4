"""What the client does, without the doing: generators that yield what is to be sent, waited for or read, and get the answers.

Each method of the client is written once, as such a generator. `call` and `items` make it a plain method of what is `Blocking`
and a coroutine or asynchronous iterator of what is `Awaiting`; `trafficjobs.drivers` does what they yield.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

if TYPE_CHECKING:
    from trafficjobs.transport import Transport

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Request:
    """Send a request once; the answer is its response, whatever its status. Raises what httpx raises.

    `body` makes the content, and `options` are httpx's.
    """

    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    body: Callable[[], Iterator[bytes] | bytes] | None = None


@dataclass(frozen=True)
class Open:
    """Open a stream in place of the one that was open; the answer is its response, read already where it is no success."""

    path: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """Read a line of the open stream; the answer is None at its end."""


@dataclass(frozen=True)
class Piece:
    """Read some bytes of the open stream, as they come; the answer is None at its end."""


@dataclass(frozen=True)
class Pause:
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Item(Generic[T]):
    """Give the caller one thing."""

    value: T


Act = Request | Open | Line | Piece | Pause
Steps = Generator[Act, Any, T]  # its outcome is a T
Items = Generator[Act | Item[T], Any, None]  # it gives any number of T


class Blocking:
    """What waits for each answer."""

    _transport: "Transport"


class Awaiting:
    """What is awaited."""

    _transport: "Transport"


class _Call(Protocol[P, T_co]):
    """What type checkers see of a method with one outcome."""

    @overload
    def __get__(self, instance: Blocking, owner: Any = None) -> Callable[P, T_co]: ...
    @overload
    def __get__(self, instance: Awaiting, owner: Any = None) -> Callable[P, Coroutine[Any, Any, T_co]]: ...
    @overload
    def __get__(self, instance: None, owner: Any = None) -> Callable[..., Any]: ...


class _Many(Protocol[P, T_co]):
    """What type checkers see of a method with items."""

    @overload
    def __get__(self, instance: Blocking, owner: Any = None) -> Callable[P, Iterator[T_co]]: ...
    @overload
    def __get__(self, instance: Awaiting, owner: Any = None) -> Callable[P, AsyncGenerator[T_co]]: ...
    @overload
    def __get__(self, instance: None, owner: Any = None) -> Callable[..., Any]: ...


def call(steps: Callable[Concatenate[S, P], Steps[T]]) -> _Call[P, T]:
    """A method with one outcome: what its steps return."""
    return cast("_Call[P, T]", _method(steps, "run"))


def items(steps: Callable[Concatenate[S, P], Items[T]]) -> _Many[P, T]:
    """A method with any number of items: what its steps yield as `Item`."""
    return cast("_Many[P, T]", _method(steps, "items"))


def _method(steps: Callable[..., Any], way: str) -> Any:
    """The function that hands its steps to the driver, by the name of the driver's method."""

    @functools.wraps(steps)
    def method(instance: Any, /, *args: Any, **given: Any) -> Any:
        return getattr(instance._transport.driver, way)(steps(instance, *args, **given))

    # To a reader of `help` steps are nothing; the docstring says what comes back.
    shown = inspect.signature(steps).replace(return_annotation=inspect.Signature.empty)
    method.__signature__ = shown  # type: ignore[attr-defined]
    return method
