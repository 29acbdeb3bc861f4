"""Jobs that start in time or late, as the histogram of their waiting times shows it, and which of the four alerts that calls for.

All windows that are longer than the series see the whole of them, so that hours do for days.
"""

from dataclasses import dataclass

from tests.chart.series import Series

SLO_ALERT = "TrafficjobsJobsStartLate"


def starts(*spans: tuple[int, int, int], operation: str = "plot", begin: int = 0) -> Series:
    """Spans of (minutes, starts a minute, of them late), as counters that go on from `begin`."""
    total, timely = [f"{begin}"], [f"{begin}"]
    count, in_time = begin, begin
    for minutes, each, late in spans:
        total.append(f"{count + each}+{each}x{minutes - 1}")
        timely.append(f"{in_time + each - late}+{each - late}x{minutes - 1}")
        count, in_time = count + minutes * each, in_time + minutes * (each - late)
    return {
        f'trafficjobs_job_wait_seconds_count{{operation="{operation}"}}': " ".join(total),
        f'trafficjobs_job_wait_seconds_bucket{{operation="{operation}",le="60.0"}}': " ".join(timely),
    }


@dataclass(frozen=True)
class Slo:
    """Series, a minute, and the share of late starts that each alert shows then, by its longer window."""

    name: str
    series: Series
    minute: int
    shown: dict[str, str]


CASES = [
    Slo("4 in 100 start late", starts((400, 100, 4)), 400, {}),
    Slo("8 in 100 start late", starts((400, 100, 8)), 400, {"3d": "8%"}),
    Slo("20 in 100 start late", starts((400, 100, 20)), 400, {"3d": "20%", "1d": "20%"}),
    Slo("40 in 100 start late", starts((400, 100, 40)), 400, {"3d": "40%", "1d": "40%", "6h": "40%"}),
    Slo("80 in 100 start late", starts((400, 100, 80)), 400, {"3d": "80%", "1d": "80%", "6h": "80%", "1h": "80%"}),
    Slo(
        "all is well again: what looks at 5 minutes is silent at once",
        starts((60, 10, 10), (10, 10, 0)),
        70,
        dict.fromkeys(("3d", "1d", "6h"), "88.24%"),
    ),
    Slo(
        "one slow operation of two",
        starts((400, 50, 50)) | starts((400, 50, 0), operation="print"),
        400,
        {"3d": "50%", "1d": "50%", "6h": "50%"},
    ),
    Slo("nobody submits any more", starts((60, 10, 0), (300, 0, 0)), 360, {}),
    Slo("nobody ever submitted", {}, 60, {}),
    Slo("fewer starts than count, all late", starts((1, 9, 9), (100, 0, 0)), 30, {}),
    Slo("enough starts, all late", starts((10, 2, 2), (100, 0, 0)), 10, dict.fromkeys(("3d", "1d", "6h", "1h"), "100%")),
    Slo(
        "all counters start again",
        {name: f"{values} 0+100x60" for name, values in starts((60, 100, 2), begin=5000).items()},
        110,
        {},
    ),
]
