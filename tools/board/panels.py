"""What a panel of the board is, and the queries that many of them have.

The numbers of the release are the same in every pod of the API, so they are taken by `max`; what a pod counts for itself, its
requests and its worker, is summed up. `{@` in a query begins a selector of the chosen release's API, `{w` one of its workers.
"""

from dataclasses import dataclass

PER = "[$__rate_interval]"


@dataclass(frozen=True)
class Panel:
    """One panel; queries by their legend."""

    title: str
    unit: str
    description: str
    queries: dict[str, str]
    alerts: tuple[str, ...] = ()
    width: int = 12
    height: int = 8
    kind: str = "timeseries"
    stack: bool = False
    exemplars: bool = False
    # Values of a stat from which on it is shown in another colour.
    colours: tuple[tuple[float, str], ...] = ()
    decimals: int | None = None
    text_mode: str = "value"


def rate(metric: str, labels: str, by: str) -> str:
    """A counter of the release by the second."""
    return f"max by ({by}) (rate({metric}{{@{labels}}}{PER}))"


def quantile(q: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram of the release, over the chosen operations."""
    each = f'max by (le, operation) (rate({metric}_bucket{{@,operation=~"$operation"}}{PER}))'
    return f"histogram_quantile({q}, {each if by else f'sum by (le) ({each})'})"


QUEUE, OPERATION = ',queue=~"$queue"', ',operation=~"$operation"'


def total(metric: str, by: str = "queue, priority") -> str:
    """A gauge of the chosen queues, summed up."""
    return f"sum(max by ({by}) ({metric}{{@{QUEUE}}}))"


def ended(metric: str, by: str = "operation") -> str:
    """Jobs of the chosen operations by the second."""
    return f"sum({rate(metric, OPERATION, by)})"


FAILED, DONE = ended("trafficjobs_jobs_failed_total", "operation, reason"), ended("trafficjobs_jobs_completed_total")
