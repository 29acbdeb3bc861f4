"""Signing in on the pages: in and out, refused with a word, and offered what the role may do and no more."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.furniture import NAMES, Jobs, addresses, said, sign_in
from tests.browser.house import TOKENS, House
from tests.browser.windows import Windows

COOKIE = "trafficjobs_session"


def test_a_page_leads_to_the_form_and_the_form_back_to_the_page(house: House, windows: Windows) -> None:
    page = windows.open(house.guarded)
    page.goto("ui/jobs?status=failed")
    expect(page).to_have_url(re.compile(r"/ui/sign-in\?next="))
    page.get_by_label("Token").fill(TOKENS["view"])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{house.guarded}/ui/jobs?status=failed")
    said(page, "view-name")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == COOKIE]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] in ("Lax", "Strict")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    page.goto("ui/jobs")
    expect(page).to_have_url(re.compile("/ui/sign-in"))


def test_a_session_that_was_ended_is_worth_nothing_elsewhere(house: House, windows: Windows) -> None:
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["admin"])
    page.wait_for_url(re.compile("/ui$"))
    kept = {each["name"]: each["value"] for each in page.context.cookies()}
    assert httpx.get(f"{house.guarded}/queues", cookies=kept, timeout=30).status_code == 200
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/ui/sign-in"))
    assert httpx.get(f"{house.guarded}/queues", cookies=kept, timeout=30).status_code == 401


def test_a_wrong_token_is_refused_with_a_word(house: House, windows: Windows) -> None:
    windows.allow(401, "/ui/sign-in")
    page = windows.open(house.guarded)
    sign_in(page, "tj_wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Token")).to_have_value("")
    assert page.locator("nav").count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_who_may_only_look_is_offered_nothing_to_do(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["view"])
    page.wait_for_url(re.compile("/ui$"))
    page.goto(addresses(jobs)[name])
    forms = page.locator("form[method=post]").evaluate_all(
        "all => all.filter(f => [...f.elements].some(e => e.type === 'submit')).map(f => f.getAttribute('action'))"
    )
    assert forms == ["/ui/sign-out"]


def test_what_is_not_offered_is_refused(house: House, jobs: Jobs, windows: Windows) -> None:
    """A viewer's own session and CSRF token: only the role is missing."""
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["view"])
    page.wait_for_url(re.compile("/ui$"))
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    shown = {"csrf": page.locator("[name=csrf]").first.get_attribute("value") or ""}
    with httpx.Client(base_url=house.guarded, cookies=cookies, timeout=30) as http:
        for address in (f"/ui/jobs/{jobs.failed}/retry", f"/ui/jobs/{jobs.waiting}/cancel", "/ui/queues/parked/pause"):
            assert http.post(address, data=shown).status_code == 403
        assert http.post("/ui/submit/echo", data=shown).status_code == 403
    assert house.http.get(f"/jobs/{jobs.failed}").json()["status"] == "failed"
    assert not house.http.get("/queues/parked").json()["paused"]


@pytest.mark.parametrize("shown", [{}, {"csrf": "wrong"}, {"csrf": ""}])
def test_a_form_of_another_site_is_refused(house: House, windows: Windows, shown: dict[str, str]) -> None:
    """A session that may do everything, and a form that does not show its CSRF token; with and without sign-in."""
    for url in (house.guarded, house.open):
        page = windows.open(url)
        if url == house.guarded:
            sign_in(page, TOKENS["admin"])
            page.wait_for_url(re.compile("/ui$"))
        else:
            page.goto("ui")
        cookies = {each["name"]: each["value"] for each in page.context.cookies()}
        assert COOKIE in cookies
        answer = httpx.post(f"{url}/ui/queues/parked/pause", data=shown, cookies=cookies, timeout=30)
        assert answer.status_code == 403
        assert not house.http.get("/queues/parked").json()["paused"]


def test_a_submitter_is_offered_its_own_and_no_queues(house: House, jobs: Jobs, windows: Windows) -> None:
    windows.allow(403, "/ui/jobs/")
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["submit"])
    page.wait_for_url(re.compile("/ui$"))
    page.goto("ui/queues")
    assert page.get_by_role("button", name="Pause").count() == 0
    page.goto("ui/submit/echo")
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile("/ui/jobs/"))
    expect(page.locator("#facts")).to_contain_text("by submit-name")
    expect(page.locator("#head .status").first).to_have_text("done")


def test_a_session_opens_pictures_and_streams(house: House, jobs: Jobs, windows: Windows) -> None:
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["view"])
    page.wait_for_url(re.compile("/ui$"))
    expect(page.locator("#live")).to_have_text("live")
    page.goto(f"ui/jobs/{jobs.picture}")
    assert page.locator("img.picture").first.evaluate("async e => { await e.decode(); return e.naturalWidth }") > 100
