"""The senders: threads beside upkeep that take deliveries which are due, send them, and write down what came of it.

Any number of processes may run them: each delivery is leased to one at a time, and is due again when its sender died. A slow
receiver holds up one thread, and no more than two of a process.
"""

import http.client
import logging
import random
import secrets
import smtplib
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lib import mail, notices, webhooks
from lib.deliveries import Delivery
from lib.egress import Egress, Refused
from lib.errors import JobsError, UnknownBatch, UnknownJob
from lib.jobs import Jobs
from lib.jsonable import iso_utc
from lib.signing import secrets_of

logger = logging.getLogger("trafficjobs.deliveries")

THREADS = 8  # mostly waiting
PER_HOST = 2  # threads that one host may hold
# Seconds before the 2nd, 3rd, ... attempt: eight within a day.
PAUSES = (10.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0, 57_600.0)
ATTEMPTS = len(PAUSES) + 1
_JITTER = 0.2  # each pause is lengthened by up to this fraction
_LONGEST_RETRY_AFTER = 86_400.0  # seconds
_GONE = 410


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    Args:
        status: of HTTP or SMTP, where there was one.
        error: what went wrong; None where it was delivered.
        final: whether there is no use in trying again.
        wait: seconds that the receiver wants to be left alone.
    """

    status: int | None = None
    error: str | None = None
    final: bool = False
    wait: float = 0.0


class Senders:
    """The threads of one process.

    Args:
        jobs: the queue whose deliveries they send.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._settings = jobs.settings
        self._egress = Egress(jobs.settings.webhook_allow)
        self._keys = secrets_of(jobs.settings.webhook_secret or "")
        self._stop = threading.Event()
        self._looking = threading.Lock()  # one thread looks for work at a time
        self._busy: Counter[str] = Counter()  # attempts under way, by host
        self._guard = threading.Lock()  # of `_busy`
        self._look = threading.Event()  # there may be something to take before the next time to look
        self._away = False
        self._threads = [threading.Thread(target=self._run, name=f"sender-{n}", daemon=True) for n in range(THREADS)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = webhooks.TIMEOUT + 2) -> None:
        """Take nothing more, and wait up to `timeout` seconds for what is being sent; the rest is sent by somebody else."""
        self._stop.set()
        self._look.set()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._looking:
                delivery = self._next()
            if delivery is not None:
                try:
                    self._handle(delivery)
                except JobsError as error:  # it is due again when its lease is over
                    logger.warning("Delivery %s: its outcome is not written: %s", delivery.id, error)
                except Exception:
                    logger.exception("Delivery %s", delivery.id)
                finally:
                    self._let_go(delivery.host)

    def _let_go(self, host: str) -> None:
        with self._guard:
            more = self._busy[host] >= PER_HOST  # for it may wait, and whoever looks waits for the time to look again
            self._busy -= Counter([host])
        if more:
            self._look.set()

    def _next(self) -> Delivery | None:
        """Wait for a delivery; None at the end."""
        while not self._stop.is_set():
            try:
                with self._guard:
                    busy = [host for host, number in self._busy.items() if number >= PER_HOST]
                delivery = self._jobs.take_delivery(secrets.token_urlsafe(16), busy)
                self._away = False
                if delivery is not None:
                    with self._guard:
                        self._busy[delivery.host] += 1
                    return delivery
            except JobsError as error:
                if not self._away:
                    logger.warning("%s", error)
                self._away = True
            except Exception:
                logger.exception("looking for deliveries failed")
            if self._look.wait(self._settings.upkeep_interval):
                self._look.clear()
        return None

    def _handle(self, delivery: Delivery) -> None:
        at, began = datetime.now(UTC), time.monotonic()
        outcome = self._attempt(delivery)
        attempt = {
            "at": iso_utc(at),
            "seconds": round(time.monotonic() - began, 3),
            "status": outcome.status,
            "error": outcome.error,
        }
        state, delay = verdict(outcome, delivery.tries)
        self._jobs.settle_delivery(delivery, state, attempt, delay)
        level = logging.INFO if state == "delivered" else logging.WARNING
        logger.log(
            level,
            "Delivery %s to %s: %s",
            delivery.id,
            delivery.host,
            outcome.error or state,
            extra={delivery.kind: delivery.owner},
        )

    def _attempt(self, delivery: Delivery) -> Outcome:
        if delivery.tries > ATTEMPTS:
            return Outcome(error="every process that sent it died meanwhile", final=True)
        try:
            record = self._record(delivery)
            return self._post(delivery, record) if delivery.channel == "webhook" else self._mail(delivery, record)
        except JobsError:
            raise
        except Exception as error:  # of ours; it must not be tried for ever
            logger.exception("Delivery %s cannot be sent", delivery.id)
            return Outcome(error=f"{type(error).__name__} within the service")

    def _record(self, delivery: Delivery) -> dict[str, Any]:
        """What is told."""
        try:
            if delivery.kind == "batch":
                return self._jobs.batch(delivery.owner).to_dict()
            return self._jobs.look(delivery.owner).to_dict()
        except (UnknownJob, UnknownBatch):  # deleted since: the delivery went with it, and nothing will be written
            return {"id": delivery.owner, "status": delivery.event}

    def _post(self, delivery: Delivery, record: dict[str, Any]) -> Outcome:
        if not self._keys:
            return Outcome(error="WEBHOOK_SECRET is not set")
        body = notices.webhook(delivery, record, self._settings.public_url)
        try:
            answer = webhooks.post(
                self._egress, delivery.to, delivery.id, body, self._keys, traceparent=record.get("traceparent")
            )
        except Refused as error:
            return Outcome(error=str(error), final=True)
        except TimeoutError:
            return Outcome(error=f"no answer within {webhooks.TIMEOUT:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Outcome(error=f"{type(error).__name__}: {error}"[:300])
        return judged(answer)

    def _mail(self, delivery: Delivery, record: dict[str, Any]) -> Outcome:
        if self._settings.smtp_host is None:
            return Outcome(error="SMTP_HOST is not set")
        subject, text = notices.email(delivery, record, self._settings.public_url)
        try:
            mail.send(self._settings, mail.message(self._settings, delivery.id, delivery.to, subject, text))
        except mail.MailRefused as error:
            return Outcome(error.code, str(error), final=True)
        except OSError as error:
            code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None
            return Outcome(code, f"{type(error).__name__}: {error}"[:300])
        return Outcome(250)


def judged(answer: webhooks.Answer) -> Outcome:
    """What a status means."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, f"the receiver redirects ({status}); redirects are not followed")
    if status == _GONE:
        return Outcome(status, "the receiver is gone for good (410)", final=True)
    return Outcome(status, f"the receiver answered {status}", wait=_seconds(answer.retry_after))


def verdict(outcome: Outcome, tries: int) -> tuple[str, float]:
    """The state in which an attempt leaves its delivery, and the seconds until the next one."""
    if outcome.error is None:
        return "delivered", 0.0
    if outcome.final or tries >= ATTEMPTS:
        return "failed", 0.0
    pause = PAUSES[tries - 1] * (1 + random.uniform(0, _JITTER))
    return "pending", max(pause, min(outcome.wait, _LONGEST_RETRY_AFTER))


def _seconds(retry_after: str | None) -> float:
    """Of the header Retry-After: seconds, or a date."""
    if not retry_after:
        return 0.0
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except ValueError:
        return 0.0
