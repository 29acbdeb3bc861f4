"""How numbers, times and durations read on pages: filters of the templates. Times are the city's; a browser adds the viewer's."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from markupsafe import Markup, escape

from lib.jobs import Job
from services.api.backend import backend

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
STATUS_WORDS = {"submitted": "queued", "in-progress": "running", "complete": "done"}


@cache
def zone_of(name: str) -> ZoneInfo:
    """The city's zone, which the settings have checked."""
    return ZoneInfo(name)


def when(moment: str | float | datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> Markup:
    """A time element in the city's zone, of ISO 8601 in UTC or of seconds since 1970; a dash for none."""
    if moment is None or moment == "":
        return Markup('<span class="none">–</span>')
    zone = zone_of(backend().settings.timezone)
    if isinstance(moment, str):
        parsed = datetime.fromisoformat(moment)
    else:
        parsed = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, zone)
    local = parsed.astimezone(zone)
    words = f"{local:{form}} {local.tzname()}"
    return Markup('<time datetime="{}">{}</time>').format(parsed.isoformat(timespec="milliseconds"), words)


def seconds(value: float | None) -> str:
    """A duration that people read: `350 ms`, `2.4 s`, `3 min 20 s`, `2 d 4 h`."""
    if value is None:
        return "–"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms" if value >= 0.01 or value == 0 else f"{value * 1000:.1f} ms"
    if value < 60:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"
    whole = round(value)
    words: list[str] = []
    for size, unit in (*_UNITS, (1, "s")):
        if whole >= size and len(words) < 2:
            words.append(f"{whole // size} {unit}")
            whole %= size
        elif words:
            break
    return " ".join(words)


def number(value: float | None) -> str:
    """With thin spaces between thousands, and no more digits than are worth reading."""
    if value is None:
        return "–"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}".replace(",", "\u202f") if abs(value) < 100 else f"{value:,.0f}".replace(",", "\u202f")
    return f"{int(value):,}".replace(",", "\u202f")


def size(value: float | None) -> str:
    """Bytes: `1.5 MiB`."""
    if value is None:
        return "–"
    at, left = 0, float(value)
    while left >= 1024 and at < len(_SIZES) - 1:
        at, left = at + 1, left / 1024
    return f"{left:.0f} {_SIZES[at]}" if at == 0 or left >= 100 else f"{left:.1f} {_SIZES[at]}"


def pretty(value: Any) -> str:
    """JSON with indents."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def short(value: Any, most: int = 80) -> str:
    """JSON in one line, cut."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def fitting(value: str, most: int) -> str:
    """The beginning of a text that has at most `most` characters in a page, where a quote counts as five; with `…` where cut."""
    if len(value) <= most and len(escape(value)) <= most:
        return value
    cut = value[:most]
    while (length := len(escape(cut))) >= most:
        cut = cut[: min(len(cut) - 1, len(cut) * most // length)]
    return cut + "…"


def status(name: str) -> Markup:
    """A state as a badge: its colour never stands alone."""
    return Markup('<span class="status {}">{}</span>').format(name, STATUS_WORDS.get(name, name))


def plural(count: float, word: str, many: str = "") -> str:
    """`1 job`, `2 jobs`."""
    return f"{number(count)} {word if count == 1 else many or word + 's'}"


def between(begin: str | None, end: str | None) -> float | None:
    """Seconds from one moment to another; None where one is missing."""
    if begin is None or end is None:
        return None
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())


def took(job: Job) -> float | None:
    """Seconds that the last attempt of a job took, or has taken so far; None where none began."""
    return between(job.started, job.ended or datetime.now(UTC).isoformat()) if job.started and not job.cached else None


FILTERS: dict[str, Callable[..., Any]] = {
    "when": when,
    "seconds": seconds,
    "number": number,
    "size": size,
    "pretty": pretty,
    "short": short,
    "fitting": fitting,
    "status": status,
    "plural": plural,
}
