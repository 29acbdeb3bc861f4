"""Every page: readable in each appearance, for everybody, small, whole without JavaScript, at home under a path."""

import pytest
from playwright.sync_api import Page, Response, expect

from lib.settings import Settings
from services.api.app import create_app
from tests.browser.furniture import NAMES, Jobs, addresses, sign_in
from tests.browser.house import PATH, TOKENS, House
from tests.browser.looks import look
from tests.browser.windows import Windows

MOST_BYTES = 150_000
PARTS = ("document", "stylesheet", "script", "font")


def shown(page: Page, address: str) -> Page:
    """A page that is there, with its heading."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200
    assert page.locator("h1").count() == 1
    return page


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_readable_in_each_appearance(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    page = shown(windows.open(house.open), addresses(jobs)[name])
    look(page, name)


@pytest.mark.parametrize("name", ["overview", "jobs", "failures", "schedules", "batches", "queues", "workers", "data", "map"])
def test_a_page_with_nothing_to_show_says_what_to_do(house: House, windows: Windows, name: str) -> None:
    page = shown(windows.open(house.empty), "ui" if name == "overview" else f"ui/{name}")
    if name != "queues":
        expect(page.locator(".empty, .warning").first).to_be_visible()
    look(page, f"{name}-empty")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_small(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    page = windows.open(house.open)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    shown(page, addresses(jobs)[name])
    page.wait_for_load_state("load")
    weighed = {
        answer.url: len(answer.body()) for answer in answers if answer.request.resource_type not in ("image", "eventsource")
    }
    weighed = {url: size for url, size in weighed.items() if "/ui" in url}
    assert len(weighed) >= 2  # the page, with its style sheet, and a script
    assert sum(weighed.values()) <= MOST_BYTES, weighed


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_without_javascript(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    """Its text is that of the page with scripts, but for the times, which scripts put in the viewer's words."""
    plain = shown(windows.open(house.open, java_script_enabled=False), addresses(jobs)[name])
    lively = shown(windows.open(house.open), addresses(jobs)[name])
    for part in ("h1", "h2", "th", "label", "nav a"):
        assert plain.locator(part).all_inner_texts() == lively.locator(part).all_inner_texts()
    assert plain.locator("main").inner_text().strip()
    times = plain.locator("time")
    for at in range(min(3, times.count())):
        assert times.nth(at).text_content()


# One of each template; a test without a browser looks at all addresses of the rest.
@pytest.mark.parametrize("name", ["overview", "jobs", "job-picture", "schedule", "batch", "data", "map", "form-plot"])
def test_a_page_stands_under_a_path(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    page = shown(windows.open(house.behind), addresses(jobs)[name])
    expect(page.locator("#live.on").or_(page.locator("body:not(:has([data-live]))"))).to_be_attached()
    addresses_on_it = page.locator("[href], [src], form[action]").evaluate_all(
        "all => all.map(e => e.getAttribute('href') ?? e.getAttribute('src') ?? e.getAttribute('action'))"
    )
    own = [each for each in addresses_on_it if each and not each.startswith(("#", "data:"))]
    assert [each for each in own if not each.startswith((f"{PATH}/", house.behind))] == []


def test_under_a_path_forms_and_links_work(house: House, windows: Windows) -> None:
    page = shown(windows.open(house.behind), "ui/submit/top_locations")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/ui/jobs/*")
    expect(page.locator("#head .status").first).to_have_text("done")
    page.locator("header").get_by_role("link", name="Queues").click()
    expect(page).to_have_url(f"{house.behind}/ui/queues")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_used_by_keyboard(house: House, jobs: Jobs, windows: Windows, name: str) -> None:
    """The first Tab reaches a link past the head; every stop is seen; all that can be used is reached, in the page's order."""
    page = shown(windows.open(house.open), addresses(jobs)[name])
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_text("Skip to the content")
    assert skip.bounding_box()["x"] >= 0  # type: ignore[index]
    stops = []
    for _ in range(14):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.getBoundingClientRect().width] }"
        )
        if stop[0] == "BODY":
            break
        stops.append(stop)
    assert len(stops) >= 10
    assert all(seen and width > 0 for _, seen, width in stops), stops


def test_the_skip_link_leads_past_the_head(house: House, windows: Windows) -> None:
    page = shown(windows.open(house.open), "ui/jobs")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_the_colours_that_were_chosen_are_kept(house: House, windows: Windows) -> None:
    page = shown(windows.open(house.open, color_scheme="light"), "ui")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Change the colours").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_times_are_those_of_the_city_and_of_the_viewer(house: House, jobs: Jobs, windows: Windows) -> None:
    page = shown(windows.open(house.open, timezone_id="Asia/Tokyo"), f"ui/jobs/{jobs.table}")
    expect(page.locator("#facts time").first).to_contain_text("Asia/Tokyo")
    plain = shown(windows.open(house.open, java_script_enabled=False), f"ui/jobs/{jobs.table}")
    assert "Asia/Tokyo" not in plain.locator("#facts").inner_text()


@pytest.mark.parametrize("address", ["ui/nowhere", "ui/jobs/there-is-none", "ui/submit/nothing"])
def test_what_is_not_there_is_a_page_that_leads_back(house: House, windows: Windows, address: str) -> None:
    windows.allow(404, address)
    page = windows.open(house.open)
    page.goto(address)
    expect(page.get_by_role("main").get_by_role("link", name="Overview")).to_be_visible()
    look(page, "not-there")


def test_a_browser_that_asks_for_the_root_gets_the_overview(house: House, windows: Windows) -> None:
    page = shown(windows.open(house.open), "")
    expect(page.locator("#tiles")).to_be_visible()


def test_no_page_is_left_out(settings: Settings, jobs: Jobs) -> None:
    """Every address of the dashboard that a browser can ask for is one of those that these tests look at."""
    rules = create_app(settings).url_map
    known = [rules.bind("x").match(f"/{address.partition('?')[0]}")[0] for address in addresses(jobs).values()]
    pages = {rule.endpoint for rule in rules.iter_rules() if rule.endpoint.startswith("ui.") and "GET" in (rule.methods or ())}
    assert pages - set(known) == {"ui.asset", "ui.as_csv", "ui.nowhere", "ui.sign_in"}


def test_with_sign_in_the_pages_stand_in_each_appearance(house: House, windows: Windows) -> None:
    page = windows.open(house.guarded)
    page.goto("ui/sign-in")
    look(page, "sign-in")
    sign_in(page, TOKENS["view"])
    page.goto("ui/queues")
    look(page, "queues-of-a-viewer")
