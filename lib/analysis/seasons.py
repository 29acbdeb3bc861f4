"""A series of counts taken apart into level and season, as the classical multiplicative decomposition does. Pure numbers."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from lib.arrays import Floats, Integers, Mask


@dataclass(frozen=True)
class Seasonal:
    """What level and season make likely at each step (NaN where unknown), and the factor of each position of the season."""

    baseline: Floats
    factors: Floats
    """Empty where there is too little to learn a season from."""

    @classmethod
    def none(cls, steps: int) -> Self:
        """Nothing is known."""
        return cls(np.full(steps, np.nan), np.zeros(0))


def seasonal(counts: Floats, positions: Integers, whole: Mask, season: int, window: int) -> Seasonal:
    """Level times season for a series of counts.

    Args:
        positions: of each step within the season, 0 to `season` - 1.
        whole: which counts are complete; the others are not learned from, but get their baseline too.
        season: steps of a season.
        window: steps over which the level is averaged once the season is taken out; odd.
    """
    values = np.where(whole, counts, np.nan)
    factors = np.ones(season)
    enough = np.count_nonzero(whole) >= 2 * season
    if enough:
        level = _whole_seasons(values, season)
        ratio = np.divide(values, level, out=np.full(values.size, np.nan), where=level > 0)
        learned = np.array([_median(ratio[positions == position]) for position in range(season)])
        factors = learned / learned.mean() if learned.mean() > 0 else factors
    # A position whose factor is 0 never had an incident: its counts say nothing of the level.
    factor = factors[positions]
    flat = np.divide(values, factor, out=np.full(values.size, np.nan), where=factor > 0)
    return Seasonal(_around(flat, window) * factor, factors if enough else np.zeros(0))


def _whole_seasons(values: Floats, season: int) -> Floats:
    """Centred average over one season, the ends weighing half where it is even; NaN where a part is missing."""
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    level = np.full(values.size, np.nan)
    half = weights.size // 2
    if values.size >= weights.size:
        level[half : values.size - half] = np.convolve(values, weights / season, "valid")
    return level


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 1.0


def _around(values: Floats, window: int) -> Floats:
    """Centred average of what is there within the window; NaN where nothing is."""
    if not values.size:
        return values
    known = np.isfinite(values)
    sums, numbers = (np.convolve(each, np.ones(window)) for each in (np.where(known, values, 0.0), known.astype(float)))
    middle = slice(window // 2, window // 2 + values.size)
    level: Floats = np.divide(sums[middle], numbers[middle], out=np.full(values.size, np.nan), where=numbers[middle] > 0.5)
    return level
