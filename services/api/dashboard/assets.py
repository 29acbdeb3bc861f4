"""Style sheet, scripts and icon: files beside the templates.

Scripts and the icon of the window have addresses that change with their content, so that browsers keep them for good. Style sheet
and icon stand in each page: what a first paint would wait for comes with the page itself (4 kB of it, compressed), and the
policy names the digest of the style sheet.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import url_for
from markupsafe import Markup

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


def written(name: str) -> Markup:
    """The text of one, to stand in a page."""
    return Markup(assets()[name].content.decode())  # nosec B704 # a file of this package


def policy_of(name: str) -> str:
    """The source expression of a Content-Security-Policy that lets a page have it: its digest (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(assets()[name].content).digest()).decode()}'"
