"""Reading and cleaning files of incidents."""

import json

import pytest

from lib.cleaning import fold_label, merge
from lib.columns import SCHEMA
from tests.unit.incident_files import HEADER, ZONE, csv_file, load, row, table_of, values


def api_record(**changes: object) -> dict[str, object]:
    record: dict[str, object] = {
        "traffic_report_id": "R1",
        "published_date": "2023-01-02T15:30:00.000Z",
        "issue_reported": "Crash Urgent",
        "location": "(30.25,-97.75)",
        "latitude": "30.25",
        "longitude": "-97.75",
        "address": "100 S Congress Ave",
        "traffic_report_status": "ARCHIVED",
        "traffic_report_status_date_time": "2023-01-02T16:00:03.000Z",
    }
    return record | changes


@pytest.mark.parametrize(
    "header",
    [HEADER, HEADER.replace(" ", ""), HEADER.replace(" ", "_").lower(), f"\ufeff{HEADER}", f'"{HEADER}"'.replace(",", '","')],
    ids=["spaced", "squashed", "snake_case", "byte order mark", "quoted"],
)
def test_every_form_of_the_header_gives_the_same_table(header: str) -> None:
    table, report = load(csv_file(row(), header=header))

    assert table.equals(table_of(row()))
    assert report.rows_kept == 1


def test_the_portals_array_ndjson_and_csv_give_the_same_table() -> None:
    array = json.dumps([api_record(), api_record(traffic_report_id="R2")], indent=1).encode()
    lines = "\n".join(json.dumps(record) for record in (api_record(), api_record(traffic_report_id="R2"))).encode()

    assert load(array)[0].equals(table_of(row(), row("R2")))
    assert load(lines)[0].equals(load(array)[0])


def test_json_takes_numbers_missing_keys_and_geojson_points() -> None:
    record = api_record(location={"type": "Point", "coordinates": [-97.75, 30.25]})
    del record["latitude"], record["longitude"]

    table, _ = load(json.dumps([record, api_record(traffic_report_id=7, latitude=30.5)]).encode())

    assert values(table, "point") == ["(30.25,-97.75)", "(30.5,-97.75)"]
    assert values(table, "report_id") == ["R1", "7"]


def test_the_table_follows_the_schema_in_one_batch() -> None:
    table = table_of(row(), row("R2"))

    assert table.schema.equals(SCHEMA)
    assert len(table.to_batches()) == 1


def test_ten_columns_and_columns_nobody_knows_are_read() -> None:
    table, _ = load(csv_file(f"{row()},AUSTIN POLICE,?", header=f"{HEADER},Agency,Comment"))

    assert values(table, "agency") == ["AUSTIN POLICE"]


def test_the_courses_columns_are_a_file_of_incidents() -> None:
    data = b"date,Location,ResponseTime,Issue_Report\n2023-01-01,S CONGRESS,4.5,Crash\n" + b"2023-01-02,N LAMAR,x,Crash\n" * 2

    table, report = load(data)

    assert values(table, "date") == ["2023-01-01", "2023-01-02", "2023-01-02"]
    assert values(table, "hour") == [None] * 3  # a day has no hour, and none is invented
    assert values(table, "response_time") == [4.5, None, None]
    assert len(set(values(table, "report_id"))) == 3
    assert [(note.column, note.reason, note.rows) for note in report.nulled] == [("response_time", "not a number", [3, 4])]


def test_a_file_is_read_whose_lines_end_as_on_old_macs_or_begin_with_blank_ones() -> None:
    file = csv_file(row(), row("R2"))

    assert load(file.replace(b"\n", b"\r"))[0].equals(load(file)[0])
    assert load(b"\n \n" + file)[0].equals(load(file)[0])


def test_numbers_of_any_length_and_keys_that_come_late_are_read_from_json() -> None:
    early = f'{{"note": {"1" * 20_000}, "issue_reported": "Crash", "traffic_report_id": 7}}'

    table, _ = load(f"[{early}, {json.dumps(api_record())}]".encode())

    assert values(table, "issue") == ["Crash Urgent", "Crash"]


