"""Work done on the pages: a job from the form to its picture, live while it runs, again when it failed, many at once."""

import re
import shlex
import subprocess
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.furniture import Jobs, said
from tests.browser.house import House
from tests.browser.windows import Windows

STATUS = "#head .status"


def submitted(page: Page) -> str:
    """Send the form; the id of the job whose page comes."""
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/ui/jobs/[^/?]+$"))
    return page.url.rpartition("/")[2]


def test_a_job_is_submitted_by_the_form_and_its_picture_seen(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/submit")
    page.get_by_role("link", name="Plot").click()
    page.get_by_label("kind").select_option("heatmap")
    jid = submitted(page)
    said(page, "Accepted")
    expect(page.locator(STATUS).first).to_have_text("done")
    picture = page.locator("img.picture").first
    expect(picture).to_be_visible()
    assert picture.evaluate("async e => { await e.decode(); return e.naturalWidth }") > 100
    assert house.http.get(f"/jobs/{jid}").json()["input"]["params"]["kind"] == "heatmap"
    with page.expect_download() as download:
        page.get_by_role("link", name="plot.png").click()
    assert download.value.suggested_filename == "plot.png"


def test_what_contradicts_itself_is_told_and_the_rest_is_kept(house: House, windows: Windows) -> None:
    windows.allow(422, "/ui/submit/plot")
    page = windows.open(house.open)
    page.goto("ui/submit/plot")
    page.get_by_label("date", exact=True).fill("2023-05-05")
    page.get_by_label("start", exact=True).fill("2023-02-02")
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("start", exact=True)).to_have_value("2023-02-02")
    page.get_by_label("date", exact=True).fill("")
    submitted(page)


def test_a_field_is_refused_by_its_name(house: House, windows: Windows) -> None:
    """The server's word, not the browser's: what the browser would hold back is sent all the same."""
    windows.allow(422, "/ui/submit/top_locations")
    page = windows.open(house.open)
    page.goto("ui/submit/top_locations")
    page.locator("form.form").evaluate("form => { form.noValidate = true }")
    page.get_by_label("n", exact=True).fill("-3")
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    field = page.get_by_label("n", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("greater|least"))
    expect(field).to_have_value("-3")


def test_a_running_job_is_watched(house: House, windows: Windows, gate: tuple[str, Callable[[], None]]) -> None:
    """Progress and log come by themselves, and the end does; nothing is loaded anew."""
    path, release = gate
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{house.submit('talk', {'lines': 3, 'path': path})}")
    page.evaluate("window.same = true")
    expect(page.locator("#progress progress")).to_have_attribute("value", "3")
    expect(page.locator("#log")).to_contain_text("line 0")  # the lines right after it come with the next one, or the end
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(STATUS).first).to_have_text("running")
    release()
    expect(page.locator(STATUS).first).to_have_text("done")
    expect(page.locator("#log")).to_contain_text("line 2")
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    assert page.evaluate("window.same") is True


def test_what_a_viewer_does_is_not_disturbed(house: House, windows: Windows, gate: tuple[str, Callable[[], None]]) -> None:
    """The list renews itself, but a row that is chosen stays so, and the focus where it is."""
    page = windows.open(house.open)
    older = house.submit("echo", {"value": 1})
    house.ended(older)
    page.goto("ui/jobs")
    expect(page.locator("#live")).to_have_text("live")
    box = page.get_by_label(f"Choose {older}")
    box.check()
    newer = house.submit("echo", {"value": 2})
    house.ended(newer)
    page.wait_for_timeout(2_500)  # two rounds of what would renew it
    expect(box).to_be_checked()
    box.uncheck()
    page.get_by_role("heading", name="Jobs").click()
    expect(page.get_by_label(f"Choose {newer}")).to_be_attached()


def test_a_failed_job_is_retried(house: House, windows: Windows) -> None:
    jid = house.submit("flaky", {"times": 1, "message": "the first time"})
    assert house.ended(jid) == "failed"
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{jid}")
    expect(page.locator("#outcome")).to_contain_text("the first time")
    page.get_by_text("Traceback").first.click()
    expect(page.locator("#outcome pre").first).to_contain_text("RuntimeError")
    page.get_by_role("button", name="Retry").click()
    said(page, "run again")
    expect(page.locator("#timeline")).to_contain_text("Run 0: failed")
    house.ended(jid)


def test_failures_that_are_alike_are_retried_together(house: House, windows: Windows) -> None:
    path = [house.submit("split_bill", {"total": number, "people": 0}) for number in range(3)]
    assert {house.ended(jid) for jid in path} == {"failed"}
    page = windows.open(house.open)
    page.goto("ui/failures")
    row = page.locator("tr", has_text="split_bill")
    row.get_by_role("button", name="Retry all like this").click()
    expect(page.locator(".said")).to_contain_text(re.compile(r"\d"))
    for jid in path:
        house.ended(jid)
        assert house.http.get(f"/jobs/{jid}").json()["run"] >= 1


