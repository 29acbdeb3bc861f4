"""Deliveries: what tells others of the end of a job, kept with it: read, sent again, leased to a sender, settled.

Part of `lib.jobs.Jobs`. The script that ends a job makes its deliveries (`parts/announcing.lua`), so there is one for each
target of each end, whatever dies; `lib.sending` sends them. One may be sent twice, with the same id.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from lib.errors import UnknownDelivery
from lib.reading import Reading, fields_of, text_of
from lib.store import Store, text
from lib.targets import masked

logger = logging.getLogger("trafficjobs.deliveries")

_ID = re.compile(r"(job|batch)_[A-Za-z0-9_-]{1,64}_\d+_\d+\Z")
LEASE = 30.0  # seconds; three times what a webhook may take, twice a mail


@dataclass(frozen=True)
class Delivery:
    """One target of one end.

    Args:
        id: made of what ended, its run and the place of the target.
        kind, owner: `job` or `batch`, and its id.
        channel, to: `webhook` and a URL, or `email` and an address.
        host: whom the attempts share a line with.
        state: `pending`, `delivered` or `failed`.
        tries: how often it was taken since it was made or asked for again, the lease in hand included.
        attempts: what became of them, the last 20: `{"at", "seconds", "status", "error"}`.
        next: when it is tried next; None where it will not be.
    """

    id: str
    event: str
    channel: str
    to: str
    host: str
    state: str
    tries: int
    count: int
    created: str | None
    next: str | None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    token: str = field(default="", repr=False)

    @property
    def kind(self) -> str:
        return self.id.partition("_")[0]

    @property
    def owner(self) -> str:
        return self.id.partition("_")[2].rsplit("_", 2)[0]

    def to_dict(self) -> dict[str, Any]:
        """As HTTP shows it; the query string of a URL is masked."""
        return {
            "id": self.id,
            self.channel: masked(self.to) if self.channel == "webhook" else self.to,
            "event": self.event,
            "state": self.state,
            "created": self.created,
            "next": self.next,
            "attempts": self.attempts,
        }


class Delivering:
    """The telling side of `Jobs`."""

    store: Store

    def deliveries(self, kind: str, owner: str) -> list[Delivery]:
        """Deliveries of a job or batch (the kind), the oldest first; at most 50 are kept."""
        ids = self.store.read(lambda rd: rd.lrange(f"{self.store.prefix}{kind}.{owner}.deliveries", 0, -1), [])
        return list(self._deliveries([text_of(each) for each in ids]))

    def resend(self, kind: str, owner: str, identity: str) -> Delivery:
        """Send a delivery again, or now instead of later, with all its tries anew. Raises UnknownDelivery."""
        known = next((each for each in self.deliveries(kind, owner) if each.id == identity), None)
        if known is None or text(self.store.run("resend_delivery", identity, known.count)) == "UNKNOWN":
            raise UnknownDelivery(f"The {kind} {owner} has no delivery {identity[:100]!r}.")
        (found,) = self._deliveries([identity])
        return found

    def take_delivery(self, token: str, busy: Iterable[str] = ()) -> Delivery | None:
        """The delivery that is due first, leased for LEASE seconds; None where none is.

        Args:
            token: a fresh random one.
            busy: hosts that shall get no more for now.
        """
        raw = self.store.run("take_delivery", token, LEASE, *busy)
        if not raw:
            return None
        values = fields_of(dict(zip(raw[::2], raw[1::2], strict=True)))
        found = _delivery(values)
        if found is None:  # it would be due again and again
            self._give_up(token, values.get("attempts"))
        return found

    def _give_up(self, token: str, attempts: str | None) -> None:
        """End a delivery whose record cannot be read."""
        key = f"{self.store.prefix}deliveries.held"
        held = self.store.read(lambda rd: rd.hget(key, token))
        if held is not None:
            error = {"at": None, "seconds": 0, "status": None, "error": "its record in Redis was changed by another program"}
            self.store.run("settle_delivery", held, token, "failed", orjson.dumps(error), "0")
            logger.warning("Delivery %s cannot be read and is given up", text_of(held))

    def settle_delivery(self, delivery: Delivery, state: str, attempt: dict[str, Any], delay: float = 0.0) -> bool:
        """Write down what became of an attempt; False where its lease had ended and it was dropped.

        Args:
            state: `delivered`, `failed`, or `pending` for another attempt after `delay` seconds.
            attempt: `{"at", "seconds", "status", "error"}`.
        """
        reply = self.store.run("settle_delivery", delivery.id, delivery.token, state, orjson.dumps(attempt), f"{delay:.3f}")
        return bool(text(reply) != "STALE")

    def _deliveries(self, ids: list[str]) -> Iterable[Delivery]:
        def ask(pipeline: Any) -> None:
            for each in ids:
                pipeline.hgetall(f"{self.store.prefix}delivery.{each}")

        found = [_delivery(fields_of(raw)) for raw in self.store.read_each(ask) if raw is not None] if ids else []
        return [each for each in found if each is not None]


def _delivery(values: dict[str, str]) -> Delivery | None:
    """A record; None where there is none, or other programs have damaged it."""
    read = Reading(values)
    names = ("id", "event", "channel", "to", "host", "state")
    if not all(values.get(name) for name in names):
        return None
    attempts = read.numbered("attempt.", dict)
    made = Delivery(
        **{name: values[name] for name in names},
        tries=read.int("tries"),
        count=read.int("attempts"),
        created=read.time("created"),
        next=read.time("next"),
        attempts=attempts,
        token=values.get("token", ""),
    )
    known = values["channel"] in ("webhook", "email") and values["state"] in ("pending", "delivered", "failed")
    return made if known and "tries" not in read.damaged and _ID.match(made.id) else None
