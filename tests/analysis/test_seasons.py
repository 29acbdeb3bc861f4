"""Level and season: what goes in comes out again, outliers teach nothing, ends and gaps are bridged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.seasons import seasonal


def series(factors: list[float], seasons: int, level: float = 100) -> tuple[np.ndarray, np.ndarray]:
    positions = np.tile(np.arange(len(factors)), seasons)
    return level * np.array(factors)[positions], positions


@given(st.lists(st.floats(0.2, 3), min_size=2, max_size=12), st.integers(3, 6), st.floats(1, 1e6))
def test_a_season_on_a_constant_level_is_found_exactly(factors: list[float], seasons: int, level: float) -> None:
    counts, positions = series(factors, seasons, level)
    found = seasonal(counts, positions, np.ones(counts.size, bool), len(factors), 13)
    assert found.factors == pytest.approx(np.array(factors) / np.mean(factors), rel=1e-6)
    assert found.baseline == pytest.approx(counts, rel=1e-6)


def test_one_wild_value_moves_no_factor() -> None:
    counts, positions = series([0.5, 1.0, 1.5], 20)
    wild = counts.copy()
    wild[30] = 100_000
    calm, stormy = (seasonal(each, positions, np.ones(60, bool), 3, 3) for each in (counts, wild))
    assert stormy.factors == pytest.approx(calm.factors)
    assert stormy.baseline[:25] == pytest.approx(calm.baseline[:25])


def test_incomplete_steps_teach_nothing_and_have_a_baseline_all_the_same() -> None:
    counts, positions = series([0.5, 1.0, 1.5], 8)
    cut = counts.copy()
    cut[-1] = 3
    whole = np.ones(24, bool)
    whole[-1] = False
    assert seasonal(cut, positions, whole, 3, 5).baseline == pytest.approx(counts)


def test_before_two_seasons_are_there_none_is_assumed() -> None:
    counts = np.array([10.0, 20.0, 30.0])
    found = seasonal(counts, np.arange(3), np.ones(3, bool), 7, 29)
    assert found.factors.size == 0
    assert found.baseline == pytest.approx([20, 20, 20])


def test_a_rising_level_is_followed() -> None:
    positions = np.tile(np.arange(4), 30)
    level = np.linspace(100, 400, 120)
    counts = level * np.array([0.8, 1.2, 1.1, 0.9])[positions]
    found = seasonal(counts, positions, np.ones(120, bool), 4, 5)
    assert np.abs(found.baseline[10:-10] / counts[10:-10] - 1).max() < 0.02


def test_a_position_that_never_has_an_incident_expects_none() -> None:
    counts, positions = series([0.0, 2.0], 10)
    assert seasonal(counts, positions, np.ones(20, bool), 2, 3).baseline == pytest.approx(counts)


def test_nothing_gives_nothing() -> None:
    none = np.zeros(0)
    assert seasonal(none, none.astype(int), none.astype(bool), 12, 13).baseline.size == 0
    zeros = np.zeros(30)
    assert seasonal(zeros, np.arange(30) % 7, np.ones(30, bool), 7, 29).baseline == pytest.approx(zeros)
