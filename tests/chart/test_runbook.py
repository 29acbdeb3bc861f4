"""docs/runbook.md and docs/slo.md: a section for each alert with all its parts, and what is to be typed there exists."""

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from lib.scripts import BUCKETS
from tests.chart import promtool
from tests.chart.combinations import KEDA, MONITORED
from tests.chart.metric_names import of_a_pod, of_the_release
from tests.chart.rendering import CHART, Chart, Release, merged
from tests.chart.test_board import METRIC, recorded
from tests.chart.test_monitoring import alerts
from tests.workers import ROOT
from trafficjobs.cli.app import app

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SLO = (ROOT / "docs" / "slo.md").read_text()
PARTS = ["Means", "Users notice", "Look here first", "Likely causes", "What to do", "Ends when"]


@pytest.fixture(scope="module")
def watched(chart: Chart) -> Release:
    return chart.render(merged(KEDA, MONITORED))


def sections() -> dict[str, str]:
    """The text under each heading."""
    _, *found = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(found[::2], found[1::2], strict=True))


def queries() -> list[str]:
    """What the runbook would ask Prometheus."""
    return [text.strip() for text in re.findall(r"```promql\n(.*?)```", RUNBOOK, re.DOTALL)]


def test_every_alert_has_a_section_and_every_section_an_alert(watched: Release) -> None:
    assert set(sections()) == set(alerts(watched))


def test_every_section_has_all_its_parts() -> None:
    for name, text in sections().items():
        assert re.findall(r"^- \*\*(.+?):\*\*", text, re.MULTILINE) == PARTS, name


def test_links_within_the_pages_lead_somewhere() -> None:
    for anchor in re.findall(r"\]\(#([^)]+)\)", RUNBOOK):
        assert anchor in {name.lower() for name in sections()}
    for path in re.findall(r"\]\(([a-z-]+\.md)", RUNBOOK + SLO):
        assert (ROOT / "docs" / path).exists()


def test_commands_of_ours_are_there() -> None:
    commands = typer.main.get_command(app)
    named = set(re.findall(r"`trafficjobs ([a-z]+)(?: ([a-z]+))?", RUNBOOK))
    assert len(named) > 10
    for command, below in named:
        found = commands.commands[command]  # type: ignore[attr-defined]
        if below and hasattr(found, "commands"):
            assert below in found.commands, (command, below)


def test_values_that_are_named_are_values_of_the_chart() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    sections_of_values = "|".join(values)
    for path in set(re.findall(rf"`((?:{sections_of_values})(?:\.[A-Za-z]+)+)[`:]", RUNBOOK + SLO)):
        inner = values
        for key in path.split("."):
            assert key in inner, path
            inner = inner[key]


def test_queries_ask_for_metrics_that_there_are(watched: Release) -> None:
    assert queries()
    for query in queries():
        assert set(METRIC.findall(query)) <= of_the_release().keys() | of_a_pod().keys(), query
    assert set(re.findall(r"`(trafficjobs:\w+:\w+)`", SLO)) <= recorded(watched)


@promtool.needed
def test_queries_can_be_parsed(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries())]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]}))
    promtool.run("check", "rules", "queries.yaml", folder=tmp_path)


def test_the_bounds_of_the_page_are_those_that_are_counted_by() -> None:
    listed = re.search(r"bounds by which waits are counted: (.*?);", SLO, re.DOTALL)
    assert listed
    assert [float(bound) for bound in re.findall(r"[\d.]*\d", listed[1])] == list(BUCKETS)


def test_the_example_of_the_page_is_taken(chart: Chart) -> None:
    example = re.search(r"```yaml\n(.*?)```", SLO, re.DOTALL)
    assert example
    found = alerts(chart.render(yaml.safe_load(example[1])))["TrafficjobsJobsStartLate"]
    assert "> 0.144" in found[0]["expr"]


def test_the_percentages_of_the_page_are_those_of_the_rules(watched: Release) -> None:
    for alert in alerts(watched)["TrafficjobsJobsStartLate"]:
        limit = re.search(r"> ([\d.]+)", alert["expr"])
        assert limit
        assert f"{float(limit[1]):.0%}".replace("%", " %") in SLO
