"""`top`: what the counters say of throughput and times, and the page that is made of it."""

import math

import httpx
import pytest

from tests.cli.conftest import Shell
from tests.cli.fakes import serving
from trafficjobs.cli.rates import Rates, over_a_minute, percentiles, sample_of


def text(submitted: int, completed: int, buckets: tuple[int, int, int], operation: str = "plot") -> str:
    """What /metrics says of one operation; buckets up to 1 s, 10 s and above, cumulative."""
    lines = [
        "# HELP trafficjobs_jobs_submitted_total Jobs accepted.",
        f'trafficjobs_jobs_submitted_total{{operation="{operation}",queue="a"}} {submitted}',
        f'trafficjobs_jobs_submitted_total{{operation="{operation}",queue="b"}} 0.0',
        f'trafficjobs_jobs_completed_total{{operation="{operation}"}} {completed} 1234567890',
        'trafficjobs_jobs_failed_total{operation="odd",reason="a, \\"b\\" } {"} 0.0',
        "trafficjobs_workers 2.0",
        "nonsense{",
        'trafficjobs_jobs_failed_total{operation="plot"} many',
    ]
    bounds = zip(("1.0", "10.0", "+Inf"), buckets, strict=True)
    lines += [f'trafficjobs_job_run_seconds_bucket{{operation="{operation}",le="{le}"}} {n}' for le, n in bounds]
    return "\n".join(lines)


def test_percentiles_are_those_of_prometheus() -> None:
    found = percentiles({1.0: 50.0, 10.0: 100.0, math.inf: 100.0})
    assert found == {"p50": 1.0, "p95": pytest.approx(9.1), "p99": pytest.approx(9.82)}
    assert percentiles({1.0: 0.0, 10.0: 0.0, math.inf: 5.0})["p50"] == 10.0
    assert percentiles({1.0: 0.0, math.inf: 0.0}) == percentiles({}) == {"p50": None, "p95": None, "p99": None}


def test_the_first_look_shows_the_times_of_all_jobs_and_no_rates() -> None:
    rates = Rates()
    rates.add(sample_of(text(7, 5, (5, 5, 5)), 100.0))
    one = next(one for one in rates.operations() if one["operation"] == "plot")
    assert rates.now() is None
    assert (one["submitted"], one["ended"], one["over"], one["run"]["p50"]) == (None, None, "all", 0.5)
    assert one["wait"]["p50"] is None


def test_later_looks_show_what_has_happened_since() -> None:
    rates = Rates()
    rates.add(sample_of(text(7, 5, (5, 5, 5)), 100.0))
    rates.add(sample_of(text(11, 9, (5, 9, 9)), 102.0))
    assert rates.now() == {"submitted": 2.0, "ended": 2.0}
    (first, *_) = rates.operations()
    assert (first["operation"], first["submitted"], first["over"]) == ("plot", 2.0, "minute")
    assert first["run"]["p50"] == 5.5  # the four of the last two seconds ran 1 to 10 s; the five before are not counted
    rates.add(sample_of(text(11, 9, (5, 9, 9)), 103.0))
    assert rates.now() == {"submitted": 0.0, "ended": 0.0}
    rates.add(sample_of(text(11, 9, (5, 9, 9)), 163.0))
    assert [one["over"] for one in rates.operations() if one["operation"] == "plot"] == ["all"]  # the minute is over


def test_counters_that_fell_are_no_rates_below_zero() -> None:
    rates = Rates()
    rates.add(sample_of(text(7, 5, (5, 5, 5)), 100.0))
    rates.add(sample_of(text(1, 1, (1, 1, 1)), 101.0))
    assert rates.now() == {"submitted": 0.0, "ended": 0.0}
    assert rates.operations()[0]["over"] == "all"


def test_rates_over_a_minute_are_weighted_by_the_length_of_the_points() -> None:
    ends = {"completed": 1.0, "failed": 0.5, "cancelled": 0.0}
    points = [{"seconds": 10, "submitted": 4.0, **ends}, {"seconds": 30, "submitted": 0.0, **ends}]
    assert over_a_minute(points) == {"submitted": 1.0, "ended": 1.5}
    assert over_a_minute([]) is None


def test_the_page_shows_rates_times_and_queues(shell: Shell) -> None:
    shell("submit", "unique_issues", "--wait")
    page = shell("top", "--count", 2, "--interval", 0.2).out
    assert page.count("WAIT P50") == 2
    assert "/s out over a minute" in page
    assert "/s out now" in page
    row = next(line for line in page.splitlines() if line.startswith("unique_issues"))
    assert len(row.split("  ")) > 8
    seen = shell("top", "--json").json
    assert sorted(seen) == ["jobs", "operations", "queues", "throughput", "url", "workers"]
    assert {"wait", "run", "over", "submitted", "ended", "operation", "count"} == set(seen["operations"][0])
    assert set(seen["throughput"]) == {"now", "minute"}


def test_counters_that_are_for_others_leave_the_rest_of_the_page(bare: Shell) -> None:
    pages = {"/jobs": {"jobs": [], "next": None}, "/queues": {"queues": []}, "/workers": {"workers": []}}
    problem = {"type": "/problems/unauthorized", "title": "No", "status": 401}
    with serving(pages, (401, problem, {})) as url:
        assert httpx.get(f"{url}/metrics", timeout=30).status_code == 401
        refused = bare("top", "--url", url)
        assert refused.code == 4  # of /history, which is for whoever may look at all
    with serving(pages | {"/history": {"points": []}}, (401, problem, {})) as url:
        answer = bare("top", "--url", url)
        assert (answer.code, "The counters want a token of their own." in answer.out) == (0, True)
    with serving(pages, (404, {}, {})) as url:
        assert bare("top", "--url", url).code == 3  # no service of ours
