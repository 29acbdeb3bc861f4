"""Every operation agrees with DuckDB, which reads the file anew and computes in SQL: sample, real slices and full size."""

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from tests.analysis.conftest import Both
from tests.analysis.reference import one, rows

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAY = "strftime(local, '%Y-%m-%d')"


def test_the_rows_are_the_same(both: Both) -> None:
    assert len(both.df) == one(both.db, "select count(*) from incidents")


def test_counts_of_days_agree(both: Both) -> None:
    query = f"select {DAY} as day, count(*) from incidents group by day order by count(*) desc, day limit 20"
    for day, count in rows(both.db, query):
        assert both.ask("incident_count_by_date", date=day) == {"incident_count": count}


def test_top_locations_agree(both: Both) -> None:
    query = "select address, count(*) as n from incidents where address <> '' group by address order by n desc, address limit 25"
    assert list(both.ask("top_locations", n=25)["top_locations"].items()) == rows(both.db, query)


def test_the_number_of_issues_agrees(both: Both) -> None:
    assert both.ask("unique_issues") == {"unique_issues": one(both.db, "select count(distinct issue) from incidents")}


@pytest.mark.parametrize("road", ["lamar", "Ih 35", "S", "& ", "12"])
def test_incidents_by_road_agree(both: Both, road: str) -> None:
    text = "&" if road.strip() == "&" else road.upper()
    expected = one(both.db, "select count(*) from incidents where contains(address, $text)", text=text)
    assert both.ask("incidents_by_road", road=road) == {"count": expected}


def test_describe_agrees(both: Both) -> None:
    start, end = both.period
    answer = both.ask("describe", start=start, end=end)
    total, first, last, days, no_place = rows(
        both.db,
        f"select count(*), min({DAY}), max({DAY}), count(distinct {DAY}), count(*) filter (latitude is null) "
        f"from incidents where {DAY} between $start and $end",
        start=start,
        end=end,
    )[0]
    assert (answer["incident_count"], answer["first"], answer["last"], answer["days"]) == (total, first, last, days)
    assert answer["missing"].get("latitude", 0) == no_place
    assert sum(answer["issues"].values()) == total


@pytest.mark.parametrize(("by", "form"), [("day", "%Y-%m-%d"), ("week", "%G-W%V"), ("month", "%Y-%m"), ("year", "%Y")])
def test_trends_agree(both: Both, by: str, form: str) -> None:
    counted = dict(rows(both.db, f"select strftime(local, '{form}'), count(*) from incidents group by all"))
    bins = both.ask("trend", by=by)["bins"]
    assert {each["period"]: each["incident_count"] for each in bins if each["incident_count"]} == counted
    assert [each["period"] for each in bins] == sorted(each["period"] for each in bins)


def test_hours_and_weekdays_agree(both: Both) -> None:
    hours = dict(rows(both.db, "select hour(local), count(*) from incidents group by all"))
    assert {each["hour"]: each["incident_count"] for each in both.ask("by_hour")["hours"] if each["incident_count"]} == hours
    weekdays = dict(rows(both.db, "select isodow(local) - 1, count(*) from incidents group by all"))
    found = both.ask("by_weekday")["weekdays"]
    assert {n: each["incident_count"] for n, each in enumerate(found) if each["incident_count"]} == weekdays
    first, last = rows(both.db, "select min(local)::date, max(local)::date from incidents")[0]
    days = rows(both.db, "select count(*) from range($first, $last + interval 1 day, interval 1 day) t(d) "
                "group by isodow(d) order by isodow(d)", first=first, last=last)  # fmt: skip
    assert [each["days"] for each in found] == [count for (count,) in days]
    cells = dict(rows(both.db, "select (isodow(local) - 1) * 24 + hour(local), count(*) from incidents group by all"))
    matrix = both.ask("heatmap")["counts"]
    assert {day * 24 + hour: count for day, line in enumerate(matrix) for hour, count in enumerate(line) if count} == cells


