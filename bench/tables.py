"""`python -m bench.tables`: all targets in one table, from the newest results of every program of the bench.

With `--write` the tables of docs/performance.md are written anew, between its two markers; `--note` is a sentence that stands
above them, such as where they were measured.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import report
from bench.environments import ROOT
from bench.question import Verdict

PAGE = ROOT / "docs" / "performance.md"
PROGRAMS = ("queues", "costs", "analysis", "waiting", "dashboard")
BEGIN, END = "<!-- tables: python -m bench.tables --write -->", "<!-- end of tables -->"


def newest(folder: Path) -> list[dict[str, Any]]:
    """The last results of each program that has any; names of files begin with their times."""
    found = [max(folder.glob(f"*-{program}.json"), default=None) for program in PROGRAMS]
    return [json.loads(path.read_text()) for path in found if path is not None]


def all_targets(reports: Sequence[Mapping[str, Any]]) -> report.Grid:
    """Of all programs."""
    return report.targets(Verdict(**each) for found in reports for each in found["targets"])


def markdown(reports: Sequence[Mapping[str, Any]], note: str) -> Iterator[str]:
    """What stands between the markers."""
    if note:
        yield f"{note}\n"
    yield from all_targets(reports).markdown()
    for found in reports:
        machine = found["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        yield f"### {found['program'].capitalize()}\n"
        yield (
            f"{found['at'][:10]}, {machine['processors']} processors, load {found['load'][0]:.1f} at the end, "
            f"Python {machine['python']}, {versions}.\n"
        )
        for grid in found["grids"]:
            yield from report.Grid(**grid).markdown()


def replaced(page: str, block: str) -> str:
    """The page with another block between its markers.

    Raises: ValueError where it has none.
    """
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no line {BEGIN!r} with {END!r} after it")
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"


def main() -> int:
    """Print, or write; the exit code."""
    parser = report.arguments("tables", __doc__)
    parser.add_argument("--write", action="store_true", help=f"write the tables of {PAGE.relative_to(ROOT)} anew")
    parser.add_argument("--note", default="", help="a sentence above the tables")
    options = parser.parse_args()
    reports = newest(options.results)
    print("\n".join(all_targets(reports).text()))
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), "\n".join(markdown(reports, options.note))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
