"""Windows of the browser that watch what their pages complain of.

`Windows.open` makes a window with a session of its own. Errors in the console or in a script, violations of the content
security policy, requests that fail, are refused or leave the service are kept; `check` fails with them.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect

PATIENCE = 60_000  # ms; two processors may have ten tests
# The page was left while a request was on its way, or a stream was closed.
_LEFT = "net::ERR_ABORTED"
# Chromium repeats in the console what the answer's status says.
_REPEATED = "Failed to load resource"

expect.set_options(timeout=PATIENCE)


class Windows:
    """The windows of one test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._allowed: list[tuple[int, re.Pattern[str]]] = []
        self.complaints: list[str] = []

    def open(self, url: str, **options: Any) -> Page:
        """An empty window.

        Args:
            url: of the service; nothing may be asked of another host. Addresses of the window are relative to it.
            options: of playwright's `new_context`, such as `java_script_enabled=False`.
        """
        base = url.rstrip("/") + "/"
        context = self._browser.new_context(**{"base_url": base, "locale": "en-US", "timezone_id": "America/Chicago"} | options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        host = urlsplit(url).netloc
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"{error.page and error.page.url}: {error.error}"))
        context.on("request", lambda request: self._asked(request, host))
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)
        return context.new_page()

    def allow(self, status: int, path: str) -> None:
        """Expect answers of this status, of 400 or more, at addresses in which the regular expression `path` is found."""
        self._allowed.append((status, re.compile(path)))

    def check(self) -> None:
        """AssertionError with all that was wrong."""
        assert not self.complaints, "\n".join(self.complaints)

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REPEATED):
            self.complaints.append(f"{message.page and message.page.url}: {message.text}")

    def _asked(self, request: Request, host: str) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != host:
            self.complaints.append(f"{request.method} {request.url} leaves the service")

    def _failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        known = any(response.status == status and path.search(response.url) for status, path in self._allowed)
        if response.status >= 400 and not known:
            self.complaints.append(f"{response.request.method} {response.url}: {response.status}")
