"""The invented sample: its shape, its dirt, and that the same seed gives the same file."""

import subprocess
import sys
from pathlib import Path

import pyarrow.compute as pc
import pytest

from lib.cleaning import clean
from lib.incidents_file import read_incidents
from tests.unit.incident_files import ZONE, values
from tests.workers import ROOT
from tools.download_data import download
from tools.make_sample import make_sample, write

ROWS = 20_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    write(make_sample(ROWS, seed=1), path)
    return path


def test_the_same_seed_gives_the_same_file_and_another_one_another() -> None:
    assert make_sample(1000, 7).equals(make_sample(1000, 7))
    assert not make_sample(1000, 7).equals(make_sample(1000, 8))


def test_the_header_is_the_portals(sample: Path) -> None:
    assert sample.read_text().splitlines()[0] == (
        "Traffic Report ID,Published Date,Issue Reported,Location,Latitude,Longitude,Address,Status,Status Date,Agency"
    )


def test_all_the_dirt_of_the_export_is_in_it(sample: Path) -> None:
    with sample.open("rb") as file:
        table, report = clean(read_incidents(file), ZONE)

    reasons = {note.reason.split(":")[0]: note.count for note in report.nulled}
    assert report.duplicates is not None
    assert report.rows_kept == ROWS - report.duplicates.count
    assert set(reasons) == {"(0, 0)", "the decimal point is lost", "in 1970"}
    assert reasons["(0, 0)"] == 30
    assert report.labels == {"zSTALLED VEHICLE": "Stalled Vehicle"}
    assert report.addresses["places"] < report.addresses["spellings"]
    assert "ACTIVE" in values(table, "status")
    assert table["status"].null_count > 0
    text = sample.read_text()
    assert "POINT (-97." in text
    assert '"(30.' in text


def test_the_rush_is_in_the_afternoon_of_austin_and_shares_are_the_exports(sample: Path) -> None:
    with sample.open("rb") as file:
        table, _ = clean(read_incidents(file), ZONE)

    hours = {pair["values"]: pair["counts"] for pair in pc.value_counts(table["hour"]).to_pylist()}
    issues = {pair["values"]: pair["counts"] for pair in pc.value_counts(table["issue_raw"]).to_pylist()}
    assert max(hours, key=lambda hour: hours[hour]) in (16, 17)
    assert min(hours, key=lambda hour: hours[hour]) in (3, 4)
    assert issues["Traffic Hazard"] / ROWS == pytest.approx(127_794 / 432_500, abs=0.02)


def test_the_program_writes_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    arguments = [sys.executable, "tools/make_sample.py", "--rows", "50", "--out", str(tmp_path / "new" / "s.csv"), "--seed", "3"]

    subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True)

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.csv"]
    assert len((tmp_path / "new" / "s.csv").read_text().splitlines()) == 51


def test_a_download_replaces_the_file_whole(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "data.csv"
    target.write_text("old")

    assert download(sample.as_uri(), target) == sample.stat().st_size
    assert target.read_bytes() == sample.read_bytes()


def test_an_answer_that_is_no_export_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    target = tmp_path / "data.csv"
    target.write_text("old")

    with pytest.raises(OSError, match="no export of incidents"):
        download((tmp_path / "page.html").as_uri(), target)

    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "page.html"]


def test_without_internet_the_program_says_what_to_do_instead(tmp_path: Path) -> None:
    arguments = [
        sys.executable,
        "tools/download_data.py",
        "--out",
        str(tmp_path / "x.csv"),
        "--url",
        (tmp_path / "none").as_uri(),
    ]

    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "make_sample.py" in done.stderr
