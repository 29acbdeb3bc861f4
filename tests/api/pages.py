"""Pages of the dashboard as a browser takes them: whole, and with nothing in them that others wrote and that runs."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient

HOSTILE = """<script>alert(1)</script>"'&\u202e<img src=x onerror=alert(2)>"""
COOKIE_FIELD = re.compile(r'data-csrf="([0-9a-f]{40})"')


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    """The text of a page, which is whole and closes what it opens."""
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text[:2_000]
    _Balanced().feed(answer.text)
    assert "<script>alert" not in answer.text
    assert "onerror=alert(2)>" not in answer.text
    return answer.text


class _Balanced(HTMLParser):
    """Fails for an element that is closed and was not opened, and for an id that is there twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "img", "input", "br", "path", "line", "circle", "rect"}:
            self.open.append(tag)
        for name, _ in attrs:
            assert name != "style", f"<{tag} style=...>: the policy forbids it"
            assert not name.startswith("on"), f"<{tag} {name}=...>: the policy forbids it"
        named = dict(attrs).get("id")
        assert named is None or named not in self.ids, f"the id {named} is there twice"
        self.ids.add(named or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> while {self.open} are open"
        self.open.pop()


def post(client: FlaskClient, path: str, **fields: Any) -> str:
    """Send a form; what the page says to which it leads."""
    found = COOKIE_FIELD.search(client.get("/ui/queues").text)
    assert found is not None
    answer = client.post(path, data={"csrf": found[1], **fields})
    assert answer.status_code == 303, answer.text
    return unescape(client.get(answer.headers["Location"]).text)
