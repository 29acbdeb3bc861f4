"""What every page begins with: its style sheet, for which no second request is made, its policy, and the chosen colours."""

import base64
import hashlib
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.settings import Settings
from services.api.app import create_app
from services.api.dashboard.assets import assets

PAGES = ("/ui", "/ui/jobs", "/ui/map", "/ui/jobs/there-is-none")


@pytest.mark.parametrize("path", PAGES)
def test_a_first_paint_waits_for_the_page_alone(client: FlaskClient, path: str) -> None:
    head, body = client.get(path).text.split("</head>")
    assert "stylesheet" not in head + body
    for tag in re.findall(r"<script\b[^>]*>", head + body):
        assert 'type="module"' in tag, f"{tag} is waited for"
    assert "<img" not in body.split("</header>")[0]


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_lets_in_the_style_sheet_of_the_page_and_no_other(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.S)
    assert len(style) > 10_000
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"; style-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_a_style_sheet_can_stand_in_a_page() -> None:
    text = assets()["style.css"].content.decode()
    assert "<" not in text
    assert unescape(text) == text


@pytest.mark.parametrize(
    ("cookie", "said"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ('x"><b>', ""), ("", "")]
)
def test_the_chosen_colours_come_with_the_page(client: FlaskClient, cookie: str, said: str) -> None:
    client.set_cookie("trafficjobs_theme", cookie)
    assert f'<html lang="en"{said}>' in client.get("/ui").text


def test_the_choice_is_kept_for_this_service_alone(app: Flask, settings: Settings) -> None:
    behind = create_app(settings.model_copy(update={"path_prefix": "/tools/incidents"}))
    for made, root in ((app, "/"), (behind, "/tools/incidents")):
        assert f'data-root="{root}"' in made.test_client().get("/ui").text
    assert "path=${body.dataset.root}" in assets()["app.js"].content.decode()
