"""`load` and `data` against the real service: what is loaded, found and shown, and what is wrong with a file."""

from pathlib import Path

import pytest

from tests.cli.conftest import CSV, Shell
from tests.service import Service
from trafficjobs import Client


def test_data_is_loaded_searched_and_shown(shell: Shell, service: Service, tmp_path: Path) -> None:
    incidents = tmp_path / "incidents.csv"
    with Client(service.url) as client:
        before = client.versions()[0]["id"]
    incidents.write_text("Traffic Report ID,Published Date,Issue Reported,Address\nB_1,01/05/2023 06:00:00 PM +0000,Crash,X ST\n")
    loaded = shell("load", incidents, "--mode", "append")
    assert loaded.out.splitlines()[0] == "4 incidents are loaded, 2023-01-01 to 2023-01-05"
    assert loaded.err.startswith(f"{incidents}: 0.0 MiB sent\n")
    found = shell("data", "search", "x st", "--json").json["incidents"]
    assert [one["report_id"] for one in found] == ["B_1"]
    assert "X ST" in shell("data", "search", "--start", "2023-01-05", "--end", "2023-01-06", "-n", 5).out
    assert shell("data", "search", "no such text").err == "There are no such incidents.\n"
    assert "X ST" in shell("data", "get", "B_1").out
    assert before in shell("data", "versions").out
    assert shell("data", "versions", "--json").json["versions"][0]["current"] is True
    jid = shell("load", incidents, "--no-wait").out.strip()
    assert shell("result", jid, "--wait").json["rows"] == 1
    incidents.write_bytes(CSV)
    assert shell("load", incidents, "--json").json["status"] == "complete"


def test_the_report_of_a_load_says_what_became_of_the_rows(shell: Shell, tmp_path: Path) -> None:
    incidents = tmp_path / "dirty.csv"
    header, *rows = CSV.decode().splitlines()
    dirty = [
        *rows,
        rows[0],
        rows[0].replace("A_1", ""),
        rows[1].replace("A_2", "A_4").replace("Stalled Vehicle", "zSTALLED VEHICLE").replace("W 5TH ST", "=W 5th St"),
        rows[2].replace("A_3", "A_5").replace("30.26,-97.74,", "0.0,0.0,"),
        rows[2].replace("A_3", "A_6").replace("01/02/2023 08:30", "13/02/2023 08:30"),
    ]
    incidents.write_text("\n".join([header, *dirty, ""]))
    try:
        told = shell("load", incidents)
        lines = [" ".join(line.split()) for line in told.out.splitlines()]
        assert lines == [
            "6 incidents are loaded, 2023-01-01 to 2023-01-02",
            "ROWS WHY FOR EXAMPLE",
            "read 8 csv",
            "kept 6",
            "merged 1 report_id: same report id as a row that is kept row 2",
            "dropped 1 report_id: no report id row 6",
            "nulled 1 published: not a date row 9",
            "nulled 1 coordinates: (0, 0) row 8",
            "kept, with care 1 address: looks like a formula row 7",
            "label folded 'zSTALLED VEHICLE' is 'Stalled Vehicle'",
        ]
    finally:
        incidents.write_bytes(CSV)
        shell("load", incidents)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "Columns found: a, b"),
        (bytes(10), "zero byte"),
        (b"\x1f\x8b", "unpack it first"),
        (b"", "The file is empty"),
    ],
)
def test_a_wrong_file_is_exit_code_2_and_says_what_it_is(shell: Shell, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "wrong.csv").write_bytes(content)
    told = shell("load", tmp_path / "wrong.csv")
    assert (told.code, told.out) == (2, "")
    assert words in told.err


def test_an_address_is_downloaded_by_the_service_where_it_may(shell: Shell, service: Service) -> None:
    told = shell("load", "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?accessType=DOWNLOAD")
    assert told.code == 2
    assert "DATA_URLS is empty; whoever runs the service can add data.austintexas.gov to it" in told.err


def test_one_goes_back_to_a_version_and_removes_another(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_bytes(CSV)
    for _ in range(2):
        assert shell("load", tmp_path / "incidents.csv").code == 0
    newest, before = (one["id"] for one in shell("data", "versions", "--json").json["versions"][:2])
    assert shell("data", "activate", before).out.startswith(f"{before} is current: ")
    assert shell("data", "activate", newest, "--json").json["current"] is True
    assert shell("data", "remove", newest).code == 4
    assert shell("data", "remove", before).out == f"{before} is removed\n"
    assert shell("data", "activate", before).code == 3


def test_loading_a_data_file_that_the_service_does_not_have_is_exit_code_3(shell: Shell) -> None:
    answer = shell("load")
    assert answer.code == 3
    assert "DATA_FILE" in answer.err
