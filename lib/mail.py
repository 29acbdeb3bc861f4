"""One e-mail about the end of a job, handed to the SMTP server that the settings name."""

import smtplib
import socket
import ssl
import time
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any

from lib.egress import Endpoint
from lib.outgoing import connected, left
from lib.settings import Settings

TIMEOUT = 15.0  # seconds for everything, from the connection to the server's last word; half a lease of a delivery


class MailRefused(Exception):
    """The server will not take this mail, now or later. `code` is SMTP's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Server(smtplib.SMTP):
    """A server that has until `end` for all that it is asked: smtplib itself gives each word so long."""

    def __init__(self, host: str, port: int, tls: bool, end: float) -> None:
        self._tls, self._end = tls, end
        super().__init__(host, port)

    def __exit__(self, *error: Any) -> None:
        """What the server said of the mail holds, whatever it says when asked to end."""
        try:
            super().__exit__(*error)
        except OSError:
            self.close()

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        return connected(Endpoint(self._tls, host, port, ""), addresses, self._end)

    def send(self, s: Any) -> None:
        self._hurry()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        self._hurry()
        return super().getreply()

    def _hurry(self) -> None:
        if self.sock is not None:
            try:
                self.sock.settimeout(left(self._end))
            except TimeoutError:
                self.close()
                raise smtplib.SMTPServerDisconnected("the mail server took too long") from None


def message(settings: Settings, identity: str, to: str, subject: str, text: str) -> EmailMessage:
    """A mail whose Message-ID is the delivery's, so that one that is sent twice is known by it.

    Raises: ValueError where an address or the subject could not be a header.
    """
    sender = settings.smtp_from or ""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Date"] = formatdate(usegmt=True)
    made["Message-ID"] = f"<{identity}@{parseaddr(sender)[1].partition('@')[2] or 'trafficjobs'}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, cte="quoted-printable")
    return made


def send(settings: Settings, mail: EmailMessage) -> None:
    """Hand a mail to the server, within TIMEOUT unless the lookup of its name takes longer.

    Raises:
        MailRefused: for good.
        OSError (smtplib.SMTPException): not now.
    """
    end = time.monotonic() + TIMEOUT
    with _Server(settings.smtp_host or "", settings.smtp_port, settings.smtp_tls == "tls", end) as server:
        if settings.smtp_tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password or "")
        try:
            server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            ((code, said),) = error.recipients.values()
            _refuse(code, said)
            raise
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            _refuse(error.smtp_code, error.smtp_error)
            raise


def _refuse(code: int, said: bytes | str) -> None:
    """Raises MailRefused where the answer is one for good."""
    if code >= 500:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        raise MailRefused(code, f"the mail server refused it: {code} {text}"[:300])