def test_issues_agree(both: Both) -> None:
    query = (
        f"select issue, count(*), round(count(*) / (select count(*) from incidents), 5), min({DAY}), max({DAY}) "
        "from incidents where issue is not null group by issue order by count(*) desc, issue"
    )
    names = ("issue", "incident_count", "share", "first", "last")
    assert [tuple(each[name] for name in names) for each in both.ask("issue_breakdown")["issues"]] == rows(both.db, query)


def test_time_on_the_feed_agrees(both: Both) -> None:
    times = (
        "select issue, epoch(ended - published) / 60 as minutes from incidents where status is distinct from 'ACTIVE' "
        "and ended >= published and ended - published <= interval 72 hours"
    )
    answer = both.ask("time_on_feed")
    expected = rows(both.db, f"with t as ({times}) select issue, count(*), round(quantile_cont(minutes, 0.5), 2), "
                    "round(quantile_cont(minutes, 0.9), 2) from t group by issue")  # fmt: skip
    found = {each["issue"]: each for each in answer["issues"]}
    assert set(found) == {issue for issue, *_ in expected}
    for issue, count, median, p90 in expected:
        assert found[issue]["incident_count"] == count
        assert found[issue]["median_minutes"] == pytest.approx(median, abs=0.011)
        assert found[issue]["p90_minutes"] == pytest.approx(p90, abs=0.011)
    left = answer["left_out"]
    assert left["active"] == one(both.db, "select count(*) from incidents where status = 'ACTIVE'")
    assert answer["all"]["incident_count"] + sum(left.values()) == answer["incident_count"] == len(both.df)


def test_hotspots_agree(both: Both) -> None:
    cells = (
        "select floor(latitude * 1108.57)::bigint as north, floor(longitude * 962.26)::bigint as east, count(*) as n, "
        "count(distinct report_id) from incidents where latitude is not null group by all order by n desc, north, east limit 10"
    )
    found = both.ask("hotspots", n=10)["hotspots"]
    expected = rows(both.db, cells)
    assert [each["incident_count"] for each in found] == [n for _, _, n, _ in expected]
    for each, (north, east, _, _) in zip(found, expected, strict=True):
        assert each["latitude"] == pytest.approx((north + 0.5) / 1108.57, abs=1e-5)
        assert each["longitude"] == pytest.approx((east + 0.5) / 962.26, abs=1e-5)


def test_nearby_agrees(both: Both) -> None:
    latitude, longitude = 30.2672, -97.7431
    distance = (
        "2 * 6371008.8 * asin(sqrt(sin(radians(latitude - $lat) / 2) ^ 2 + "
        "cos(radians($lat)) * cos(radians(latitude)) * sin(radians(longitude - $lon) / 2) ^ 2))"
    )
    query = f"select report_id, {distance} as d from incidents where latitude is not null and d <= 3000 order by d"
    expected = rows(both.db, query, lat=latitude, lon=longitude)
    answer = both.ask("nearby", latitude=latitude, longitude=longitude, radius=3000, limit=50)
    assert expected
    assert answer["incident_count"] == sum(answer["issues"].values()) == len(expected)
    assert [each["distance_metres"] for each in answer["incidents"]] == pytest.approx([d for _, d in expected[:50]], abs=0.06)
    assert {each["report_id"] for each in answer["incidents"]} <= {name for name, _ in expected}


def test_compare_agrees_on_counts_and_days(both: Both) -> None:
    start, end = both.period
    first_day, last_day = datetime.date.fromisoformat(start), datetime.date.fromisoformat(end)
    halfway = first_day + (last_day - first_day) // 2
    middle, next_day = str(halfway), str(halfway + datetime.timedelta(days=1))
    answer = both.ask("compare", before_start=start, before_end=middle, after_start=middle, after_end=end)
    assert "days in common" in answer["statement"]
    answer = both.ask("compare", before_start=start, before_end=middle, after_start=next_day, after_end=end)
    for period, first, last in (("before", start, middle), ("after", next_day, end)):
        expected = rows(
            both.db,
            f"select $last::date - $first::date + 1, count(*) from incidents where {DAY} between $first and $last",
            first=first,
            last=last,
        )[0]
        assert (answer[period]["days"], answer[period]["incident_count"]) == expected