@pytest.mark.parametrize(
    "text",
    [
        "04/30/2020 10:05:00 PM +0000",
        "04/30/2020 10:05:00 PM",
        "2020-04-30T22:05:00Z",
        "2020-04-30T22:05:00.000",
        "2020-04-30 22:05",
        "2020-05-01T00:35:00+02:30",
    ],
)
def test_every_form_of_a_date_is_the_same_instant(text: str) -> None:
    table = table_of(row(published=text))

    assert values(table, "published")[0].isoformat() == "2020-04-30T22:05:00+00:00"
    assert (values(table, "date"), values(table, "hour"), values(table, "weekday")) == (["2020-04-30"], [17], [3])


def test_fractions_of_a_second_are_kept() -> None:
    assert values(table_of(row(published="2020-04-30T22:05:00.123456Z")), "published")[0].microsecond == 123456


@pytest.mark.parametrize(
    "text",
    ["soon", "13/13/2020 10:05:00 PM +0000", "02/30/2020 10:05:00 PM +0000", "2021-02-29T10:00:00Z", "2020-04-31T10:00:00Z"],
)
def test_what_is_no_date_becomes_null_and_is_reported_with_its_row(text: str) -> None:
    table, report = load(csv_file(row(), row("R2", published=text)))

    assert values(table, "published")[1] is None
    assert values(table, "date")[1] is None
    assert [(note.column, note.reason, note.count, note.rows) for note in report.nulled] == [("published", "not a date", 1, [3])]


def test_a_leap_day_is_a_day() -> None:
    assert values(table_of(row(published="02/29/2020 10:05:00 PM +0000")), "date") == ["2020-02-29"]


def test_days_and_hours_follow_daylight_saving() -> None:
    # Austin leaves UTC-6 for UTC-5 on 12 March 2023 at 08:00 UTC, and goes back on 5 November at 07:00 UTC.
    instants = [
        "2023-03-12T07:59:00Z",
        "2023-03-12T08:00:00Z",
        "2023-11-05T06:30:00Z",
        "2023-11-05T07:30:00Z",
        "2023-11-05T05:30:00Z",
        "2023-11-05T04:59:00Z",
    ]

    table = table_of(*(row(f"R{n}", published=text) for n, text in enumerate(sorted(instants))))

    assert values(table, "hour") == [1, 3, 23, 0, 1, 1]
    assert values(table, "date") == ["2023-03-12"] * 2 + ["2023-11-04"] + ["2023-11-05"] * 3


@pytest.mark.parametrize(
    ("location", "latitude", "longitude", "reason"),
    [
        ("", "0.0", "0.0", "(0, 0)"),
        ('"(29817659,-97.8)"', "29817659", "-97.8", "the decimal point is lost"),
        ('"(40.7,-74.0)"', "40.7", "-74.0", "not near Austin"),
        ("", "north", "-97.8", "not a number"),
        ("", "30.2", "", "only one of the two"),
    ],
)
def test_coordinates_that_cannot_be_austin_are_nulled_as_a_pair_and_reported(
    location: str, latitude: str, longitude: str, reason: str
) -> None:
    table, report = load(csv_file(row(), row("R2", location=location, latitude=latitude, longitude=longitude)))

    assert [values(table, name)[1] for name in ("latitude", "longitude", "point")] == [None] * 3
    assert [(note.column, note.reason, note.rows) for note in report.nulled] == [("coordinates", reason, [3])]


def test_cells_that_look_like_formulas_are_counted_and_kept_as_they_stand() -> None:
    table, report = load(
        csv_file(row("=R1", address="=HYPERLINK(1)"), row("R2", address="+1", issue="@SUM"), row("R3", status="-"))
    )

    assert {note.column: (note.count, note.rows) for note in report.formulas} == {
        "address": (2, [2, 3]),
        "issue": (1, [3]),
        "report_id": (1, [2]),
        "status": (1, [4]),
    }
    assert values(table, "address_raw")[:2] == ["=HYPERLINK(1)", "+1"]
    assert values(table, "issue_raw")[1] == "@SUM"


