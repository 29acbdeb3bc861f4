"""What a job has made in another form than JSON: a file whose picture or text a notebook shows, or a data frame."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from trafficjobs.errors import Invalid

_LONGEST = 20_000  # bytes of a text that a notebook shows


@dataclass(frozen=True)
class File:
    """Bytes that a job has made, and their type. A notebook shows pictures, and the beginning of texts."""

    content: bytes
    content_type: str

    def __repr__(self) -> str:
        return f"<File {self.content_type}, {len(self.content):,} bytes>"

    def _repr_png_(self) -> bytes | None:
        return self.content if self._kind == "image/png" else None

    def _repr_html_(self) -> str | None:
        """A drawing as an image, in which no script runs; a text escaped. None where another form shows it."""
        if self._kind == "image/svg+xml":
            return f'<img alt="Picture of the result" src="data:image/svg+xml;base64,{base64.b64encode(self.content).decode()}">'
        if self._kind == "image/png" or b"\0" in self.content:
            return None
        text = self.content[:_LONGEST].decode("utf-8", "replace")
        return f"<pre>{escape(text)}{'…' if len(self.content) > _LONGEST else ''}</pre>"

    @property
    def _kind(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()


def csv_reader() -> Callable[[bytes], Any]:
    """What makes a data frame of CSV. Raises Invalid where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise Invalid("Data frames need pandas: pip install 'trafficjobs[frames]'") from None
    return lambda content: pandas.read_csv(io.BytesIO(content))