def test_anomalies_agree(both: Both) -> None:
    band = """
    with days as (select d::date as day from range((select min(local)::date from incidents),
                  (select max(local)::date + interval 1 day from incidents), interval 1 day) t(d)),
    counted as (select day, count(report_id) as n from days left join incidents on local::date = day group by day),
    inner_days as (select * from counted where day > (select min(day) from days) and day < (select max(day) from days)),
    pairs as (select a.day, a.n, b.n as other from inner_days a join inner_days b
              on b.day <> a.day and (b.day - a.day) % 7 = 0 and abs(b.day - a.day) <= 56),
    medians as (select day, n, median(other) as expected from pairs group by day, n having count(*) >= 4),
    spreads as (select m.day, m.n, m.expected, median(abs(p.other - m.expected)) as mad
                from medians m join pairs p using (day) group by all)
    select strftime(day, '%Y-%m-%d'), (n - expected) / greatest(1.4826 * mad, sqrt(greatest(expected, 1))) as score
    from spreads where abs(score) > 3.5 order by day
    """
    answer = both.ask("anomalies")
    found = {each["date"]: each["score"] for each in answer["anomalies"]}
    expected: Mapping[str, Any] = dict(rows(both.db, band))
    assert found == pytest.approx(expected, abs=0.006)
    assert [abs(each["score"]) for each in answer["anomalies"]] == sorted(map(abs, found.values()), reverse=True)


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"issue": "crash urgent"}, "issue = 'Crash Urgent'"),
        ({"issue": ["Crash Service", "zSTALLED VEHICLE"]}, "issue in ('Crash Service', 'Stalled Vehicle')"),
        ({"road": "ih 35"}, "contains(address, 'IH 35')"),
        ({"bbox": [-97.8, 30.2, -97.7, 30.3]}, "longitude between -97.8 and -97.7 and latitude between 30.2 and 30.3"),
        ({"bbox": [-97.7, 30.3, -97.8, 30.2]}, "longitude between -97.8 and -97.7 and latitude between 30.2 and 30.3"),
        ({"agency": "austin police"}, "agency = 'AUSTIN POLICE'"),
        ({"issue": "Traffic Hazard", "road": "lamar"}, "issue = 'Traffic Hazard' and contains(address, 'LAMAR')"),
    ],
)
def test_filters_agree(both: Both, filters: dict[str, Any], condition: str) -> None:
    start, end = both.period
    query = f"select isodow(local) - 1, count(*) from incidents where {DAY} between $start and $end and {condition} group by all"
    expected = dict(rows(both.db, query, start=start, end=end))
    answer = both.ask("by_weekday", start=start, end=end, **filters)
    assert {
        WEEKDAYS.index(each["weekday"]): each["incident_count"] for each in answer["weekdays"] if each["incident_count"]
    } == expected
    assert answer["incident_count"] == sum(expected.values())


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"])
def test_days_and_hours_agree_in_any_time_zone(both: Both, zone: str) -> None:
    query = (
        "select hour(timezone($zone, published)), count(*) from incidents where strftime(timezone($zone, published), '%Y-%m-%d') "
    )
    start, end = both.period
    expected = dict(rows(both.db, f"{query} between $start and $end group by all", zone=zone, start=start, end=end))
    answer = both.ask("by_hour", start=start, end=end, tz=zone)
    assert answer["timezone"] == zone
    assert {each["hour"]: each["incident_count"] for each in answer["hours"] if each["incident_count"]} == expected


def test_read_as_utc_many_incidents_fall_on_another_day_and_the_rush_comes_at_night(both: Both) -> None:
    moved = one(both.db, "select avg((local::date <> timezone('UTC', published)::date)::int) from incidents")
    rush = max(both.ask("by_hour", tz="UTC")["hours"], key=lambda each: each["incident_count"])["hour"]
    local = max(both.ask("by_hour")["hours"], key=lambda each: each["incident_count"])["hour"]
    assert moved > 0.05  # in the whole export 18.6 %
    assert (rush - local) % 24 in (5, 6)


def test_the_reference_itself_counts_otherwise_in_another_zone(both: Both) -> None:
    assert one(both.db, "select count(*) from incidents where hour(local) <> hour(timezone('UTC', published))") == len(both.df)
