"""The board's queries, as Grafana would send them."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.chart.rendering import CHART, FULL, NAMESPACE

PATH = CHART / "files" / "dashboard.json"
# What a user has chosen, and how far a rate looks back.
CHOSEN = {"namespace": NAMESPACE, "release": FULL, "queue": ".*", "operation": ".*", "__rate_interval": "5m"}


class Query(NamedTuple):
    """One line or number of a panel."""

    panel: str
    expr: str
    legend: str


def panels() -> list[dict[str, Any]]:
    """Every panel but the rows' titles."""
    return [panel for panel in json.loads(PATH.read_text())["panels"] if panel["type"] != "row"]


def queries(**chosen: str) -> Iterator[Query]:
    """Every query, with its variables replaced: those of CHOSEN, unless others are given by name."""
    for panel in panels():
        for target in panel["targets"]:
            expr = target["expr"]
            for name, value in (CHOSEN | chosen).items():
                expr = expr.replace(f"${name}", value)
            yield Query(panel["title"], expr, target["legendFormat"])
