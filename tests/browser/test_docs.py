"""`/docs` in a real browser: Swagger UI from the wheel shows the whole document, and what it offers to try works."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.house import TOKENS, House
from tests.browser.windows import Windows


def opened(page: Page, address: str = "docs") -> Page:
    """The page at /docs, with its operations."""
    page.goto(address)
    page.locator(".opblock").first.wait_for()
    return page


def block(page: Page, operation: str) -> Locator:
    """An operation, opened and ready to be tried."""
    found = page.locator(f"[id$='-{operation}']")
    found.locator(".opblock-summary-control").click()
    found.get_by_role("button", name="Try it out").click()
    return found


def test_every_operation_of_the_document_is_on_the_page(house: House, windows: Windows) -> None:
    page = opened(windows.open(house.open))
    document = house.http.get("/openapi.json").json()
    wanted = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    shown = page.locator(".opblock").evaluate_all(
        "all => all.map(b => [b.querySelector('.opblock-summary-method').innerText,"
        " b.querySelector('.opblock-summary-path').dataset.path].join(' '))"
    )
    assert sorted(shown) == sorted(wanted)
    assert not page.locator(".errors-wrapper").is_visible()


def test_a_request_is_tried(house: House, windows: Windows) -> None:
    queues = block(opened(windows.open(house.open)), "queues_index")
    queues.get_by_role("button", name="Execute").click()
    expect(queues.locator(".live-responses-table tbody .response-col_status")).to_have_text("200")
    expect(queues.locator(".live-responses-table")).to_contain_text('"job-queue"')
    expect(queues.locator(".curl-command")).to_contain_text(f"{house.open}/queues")


def test_the_example_of_a_job_is_submitted_as_it_stands(house: House, windows: Windows) -> None:
    submit = block(opened(windows.open(house.open)), "jobs_submit")
    submit.get_by_role("button", name="Execute").click()
    expect(submit.locator(".live-responses-table tbody .response-col_status")).to_contain_text("202")
    newest = house.http.get("/jobs").json()["jobs"][0]
    assert newest["operation"] == "incident_count_by_date"
    assert house.ended(newest["id"]) == "complete"


def test_with_sign_in_the_page_asks_for_a_token_and_sends_it(house: House, windows: Windows) -> None:
    windows.allow(401, "/queues$")
    page = opened(windows.open(house.guarded))
    queues = block(page, "queues_index")
    queues.get_by_role("button", name="Execute").click()
    status = queues.locator(".live-responses-table tbody .response-col_status")
    expect(status).to_contain_text("401")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("input").fill(TOKENS["view"])
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()
    queues.get_by_role("button", name="Execute").click()
    expect(status).to_have_text("200")
