"""The same file twice: as a frame of ours, and as DuckDB reads it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.cleaning import clean
from lib.columns import frame
from lib.context import Content, Recorder
from lib.incidents_file import read_incidents
from lib.operations import load_catalog, run, running
from tests.analysis.reference import ZONE, Database, reference
from tools.make_sample import make_sample, write

SAMPLE = 20_000
REAL = ("incidents_2020.csv", "incidents_2017_api.json")
FULL = "full size"
FULL_ROWS = 432_500


class Unmade(Recorder):
    """Keeps files as what would make them: the numbers are what counts here."""

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        self.files[name] = (b"", content_type)


@dataclass
class Both:
    """`ask` runs an operation on our frame; `db` is the reference."""

    df: pd.DataFrame
    db: Database
    real: bool

    def ask(self, operation: str, **params: Any) -> Any:
        catalog = load_catalog()
        with running(Unmade()):
            return run(catalog.get(operation), catalog.validate(operation, params), self.df)

    @property
    def period(self) -> tuple[str, str]:
        """A first and a last day well within the data."""
        ((first, last),) = self.db.execute(
            "select strftime(quantile_disc(local, 0.2), '%Y-%m-%d'), strftime(quantile_disc(local, 0.6), '%Y-%m-%d') "
            "from incidents"
        ).fetchall()
        return first, last


@pytest.fixture(
    scope="session",
    params=["sample", *REAL, pytest.param(FULL, marks=[pytest.mark.slow, pytest.mark.once])],
)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    if request.param in REAL:
        folder = os.environ.get("TRAFFICJOBS_REAL_DATA")
        if not folder:
            pytest.skip("TRAFFICJOBS_REAL_DATA does not name the folder of the real slices")
        path = Path(folder) / request.param
    else:
        path = tmp_path_factory.mktemp("analysis") / "incidents.csv"
        write(make_sample(SAMPLE if request.param == "sample" else FULL_ROWS, seed=3), path)
    with path.open("rb") as file:
        df = frame(clean(read_incidents(file), ZONE)[0])
    with reference(path) as db:
        yield Both(df, db, request.param in REAL)