def test_coordinates_come_from_either_form_of_location() -> None:
    table = table_of(row(latitude="", longitude=""), row("R2", location="POINT (-97.75 30.25)", latitude="", longitude=""))

    assert values(table, "point") == ["(30.25,-97.75)"] * 2


def test_a_status_date_in_1970_is_nulled_and_reported() -> None:
    table, report = load(csv_file(row(status_date="01/18/1970 02:16:00 PM +0000")))

    assert values(table, "status_date") == [None]
    assert report.nulled[0].reason.startswith("in 1970")


def test_labels_fold_into_one_and_the_files_own_is_kept() -> None:
    table, report = load(csv_file(row(issue="zSTALLED VEHICLE"), row("R2", issue="Stalled  Vehicle")))

    assert values(table, "issue") == ["Stalled Vehicle"] * 2
    assert values(table, "issue_raw") == ["zSTALLED VEHICLE", "Stalled  Vehicle"]
    assert report.labels["zSTALLED VEHICLE"] == "Stalled Vehicle"
    assert fold_label("zebra crossing") == "zebra crossing"


def test_addresses_of_one_place_are_one_and_the_files_own_is_kept() -> None:
    spellings = ["Manor Rd & Airport Blvd", "AIRPORT BLVD&MANOR  RD", "Airport Blvd & Manor Rd"]

    table = table_of(*(row(f"R{n}", address=text) for n, text in enumerate(spellings)))

    assert set(values(table, "address")) == {"AIRPORT BLVD & MANOR RD"}
    assert values(table, "address_raw") == spellings


def test_of_rows_with_one_report_id_the_youngest_status_stays() -> None:
    active = row("R1", status="ACTIVE", status_date="01/02/2023 03:35:00 PM +0000")

    table, report = load(csv_file(row("R1"), active, row("R2"), row("")))

    assert values(table, "report_id") == ["R1", "R2"]
    assert values(table, "status") == ["ARCHIVED"] * 2
    assert (report.rows_read, report.rows_kept) == (4, 2)
    assert report.duplicates is not None
    assert (report.duplicates.count, report.duplicates.rows) == (1, [3])
    assert [(note.reason, note.rows) for note in report.dropped] == [("no report id", [5])]


def test_rows_are_in_the_order_of_time_and_those_without_one_last() -> None:
    table = table_of(
        row("R1", published=""), row("R2", published="2023-01-03T00:00:00Z"), row("R3", published="2023-01-01T00:00:00Z")
    )

    assert values(table, "report_id") == ["R3", "R2", "R1"]


def test_merging_adds_new_rows_and_replaces_older_states_of_a_row() -> None:
    old = table_of(row("R1", status="ACTIVE", status_date="01/02/2023 03:35:00 PM +0000"), row("R2", issue="COLLISION"))
    new = table_of(row("R1"), row("R3", issue="zSTALLED VEHICLE", published="2022-12-31T12:00:00Z"))

    both = merge(old, new, ZONE)

    assert values(both, "report_id") == ["R3", "R2", "R1"]
    assert values(both, "status") == ["ARCHIVED"] * 3
    assert values(both, "issue") == ["Stalled Vehicle", "COLLISION", "Crash Urgent"]
    assert both["date"].combine_chunks().dictionary.to_pylist() == ["2022-12-31", "2023-01-02"]
    assert merge(both, new, ZONE).equals(both)


def test_a_long_json_file_is_read_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.incidents_json.BLOCK_BYTES", 700)
    monkeypatch.setattr("lib.incidents_json.ROWS_PER_BATCH", 7)
    records = [api_record(traffic_report_id=f"R{n}", address=f"{n} Große Str") for n in range(50)]

    table, report = load(json.dumps(records, ensure_ascii=False).encode())

    assert report.rows_kept == 50
    assert values(table, "address_raw") == [record["address"] for record in records]
