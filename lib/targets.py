"""Whom a job tells of its end: the checks of `notify` when it is submitted. Nothing is looked up or sent here."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lib.egress import ADDRESS, Egress, Refused
from lib.errors import InvalidInput
from lib.settings import Settings
from lib.states import CANCELLED, COMPLETE, FAILED

EVENTS = (COMPLETE, FAILED, CANCELLED)
MOST_TARGETS = 5
_MASK = "***"


def checked(settings: Settings, targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The targets as a record keeps them, each with the events it wants to hear of.

    Args:
        targets: `{"webhook": url}` or `{"email": address}`, each perhaps with `on`, a list of EVENTS.

    Raises: InvalidInput naming the field, such as `notify.0.webhook`.
    """
    if len(targets) > MOST_TARGETS:
        raise InvalidInput("notify", f"must be at most {MOST_TARGETS} targets, not {len(targets)}")
    return [_checked(settings, f"notify.{n}", target) for n, target in enumerate(targets)]


def _checked(settings: Settings, field: str, target: Mapping[str, Any]) -> dict[str, Any]:
    named = [channel for channel in ("webhook", "email") if target.get(channel) is not None]
    if len(named) != 1 or not set(target) <= {"webhook", "email", "on"}:
        raise InvalidInput(field, "must have either webhook or email, and perhaps on")
    given = target.get("on")
    events = list(EVENTS) if given is None else list(dict.fromkeys(given))
    if not events or not set(events) <= set(EVENTS):
        raise InvalidInput(f"{field}.on", f"must be a list of {', '.join(EVENTS)}")
    (channel,) = named
    check = _check_webhook if channel == "webhook" else _check_email
    check(settings, f"{field}.{channel}", target[channel])
    return {channel: target[channel], "on": events}


def _check_webhook(settings: Settings, field: str, url: str) -> None:
    if settings.webhook_secret is None:
        raise InvalidInput(field, "cannot be used here: whoever runs the service must set WEBHOOK_SECRET, which signs webhooks")
    try:
        Egress(settings.webhook_allow).endpoint(url)
    except Refused as error:
        raise InvalidInput(field, str(error)) from None
    if urlsplit(url).query == _MASK:
        raise InvalidInput(field, f"ends in ?{_MASK}, which stands for the query string in answers; send the whole URL")


def _check_email(settings: Settings, field: str, address: str) -> None:
    if settings.smtp_host is None:
        raise InvalidInput(field, "cannot be used here: whoever runs the service must set SMTP_HOST and SMTP_FROM")
    if not ADDRESS.match(address):
        raise InvalidInput(field, "must be an address such as ann@example.org")
    domain = address.rpartition("@")[2].lower()
    if settings.email_allow and domain not in {each.lower() for each in settings.email_allow}:
        raise InvalidInput(field, f"has the domain {domain}; EMAIL_ALLOW lets mail go to {', '.join(settings.email_allow)}")


def masked(url: str) -> str:
    """A URL without its query string, which may hold a secret of the receiver's."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=_MASK)) if parts.query else url


def shown(targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Targets as everybody may see them."""
    return [dict(each) | ({"webhook": masked(each["webhook"])} if "webhook" in each else {}) for each in targets]
