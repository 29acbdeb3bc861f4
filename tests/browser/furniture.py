"""Jobs of every kind for the pages to show, and the addresses of all pages."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.house import House


@dataclass(frozen=True)
class Jobs:
    """Ids of jobs: complete with a picture, with a table and with a log; failed and crashed; and those that wait.

    And of a schedule, and of a batch.
    """

    picture: str
    table: str
    talked: str
    failed: str
    crashed: str
    waiting: str
    scheduled: str
    schedule: str
    batch: str


def furnish(house: House) -> Jobs:
    """Make them, and wait until they are what they are to be."""
    jobs = Jobs(
        picture=house.submit("plot", {"kind": "by_hour"}),
        table=house.submit("top_locations", {"n": 5}),
        talked=house.submit("talk", {"lines": 3}),
        failed=house.submit("split_bill", {"total": 10, "people": 0}),
        crashed=house.submit("crash", {}, id="crashed-job"),
        waiting=house.submit("echo", {"value": '<b>bold & "quoted"</b> ' + "long" * 40}, queue="parked"),
        scheduled=house.submit("echo", {}, run_in=3600),
        schedule=_made(house, "/schedules", {"id": "daily", "cron": "30 6 * * *", "job": {"operation": "unique_issues"}}),
        batch=_made(house, "/batches", {"jobs": [{"operation": "echo"}, {"operation": "flaky", "params": {"times": 9}}]}),
    )
    for jid, status in ((jobs.picture, "complete"), (jobs.talked, "complete"), (jobs.failed, "failed"), (jobs.crashed, "failed")):
        assert house.ended(jid) == status
    return jobs


def _made(house: House, path: str, body: dict[str, Any]) -> str:
    answer = house.http.post(path, json=body).raise_for_status()
    return str(answer.json()["id"])


def addresses(jobs: Jobs) -> dict[str, str]:
    """Every page by a name for its pictures."""
    fixed = ("jobs", "failures", "submit", "schedules", "batches", "queues", "workers", "data", "map")
    return {
        "overview": "ui",
        **{name: f"ui/{name}" for name in fixed},
        "jobs-found": "ui/jobs?status=failed&operation=split_bill",
        "jobs-none": "ui/jobs?search=there-is-no-such-thing",
        "job-picture": f"ui/jobs/{jobs.picture}",
        "job-table": f"ui/jobs/{jobs.table}",
        "job-log": f"ui/jobs/{jobs.talked}",
        "job-failed": f"ui/jobs/{jobs.failed}",
        "job-crashed": f"ui/jobs/{jobs.crashed}",
        "job-waiting": f"ui/jobs/{jobs.waiting}",
        "schedule": f"ui/schedules/{jobs.schedule}/change",
        "schedule-new": "ui/schedules/new",
        "batch": f"ui/batches/{jobs.batch}",
        "form-plot": "ui/submit/plot",
        "form-compare": "ui/submit/compare",
        "form-again": f"ui/submit/top_locations?like={jobs.table}",
    }


NAMES = tuple(addresses(Jobs(*9 * ("x",))))


def sign_in(page: Page, token: str) -> None:
    """Sign in by the form."""
    page.goto("ui/sign-in")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def said(page: Page, words: str) -> None:
    """Expect the sentence that a page says after an action."""
    expect(page.locator(".said").first).to_contain_text(words)
