"""The test of two rates: textbook values, the standard formula, and how often it is wrong where nothing changed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.rates import RateRatio, holm, rate_ratio, student_p, student_quantile

WEEK = np.array([1.0, 1.05, 1.05, 1.1, 1.2, 0.95, 0.8])


def days(rng: np.random.Generator, number: int, mean: float, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts of days with the week's pattern; negative binomial, `dispersion` times as wide as chance."""
    weekdays = np.arange(number) % 7
    means = mean * WEEK[weekdays]
    counts = rng.poisson(means) if dispersion == 1 else rng.negative_binomial(means / (dispersion - 1), 1 / dispersion)
    return counts, weekdays


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [
        (12.706, 1, 0.05),
        (4.303, 2, 0.05),
        (2.228, 10, 0.05),
        (3.169, 10, 0.01),
        (2.042, 30, 0.05),
        (1.98, 120, 0.05),
        (0, 5, 1.0),
    ],
)
def test_students_t_has_the_values_of_the_tables(t: float, freedom: int, p: float) -> None:
    assert student_p(t, freedom) == pytest.approx(p, rel=2e-3)
    if t:
        assert student_quantile(p, freedom) == pytest.approx(t, rel=1e-3)


def test_with_many_degrees_of_freedom_it_is_the_normal_distribution_far_into_the_tail() -> None:
    for z in (0.5, 1.96, 4.0, 7.0):
        assert student_p(z, 1_000_000) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert student_p(60, 700) < 1e-200


def test_one_stratum_is_the_standard_quasi_poisson_test() -> None:
    first, second = np.array([10, 14, 9, 12, 18, 8]), np.array([20, 15, 22, 17, 12])
    one = np.zeros(6, int), np.zeros(5, int)
    found = rate_ratio(first, one[0], second, one[1])
    means = first.mean(), second.mean()
    dispersion = (((first - means[0]) ** 2 / means[0]).sum() + ((second - means[1]) ** 2 / means[1]).sum()) / 9
    error = math.sqrt(dispersion * (1 / first.sum() + 1 / second.sum()))
    assert dispersion > 1
    assert found.dispersion == pytest.approx(dispersion)
    assert found.ratio == pytest.approx(means[1] / means[0])
    assert found.p_value == pytest.approx(student_p(math.log(means[1] / means[0]) / error, 9))
    assert found.low is not None
    assert found.high is not None
    assert math.log(found.high / found.low) == pytest.approx(2 * 2.2622 * error, rel=1e-3)


@pytest.mark.parametrize(("dispersion", "number"), [(1, 28), (2, 28), (4, 28), (2, 14), (3, 365)])
def test_where_nothing_changed_it_says_so_nineteen_times_of_twenty(dispersion: float, number: int) -> None:
    rng, wrong, covered, trials = np.random.default_rng(5), 0, 0, 600
    for _ in range(trials):
        found = rate_ratio(*days(rng, number, 140, dispersion), *days(rng, number, 140, dispersion))
        assert found.p_value is not None
        assert found.low is not None
        assert found.high is not None
        wrong += found.p_value < 0.05
        covered += found.low <= 1 <= found.high
    assert 0.025 <= wrong / trials <= 0.08
    assert covered == trials - wrong


def test_a_change_of_a_tenth_is_seen_in_two_months() -> None:
    rng = np.random.default_rng(6)
    seen = [rate_ratio(*days(rng, 56, 140, 2), *days(rng, 56, 154, 2)) for _ in range(100)]
    assert sum((found.p_value or 1) < 0.05 for found in seen) > 90
    assert np.mean([found.ratio for found in seen]) == pytest.approx(1.1, abs=0.01)


def test_a_different_mix_of_weekdays_is_no_change() -> None:
    weekdays, weekends = np.array([0, 1, 2, 3, 4] * 4 + [5, 6]), np.array([5, 6] * 4 + [0, 1, 2, 3, 4])
    means = np.round(1_000 * WEEK).astype(int)
    found = rate_ratio(means[weekdays], weekdays, means[weekends], weekends)
    assert found.ratio == pytest.approx(1)
    assert found.p_value == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second"),
    [([], []), ([5] * 7, []), ([0] * 14, [3] * 14), ([3] * 14, [0] * 14), ([5] * 7, [6] * 7)],
)
def test_where_nothing_can_be_said_nothing_is(first: list[int], second: list[int]) -> None:
    sides = [(np.array(side, int), np.arange(len(side)) % 7) for side in (first, second)]
    assert rate_ratio(*sides[0], *sides[1]) == RateRatio.unknown()


@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_holms_correction_only_raises_and_keeps_the_order(values: list[float | None]) -> None:
    corrected = holm(values)
    known = [(before, after) for before, after in zip(values, corrected, strict=True) if before is not None]
    assert [after is None for after in corrected] == [before is None for before in values]
    assert all(after is not None and before <= after <= 1 for before, after in known)
    ordered = [after or 0.0 for _, after in sorted(known, key=lambda pair: pair[0])]
    assert ordered == sorted(ordered)


def test_holms_correction_of_his_example() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
