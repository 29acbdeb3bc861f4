"""The five operations of the course, ours beside those of Polars and DuckDB: calls in turns, with parameters new in every call.

`python -m bench.analysis.operations <calls>` reads the data whose Redis the environment names, compares all answers, and
prints the milliseconds of every call as JSON.
"""

import gc
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.analysis.peers import THREADS, Form, Forms, duckdb_forms, polars_forms
from lib import analysis
from lib.columns import coded, frame
from lib.connections import connect
from lib.dataset import Dataset, DatasetStore
from lib.settings import load_settings

TRIALS = 5  # calls of each form that decide which of them is the fastest


def our_forms(table: pa.Table) -> Forms:
    """Ours, on the mapped table as a worker has it."""
    df = frame(table)
    return {
        "incident_count_by_date": {"": lambda date: analysis.incident_count_by_date(df, date)["incident_count"]},
        "top_locations": {"": lambda n: analysis.top_locations(df, n)["top_locations"]},
        "average_response_time": {"": lambda _: analysis.average_response_time(df)["avg_response"]},
        "unique_issues": {"": lambda _: analysis.unique_issues(df)["unique_issues"]},
        "incidents_by_road": {"": lambda road: analysis.incidents_by_road(df, road)["count"]},
    }


def load() -> pa.Table:
    """The current version, mapped, with a column ResponseTime, which the portal's export has not."""
    settings = load_settings()
    store = DatasetStore(connect(settings, settings.redis_db), settings)
    table = Dataset(store, settings.data_cache, settings).table()[0]
    minutes = pc.divide(pc.cast(pc.subtract(table["status_date"], table["published"]), pa.int64()), 60e6)
    return table.append_column("response_time", pc.if_else(pc.greater_equal(minutes, 0), minutes, None))


def parameters(table: pa.Table, calls: int) -> dict[str, list[Any]]:
    """Of every call, none twice where there are so many."""
    draw = random.Random(1)
    df = frame(table)
    streets = sorted({word for name in coded(df, "address").values.to_pylist()[:5_000] for word in name.split() if len(word) > 3})
    days = sorted(day for day in coded(df, "date").values.to_pylist() if day)
    some = {"incident_count_by_date": days, "top_locations": range(5, 1_000), "incidents_by_road": streets}
    chosen = {name: draw.sample(list(values), min(calls, len(values))) for name, values in some.items()}
    return {name: (values * calls)[:calls] for name, values in chosen.items()} | {
        name: [None] * calls for name in ("average_response_time", "unique_issues")
    }


def measure(contestants: Mapping[str, Forms], given: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Operation -> contestant -> the form that was taken and the milliseconds of its calls.

    Raises:
        AssertionError: two contestants give different answers.
    """
    found: dict[str, Any] = {}
    for operation, values in given.items():
        taken = {name: _fastest(forms[operation], values) for name, forms in contestants.items()}
        times: dict[str, list[float]] = {name: [] for name in taken}
        for turn, value in enumerate(values):
            order = list(taken)[turn % len(taken) :] + list(taken)[: turn % len(taken)]
            answers = {}
            for name in order:
                began = time.perf_counter()
                answers[name] = taken[name][1](value)
                times[name].append(1_000 * (time.perf_counter() - began))
            _agree(operation, value, answers)
        found[operation] = {name: {"form": form, "milliseconds": times[name]} for name, (form, _) in taken.items()}
    return found


def _fastest(forms: Mapping[str, Form], values: Sequence[Any]) -> tuple[str, Form]:
    """By the median of some calls; the first call of each does not count."""
    medians = {}
    for name, form in forms.items():
        form(values[0])
        taken = []
        for value in values[1 : TRIALS + 1]:
            began = time.perf_counter()
            form(value)
            taken.append(time.perf_counter() - began)
        medians[name] = statistics.median(taken)
    best = min(medians, key=lambda name: medians[name])
    return best, forms[best]


def _agree(operation: str, value: Any, answers: Mapping[str, Any]) -> None:
    first = next(iter(answers.values()))
    for name, answer in answers.items():
        same = math.isclose(answer, first, rel_tol=1e-9) if isinstance(first, float) else _ordered(answer) == _ordered(first)
        assert same, f"{operation}({value}): {name} says {str(answer)[:200]}, {next(iter(answers))} {str(first)[:200]}"


def _ordered(answer: Any) -> Any:
    return list(answer.items()) if isinstance(answer, dict) else answer


def main() -> None:
    """Measure and print."""
    pa.set_cpu_count(THREADS)
    table = load()
    contestants = {"trafficjobs": our_forms(table), "polars": polars_forms(table), "duckdb": duckdb_forms(table)}
    gc.collect()
    gc.freeze()
    print(json.dumps({"rows": table.num_rows, "operations": measure(contestants, parameters(table, int(sys.argv[1])))}))


if __name__ == "__main__":
    main()
