"""What every program of the bench shows and writes: tables as text and as Markdown, the targets, and a JSON file in
bench/results.

`bench.tables` reads those files again.
"""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.question import Verdict

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Grid:
    """A table that is ready to be shown: the first column is text, the others figures. `notes` stand below it."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def text(self) -> Iterator[str]:
        """For a terminal."""
        widths = [max(len(row[column]) for row in [self.head, *self.rows]) for column in range(len(self.head))]
        yield f"\n{self.title}"
        for row in [self.head, *self.rows]:
            cells = [f"{cell:{'<' if column == 0 else '>'}{widths[column]}}" for column, cell in enumerate(row)]
            yield f"  {'  '.join(cells)}".rstrip()
        yield from (f"  {note}" for note in self.notes)

    def markdown(self) -> Iterator[str]:
        """For a page."""
        yield f"**{self.title}**\n"
        yield f"| {' | '.join(self.head)} |"
        yield f"|---|{'--:|' * (len(self.head) - 1)}"
        yield from (f"| {' | '.join(row)} |" for row in self.rows)
        yield ""
        yield from (f"{note}\n" for note in self.notes)


def arguments(program: str, description: str | None) -> argparse.ArgumentParser:
    """The parser of one of these programs, which has `--results` already; "" is `python -m bench` itself."""
    parser = argparse.ArgumentParser(prog=f"python -m bench{program and '.'}{program}", description=description)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files (bench/results)")
    return parser


def begins(name: str, words: str) -> bool:
    """Whether a name is asked for: whether it begins with one of the words, comma-separated; all are where there is no word."""
    return not words or name.startswith(tuple(word.strip() for word in words.split(",")))


def targets(verdicts: Iterable[Verdict]) -> Grid:
    """What is reached of the design's targets."""
    rows = [
        [each.target, each.measured, "" if each.ratio is None else f"{each.ratio:.2f}", "met" if each.reached else "SHORT"]
        for each in verdicts
    ]
    return Grid("targets", ["", "reached", "of the target", ""], rows)


def document(program: str, packages: Iterable[str], grids: Sequence[Grid], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What a run showed and on what, as JSON values.

    Args:
        packages: distributions of this environment.
    """
    return {
        "program": program,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "processors": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in packages},
        "load": os.getloadavg(),
        "grids": [asdict(grid) for grid in grids],
        "targets": [asdict(verdict) for verdict in verdicts],
    }


def publish(report: Mapping[str, Any], folder: Path) -> None:
    """Print the tables and the targets, and write everything under the time of its making."""
    grids = [Grid(**grid) for grid in report["grids"]]
    print("\n".join(line for grid in [*grids, targets(Verdict(**each) for each in report["targets"])] for line in grid.text()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report['at'].replace(':', '').removesuffix('+0000')}-{report['program']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nEvery value is in {path}")
