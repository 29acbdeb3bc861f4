"""The windows see what they are there for: each kind of complaint is made once and must be found."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looks import look
from tests.browser.windows import Windows

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; img-src * data:"
START = '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>x</title></head><body>'


def served(windows: Windows, body: str, script: str = "") -> Page:
    """A window on a made-up page."""
    page = windows.open("http://here.test")
    headers = {"Content-Security-Policy": POLICY}
    page.route("**/page", lambda route: route.fulfill(body=START + body, headers=headers, content_type="text/html"))
    page.route("**/script.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.route("**/gone*", lambda route: route.fulfill(status=404, body=""))
    page.route("http://elsewhere.test/*", lambda route: route.fulfill(body="x", headers={"Access-Control-Allow-Origin": "*"}))
    page.route("**/broken*", lambda route: route.abort("connectionreset"))
    page.goto("page")
    page.wait_for_load_state("networkidle")
    return page


@pytest.fixture
def unchecked(browser: Browser) -> Iterator[Windows]:
    """Windows whose complaints fail nothing."""
    made = Windows(browser)
    yield made
    made.close()


def test_a_good_page_has_no_complaints(windows: Windows) -> None:
    page = served(windows, "<main><h1>Good</h1></main>", "")
    look(page, "good")


@pytest.mark.parametrize(
    ("body", "script", "word"),
    [
        ("<script>1</script>", "", "Content Security Policy"),
        ('<p style="color:red">x</p>', "", "Content Security Policy"),
        ('<script src="script.js"></script>', "console.error('said')", "said"),
        ('<script src="script.js"></script>', "throw new Error('thrown')", "thrown"),
        ('<img src="gone.png" alt="">', "", "404"),
        ('<script src="script.js"></script>', "fetch('broken').catch(() => 0)", "ERR_CONNECTION_RESET"),
        ('<script src="script.js"></script>', "fetch('http://elsewhere.test/x')", "leaves the service"),
    ],
)
def test_what_is_wrong_is_found(unchecked: Windows, body: str, script: str, word: str) -> None:
    served(unchecked, f"<main><h1>Bad</h1>{body}</main>", script)
    with pytest.raises(AssertionError, match=word):
        unchecked.check()


def test_an_answer_that_is_expected_is_none(windows: Windows) -> None:
    windows.allow(404, "/gone")
    served(windows, '<img src="gone.png" alt="">')


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('<main><h1>Bad</h1><img src="data:,"></main>', "image-alt"),
        ("<main><h1>Bad</h1><p>" + "wide" * 200 + "</p></main>", "px wide"),
    ],
)
def test_a_page_that_cannot_be_read_is_found(unchecked: Windows, body: str, word: str) -> None:
    page = served(unchecked, body)
    with pytest.raises(AssertionError, match=word):
        look(page, "bad")
