"""What the soak calls growth: a leak is found under noise, and noise alone is none."""

import random

from tests.load.growth import BOUNDS, PER, growths, slope
from tests.load.sampling import Sample

JOBS = [400.0 * second for second in range(60)]


def test_the_slope_is_that_of_most_pairs_whatever_a_few_samples_say() -> None:
    values = [3.0 + 2.0 * x for x in JOBS]
    values[7], values[41] = 1e6, -1e6
    assert abs(slope(JOBS, values) - 2.0) < 0.05
    assert slope([1.0, 1.0], [0.0, 5.0]) == 0.0


def test_a_leak_of_twice_the_bound_is_found_under_noise_and_noise_is_none() -> None:
    dice = random.Random(1)
    leak = 2 * BOUNDS["MiB"] / PER
    samples = []
    for second, jobs in enumerate(JOBS):
        noise = dice.gauss(0.0, 0.5)
        values = {("leaks", "MiB"): 100 + leak * jobs + noise, ("rests", "MiB"): 100 + noise}
        samples.append(Sample(float(second), int(jobs), values if second % 7 else {}))
    found = {each.name: each for each in growths(samples)}
    assert found["leaks"].too_much
    assert not found["rests"].too_much


def test_little_is_no_growth_however_few_jobs_there_were() -> None:
    samples = [Sample(float(second), second, {("grows at first", "MiB"): 100 + 0.05 * second}) for second in range(60)]
    (found,) = growths(samples)
    assert found.slope > BOUNDS["MiB"]
    assert not found.too_much
