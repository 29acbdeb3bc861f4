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
        code, shown = face.shell("deliveries", failing["id"])
        assert (code, "delivered" in shown) == (0, True)
        face.client.job(failing["id"]).delete()
