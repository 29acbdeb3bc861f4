"""Our queue as the bench opens it, with the benchmark's jobs as its operations."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.environments import ROOT
from lib.jobs import Jobs
from lib.operations import load_catalog
from lib.settings import Settings, load_settings

OPERATIONS = ROOT / "bench" / "operations"
QUEUE_LIMIT = 10_000_000


def our_settings(port: int, **more: object) -> Settings:
    """Of a release on that server that takes as many jobs as come."""
    return load_settings(redis_ip="127.0.0.1", redis_port=port, queue_limit=QUEUE_LIMIT, **more)


@contextmanager
def our_queue(port: int) -> Iterator[Jobs]:
    """An open queue on that server."""
    jobs = Jobs(our_settings(port), load_catalog(OPERATIONS))
    yield jobs
    jobs.close()
