"""The dashboard's forms as a browser sends them where nobody has to sign in: with the token that its pages carry."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def csrf(client: FlaskClient) -> str:
    """The token of this browser."""
    found = re.search(r'data-csrf="(\w+)"', client.get("/ui/queues").text)
    assert found is not None
    return found.group(1)


def form(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """Send a form."""
    return client.post(path, data={"csrf": csrf(client)} | fields)
