"""The course's five operations as users of Polars and of DuckDB would write them, on data loaded and typed for them beforehand.

Each operation has several forms where it is not plain which is the fastest; the measurement takes the fastest. What may be
typed is typed: days, categories of issues and of addresses, whose names are in order. Nothing is counted beforehand.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

Form = Callable[[Any], Any]
Forms = Mapping[str, Mapping[str, Form]]
THREADS = 2


def polars_forms(table: pa.Table) -> Forms:
    """Operation -> name of the form -> function of the parameter."""
    text = pl.from_arrow(pa.table({name: _plain(table[name]) for name in ("date", "issue", "address", "response_time")}))
    assert isinstance(text, pl.DataFrame)
    enums = {name: pl.Enum(text[name].drop_nulls().unique().sort()) for name in ("issue", "address")}
    typed = text.with_columns(pl.col("date").str.to_date("%Y-%m-%d"), *(pl.col(name).cast(kind) for name, kind in enums.items()))
    date, issue, address, words = typed["date"], typed["issue"], typed["address"], text["address"]
    by_date = typed.with_columns(date.set_sorted()) if date.null_count() == 0 and date.is_sorted() else typed
    codes, names = address.to_physical(), enums["address"].categories

    def day(value: str) -> datetime.date:
        return datetime.date.fromisoformat(value)

    def ranked(counts: pl.DataFrame, n: int) -> dict[str, int]:
        top = counts.filter(pl.col("address").is_not_null()).top_k(n, by=["len", "address"], reverse=[False, True])
        return dict(top.sort(["len", "address"], descending=[True, False]).rows())

    def by_code(n: int) -> dict[str, int]:
        counts = codes.drop_nulls().value_counts(name="len").top_k(n, by=["len", "address"], reverse=[False, True])
        counts = counts.sort(["len", "address"], descending=[True, False])
        return dict(zip(names.gather(counts["address"]), counts["len"], strict=True))

    def along_code(road: str) -> int:
        wanted = names.str.contains(road, literal=True)
        return int(wanted.gather(codes).sum())

    return {
        "incident_count_by_date": {
            "series": lambda value: int((date == day(value)).sum()),
            "sorted": lambda value: by_date.lazy().filter(pl.col("date") == day(value)).select(pl.len()).collect().item(),
            "enum": lambda value: typed.select((pl.col("date") == day(value)).sum()).item(),
        },
        "top_locations": {
            "group_by": lambda n: ranked(typed.group_by("address").len(), n),
            "lazy": lambda n: ranked(typed.lazy().group_by("address").len().collect(), n),
            "value_counts": lambda n: ranked(address.value_counts(name="len"), n),
            "codes": by_code,
        },
        "average_response_time": {"mean": lambda _: typed["response_time"].mean()},
        "unique_issues": {
            "n_unique": lambda _: issue.n_unique() - (issue.null_count() > 0),
            "unique of codes": lambda _: issue.to_physical().drop_nulls().n_unique(),
            "text": lambda _: text["issue"].drop_nulls().n_unique(),
        },
        "incidents_by_road": {
            "text": lambda road: int(words.str.contains(road, literal=True).sum()),
            "categories": along_code,
        },
    }


def duckdb_forms(table: pa.Table) -> Forms:
    """The same. Statements that are run again and again are prepared by DuckDB itself."""
    con = duckdb.connect(config={"threads": THREADS})
    text = pa.table({name: _plain(table[name]) for name in ("date", "issue", "address", "response_time")})
    con.register("given", text)
    for name in ("issue", "address"):
        con.execute(
            f"CREATE TYPE {name}_names AS ENUM (SELECT DISTINCT {name} FROM given WHERE {name} IS NOT NULL ORDER BY {name})"
        )
    typed = "date::DATE AS date, issue::issue_names AS issue, address::address_names AS address, response_time"
    con.execute(f"CREATE TABLE typed AS SELECT {typed} FROM given")
    con.execute("CREATE TABLE texts AS SELECT address FROM given")
    con.execute("CREATE TABLE places AS SELECT row_number() OVER (ORDER BY address) AS id, address FROM given GROUP BY address")
    con.execute("CREATE TABLE coded AS SELECT id FROM given JOIN places USING (address)")
    con.unregister("given")

    def one(query: str) -> Form:
        def ask(value: Any) -> Any:
            row = con.execute(query, [value] if "?" in query else []).fetchone()
            assert row is not None
            return row[0]

        return ask

    def top(kind: str) -> Form:
        query = (
            f"SELECT {kind}, count(*) AS n FROM typed WHERE address IS NOT NULL GROUP BY address ORDER BY n DESC, address LIMIT ?"
        )
        return lambda n: dict(con.execute(query, [n]).fetchall())

    def top_coded(n: int) -> dict[str, int]:
        query = (
            "SELECT address, n FROM (SELECT id, count(*) AS n FROM coded GROUP BY id ORDER BY n DESC, id LIMIT ?)"
            " JOIN places USING (id) ORDER BY n DESC, id"
        )
        return dict(con.execute(query, [n]).fetchall())

    road = "SELECT count(*) FROM coded WHERE id IN (SELECT id FROM places WHERE contains(address, ?))"
    return {
        "incident_count_by_date": {"typed": one("SELECT count(*) FROM typed WHERE date = ?::DATE")},
        "top_locations": {"enum": top("address"), "coded": top_coded},
        "average_response_time": {"avg": one("SELECT avg(response_time) FROM typed")},
        "unique_issues": {
            "distinct": one("SELECT count(DISTINCT issue) FROM typed"),
            "group by": one("SELECT count(*) FROM (SELECT issue FROM typed WHERE issue IS NOT NULL GROUP BY issue)"),
        },
        "incidents_by_road": {
            "text": one("SELECT count(*) FROM texts WHERE contains(address, ?)"),
            "enum": one("SELECT count(*) FROM typed WHERE contains(address::VARCHAR, ?)"),
            "coded": one(road),
        },
    }


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
