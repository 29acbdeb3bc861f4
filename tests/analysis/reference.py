"""The incidents of a file as DuckDB reads and cleans them in SQL, and every operation answered by it. Nothing of lib is used.

A second opinion: what both say was computed twice, from the file on, by code that has nothing in common.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

Database = Any  # duckdb.DuckDBPyConnection; imported where it is used, for a process that has it says much when it ends

ZONE = "America/Chicago"
_KNOWN = ("Crash Service", "Crash Urgent", "Stalled Vehicle", "Traffic Hazard", "Traffic Impediment")
_COLUMNS = {
    "report_id": "trafficreportid",
    "published": "publisheddate",
    "issue": "issuereported",
    "address": "address",
    "latitude": "latitude",
    "longitude": "longitude",
    "status": "status",
    "status_date": "statusdate",
    "agency": "agency",
}
_OTHER_NAMES = {"status": "trafficreportstatus", "status_date": "trafficreportstatusdatetime"}
_CLEANED = """
create table incidents as
with timed as (
    select row, report_id, upper(status) as status, trim(agency) as agency,
        coalesce(try_strptime(published, '%m/%d/%Y %I:%M:%S %p %z'), try_cast(published as timestamptz)) as published,
        coalesce(try_strptime(status_date, '%m/%d/%Y %I:%M:%S %p %z'), try_cast(status_date as timestamptz)) as ended,
        trim(regexp_replace(issue, '\\s+', ' ', 'g')) as label,
        trim(regexp_replace(regexp_replace(upper(address), '\\s*&\\s*', ' & ', 'g'), '\\s+', ' ', 'g')) as place,
        try_cast(latitude as double) as lat, try_cast(longitude as double) as lon
    from raw
), latest as (
    select *, case when ended < timestamptz '2000-01-01 00:00:00+00' then null else ended end as gone from timed
    qualify row_number() over (
        partition by report_id order by
            (case when ended < timestamptz '2000-01-01 00:00:00+00' then null else ended end) desc nulls last, row desc) = 1
)
select row, report_id, status, agency, published, gone as ended,
    coalesce((select k.name from known k where lower(k.name) = lower(bare)), bare) as issue,
    case when len(string_split(place, ' & ')) = 2
        then list_aggregate(list_sort(string_split(place, ' & ')), 'string_agg', ' & ') else nullif(place, '') end as address,
    case when here then lat end as latitude, case when here then lon end as longitude,
    timezone($zone, published) as local
from (select *, case when regexp_matches(label, '^z[A-Z]') then label[2:] else label end as bare,
             coalesce(lat between 29.0 and 31.6 and lon between -99.2 and -96.2, false) as here from latest)
"""


def reference(path: Path, zone: str = ZONE) -> Database:
    """A database with the table `incidents`: report_id, published, ended, local, issue, address, latitude, longitude, ..."""
    import duckdb

    db = duckdb.connect()
    db.execute("set threads = 2; set timezone = 'UTC'")
    if path.suffix == ".json":
        raw = pd.DataFrame(json.loads(path.read_text()), dtype="object")
    else:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    squashed = {"".join(filter(str.isalnum, name.lower())): name for name in raw.columns}
    texts = {}
    for ours, theirs in _COLUMNS.items():
        name = squashed.get(theirs) or squashed.get(_OTHER_NAMES.get(ours, ""))
        texts[ours] = raw[name].map(lambda text: str(text).strip() if text is not None else "") if name else ""
    prepared = pd.DataFrame({"row": range(len(raw))} | texts).replace("", None)  # noqa: F841 - DuckDB finds it by its name
    db.execute("create table raw as select * from prepared")
    db.execute("create table known as select unnest($names) as name", {"names": list(_KNOWN)})
    db.execute(_CLEANED, {"zone": zone})
    return db


def rows(db: Database, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    return db.execute(query, values or None).fetchall()


def one(db: Database, query: str, **values: Any) -> Any:
    """The one value that a query answers."""
    ((value,),) = rows(db, query, **values)
    return value
