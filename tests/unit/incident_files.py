"""Small files of incidents for the tests, all invented."""

import io
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.cleaning import Report, clean
from lib.columns import frame
from lib.incidents_file import read_incidents

ZONE = "America/Chicago"
HEADER = "Traffic Report ID,Published Date,Issue Reported,Location,Latitude,Longitude,Address,Status,Status Date"


def row(
    report_id: str = "R1",
    published: str = "01/02/2023 03:30:00 PM +0000",
    issue: str = "Crash Urgent",
    location: str = '"(30.25,-97.75)"',
    latitude: str = "30.25",
    longitude: str = "-97.75",
    address: str = "100 S Congress Ave",
    status: str = "ARCHIVED",
    status_date: str = "01/02/2023 04:00:03 PM +0000",
) -> str:
    """One line of a CSV under HEADER."""
    return ",".join([report_id, published, issue, location, latitude, longitude, address, status, status_date])


def csv_file(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def load(data: bytes) -> tuple[pa.Table, Report]:
    """Read and clean."""
    return clean(read_incidents(io.BytesIO(data)), ZONE)


def table_of(*rows: str) -> pa.Table:
    return load(csv_file(*rows))[0]


def frame_of(*rows: str) -> pd.DataFrame:
    return frame(table_of(*rows))


def values(table: pa.Table, name: str) -> list[Any]:
    return table[name].to_pylist()


def week() -> list[str]:
    """Twelve incidents on three days of January 2023, at four addresses."""
    places = [
        "100 S Congress Ave",
        "Burnet Rd & W Braker Ln",
        "W BRAKER LN & BURNET RD",
        "5 Main (North) St",
        "100  s congress AVE",
        "9 Oak Dr",
    ]
    issues = ["Crash Urgent", "zSTALLED VEHICLE", "Stalled Vehicle", "Traffic Hazard"]
    return [
        row(
            report_id=f"R{n}",
            published=f"01/{3 + n // 5:02d}/2023 {1 + n:02d}:00:00 PM +0000",
            issue=issues[n % 4],
            address=places[n % 6],
        )
        for n in range(11)
    ] + [row(report_id="R11", published="01/05/2023 11:00:00 PM +0000", latitude="0.0", longitude="0.0", location="")]
