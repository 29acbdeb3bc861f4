"""Writes the board for Grafana, charts/trafficjobs/files/dashboard.json: `python -m tools.board`, which `make manifests` runs.

A panel is a few words in `jobs` and `service`: its title, what it shows in PromQL, a unit, a description, and the alerts that
look at the same. Here they are laid out, in rows from left to right, and become what Grafana reads.
"""

from collections.abc import Iterator
from typing import Any

from tools.board.jobs import JOBS, OVERVIEW
from tools.board.panels import Panel
from tools.board.service import DATASET, HTTP, REDIS, UPKEEP, WORKERS

RUNBOOK = "https://github.com/trafficjobs/trafficjobs/blob/main/docs/runbook.md"
WIDTH = 24
ROWS = {
    "Overview": OVERVIEW,
    "Jobs": JOBS,
    "Workers": WORKERS,
    "HTTP": HTTP,
    "Redis": REDIS,
    "Upkeep and deliveries": UPKEEP,
    "Dataset": DATASET,
}
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_API = '{namespace="$namespace",job="$release-api"'
_WORKER = '{namespace="$namespace",job="$release-worker"'


def board() -> dict[str, Any]:
    """The board as Grafana reads it."""
    return {
        "annotations": {"list": []},
        "description": "Jobs, workers, API and Redis of a release of trafficjobs.",
        "editable": True,
        "graphTooltip": 1,
        "links": [{"title": "Runbook", "type": "link", "icon": "doc", "url": RUNBOOK, "targetBlank": True}],
        "panels": list(_panels()),
        "refresh": "30s",
        "schemaVersion": 39,
        "tags": ["trafficjobs"],
        "templating": {"list": list(_variables())},
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "title": "trafficjobs",
        "uid": "trafficjobs",
        "version": 1,
    }


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0}
    of_release = _API + "}"
    yield _variable("namespace", "Namespace", "trafficjobs_redis_up", "namespace")
    release = _variable("release", "Release", 'trafficjobs_redis_up{namespace="$namespace"}', "job")
    yield release | {"regex": "/^(.*)-api$/"}
    everything = {"includeAll": True, "multi": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    yield _variable("queue", "Queue", f"trafficjobs_queue_depth{of_release}", "queue") | everything
    yield _variable("operation", "Operation", f"trafficjobs_jobs_submitted_total{of_release}", "operation") | everything


def _variable(name: str, label: str, series: str, values: str) -> dict[str, Any]:
    query = f"label_values({series}, {values})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "current": {},
        "hide": 0,
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, bottom = 1, 0
    for title, row in ROWS.items():
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": _place(0, bottom, WIDTH, 1),
        }
        number, left, top, bottom = number + 1, 0, bottom + 1, bottom + 1
        for panel in row:
            if left + panel.width > WIDTH:
                left, top = 0, bottom
            yield {"id": number, "gridPos": _place(left, top, panel.width, panel.height)} | _panel(panel)
            number, left, bottom = number + 1, left + panel.width, max(bottom, top + panel.height)


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _panel(panel: Panel) -> dict[str, Any]:
    links = [{"title": alert, "url": f"{RUNBOOK}#{alert.lower()}", "targetBlank": True} for alert in panel.alerts]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "links": links,
        "targets": [_target(panel, *query) for query in enumerate(panel.queries.items())],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _graph_options() if panel.kind == "timeseries" else _stat_options(panel),
    }


def _target(panel: Panel, index: int, query: tuple[str, str]) -> dict[str, Any]:
    legend, expression = query
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "expr": expression.replace("{@", _API).replace("{w", _WORKER),
        "legendFormat": legend,
        "range": panel.kind == "timeseries",
        "instant": panel.kind == "stat",
        "exemplar": panel.exemplars,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": colour, "value": value if index else None} for index, (value, colour) in enumerate(panel.colours)]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps or [{"color": "text", "value": None}]},
        # Nothing was divided by nothing: not a number, and no fault.
        "mappings": [{"type": "special", "options": {"match": "null+nan", "result": {"text": "-", "index": 0}}}],
    }
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.kind == "timeseries":
        stacking = {"mode": "normal" if panel.stack else "none", "group": "A"}
        look = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 20 if panel.stack else 0, "showPoints": "never"}
        defaults |= {"min": 0, "color": {"mode": "palette-classic"}, "custom": look | {"stacking": stacking}}
    else:
        defaults["color"] = {"mode": "thresholds"}
    return defaults


def _graph_options() -> dict[str, Any]:
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _stat_options(panel: Panel) -> dict[str, Any]:
    return {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": panel.text_mode,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
