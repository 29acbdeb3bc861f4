"""docs/api.md: its table is made from the contracts of the routes, and the rest of it is written by hand."""

from pathlib import Path

from flask import Flask

from lib.settings import load_settings
from services.api.app import create_app
from services.api.contract import contract_of
from services.api.openapi_parts import TAGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
_HEAD = "| method | path | role | what it does | answers |\n|---|---|---|---|---|\n"


def rows(app: Flask) -> list[str]:
    """A table row for each method of each route, in the order of the tags."""
    found = []
    for rule in app.url_map.iter_rules():
        contract = contract_of(app.view_functions[rule.endpoint])
        if contract is None or contract.page or contract.tag == "Direct":
            continue
        summary = (app.view_functions[rule.endpoint].__doc__ or "").partition("\n")[0]
        statuses = " ".join(map(str, sorted({*contract.answers, *(kind.status for kind in contract.problems)})))
        path = rule.rule.replace("<jid>", "<id>").replace("<sid>", "<id>")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            line = f"| {method} | `{path}` | {contract.role.name.lower()} | {summary} | {statuses} |"
            found.append((list(TAGS).index(contract.tag), path, method, line))
    return [line for *_, line in sorted(found)]


def page() -> str:
    """The whole page."""
    before, head, rest = PAGE.read_text().partition(_HEAD)
    lines = rest.splitlines(keepends=True)
    after = next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))
    made = rows(create_app(load_settings(redis_ip="127.0.0.1")))
    return before + head + "\n".join(made) + "\n" + "".join(lines[after:])
