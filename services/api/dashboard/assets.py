"""Style sheet, scripts and icon: files beside the templates. Their addresses change with their content, so that browsers keep
them for good."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import url_for

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file."""

    content: bytes
    content_type: str
    mark: str


@cache
def assets() -> dict[str, Asset]:
    """All of them by name, read once in a process."""
    found = {path.name: path for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
    return {name: _asset(path) for name, path in found.items()}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])


def address_of(name: str) -> str:
    """Where a browser finds one."""
    return url_for("ui.asset", mark=assets()[name].mark, name=name)
