"""A mail server that is slow: an attempt has one time for all of it, which ends before its lease does."""

import time

import pytest

from lib import mail
from lib.deliveries import LEASE
from lib.settings import Settings
from tests.receivers import mailbox


def send(settings: Settings, port: int) -> None:
    more = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "jobs@example.org", "smtp_tls": "off"}
    made = settings.model_copy(update=more)
    mail.send(made, mail.message(made, "job_1_0_1", "ann@example.org", "done", "It is done."))


def test_an_attempt_ends_in_its_time_however_many_words_come(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.6)
    with mailbox() as box:
        box.pause = 0.25
        began = time.monotonic()
        with pytest.raises(OSError):
            send(settings, box.port)
        assert time.monotonic() - began < 5 * 0.6
        assert box.mails == []


def test_an_attempt_ends_well_before_its_lease() -> None:
    assert mail.TIMEOUT <= LEASE / 2
