"""How a mail is handed over: within one time for all of it, which ends before its lease does, and under TLS where that is set."""

import ssl
import time
from pathlib import Path

import pytest
import trustme

from lib import mail
from lib.deliveries import LEASE
from lib.settings import Settings
from tests.receivers import mailbox
from tests.tls import TlsProxy


def send(settings: Settings, port: int, host: str = "127.0.0.1", tls: str = "off") -> None:
    more = {"smtp_host": host, "smtp_port": port, "smtp_from": "jobs@example.org", "smtp_tls": tls}
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


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_under_tls_the_certificate_is_the_one_of_the_name(
    tls: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with mailbox() as box:
        proxy = TlsProxy(authority, box.port)
        box.tls = proxy.context
        port = proxy.port if tls == "tls" else box.port
        send(settings, port, "localhost", tls)
        assert (len(box.mails), box.under_tls) == (1, 0 if tls == "tls" else 1)
        with pytest.raises(ssl.SSLCertVerificationError):
            send(settings, port, "127.0.0.1", tls)
        assert len(box.mails) == 1
        proxy.listener.close()


def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_at_the_end(settings: Settings) -> None:
    with mailbox() as box:
        box.bye = "421 too busy to say goodbye"
        send(settings, box.port)
        assert len(box.mails) == 1
