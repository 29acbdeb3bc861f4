"""Deliveries: what tells others of the end of a job, kept with it: read, sent again, leased to a sender, settled.

Part of `lib.jobs.Jobs`. The script that ends a job makes its deliveries (`parts/announcing.lua`), so there is one for each
target of each end, whatever dies; `lib.sending` sends them. One may be sent twice, with the same id.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from lib.errors import UnknownDelivery
from lib.records import iso
from lib.store import Store, text
from lib.targets import masked

LEASE = 30.0  # seconds; three times what an attempt may take


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
        ids = self.store.read(lambda rd: rd.lrange(f"{self.store.prefix}{kind}.{owner}.deliveries", 0, -1))
        return list(self._deliveries([each.decode() for each in ids]))

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
        return _delivery(dict(zip(raw[::2], raw[1::2], strict=True))) if raw else None

    def settle_delivery(self, delivery: Delivery, state: str, attempt: dict[str, Any], delay: float = 0.0) -> bool:
        """Write down what became of an attempt; False where its lease had ended and it was dropped.

        Args:
            state: `delivered`, `failed`, or `pending` for another attempt after `delay` seconds.
            attempt: `{"at", "seconds", "status", "error"}`.
        """
        reply = self.store.run("settle_delivery", delivery.id, delivery.token, state, orjson.dumps(attempt), f"{delay:.3f}")
        return bool(text(reply) != "STALE")

    def _deliveries(self, ids: list[str]) -> Iterable[Delivery]:
        def read(rd: Any) -> Any:
            pipeline = rd.pipeline(transaction=False)
            for each in ids:
                pipeline.hgetall(f"{self.store.prefix}delivery.{each}")
            return pipeline.execute()

        return [_delivery(raw) for raw in self.store.read(read) if raw] if ids else []


def _delivery(raw: dict[bytes, bytes]) -> Delivery:
    values = {key.decode(): value.decode("utf-8", "replace") for key, value in raw.items()}
    numbers = sorted(int(key.removeprefix("attempt.")) for key in values if key.startswith("attempt."))
    return Delivery(
        **{name: values[name] for name in ("id", "event", "channel", "to", "host", "state")},
        tries=int(values["tries"]),
        count=int(values["attempts"]),
        created=iso(values["created"]),
        next=iso(values.get("next")),
        attempts=[orjson.loads(values[f"attempt.{n}"]) for n in numbers],
        token=values.get("token", ""),
    )
