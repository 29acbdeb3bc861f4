"""Every page that is made, by its path below docs, and what makes it."""

from collections.abc import Callable
from pathlib import Path

from tools.reference import api, keys, metrics, modules, operations, scripts, settings, states, values

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTE = "<!-- Made by `make reference` from {source}; change that. -->\n"


def _made(make: Callable[[], str], source: str) -> Callable[[], str]:
    return lambda: NOTE.format(source=source) + make()


# Every page by its path below docs/.
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api.page,
    "metrics.md": metrics.page,
    "operations.md": operations.page,
    "settings.md": settings.page,
    "reference/keys.md": _made(keys.page, "tools/reference/keys.py and the heads of lib/scripts"),
    "reference/modules.md": _made(modules.page, "the sources"),
    "reference/scripts.md": _made(scripts.page, "the heads of lib/scripts"),
    "reference/states.md": _made(states.page, "lib/states.py"),
    "reference/values.md": _made(values.page, "charts/trafficjobs/values.yaml"),
}
