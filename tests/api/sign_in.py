"""Who signs in to the API in its tests: a token of each role, another submitter's, and how they are shown."""

from flask import Flask
from flask.testing import FlaskClient

from services.api.tokens import Role

TOKENS = {name: f"tj_{name}-token" for name in ("view", "submit", "admin", "other")}
RANKS = {"view": Role.VIEW, "submit": Role.SUBMIT, "admin": Role.ADMIN}


def bearer(role: str | None) -> dict[str, str]:
    """The header with the token of that role, or with a text that is none."""
    return {} if role is None else {"Authorization": f"Bearer {TOKENS.get(role, role)}"}


def csrf(client: FlaskClient) -> str:
    """The token that a page's scripts are given."""
    page = client.get("/ui/sign-in").text
    return page.partition('data-csrf="')[2].partition('"')[0]


def signed_in(app: Flask, role: str) -> FlaskClient:
    """A browser with a session."""
    client = app.test_client()
    answer = client.post("/ui/sign-in", data={"csrf": csrf(client), "token": TOKENS[role]})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui"), answer.text
    return client
