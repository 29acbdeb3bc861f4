"""Senders on a real server: what an attempt leads to, webhooks that arrive or are given up, and e-mail."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from lib.jobs import Jobs, Submission
from lib.sending import ATTEMPTS, PAUSES, Outcome, Senders, judged, verdict
from lib.settings import Settings
from lib.webhooks import Answer
from tests.receivers import Mailbox, Receiver, mailbox, status
from tests.unit.telling import PUBLIC, bring_forward, end, log, submitted, telling
from tests.waiting import until


@pytest.fixture
def jobs(settings: Settings) -> Iterator[Jobs]:
    """A queue whose jobs may tell of their end."""
    yield from telling(settings)


@pytest.fixture
def sending_(jobs: Jobs) -> Iterator[Jobs]:
    """The queue with its senders running."""
    senders = Senders(jobs)
    senders.start()
    yield jobs
    senders.stop()


# What an attempt means


@pytest.mark.parametrize(
    ("answer", "tries", "state", "low", "high"),
    [
        (Answer(200, None), 1, "delivered", 0, 0),
        (Answer(299, None), 8, "delivered", 0, 0),
        (Answer(500, None), 1, "pending", PAUSES[0], 1.2 * PAUSES[0]),
        (Answer(404, None), 7, "pending", PAUSES[6], 1.2 * PAUSES[6]),
        (Answer(500, None), 8, "failed", 0, 0),
        (Answer(302, None), 2, "pending", PAUSES[1], 1.2 * PAUSES[1]),
        (Answer(410, None), 1, "failed", 0, 0),
        (Answer(429, "120"), 1, "pending", 120, 120),
        (Answer(503, "1"), 1, "pending", PAUSES[0], 1.2 * PAUSES[0]),
        (Answer(503, "9" * 30), 1, "pending", 86_400, 86_400),
        (Answer(503, "soon"), 1, "pending", PAUSES[0], 1.2 * PAUSES[0]),
        (Answer(503, "Fri, 31 Dec 9999 23:59:59 GMT"), 1, "pending", 86_400, 86_400),
        (Answer(503, "Fri, 31 Dec 1999 23:59:59 GMT"), 1, "pending", PAUSES[0], 1.2 * PAUSES[0]),
    ],
)
def test_what_an_answer_leads_to(answer: Answer, tries: int, state: str, low: float, high: float) -> None:
    found, delay = verdict(judged(answer), tries)
    assert found == state
    assert low <= delay <= high


def test_the_attempts_are_spread_over_about_a_day() -> None:
    assert ATTEMPTS == 8
    assert 0.9 * 86_400 < sum(PAUSES) < 1.1 * 86_400
    assert len({verdict(Outcome(error="no"), 5)[1] for _ in range(5)}) == 5


# Sent


def test_a_failure_is_tried_again_until_it_arrives(sending_: Jobs, there: Receiver) -> None:
    there.answer = lambda handler, number: status(500 if number < 2 else 204)(handler, number)
    jid = submitted(sending_, {"webhook": there.url})
    end(sending_, result={"n": 1})
    for n in range(2):
        until(lambda n=n: len(log(sending_, jid)[0].attempts) == n + 1, 10, "an attempt")  # type: ignore[misc]
        assert (log(sending_, jid)[0].state, len(there.received)) == ("pending", n + 1)
        bring_forward(sending_, log(sending_, jid)[0].id)
    until(lambda: log(sending_, jid)[0].state == "delivered", 10, "the delivery")
    assert [(each["status"], each["error"]) for each in log(sending_, jid)[0].attempts] == [
        (500, "the receiver answered 500"),
        (500, "the receiver answered 500"),
        (204, None),
    ]
    assert {each.id for each in there.received} == {f"job_{jid}_0_1"}
    assert all(each.is_signed() for each in there.received)


def test_what_is_large_is_left_out_and_named(sending_: Jobs, there: Receiver) -> None:
    jid = submitted(sending_, {"webhook": there.url}, params={"text": "x" * 20_000})
    end(sending_, result="y" * 70_000)
    (told,) = until(lambda: there.received, 10, "the webhook")
    data = told.json["data"]
    assert (data["result"], data["input"], data["omitted"], data["url"]) == (None, None, ["result", "input"], f"/jobs/{jid}")
    assert (data["id"], data["status"], told.json["type"]) == (jid, "complete", "job.complete")
    assert "notify" not in data
    assert len(told.body) < 4_000


def test_an_address_that_became_private_fails_at_once(sending_: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr("lib.egress.socket", SimpleNamespace(getaddrinfo=lambda *_, **__: found, SOCK_STREAM=socket.SOCK_STREAM))
    jid = submitted(sending_, PUBLIC)
    sending_.cancel(jid)
    until(lambda: log(sending_, jid)[0].state == "failed", 10, "the end of it")
    (attempt,) = log(sending_, jid)[0].attempts
    assert "not public" in attempt["error"]


def test_a_delivery_that_kills_its_senders_is_given_up(jobs: Jobs) -> None:
    jid = submitted(jobs, PUBLIC)
    jobs.cancel(jid)
    for n in range(ATTEMPTS):  # taken, and never settled
        taken = jobs.take_delivery(f"{n}")
        assert taken is not None
        bring_forward(jobs, taken.id)
    senders = Senders(jobs)
    senders.start()
    until(lambda: log(jobs, jid)[0].state == "failed", 10, "the end of it")
    senders.stop()
    assert "died" in log(jobs, jid)[0].attempts[0]["error"]


def test_a_fault_of_ours_counts_as_an_attempt(sending_: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.notices.webhook", lambda *_: 1 / 0)
    jid = submitted(sending_, PUBLIC)
    sending_.cancel(jid)
    until(lambda: log(sending_, jid)[0].attempts, 10, "the attempt")
    (delivery,) = log(sending_, jid)
    assert (delivery.state, delivery.attempts[0]["error"]) == ("pending", "ZeroDivisionError within the service")


def test_nothing_due_costs_one_script_a_look(jobs: Jobs) -> None:
    jobs.take_delivery("warm")
    before = jobs.store.records.info("commandstats")
    assert jobs.take_delivery("one") is None
    after = jobs.store.records.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    calls = {name.removeprefix("cmdstat_"): number for name, number in calls.items() if number}
    assert calls.keys() <= {"evalsha", "time", "select", "exists", "hget", "zrangebyscore", "info"}
    assert calls["zrangebyscore"] == 1


# E-mail


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as made:
        yield made


@pytest.fixture
def mailing(settings: Settings, box: Mailbox) -> Iterator[Jobs]:
    """A queue that sends mail to the box, with its senders running."""
    more = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_tls": "off", "smtp_from": "Jobs <jobs@example.org>"}
    login = {"smtp_username": "ann", "smtp_password": "secret", "public_url": "https://jobs.example.org"}
    jobs = Jobs(settings.model_copy(update=more | login))
    senders = Senders(jobs)
    senders.start()
    yield jobs
    senders.stop()
    jobs.close()


def test_a_mail_says_how_it_ended_and_cannot_be_given_headers(mailing: Jobs, box: Mailbox) -> None:
    jid = mailing.submit(Submission("x\r\nBcc: all@example.org", notify=[{"email": "ann@example.org"}])).id
    end(mailing, error="zwölf\r\n.\r\nQUIT")
    until(lambda: log(mailing, jid)[0].state == "delivered", 10, "the mail")
    (mail,) = box.mails
    assert (mail["To"], mail["From"], box.recipients) == ("ann@example.org", "Jobs <jobs@example.org>", ["ann@example.org"])
    assert " ".join(mail["Subject"].split()) == f"x Bcc: all@example.org {jid} has failed"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == f"<job_{jid}_0_1@example.org>"
    assert box.logins == ["\0ann\0secret"]
    text = mail.get_content()  # type: ignore[attr-defined]
    assert "E: zwölf" in text
    assert f"https://jobs.example.org/jobs/{jid}" in text


@pytest.mark.parametrize(("refusal", "state", "code"), [("550 no such user", "failed", 550), ("451 later", "pending", 451)])
def test_a_refusal_for_good_is_the_end_and_one_for_now_is_not(
    mailing: Jobs, box: Mailbox, refusal: str, state: str, code: int
) -> None:
    box.refusals.append(refusal)
    jid = submitted(mailing, {"email": "ann@example.org"})
    mailing.cancel(jid)
    until(lambda: log(mailing, jid)[0].attempts, 10, "the attempt")
    (delivery,) = log(mailing, jid)
    assert delivery.state == state
    assert str(code) in delivery.attempts[0]["error"]
    if state == "pending":
        bring_forward(mailing, delivery.id)
        until(lambda: box.mails, 10, "the mail")
