"""Which form of an answer Accept prefers, and results in that form."""

from collections.abc import Callable, Mapping, Sequence

from flask import Response, request

from services.api.kinds import NOT_ACCEPTABLE
from services.api.problems import Problem

JSON = "application/json"
CSV = "text/csv"
GEOJSON = "application/geo+json"
PNG = "image/png"
SVG = "image/svg+xml"


def is_best(kind: str) -> bool:
    """Whether Accept likes nothing better than this type."""
    accept = request.accept_mimetypes
    return not accept.provided or bool(accept[kind] >= max(quality for _, quality in accept))


def wants_page() -> bool:
    """Whether Accept prefers HTML to JSON, as browsers do."""
    return request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"


def preferred(offers: Sequence[str]) -> str | None:
    """The best of the offered types; the first one where Accept likes nothing better, None where it takes none of them."""
    best: str | None = offers[0] if is_best(offers[0]) else request.accept_mimetypes.best_match(offers)
    return best


def plain_type(content_type: str) -> str:
    """A type without its parameters."""
    return content_type.partition(";")[0].strip()


def in_best_form(
    owner: str,
    as_json: Callable[[], Response],
    files: Mapping[str, Callable[[], Response]],
    table: Callable[[], bytes | None],
    files_first: bool = False,
) -> Response:
    """A result as JSON, as one of its files, or as CSV where it is a table. No other file is made, nor CSV where JSON is best.

    Args:
        owner: whose result it is, for the 406.
        files: what answers with the file of each type.
        table: what writes the result as CSV; None where it is no table. A file of that type goes before it.
        files_first: where Accept has no preference, a file wins; else JSON.

    Raises:
        Problem: (406) Accept takes none of them; it names them all.
    """
    files = {kind: file for kind, file in files.items() if kind != JSON}
    if is_best(JSON) and not (files and files_first):
        return _by_accept(as_json())
    found = table() if CSV not in files else None
    others = [*files, *([CSV] if found is not None else [])]
    offers = [*others, JSON] if files_first else [JSON, *others]
    best = preferred(offers)
    if best is None:
        raise Problem(NOT_ACCEPTABLE, f"{owner} answers with {', '.join(sorted(offers))} only.")
    if best in files:
        return _by_accept(files[best]())
    return _by_accept(as_json() if best == JSON else Response(found, content_type=f"{CSV}; charset=utf-8"))


def _by_accept(response: Response) -> Response:
    response.vary.add("Accept")
    return response
