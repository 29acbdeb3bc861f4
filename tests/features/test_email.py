"""A job sends an e-mail when it ends."""

from tests.features.conftest import Face
from tests.receivers import mailbox
from tests.waiting import until


def test_an_email_says_how_a_job_ended(face: Face) -> None:
    with mailbox(face.service.running["smtp_port"]) as box:
        job = face.submit("flaky", params={"times": 9}, notify=[{"email": "ann@example.org", "on": ["failed"]}])
        (mail,) = until(lambda: box.mails, 20, "the mail")
        assert (mail["To"], mail["From"]) == ("ann@example.org", "jobs@example.org")
        assert mail["Subject"] == f"flaky {job['id']} has failed"
        assert f"/jobs/{job['id']}" in mail.get_payload()
        face.client.job(job["id"]).delete()
