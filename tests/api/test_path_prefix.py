"""PATH_PREFIX: the same service under a path, whether or not the proxy takes it away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    made = create_app(settings.model_copy(update={"data_file": tmp_path / "absent.csv", "path_prefix": "/incidents"}))
    yield made
    backend_of(made).jobs.close()


@pytest.mark.parametrize("taken_away", [True, False])
def test_addresses_in_answers_have_it(client: FlaskClient, taken_away: bool) -> None:
    before = "" if taken_away else "/incidents"
    accepted = client.post(f"{before}/jobs", json={"operation": "unique_issues"})
    jid = accepted.get_json()["id"]
    assert accepted.headers["Location"] == f"/incidents/jobs/{jid}"
    assert client.get(f"{before}/jobs/{jid}").status_code == 200
    page = client.get(f"{before}/ui/jobs/{jid}")
    assert f'action="/incidents/ui/jobs/{jid}/cancel"' in page.text
    assert 'href="/incidents/ui/jobs"' in page.text
    assert 'href="/ui' not in page.text
    assert client.get(before or "/", headers={"Accept": "text/html"}).headers["Location"] == "/incidents/ui"
    assert client.get(f"{before}/healthz").status_code == 200


def test_only_whole_parts_of_a_path_count(client: FlaskClient) -> None:
    assert client.get("/incidentsjobs").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["", "/jobs", "/failures", "/submit", "/submit/plot", "/schedules", "/schedules/new", "/batches", "/queues", "/workers"],
)
def test_every_address_on_a_page_has_it(client: FlaskClient, path: str) -> None:
    client.post("/jobs", json={"operation": "unique_issues"})
    text = client.get(f"/ui{path}").text
    addresses = re.findall(r'(?:href|src|action|data-events)="([^"#][^"]*)"', text)
    assert addresses
    assert [each for each in addresses if not each.startswith("/incidents/")] == []
