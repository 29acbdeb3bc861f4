"""Queues and workers steered on their pages."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.furniture import said
from tests.browser.house import House
from tests.browser.windows import Windows


def card(page: Page, name: str) -> Locator:
    """The part of a queue."""
    return page.locator("section.card", has=page.get_by_role("heading", name=name, exact=True))


def test_a_queue_is_paused_and_resumed_and_others_see_it(house: House, windows: Windows) -> None:
    page, other = windows.open(house.open), windows.open(house.open)
    other.goto("ui/queues")
    expect(other.locator("#live")).to_have_text("live")
    page.goto("ui/queues")
    card(page, "parked").get_by_role("button", name="Pause").click()
    said(page, "parked")
    try:
        expect(card(page, "parked")).to_contain_text("paused")
        expect(card(other, "parked")).to_contain_text("paused")
        assert house.http.get("/queues/parked").json()["paused"]
    finally:
        card(page, "parked").get_by_role("button", name="Resume").click()
    expect(card(page, "parked")).not_to_contain_text("paused")
    expect(card(other, "parked")).not_to_contain_text("paused")


def test_a_queue_is_drained_once_the_browser_has_asked(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/queues")
    page.once("dialog", lambda dialog: dialog.dismiss())
    card(page, "parked").get_by_role("button", name="Drain").click()
    expect(card(page, "parked")).to_contain_text("open")
    page.once("dialog", lambda dialog: dialog.accept())
    card(page, "parked").get_by_role("button", name="Drain").click()
    try:
        expect(card(page, "parked")).to_contain_text("draining")
        assert house.http.post("/jobs", json={"operation": "echo", "queue": "parked"}).status_code >= 400
    finally:
        card(page, "parked").get_by_role("button", name="Open").click()
    expect(card(page, "parked")).not_to_contain_text("draining")


def test_a_worker_is_drained_and_resumed(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/workers")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Drain").click()
    try:
        expect(page.locator("#workers .status")).to_contain_text("drain")
    finally:
        page.get_by_role("button", name="Resume").click()
    expect(page.locator("#workers .status")).to_have_count(0)
    assert house.ended(house.submit("echo", {"value": "served again"})) == "complete"
