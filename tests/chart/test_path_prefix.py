"""A path before all addresses: where the API learns of it, and which paths are refused."""

from pathlib import Path
from typing import Any

import pytest

from lib.settings import SettingsError, load_settings
from services.api.app import create_app
from services.api.contract import contract_of
from services.api.prefix import check_prefix
from tests.chart.rendering import FULL, Chart

ROUTE = {"enabled": True, "parentRefs": [{"name": "g"}]}


def prefix_of(chart: Chart, api: dict[str, Any]) -> str | None:
    containers = chart.render({"api": api}).get("Deployment", f"{FULL}-api")["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in containers[0]["env"]}
    return env.get("PATH_PREFIX")


def test_it_is_that_of_the_route_unless_another_is_given(chart: Chart) -> None:
    assert prefix_of(chart, {}) is None
    assert prefix_of(chart, {"httpRoute": ROUTE}) is None
    assert prefix_of(chart, {"httpRoute": ROUTE | {"pathPrefix": "/incidents/"}}) == "/incidents"
    assert prefix_of(chart, {"httpRoute": ROUTE | {"pathPrefix": "/incidents"}, "pathPrefix": "/other"}) == "/other"
    assert prefix_of(chart, {"httpRoute": {"enabled": False, "pathPrefix": "/incidents"}}) is None


def test_an_address_of_the_api_itself_is_refused_by_chart_and_api(chart: Chart, tmp_path: Path) -> None:
    """It could not be told whether /jobs/x is the job x, or the page x of a service at /jobs."""
    settings = load_settings(redis_ip="127.0.0.1", data_file=tmp_path / "absent.csv")
    app = create_app(settings)
    routes = [rule.rule for rule in app.url_map.iter_rules()]
    firsts = {
        rule.rule.split("/")[1] for rule in app.url_map.iter_rules() if contract_of(app.view_functions[rule.endpoint]) is not None
    }
    for first in sorted(firsts - {""}):
        assert "api/pathPrefix" in chart.refusal({"api": {"pathPrefix": f"/{first}"}}), first
        for value in (f"/{first}", f"/{first}/x"):
            with pytest.raises(SettingsError, match="PATH_PREFIX"):
                check_prefix(value, routes)
    assert "api/pathPrefix" in chart.refusal({"api": {"pathPrefix": "/jobs/x"}})
    with pytest.raises(SettingsError, match="PATH_PREFIX"):
        create_app(settings.model_copy(update={"path_prefix": "/jobs/x"}))
    assert prefix_of(chart, {"pathPrefix": "/jobs-of-austin"}) == "/jobs-of-austin"


@pytest.mark.parametrize("value", ["incidents", "/a b", "/a//b", "/..", "//x", "/ü", "/x?y"])
def test_what_is_no_path_is_refused(chart: Chart, value: str) -> None:
    assert "api/pathPrefix" in chart.refusal({"api": {"pathPrefix": value}})
    with pytest.raises(SettingsError, match="PATH_PREFIX"):
        load_settings(path_prefix=value)
