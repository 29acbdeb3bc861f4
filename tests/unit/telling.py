"""Jobs that tell of their end, and their deliveries."""

from collections.abc import Iterator
from typing import Any

import orjson

from lib.claims import complete, failed
from lib.deliveries import Delivery
from lib.jobs import Jobs, Submission
from lib.settings import Settings
from tests.receivers import SECRET

PUBLIC = {"webhook": "https://example.org/hook"}


def telling(settings: Settings) -> Iterator[Jobs]:
    """A queue whose jobs may tell of their end, as a fixture has it."""
    made = Jobs(settings.model_copy(update={"webhook_secret": SECRET, "webhook_allow": ["127.0.0.1/32"]}))
    yield made
    made.close()


def submitted(jobs: Jobs, *targets: dict[str, Any], **more: Any) -> str:
    return jobs.submit(Submission("x", notify=targets, **more)).id


def end(jobs: Jobs, result: Any = None, error: str = "") -> None:
    """Run the next job to its end."""
    claim = jobs.claim("child", "worker", [jobs.settings.queue_name])
    assert claim is not None
    said = failed({"type": "E", "message": error, "reason": "exception"}) if error else complete(orjson.dumps(result))
    jobs.finish(claim, said)


def log(jobs: Jobs, jid: str) -> list[Delivery]:
    return jobs.deliveries("job", jid)


def bring_forward(jobs: Jobs, delivery: str) -> None:
    """Let a delivery be due now."""
    jobs.store.records.zadd(f"{jobs.store.prefix}deliveries.due", {delivery: 1})


def left(jobs: Jobs) -> set[str]:
    """Names of all keys that have to do with deliveries."""
    return {key.decode().removeprefix(jobs.store.prefix) for key in jobs.store.records.keys(f"{jobs.store.prefix}*deliver*")}
