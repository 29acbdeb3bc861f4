"""Backoff becomes intervals, and what cannot be is refused by its field."""

import pytest

from lib.errors import InvalidInput
from lib.jobs import Backoff, Jobs, Retry, Submission


@pytest.mark.parametrize(
    ("backoff", "most", "intervals"),
    [
        (Backoff(1), 4, (1, 2, 4, 8)),
        (Backoff(1, 2, 5), 6, (1, 2, 4, 5)),  # the last one repeats
        (Backoff(3, 1), 5, (3,)),
        (Backoff(10, 2, 5), 3, (5,)),
        (Backoff(0, 2), 5, (0,)),
        (Backoff(0.5, 10, 20), 3, (0.5, 5.0, 20)),
        (Backoff(1, 1e6), 100, (1, 1e6, 10 * 366 * 86_400)),
        (Backoff(1), 0, ()),
    ],
)
def test_a_backoff_becomes_intervals(backoff: Backoff, most: int, intervals: tuple[float, ...]) -> None:
    assert Retry(most, backoff=backoff).intervals == intervals


@pytest.mark.parametrize(
    ("backoff", "field"),
    [
        (Backoff(-1), "first"),
        (Backoff(float("nan")), "first"),
        (Backoff(1, 0.5), "factor"),
        (Backoff(1, float("inf")), "factor"),
        (Backoff(10, 2, -1), "longest"),
        (Backoff(1, 2, 1e12), "longest"),
    ],
)
def test_a_backoff_out_of_range_is_refused(backoff: Backoff, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Retry(3, backoff=backoff)
    assert refused.value.field == f"retry.backoff.{field}"


def test_intervals_and_a_backoff_are_one_too_many(jobs: Jobs) -> None:
    with pytest.raises(InvalidInput, match="give one of them"):
        Retry(3, (1, 2), backoff=Backoff(1))
    jobs.submit(Submission("x", id="one", retry=Retry(3, backoff=Backoff(1, 3, 5), jitter=0.5)))
    assert jobs.get("one").retry == {"max": 3, "intervals": [1, 3, 5], "jitter": 0.5}
