"""The board for Grafana: every query is PromQL about metrics that there are, and every panel can be read."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.chart import promtool
from tests.chart.board import PATH, panels, queries
from tests.chart.combinations import KEDA, MONITORED
from tests.chart.metric_names import ADDED, of_a_pod, of_the_release
from tests.chart.rendering import FULL, Chart, Release, merged
from tests.chart.test_monitoring import alerts
from tools.board import board

OF_OTHERS = {
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "keda_scaled_object_errors_total",
    "keda_scaled_object_paused",
    "kube_horizontalpodautoscaler_status_condition",
    "kube_horizontalpodautoscaler_status_current_replicas",
}
METRIC = re.compile(r"\b((?:trafficjobs|keda|kube|kubelet)[a-z0-9_:]*)\{")
SELECTED = re.compile(r"\b(trafficjobs_[a-z0-9_]+)\{([^}]*)\}")
AGGREGATED = re.compile(r"(\w+)(?: by \(([^)]*)\))? ?\((?:\w+\()?(trafficjobs_[a-z0-9_]+)\{")


@pytest.fixture(scope="module")
def watched(chart: Chart) -> Release:
    return chart.render(merged(KEDA, MONITORED))


def recorded(release: Release) -> set[str]:
    """The names that recording rules give."""
    (rules,) = release.of("PrometheusRule")
    return {each["record"] for group in rules["spec"]["groups"] for each in group["rules"] if "record" in each}


def expressions(release: Release) -> list[str]:
    """Every expression of the board and of the rules."""
    (rules,) = release.of("PrometheusRule")
    return [query.expr for query in queries()] + [each["expr"] for group in rules["spec"]["groups"] for each in group["rules"]]


def test_the_file_is_what_the_program_makes() -> None:
    assert json.loads(PATH.read_text()) == board(), "a panel has changed: run `make manifests`"


def test_the_config_map_holds_it(watched: Release, chart: Chart) -> None:
    assert json.loads(watched.get("ConfigMap", f"{FULL}-dashboard")["data"]["trafficjobs.json"]) == board()
    other = chart.render(merged(MONITORED, {"monitoring": {"rules": {"runbookUrl": "https://wiki.example.org/jobs"}}}))
    text = other.get("ConfigMap", f"{FULL}-dashboard")["data"]["trafficjobs.json"]
    assert "https://wiki.example.org/jobs#trafficjobsapidown" in text
    assert "docs/runbook.md" not in text


def test_every_metric_that_is_asked_for_is_there(watched: Release) -> None:
    known = {*of_the_release(), *of_a_pod(), *OF_OTHERS, *recorded(watched)}
    for expr in expressions(watched):
        asked = METRIC.findall(expr)
        assert asked, expr
        assert set(asked) <= known, expr


def test_the_releases_numbers_are_taken_by_max_and_a_pods_by_sum(watched: Release) -> None:
    for expr in expressions(watched):
        found = AGGREGATED.findall(expr)
        assert len(found) >= len(set(re.findall(r"(trafficjobs_\w+)\{", expr))), expr
        for aggregation, _, metric in found:
            if metric == "trafficjobs_redis_up" and aggregation in ("sum", "absent"):
                continue  # pods that reach Redis, and no pod at all
            assert aggregation == ("sum" if metric in of_a_pod() else "max"), expr


def test_labels_are_those_of_their_metrics(watched: Release) -> None:
    known = of_the_release() | of_a_pod()
    for expr in expressions(watched):
        for metric, selector in SELECTED.findall(expr):
            assert set(re.findall(r"(\w+)(?:=~|!=|!~|=)", selector)) <= known[metric] | ADDED, expr
        for _, by, metric in AGGREGATED.findall(expr):
            assert set(re.findall(r"\w+", by)) <= known[metric] | ADDED, expr


@promtool.needed
def test_every_query_can_be_parsed(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query.expr} for number, query in enumerate(queries())]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    said = promtool.run("check", "rules", "queries.yaml", folder=tmp_path)
    assert f"{len(rules)} rules found" in said


def test_no_variable_is_left_in_a_query() -> None:
    for query in queries():
        assert "$" not in query.expr
        assert query.expr.count("{") == query.expr.count("}") == query.expr.count('namespace="orders",job="')


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) >= 1
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert len(set(legends)) == len(legends), panel["title"]


def test_a_legend_names_labels_that_the_query_keeps() -> None:
    for query in queries():
        for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
            assert re.search(rf"by \([^)]*\b{label}\b[^)]*\)", query.expr), query


def test_titles_are_there_once() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(set(titles)) == len(titles) > 20


def test_panels_fill_their_rows_and_none_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(PATH.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert taken == {(x, y) for x in range(24) for y in range(max(y for _, y in taken) + 1)}


def test_latencies_show_their_exemplars() -> None:
    shown = {panel["title"] for panel in panels() if any(target["exemplar"] for target in panel["targets"])}
    assert shown == {
        panel["title"] for panel in panels() if any("histogram_quantile" in each["expr"] for each in panel["targets"])
    }


def test_links_lead_to_alerts_that_there_are(watched: Release) -> None:
    linked = {link["title"]: link["url"] for panel in panels() for link in panel["links"]}
    assert set(linked) <= set(alerts(watched))
    for name, url in linked.items():
        assert url == alerts(watched)[name][0]["annotations"]["runbook_url"]


def test_it_is_one_board_that_asks_any_prometheus() -> None:
    made = board()
    assert made["uid"] == "trafficjobs"
    assert "id" not in made
    assert [each["name"] for each in made["templating"]["list"]] == ["datasource", "namespace", "release", "queue", "operation"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
