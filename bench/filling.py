"""Fills a queue that nobody serves with very many jobs, as API and worker do it; for the benchmarks that need a full one."""

import orjson

from lib.claims import complete, failed
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.settings import Settings
from tests.workers import ROOT

OPERATIONS = ROOT / "tests" / "features" / "operations"
QUEUE = "parked"  # served by nobody but this program
_PART = 10_000  # jobs of one call
_FAILS_EVERY, _ENDS_EVERY = 50, 10


def submit_all(jobs: Jobs, count: int) -> None:
    """Submit `count` jobs."""
    for start in range(0, count, _PART):
        numbers = range(start, min(start + _PART, count))
        jobs.submit_many((Submission("echo", {"value": f"number {number}"}) for number in numbers), queue=QUEUE)


def fill(settings: Settings, count: int) -> None:
    """Submit `count` jobs and run a tenth of them to their ends, some of which are failures."""
    jobs = Jobs(settings, load_catalog(OPERATIONS))
    submit_all(jobs, count)
    claim = jobs.claim("bench-child", "bench", [QUEUE])
    for number in range(1, count // _ENDS_EVERY):
        assert claim is not None
        error = {"type": "ValueError", "message": f"number {number} is odd", "reason": "exception"}
        outcome = complete(orjson.dumps(number)) if number % _FAILS_EVERY else failed(error, may_retry=False)
        claim = jobs.turn(claim, outcome, "bench-child", "bench", [QUEUE])[1]
    assert claim is not None
    jobs.finish(claim, complete(b"0"))
    jobs.close()