def test_many_jobs_are_chosen_and_deleted_and_the_browser_asks_first(house: House, windows: Windows) -> None:
    ids = [house.submit("echo", {"value": "to delete"}) for _ in range(3)]
    for jid in ids:
        house.ended(jid)
    page = windows.open(house.open)
    page.goto("ui/jobs?search=to+delete")
    page.get_by_label("Choose all on this page").check()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    assert house.http.get(f"/jobs/{ids[0]}").status_code == 200
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".said")).to_contain_text("3")
    assert {house.http.get(f"/jobs/{jid}").status_code for jid in ids} <= {404, 410}


def test_a_running_job_is_cancelled(house: House, windows: Windows, gate: tuple[str, Callable[[], None]]) -> None:
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{house.submit('gate', {'path': gate[0]})}")
    expect(page.locator(STATUS).first).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(STATUS).first).to_have_text("cancelled")


def test_a_job_is_run_again_with_changes(house: House, windows: Windows) -> None:
    jid = house.submit("top_locations", {"n": 4})
    assert house.ended(jid) == "complete"
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{jid}")
    page.get_by_role("link", name="Run again with changes").click()
    expect(page.get_by_label("n", exact=True)).to_have_value("4")
    page.get_by_label("n", exact=True).fill("2")
    other = submitted(page)
    assert other != jid
    expect(page.locator("#outcome tbody tr")).to_have_count(2)


def test_a_form_that_is_sent_twice_makes_one_job(house: House, windows: Windows) -> None:
    page = windows.open(house.open)
    page.goto("ui/submit/count_words")
    page.get_by_label("text").fill("sent twice")
    fields = page.locator("form.form").evaluate("form => Object.fromEntries(new FormData(form))")
    address = page.locator("form.form").get_attribute("action")
    assert address is not None
    ends = [page.request.post(address, form=fields).url for _ in range(2)]
    assert ends[0] == ends[1]
    fields["params.text"] = "another text"
    assert page.request.post(address, form=fields).status == 409


def test_what_a_job_holds_is_text_and_nothing_else(house: House, windows: Windows) -> None:
    """Markup in parameters, results, errors and logs is shown as it was written."""
    nasty = "<img src=x onerror=alert(1)></code></pre><script>alert(2)</script>"
    page = windows.open(house.open)
    page.on("dialog", lambda dialog: windows.complaints.append(dialog.message))
    for jid in (house.submit("echo", {"value": nasty}), house.submit("flaky", {"times": 9, "message": nasty})):
        house.ended(jid)
        for address in (f"ui/jobs/{jid}", "ui/jobs", "ui/failures", "ui"):
            page.goto(address)
            assert page.locator("main img[src='x'], main script").count() == 0
    page.goto(f"ui/jobs?search={nasty[:12]}")
    assert page.locator("main img[src='x']").count() == 0


def test_without_javascript_a_job_is_submitted_retried_and_deleted(house: House, windows: Windows) -> None:
    page = windows.open(house.open, java_script_enabled=False)
    page.goto("ui/submit/split_bill")
    page.get_by_label("total").fill("10")
    page.get_by_label("people").fill("0")
    jid = submitted(page)
    assert house.ended(jid) == "failed"
    page.reload()
    page.get_by_role("button", name="Retry").click()
    said(page, "run again")
    assert house.ended(jid) == "failed"
    page.reload()
    page.get_by_role("button", name="Delete").click()
    said(page, "Deleted")
    assert house.http.get(f"/jobs/{jid}").status_code in (404, 410)


def test_the_same_as_curl_works(house: House, windows: Windows) -> None:
    jid = house.submit("incidents_by_road", {"road": "o'neill & sons"})
    page = windows.open(house.open)
    page.goto(f"ui/jobs/{jid}")
    command = shlex.split(page.locator("#as-curl").inner_text())
    assert command[0] == "curl"
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert '"road":"o\'neill & sons"' in answer


def test_the_same_as_python_is_copied_where_scripts_run(house: House, jobs: Jobs, windows: Windows) -> None:
    page = windows.open(house.open, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"ui/jobs/{jobs.table}")
    page.locator("[data-copy=as-python]").click()
    expect(page.locator("[data-copy=as-python]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#as-python").inner_text().strip()
    plain = windows.open(house.open, java_script_enabled=False)
    plain.goto(f"ui/jobs/{jobs.table}")
    expect(plain.locator("#as-python")).to_be_visible()
    expect(plain.locator("[data-copy=as-python]")).to_be_hidden()
