"""Names under which the API may be asked: what the chart gives it, and what it takes of that."""

import pytest

from lib.settings import Settings, load_settings
from services.api.app import create_app
from tests.chart.pods import container, environment
from tests.chart.rendering import FULL, NAMESPACE, Chart


def test_by_default_it_is_asked_under_any_name(chart: Chart) -> None:
    assert "TRUSTED_HOSTS" not in environment(container(chart.render().get("Deployment", f"{FULL}-api"), "api"))


def test_with_names_those_of_its_service_are_among_them(chart: Chart, settings: Settings) -> None:
    release = chart.render({"api": {"trustedHosts": ["jobs.example", ".team.example"]}})
    given = environment(container(release.get("Deployment", f"{FULL}-api"), "api"))["TRUSTED_HOSTS"]
    trusted = load_settings(trusted_hosts=given).trusted_hosts
    client = create_app(settings.model_copy(update={"trusted_hosts": trusted, "auth": "off"})).test_client()
    service = f"{FULL}-api"
    inside = [service, *(f"{service}.{NAMESPACE}{end}" for end in ("", ".svc", ".svc.cluster.local"))]
    for name in ("jobs.example", "a.team.example", "10.0.0.7:5000", "localhost:5000", *inside, f"{service}:5000"):
        assert client.get("/healthz", headers={"Host": name}).status_code == 200, name
    for name in ("evil.example", "team.example.evil", f"{service}.other"):
        assert client.get("/healthz", headers={"Host": name}).status_code == 403, name


@pytest.mark.parametrize("name", ["https://jobs.example", "jobs.example:5000", "a,b", ""])
def test_what_is_no_name_is_refused(chart: Chart, name: str) -> None:
    assert "trustedHosts" in chart.refusal({"api": {"trustedHosts": [name]}})
