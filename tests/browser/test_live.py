"""Pages that renew themselves, in a real browser: what the viewer has in hand stays, and no window holds more than it needs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import TOKENS, House
from tests.browser.windows import Windows
from tests.waiting import until

# Counts the streams that a page has open.
COUNTING = """window.streams = [];
window.EventSource = class extends EventSource { constructor(address) { super(address); window.streams.push(this); } };"""
OPEN = "streams.filter((stream) => stream.readyState !== EventSource.CLOSED).length"
# Every live part is taken for changed once; `marked` tells which have not been put in anew since.
STALE = "for (const one of document.querySelectorAll('[data-live]')) { delete one.dataset.raw; one.classList.add('marked'); }"
Gate = tuple[str, Callable[[], None]]


def signed_in(page: Page, role: str = "admin") -> Page:
    """With a session of this role, on the overview."""
    page.goto("ui/sign-in")
    page.locator("#token").fill(TOKENS[role])
    page.locator("main button").click()
    page.wait_for_url("**/ui")
    return page


def turned(page: Page, hidden: bool) -> None:
    """As when another window of the browser covers this one, or is put away again."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_a_job_that_shows_a_part_of_its_result_is_seen_to_end(house: House, windows: Windows, gate: Gate) -> None:
    path, let_go = gate
    jid = house.submit("in_parts", {"values": ["first part"], "path": path})
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{jid}")
    expect(page.locator("#progress")).to_contain_text("first part")
    let_go()
    expect(page.locator("#head .status")).to_have_text("done")
    expect(page.locator("#progress")).not_to_contain_text("So far")


def test_what_the_viewer_has_scrolled_or_chosen_stays(house: House, windows: Windows) -> None:
    jid = house.submit("talk", {"lines": 300})
    assert house.ended(jid) == "complete"
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{jid}")
    expect(page.locator("#log")).to_contain_text("line 299")
    # By the page at once: what a locator has found may be put in anew before it is scrolled.
    page.evaluate("const log = document.querySelector('#log .log'); log.scrollTop = 700;")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#facts dl'))")
    page.evaluate(STALE)
    expect(page.locator("#log.marked")).to_have_count(0)
    expect(page.locator("#timeline.marked")).to_have_count(0)
    assert page.locator("#log .log").evaluate("(log) => log.scrollTop") == 700
    assert jid in page.evaluate("getSelection().toString()")
    page.evaluate("const log = document.querySelector('#log .log'); log.scrollTop = log.scrollHeight;")
    page.evaluate(STALE)
    expect(page.locator("#log.marked")).to_have_count(0)
    assert page.locator("#log .log").evaluate("(log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 4")


def test_a_part_that_is_held_is_not_asked_for_over_and_over(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/queues")
    expect(page.locator("#queues[data-raw]")).to_have_count(1)
    page.locator("#queues button").first.focus()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(STALE)
    page.wait_for_timeout(7_000)
    assert len([url for url in asked if url.endswith("/ui/queues")]) <= 2  # every five seconds, and not every one
    expect(page.locator("#queues.marked")).to_have_count(1)


def test_a_window_that_nobody_sees_holds_no_stream(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.add_init_script(COUNTING)
    page.goto("ui")
    expect(page.locator("#live")).to_have_text("live")
    for _ in range(3):
        turned(page, hidden=True)
        assert page.evaluate(OPEN) == 0
        turned(page, hidden=False)
        assert page.evaluate(OPEN) == 1
    expect(page.locator("#live")).to_have_text("live")


@pytest.mark.parametrize("way", ["signed out", "token gone"])
def test_a_window_whose_session_has_ended_says_so_and_asks_no_more(house: House, windows: Windows, way: str) -> None:
    windows.allow(401, "/events$")
    page = windows.open(house.guarded)
    page.add_init_script(COUNTING)
    signed_in(page)
    expect(page.locator("#live")).to_have_text("live")
    if way == "signed out":
        other = page.context.new_page()
        other.goto("ui")
        other.get_by_role("button", name="Sign out").click()
        other.wait_for_url("**/ui/sign-in")
    else:
        page.context.clear_cookies()
    expect(page.locator("#live")).to_have_text("signed out")
    assert page.evaluate(OPEN) == 0
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6_000)
    assert not asked


def test_the_way_back_after_signing_out_shows_nothing(house: House, windows: Windows) -> None:
    page = signed_in(windows.open(house.guarded))
    page.goto("ui/jobs")
    page.goto("ui/queues")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/ui/sign-in")
    page.go_back()
    until(lambda: "/ui/sign-in" in page.url, 5, "the form to sign in")
    expect(page.get_by_label("Token")).to_be_visible()
