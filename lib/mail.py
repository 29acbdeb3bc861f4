"""One e-mail about the end of a job, handed to the SMTP server that the settings name."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from lib.settings import Settings

TIMEOUT = 10.0  # seconds for each word of the server


class MailRefused(Exception):
    """The server will not take this mail, now or later. `code` is SMTP's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    """Hand a mail to the server.

    Raises:
        MailRefused: for good.
        OSError (smtplib.SMTPException): not now.
    """
    host, port = settings.smtp_host or "", settings.smtp_port
    context = ssl.create_default_context()
    if settings.smtp_tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    with server:
        if settings.smtp_tls == "starttls":
            server.starttls(context=context)
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
