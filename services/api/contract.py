"""What a route says of itself: who may call it, what it takes and what it answers. A decorator, and nothing at request time.

`services.api.auth` reads the role, `services.api.openapi` all the rest; a test walks over every route of the application
and fails for one without a contract.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from services.api.forms import JSON
from services.api.kinds import Kind
from services.api.tokens import Role

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE = "__contract__"
READING = frozenset({"GET", "HEAD", "OPTIONS"})  # methods with which nothing is changed


@dataclass(frozen=True)
class Answer:
    """An answer other than a problem.

    Args:
        text: when it is given.
        shape: a type that pydantic knows; None for an answer without a body.
        media: the content type; a shape belongs to the first of several.
        headers: names of `services.api.openapi_parts.HEADERS`.
        example: a body that could stand there.
        follow: operation ids of routes that take the job's id of this answer.
    """

    text: str
    shape: Any = None
    media: tuple[str, ...] = (JSON,)
    headers: tuple[str, ...] = ()
    example: Any = None
    follow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Body:
    """A request body: a pydantic model, or functions from the catalog to schemas and to examples; or media types of raw bytes."""

    shape: Any = None
    examples: Any = None
    media: tuple[str, ...] = (JSON,)
    required: bool = True
    form: str = ""  # name of the one file of a form, which may be sent instead


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The whole of it. The summary and description are the view's docstring; the operation id is its endpoint's.

    Args:
        query: a model whose fields are the parameters of the query string.
        takes: names of request headers, of `services.api.openapi_parts.REQUEST_HEADERS`.
        problems: what may go wrong beside sign-in and Redis.
        validated: the answer carries an ETag, and If-None-Match is understood.
        redis: whether it needs Redis, and answers 503 without.
        page: a page for people; the OpenAPI document and the index leave it out.
        action: what the audit trail calls it; its endpoint by default.
    """

    role: Role
    tag: str
    answers: Mapping[int, Answer]
    query: type[BaseModel] | None = None
    body: Body | None = None
    takes: tuple[str, ...] = ()
    problems: tuple[Kind, ...] = field(default=())
    validated: bool = False
    redis: bool = True
    page: bool = False
    action: str = ""


def contract(**declared: Any) -> Callable[[View], View]:
    """Attach a Contract, given by its fields, to a view; the view itself is returned unchanged."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, Contract(**declared))
        return view

    return attach


def contract_of(view: Callable[..., Any]) -> Contract | None:
    """The contract of a view; None where it has none."""
    return getattr(view, _ATTRIBUTE, None)
