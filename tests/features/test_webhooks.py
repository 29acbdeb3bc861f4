"""A job tells a URL of its end: signed, again after a failure, and with a log of what became of it."""

from tests.features.conftest import Face
from tests.receivers import receiver, status
from tests.waiting import until


def test_a_signed_webhook_tells_of_the_end_and_the_log_says_that_it_arrived(face: Face) -> None:
    with receiver() as there:
        job = face.submit("echo", params={"value": 42}, notify=[{"webhook": f"{there.url}/done?key=secret"}])
        (told,) = until(lambda: there.of(job["id"]), 20, "the webhook")
        assert told.path == "/done?key=secret"
        assert told.is_signed()
        assert (told.json["type"], told.json["data"]["status"], told.json["data"]["result"]) == ("job.complete", "complete", 42)

        def delivered() -> dict[str, object] | None:
            (delivery,) = face.http.get(f"/jobs/{job['id']}/deliveries").json()["deliveries"]
            return delivery if delivery["state"] == "delivered" else None

        log = until(delivered, 10, "the delivery's end")
        assert log["webhook"] == f"{there.url}/done?***"
        assert [attempt["status"] for attempt in log["attempts"]] == [204]  # type: ignore[attr-defined]


def test_who_wants_to_hear_of_failures_hears_of_failures_and_may_be_told_again(face: Face) -> None:
    with receiver() as there:
        there.answer = status(503)
        job = face.submit("echo", notify=[{"webhook": there.url, "on": ["failed"]}])
        assert face.wait(job)["status"] == "complete"
        failing = face.submit("flaky", params={"times": 9}, notify=[{"webhook": there.url, "on": ["failed"]}])
        until(lambda: there.of(failing["id"]), 20, "the webhook")
        (delivery,) = face.client.job(failing["id"]).deliveries()
        there.answer = status(200)
        face.client.job(failing["id"]).resend(delivery["id"])
        until(lambda: face.client.job(failing["id"]).deliveries()[0]["state"] == "delivered", 20, "the second attempt")
        assert {each.id for each in there.of(failing["id"])} == {delivery["id"]}
        assert there.of(job["id"]) == []
        face.client.job(failing["id"]).delete()


def test_the_command_line_and_the_client_name_whom_to_tell(face: Face) -> None:
    with receiver() as there:
        words = ["--notify", there.url, "--notify-on", "complete", "--failed-ttl", 60, "--wait"]
        code, told = face.shell("submit", "echo", "--id", "told-by-cli", *words)
        assert code == 0, told
        by_client = face.client.submit("echo", notify=[there.url, {"webhook": there.url, "on": ["failed"]}], failed_ttl=60)
        until(lambda: there.of("told-by-cli") and there.of(by_client.id), 20, "both webhooks")
        assert face.get("told-by-cli")["notify"] == [{"webhook": there.url, "on": ["complete"]}]
        assert len(face.get(by_client.id)["notify"]) == 2
        until(lambda: "delivered" in face.shell("deliveries", "told-by-cli")[1], 10, "the log")
        assert face.shell("resend", "told-by-cli", "job_told-by-cli_0_1") == (0, "job_told-by-cli_0_1 is sent soon\n")
        until(lambda: len(there.of("told-by-cli")) == 2, 20, "the webhook again")
        assert face.shell("resend", "told-by-cli", "job_other_0_1")[0] == 3
        assert "belongs to --notify" in face.shell("submit", "echo", "--notify-on", "failed")[1]
        sid = face.shell("schedule", "new", "echo", "--every", 3600, "--notify", there.url)[1].split()[0]
        assert face.client.schedule(sid)["job"]["notify"] == [{"webhook": there.url}]
        face.client.delete_schedule(sid)
