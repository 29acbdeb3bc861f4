"""The answers of `python -m bench` as tables: a row for each contestant, with ratios against the fastest peer."""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.question import Row, Rows, Table, Verdict, fastest_peer, number
from bench.report import Grid
from bench.runner import Answers


def grids(everything: Sequence[Answers]) -> Iterator[Grid]:
    """A grid for each table that has rows."""
    for answers in everything:
        for table, rows in answers.rows.items():
            if rows:
                left = [f"Failed, and was left out from then on: {name}: {reason}" for name, reason in answers.left_out.items()]
                yield _grid(table, rows, left)


def _grid(table: Table, rows: Rows, left: list[str]) -> Grid:
    peer = fastest_peer(table, rows)
    order = list(rows.values())
    if not table.ordered:
        order.sort(key=lambda row: row.median, reverse=table.more_is_better)
    head = [table.unit, "median", "spread of repeats", "p99", "x fastest peer"]
    cells = [
        [
            row.label if row.peer or peer is None else f"**{row.label}**",
            number(row.median),
            " to ".join(map(number, row.spread)),
            "" if row.p99 is None else number(row.p99),
            "" if peer is None else f"{row.median / peer.median:.2f}",
        ]
        for row in order
    ]
    used = [column for column in range(len(head)) if column < 3 or any(line[column] for line in cells)]
    shown = [[line[column] for column in used] for line in [head, *cells]]
    return Grid(table.title, shown[0], shown[1:], [*([table.note] if table.note else []), *left])


def verdicts(everything: Sequence[Answers]) -> list[Verdict]:
    """Of all questions."""
    return [verdict for answers in everything for verdict in answers.question.judge(answers.rows)]


def values(everything: Sequence[Answers]) -> list[dict[str, Any]]:
    """Every value, as JSON values."""
    return [
        {
            "question": answers.question.name,
            "left_out": answers.left_out,
            "tables": [
                {
                    "title": table.title,
                    "unit": table.unit,
                    "rows": {label: _figures(row) for label, row in rows.items()},
                }
                for table, rows in answers.rows.items()
            ],
        }
        for answers in everything
    ]


def _figures(row: Row) -> dict[str, Any]:
    return {"median": row.median, "spread": row.spread, "p99": row.p99, "repeats": row.repeats}
