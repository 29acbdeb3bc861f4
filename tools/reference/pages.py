"""Every page that is made, by its path below docs, and what makes it."""

from collections.abc import Callable
from pathlib import Path

from lib.settings import load_settings
from services.api.app import create_app
from tools import api_page, metrics_page, operations_page, settings_page
from tools.reference import keys, modules, scripts, states, values

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTE = "<!-- Made by `make reference` from {source}; change that. -->\n"


def api() -> str:
    """docs/api.md: its table is made from the contracts of the routes, and the rest of it is written by hand."""
    before, head, rest = (DOCS / "api.md").read_text().partition(api_page.HEAD)
    lines = rest.splitlines(keepends=True)
    after = next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))
    rows = api_page.rows(create_app(load_settings(redis_ip="127.0.0.1")))
    return before + head + "\n".join(rows) + "\n" + "".join(lines[after:])


def _made(make: Callable[[], str], source: str) -> Callable[[], str]:
    return lambda: NOTE.format(source=source) + make()


# Every page by its path below docs/.
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api,
    "metrics.md": metrics_page.page,
    "operations.md": operations_page.page,
    "settings.md": settings_page.page,
    "reference/keys.md": _made(keys.page, "tools/reference/keys.py and the heads of lib/scripts"),
    "reference/modules.md": _made(modules.page, "the sources"),
    "reference/scripts.md": _made(scripts.page, "the heads of lib/scripts"),
    "reference/states.md": _made(states.page, "lib/states.py"),
    "reference/values.md": _made(values.page, "charts/trafficjobs/values.yaml"),
}
