"""Jobs as a notebook shows them: tables of what is known of them already. Nothing is asked for, and nothing raises.

Whatever comes from a job is escaped.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, TypeVar

_LONGEST = 1_000  # characters of a value
_MOST = 100  # jobs in one table
_COLUMNS = ("id", "status", "operation", "queue", "submitted", "progress")
_FACTS = ("id", "status", "operation", "input", "queue", "progress", "submitted", "started", "ended", "error", "result", "files")

J = TypeVar("J")


class Jobs(list[J]):
    """Jobs in a list, which a notebook shows as a table: `Jobs(client.jobs(limit=20))`."""

    def _repr_html_(self) -> str:
        return jobs_html(getattr(job, "record", {}) for job in self)


def job_html(record: Mapping[str, Any]) -> str:
    """A job's facts below each other; those that it has not are left out."""
    facts = [(name, _text(name, record.get(name))) for name in _FACTS]
    rows = "".join(f"<tr><th>{name}</th><td>{_cell(text)}</td></tr>" for name, text in facts if text)
    return f"<table>{rows}</table>"


def jobs_html(records: Iterable[Mapping[str, Any]]) -> str:
    """Jobs, one a row, the first hundred."""
    known = list(records)
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(_text(name, one.get(name)))}</td>" for name in _COLUMNS) + "</tr>" for one in known[:_MOST]
    )
    more = f"<p>and {len(known) - _MOST:,} more</p>" if len(known) > _MOST else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _text(name: str, value: Any) -> str:
    """A value in words; nothing where there is none."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, Mapping):
        if name == "progress":
            return _progress(value)
        if name == "error":
            return f"{value.get('type', 'error')}: {value.get('message', '')}"
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=None if name == "input" else 1, default=str)
    except ValueError:
        return str(value)


def _progress(value: Mapping[str, Any]) -> str:
    done, total, note = value.get("done"), value.get("total"), value.get("note") or ""
    known = isinstance(done, int | float) and isinstance(total, int | float) and total > 0
    share = f"{done / total:.0%}" if known else ""  # type: ignore[operator]
    return " ".join(filter(None, (share, str(note))))


def _cell(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return f"<pre>{escape(short)}</pre>" if "\n" in short else escape(short)
