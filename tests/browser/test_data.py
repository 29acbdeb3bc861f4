"""The page of the data: a file is uploaded and its version seen; a wrong one is refused; versions are changed; rows are found."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.furniture import said, sign_in
from tests.browser.house import TOKENS, House
from tests.browser.windows import Windows

JOB = re.compile(r"/ui/jobs/[^/?]+$")
SECOND = 250_000  # bytes, so that a window can be watched while it sends


def slowly(page: Page) -> None:
    """Let the window send few bytes a second."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SECOND}
    )


def loaded(page: Page, house: House) -> str:
    """Wait for the job that loads the file; the version it has made."""
    page.wait_for_url(JOB)
    jid = page.url.rpartition("/")[2]
    assert house.ended(jid) == "complete"
    found = next(each for each in house.http.get("/data/versions").json()["versions"] if each["job"] == jid)
    return str(found["id"])


def test_a_file_is_uploaded_with_its_progress_and_its_version_seen(house: House, windows: Windows, sample: Path) -> None:
    page = windows.open(house.guarded)
    sign_in(page, TOKENS["admin"])
    page.wait_for_url(re.compile("/ui$"))
    page.goto("ui/data")
    slowly(page)
    page.get_by_label("File").set_input_files(sample)
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("#sent [role=status]")).to_contain_text(re.compile(r"[KM]iB of .*[KM]iB"))
    version = loaded(page, house)
    page.goto("ui/data")
    expect(page.locator("#current")).to_contain_text(version)
    expect(page.locator("#current")).to_contain_text("by admin-name")
    expect(page.locator("#versions tr", has_text=version)).to_contain_text("current")


def test_another_version_is_made_current_and_one_removed(house: House, windows: Windows, sample: Path) -> None:
    page = windows.open(house.open)
    page.goto("ui/data")
    older = page.locator("#current dd.mono").inner_text()
    page.get_by_label("File").set_input_files(sample)
    page.get_by_role("button", name="Replace").click()
    made = loaded(page, house)
    page.goto("ui/data")
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#versions tr", has_text=older).get_by_role("button", name="Make current").click()
    expect(page.locator("#current")).to_contain_text(older)
    page.locator("#versions tr", has_text=made).get_by_role("button", name="Remove").click()
    said(page, made)
    assert made not in [each["id"] for each in house.http.get("/data/versions").json()["versions"]]


def test_a_file_that_is_none_is_refused_on_the_page(house: House, windows: Windows, tmp_path: Path) -> None:
    windows.allow(400, "/data")
    windows.allow(422, "/data")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("name,age\nx,1\n")
    page = windows.open(house.open)
    page.goto("ui/data")
    page.get_by_label("File").set_input_files(wrong)
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("#file-error")).to_be_visible()
    expect(page.get_by_label("File")).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(f"{house.open}/ui/data")
    expect(page.get_by_role("button", name="Replace")).to_be_enabled()


def test_without_javascript_and_under_a_path_a_file_is_uploaded(house: House, windows: Windows, sample: Path) -> None:
    page = windows.open(house.behind, java_script_enabled=False)
    page.goto("ui/data")
    page.get_by_label("File").set_input_files(sample)
    page.get_by_role("button", name="Replace").click()
    loaded(page, house)


def test_incidents_are_found_by_text(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/data")
    page.keyboard.press("/")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type("congress")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("search=congress"))
    addresses = page.locator("#rows td[data-name=Address]").all_inner_texts()
    assert addresses
    assert all("congress" in address.lower() for address in addresses)
    page.get_by_label("Text").fill("no such street anywhere")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#rows")).to_contain_text("No incident fits")
