"""What commands print: tables, JSON and progress bars. Data goes to standard output, all else to standard error.

Off a terminal there is no colour, no bar and no line that is cut to a width. What comes from a job is never taken as
markup or as control characters of the terminal.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDE = 1_000  # columns where nobody looks
STATUS_STYLES = {
    "complete": "green",
    "failed": "red",
    "cancelled": "yellow",
    "in-progress": "cyan",
    "submitted": "blue",
    "scheduled": "magenta",
    "waiting": "magenta",
}


def clean(text: str) -> str:
    """Text without control characters, so that a job's words cannot steer a terminal."""
    return _CONTROLS.sub("�", text)


def console(error: bool = False) -> Console:
    """A console on standard output or error, as they are now."""
    stream = sys.stderr if error else sys.stdout
    live = stream.isatty()
    return Console(
        file=stream,
        force_terminal=live,
        width=None if live else _WIDE,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def say(text: str = "") -> None:
    """A line of the answer."""
    print(clean(text))


def note(text: str) -> None:
    """A line about the answer, for people."""
    print(clean(text), file=sys.stderr)


def document(value: Any, indent: int | None = 2) -> None:
    """A value as JSON; with `indent=None` on one line."""
    print(as_json(value, indent), flush=indent is None)


def as_json(value: Any, indent: int | None = 2) -> str:
    """A value as JSON, without a character that a terminal obeys."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = "") -> None:
    """Rows under headings; a line instead where there are none. Cells may be texts with a style."""
    found = [list(row) for row in rows]
    if found:
        page(grid(columns, found))
    elif empty:
        note(empty)


def page(content: Any) -> None:
    """Something of rich's; off a terminal without spaces at the end of its lines."""
    target = console()
    if target.is_terminal:
        target.print(content)
        return
    with target.capture() as caught:
        target.print(content)
    print("\n".join(line.rstrip() for line in caught.get().splitlines()))


def grid(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """The same, to be printed or shown live. Where it is too wide for that, its widest column is cut and no other."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(columns))
    cells = [[cell if isinstance(cell, Text) else Text(clean(shown(cell))) for cell in row] for row in rows]
    widths = [max([len(name), *(row[place].cell_len for row in cells)]) for place, name in enumerate(columns)]
    for place, name in enumerate(columns):
        made.add_column(name, no_wrap=place != widths.index(max(widths)))
    for row in cells:
        for cell in row:
            cell.no_wrap, cell.overflow = True, "ellipsis"
        made.add_row(*row)
    return made


def shown(value: Any) -> str:
    """A cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def status_text(status: str) -> Text:
    """A job's status in its colour."""
    return Text(clean(status), style=STATUS_STYLES.get(status, ""))


def seconds_text(seconds: float) -> str:
    """A span of time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for size, name in ((86_400, "d"), (3_600, "h")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds / 60:.1f} min"


def age(moment: str | None) -> str:
    """How long ago an ISO 8601 time was."""
    if not moment:
        return "-"
    return seconds_text(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))


def bar() -> Progress:
    """A progress bar on standard error; shows nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    target = console(error=True)
    return Progress(*columns, TextColumn("{task.fields[note]}"), console=target, transient=True, disable=not target.is_terminal)


def between(start: str, end: str) -> str:
    """How long it was from one ISO 8601 time to another."""
    return span((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def span(seconds: float) -> str:
    """A span of time that may be short."""
    return f"{seconds * 1000:.0f} ms" if 0 <= seconds < 1 else seconds_text(max(0.0, seconds))
