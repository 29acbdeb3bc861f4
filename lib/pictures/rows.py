"""The pictures of kinds of incidents: a row for each, its name and numbers above its bar, so that long names have room."""

from typing import Any

from matplotlib.axes import Axes

from lib.pictures.sheet import ROOM, Caption, Entry, Sheet, box, empty, line
from lib.pictures.style import BASE, COUNT, EDGE, GRID, INK, SMALL, SOFT
from lib.pictures.words import clean, counted, cut, number, scale_labels, steps, width

ROW, BAR, HEAD = 37.0, 9.0, 26.0
MOST_ROWS = 30
"""More kinds than so many are drawn as one row."""
Row = tuple[str, str]
"""A name and what stands at the right."""


def issue_breakdown(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "without_issue", "issues": [{"issue", "incident_count"}]}`, the most frequent first."""
    title, issues, total = "Incidents by kind", result["issues"], result["incident_count"]
    if not issues or not total:
        return empty(title, caption, total)
    shown = issues if len(issues) <= MOST_ROWS else issues[: MOST_ROWS - 1]
    values = [int(entry["incident_count"]) for entry in shown]
    names = [_name(entry) for entry in shown]
    if len(shown) < len(issues):
        values.append(sum(int(entry["incident_count"]) for entry in issues[len(shown) :]))
        names.append(f"{len(issues) - len(shown)} other kinds")
    rows = [(name, f"{value:,}  {_percent(value / total)}") for name, value in zip(names, values, strict=True)]
    summary = f"{counted(len(issues), 'kind')}. Most: {rows[0][0]} with {rows[0][1]}."
    nameless = result.get("without_issue") or 0
    notes = [f"Not drawn: {counted(nameless)} without a kind"] if nameless else []
    sheet = Sheet(title, caption, total, HEAD + ROW * len(rows), notes=notes, summary=summary)
    axes = _lines(sheet, rows, "Kind of incident", "Incidents, share", max(values))
    bars = axes.barh([place + 0.5 for place in range(len(values))], values, BAR / ROW, color=COUNT)
    if len(shown) < len(issues):
        bars[-1].set_color(BASE)
    return sheet


def time_on_feed(result: dict[str, Any], caption: Caption) -> Sheet:
    """Draw `{"incident_count", "all", "issues": [{"issue", "incident_count", "median_minutes", "p90_minutes"}]}`."""
    title, whole = "How long incidents stay on the feed", result["all"]
    entries = [entry for entry in result["issues"] if entry["median_minutes"] is not None]
    if not whole or whole.get("median_minutes") is None:
        return empty(title, caption, result["incident_count"], "No incident has left the feed in this choice")
    entries = [{"issue": "All kinds", **whole}, *entries[: MOST_ROWS - 1]]
    rows = [(_name(each), f"{_minutes(each, 'median')} / {_minutes(each, 'p90')}") for each in entries]
    left_out = len(result["issues"]) + 1 - len(entries)
    notes = [f"Not drawn: {counted(left_out, 'further kind')}"] if left_out > 0 else []
    out = {clean(reason).replace("_", " "): count for reason, count in (result.get("left_out") or {}).items() if count}
    notes += ["Left out: " + ", ".join(f"{count:,} {reason}" for reason, count in out.items())] if out else []
    legend = [
        Entry("half are gone (median)", (box(color=COUNT),)),
        Entry("nine of ten are gone", (line(color=INK, linewidth=1.6),)),
    ]
    summary = f"{counted(len(rows), 'row')}: minutes until half and nine of ten are gone. All kinds: {rows[0][1]}."
    body = HEAD + ROW * len(rows) + SMALL * 3
    sheet = Sheet(title, caption, result["incident_count"], body, legend, notes, summary)
    top = max(max(each["p90_minutes"] or 0, each["median_minutes"]) for each in entries) or 1
    axes = _lines(sheet, rows, "Kind of incident", "Median / 90 %, minutes", top)
    for place, each in enumerate(entries):
        axes.barh(place + 0.5, each["median_minutes"], BAR / ROW, color=COUNT)
        if each["p90_minutes"] is not None:
            axes.plot([each["median_minutes"], each["p90_minutes"]], [place + 0.5] * 2, color=INK, linewidth=1.6)
            axes.plot(each["p90_minutes"], place + 0.5, "|", color=INK, markersize=BAR, markeredgewidth=1.6)
    _scale(axes, top)
    return sheet


def _lines(sheet: Sheet, rows: list[Row], left: str, right: str, top: float) -> Axes:
    """Two headings, a line of text for each row, and axes for the bars, one unit of height a row."""
    sheet.text(EDGE, sheet.top + SMALL, left, color=SOFT)
    sheet.text(EDGE + ROOM, sheet.top + SMALL, right, color=SOFT, ha="right")
    for place, (name, said) in enumerate(rows):
        y = sheet.top + HEAD + place * ROW + SMALL
        sheet.text(EDGE, y, cut(name, ROOM - width(said) - 14))
        sheet.text(EDGE + ROOM, y, said, ha="right")
    # The bars lie below their words: half a unit of height down is the middle of the bar.
    axes = sheet.axes(EDGE, sheet.top + HEAD + SMALL + 9 - ROW / 2 + BAR / 2 - 2, ROOM, ROW * len(rows))
    axes.set_xlim(0, top)
    axes.set_ylim(len(rows), 0)
    return axes


def _scale(axes: Axes, top: float) -> None:
    places = steps(top, at_most=4)
    axes.set_xlim(0, top * 1.03)
    axes.set_xticks(places, scale_labels(places))
    axes.tick_params(axis="x", length=5, color=GRID, width=1)
    axes.set_xlabel("Minutes from the report to the end", color=SOFT, loc="left", labelpad=3)


def _name(entry: dict[str, Any]) -> str:
    return clean(entry["issue"]) or "(no name)"


def _minutes(entry: dict[str, Any], name: str) -> str:
    value = entry[f"{name}_minutes"]
    return "none" if value is None else number(round(value, 1) if value < 10 else round(value))


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %" if share >= 0.0005 else "< 0.1 %"
