"""Tests on daily counts: the ratio of two rates, and several tests at once. Pure numbers.

Sources: McCullagh and Nelder, Generalized Linear Models (1989), 4.5 and 6.2 (overdispersed counts); Holm (1979).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np

from lib.arrays import Integers

CONFIDENCE = 0.95


@dataclass(frozen=True)
class RateRatio:
    """The second rate / the first one, its interval, the two-sided p-value of no change, and how counts vary beyond chance."""

    ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None
    dispersion: float | None

    @classmethod
    def unknown(cls) -> Self:
        """Nothing can be said."""
        return cls(None, None, None, None, None)


def rate_ratio(first: Integers, first_strata: Integers, second: Integers, second_strata: Integers) -> RateRatio:
    """Quasi-Poisson rate ratio of two series of counts, standardised over the strata that both have.

    Args:
        first, second: counts, one for each day.
        first_strata, second_strata: small whole numbers, such as the day of the week of each count.

    Returns:
        RateRatio.unknown() where a rate is 0, or no degree of freedom is left.
    """
    shared = np.intersect1d(first_strata, second_strata)
    sides = [(counts[np.isin(strata, shared)], strata[np.isin(strata, shared)])
             for counts, strata in ((first, first_strata), (second, second_strata))]  # fmt: skip
    means, sizes = zip(*(_by_stratum(*side, shared) for side in sides), strict=True) if shared.size else ((), ())
    freedom = sum(counts.size for counts, _ in sides) - 2 * shared.size
    if not shared.size or freedom < 1 or any(mean.sum() == 0 for mean in means):
        return RateRatio.unknown()
    pearson = 0.0
    for (counts, strata), mean in zip(sides, means, strict=True):
        expected = mean[np.searchsorted(shared, strata)]
        pearson += float((np.square(counts - expected) / np.where(expected > 0, expected, 1)).sum())
    dispersion = max(1.0, pearson / freedom)
    variance = sum(
        dispersion * float((mean / size).sum()) / float(mean.sum()) ** 2 for mean, size in zip(means, sizes, strict=True)
    )
    log_ratio, error = math.log(float(means[1].sum()) / float(means[0].sum())), math.sqrt(variance)
    reach = student_quantile(1 - CONFIDENCE, freedom) * error
    return RateRatio(
        math.exp(log_ratio),
        math.exp(log_ratio - reach),
        math.exp(log_ratio + reach),
        student_p(abs(log_ratio) / error, freedom),
        dispersion,
    )


def _by_stratum(counts: Integers, strata: Integers, shared: Integers) -> tuple[Any, Any]:
    """Mean and number of the counts of each stratum."""
    which = np.searchsorted(shared, strata)
    sizes = np.bincount(which, minlength=shared.size)
    return np.bincount(which, counts, shared.size) / sizes, sizes


def student_p(t: float, freedom: int) -> float:
    """Two-sided p-value of Student's t: with t = sqrt(freedom) tan(angle) its density is cos(angle) ** (freedom - 1)."""
    return min(1.0, float(_tail(math.atan(t / math.sqrt(freedom)), freedom)[1][-1] / _tail(0.0, freedom)[1][-1]))


@cache
def student_quantile(p: float, freedom: int) -> float:
    """The t whose two-sided p-value is `p`."""
    angles, below = _tail(0.0, freedom)
    return math.sqrt(freedom) * math.tan(float(np.interp((1 - p) * below[-1], below, angles)))


def _tail(low: float, freedom: int) -> tuple[Any, Any]:
    """Angles from `low` on, closest there, where the density is highest, and its integral up to each."""
    angles = low + (math.pi / 2 - low) * np.square(np.linspace(0, 1, 20_001))
    density = np.exp((freedom - 1) * np.log(np.maximum(np.cos(angles), 1e-300)))
    steps = (density[1:] + density[:-1]) / 2 * np.diff(angles)
    return angles, np.concatenate([[0.0], np.cumsum(steps)])


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for the number of tests (Holm's step-down); None stays None and counts for no test."""
    known = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        corrected[place] = highest
    return corrected
