"""The alerts, played to promtool: each fires when it should, with the right words, and none does where all is well."""

from pathlib import Path
from typing import Any

import pytest

from tests.chart import promtool
from tests.chart.alert_cases import FIRING, OURS
from tests.chart.combinations import KEDA, MONITORED
from tests.chart.healthy_cases import HEALTHY
from tests.chart.rendering import NAME, NAMESPACE, Chart, Release, merged
from tests.chart.series import MINUTES, REST, WELL, Series, fill
from tests.chart.slo_cases import CASES, SLO_ALERT
from tests.chart.test_monitoring import alerts

RUNBOOK = "https://github.com/trafficjobs/trafficjobs/blob/main/docs/runbook.md#"


# What the objective's alerts call themselves by their longer window.
TIMES = {"1h": "14.4 times more", "6h": "6 times more", "1d": "3 times more", "3d": "more"}


@pytest.fixture(scope="module")
def watched(chart: Chart) -> Release:
    return chart.render(merged(KEDA, MONITORED))


def group(name: str, series: Series, expected: list[dict[str, Any]]) -> dict[str, Any]:
    """One of promtool's tests."""
    inputs = [{"series": key, "values": values} for key, values in series.items()]
    return {"name": name, "interval": "1m", "input_series": inputs, "alert_rule_test": expected}


def names_of(release: Release) -> set[str]:
    """The alerts but for that of the objective, which is played to by itself."""
    return set(alerts(release)) - {SLO_ALERT}


def silent(minute: int, names: set[str]) -> list[dict[str, Any]]:
    """None of them fires at that time."""
    return [{"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []} for name in sorted(names)]


def test_every_alert_has_a_test(watched: Release) -> None:
    assert {case.alert for case in FIRING} | {SLO_ALERT} == set(alerts(watched))


@promtool.needed
def test_promtool_has_no_complaint_about_any_rules(release: Release, tmp_path: Path) -> None:
    if release.of("PrometheusRule"):
        promtool.write_rules(release, tmp_path / "rules.yaml")
        promtool.run("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", folder=tmp_path)


@pytest.mark.slow
@pytest.mark.once
@promtool.needed
def test_every_alert_fires_in_time_with_its_words_and_alone(watched: Release, tmp_path: Path) -> None:
    names = names_of(watched)
    tests = []
    for case in FIRING:
        what = {"summary": case.summary, "description": case.description, "runbook_url": RUNBOOK + case.alert.lower()}
        fires = {"exp_labels": case.labels, "exp_annotations": what}
        expected = silent(WELL + case.after - 1, names)
        expected += [{"eval_time": f"{WELL + case.after}m", "alertname": case.alert, "exp_alerts": [fires]}]
        expected += silent(WELL + case.after, names - {case.alert})
        tests.append(group(case.alert, fill(REST | case.series), expected))
    promtool.write_rules(watched, tmp_path / "rules.yaml", lambda group: ".slo." not in group)
    promtool.play(tests, tmp_path)


@pytest.mark.slow
@pytest.mark.once
@promtool.needed
def test_no_alert_fires_where_all_is_well(watched: Release, tmp_path: Path) -> None:
    tests = []
    for name, (series, also) in HEALTHY.items():
        expected = [each for minute in range(0, MINUTES, 3) for each in silent(minute, names_of(watched) - also)]
        tests.append(group(name, fill(REST | series), expected))
    promtool.write_rules(watched, tmp_path / "rules.yaml", lambda group: ".slo." not in group)
    promtool.play(tests, tmp_path)


@pytest.mark.slow
@pytest.mark.once
@promtool.needed
def test_what_ails_another_release_is_not_this_ones_matter(watched: Release, tmp_path: Path) -> None:
    sick = {name: values for case in FIRING for name, values in (REST | case.series).items() if values != REST.get(name)}
    neighbours = fill(sick, job=f"other-{NAME}-api") | fill(sick, namespace="elsewhere") | fill(sick, namespace=f"{NAMESPACE}s")
    expected = [each for minute in range(0, MINUTES, 3) for each in silent(minute, names_of(watched))]
    promtool.write_rules(watched, tmp_path / "rules.yaml", lambda group: ".slo." not in group)
    promtool.play([group("neighbours", neighbours | fill(REST), expected)], tmp_path)


@pytest.mark.slow
@pytest.mark.once
@promtool.needed
def test_the_objective_alarms_by_how_fast_its_budget_is_used_up(watched: Release, tmp_path: Path) -> None:
    tests = []
    for case in CASES:
        fires = []
        for window, share in case.shown.items():
            text = f"{share} of the jobs that started within {window} had waited longer than 60 s; 95 % are to start in time."
            what = {"summary": f"Jobs start late {TIMES[window]} often than they may", "description": text}
            labels = {"severity": "critical" if window in ("1h", "6h") else "warning", "window": window}
            fires.append({"exp_labels": labels | OURS, "exp_annotations": what | {"runbook_url": RUNBOOK + SLO_ALERT.lower()}})
        expected = [{"eval_time": f"{case.minute}m", "alertname": SLO_ALERT, "exp_alerts": fires}]
        tests.append(group(case.name, fill(case.series), expected))
    promtool.write_rules(watched, tmp_path / "rules.yaml", lambda group: ".slo." in group)
    promtool.play(tests, tmp_path)
