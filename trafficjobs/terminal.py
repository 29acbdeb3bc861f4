"""Lines, progress bars and colours for people; plain lines where standard output is no terminal.

Used by the launcher and the demonstration. Off a terminal no control character is ever written, so that logs stay
readable; NO_COLOR and TERM=dumb are honoured.
"""

import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

BAR_CELLS = 24
# Seconds between two drawings of a bar; more often is only flicker.
REDRAW = 0.05


class Terminal:
    """Writes to one stream; a line shown by `show` is replaced by whatever is written next."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        if isinstance(self.stream, io.TextIOWrapper):  # a mark that the locale lacks must not end anything
            self.stream.reconfigure(errors="replace")
        self.live = self.stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self.colours = self.live and "NO_COLOR" not in os.environ
        self._drawn = 0.0

    @property
    def width(self) -> int:
        """Columns that a line may fill."""
        return shutil.get_terminal_size((110, 24)).columns if self.live else 110

    def line(self, text: str = "") -> None:
        """Write a line that stays."""
        self._write(("\r\x1b[K" if self.live else "") + text + "\n")

    def show(self, text: str) -> None:
        """Write a line that the next one replaces; nothing where lines cannot be replaced."""
        now = time.monotonic()
        if self.live and now - self._drawn >= REDRAW:
            self._drawn = now
            self._write("\r\x1b[K" + text[: self.width - 1])

    def bar(self, label: str, done: float, total: float, note: str = "") -> None:
        """Show how far something is; a total of 0 means that nobody knows."""
        share = min(1.0, done / total) if total > 0 else 0.0
        cells = round(share * BAR_CELLS)
        self.show(f"  {label}  {'█' * cells}{'░' * (BAR_CELLS - cells)} {share:4.0%}  {note}")

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colours else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.colours else text

    def good(self, text: str) -> str:
        return f"\x1b[32m{text}\x1b[0m" if self.colours else text

    def bad(self, text: str) -> str:
        return f"\x1b[31m{text}\x1b[0m" if self.colours else text

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows whose columns, the last excepted, are as wide as their widest cell."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.line("  " + "  ".join([*cells, row[-1]]))

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def shown(path: Path) -> str:
    """`path` as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
