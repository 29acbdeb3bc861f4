"""What is no file of incidents, or a broken one: refused with the place and the reason, by the job and while it arrives."""

import json

import pytest

from lib.errors import InvalidInput, UnreadableFile
from lib.incidents_beginning import Inspector
from tests.unit.incident_files import HEADER, csv_file, load, row
from tests.unit.test_incidents import api_record


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (HEADER.encode(), "has a header but no rows"),
        (b"[]", "holds no records"),
        (b"a,b\n1,2\n", "no column for published .*Columns found: a, b"),
        (b"Published Date,Address\nx,y\n", "no column for issue"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "ZIP"),
        (b"<html>", "HTML"),
        ("Ä".encode("utf-16"), "UTF-16"),
        (csv_file(row()) + b"R2,\xe9t\xe9", "not UTF-8: line 3 holds the byte 0xe9"),
        (csv_file(row(), "R2,too,few", row("R3"), f"{row('R4')},1"), "9 fields, but row 3 has 3, row 5 has 10"),
        (b'[{"issue": 1},\n {"issue": }]', "line 2, column 12"),
        (b'[{"issue": 1}', "not closed"),
        (b'[{"issue": 1}] x', "follows the end"),
        (b'[\n {"issue" 1}]', "line 2, column 11: Expecting ':' delimiter"),
        (b'[{"a": 1}]', "no column for published .*Columns found: a"),
        (b"[1]", "column 2: expected an object"),
        (b"[[{}]]", "column 2: expected an object"),
        (b'{"issue": 1}\n]', "unexpected ]"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * 100_000, "expected an object"),
        (b'[{"issue": "\\ud800"}]', "surrogate"),
        (json.dumps([{"issue": 1} | {f"k{n}": 1 for n in range(2_000)}]).encode(), "more than 1,000 different keys"),
        (b"\0" * 100, "line 1 holds a zero byte"),
        (csv_file(row(), row("R2", issue="a\0b")), "line 3 holds a zero byte"),
        (csv_file(row()).decode().encode("utf-16-le"), "zero byte"),
        (b" " * 100_000, "begins with blanks and nothing else"),
        (f"{HEADER},{',' * 2_000}\n{row()}".encode(), "the header has 2,010 columns"),
        (b"x," * 100_000, "the first line, which must name the columns, is longer than 64 KiB"),
        (csv_file(row()) + b"x" * 9_000_000, "line 3 is longer than 4 MiB"),
        (csv_file(row()) + b'R2,"' + b"x\n" * 9_000_000, "a row is longer than 4 MiB: a quotation mark"),
        (csv_file(row()).replace(b"Status Date", b'"Status Date') + b"x\n" * 300_000, "fields|quotation"),
        (csv_file(row("")), "none has a report id"),
    ],
)
def test_what_is_no_file_of_incidents_is_refused_with_the_place_and_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load(data)


@pytest.mark.parametrize("size", [1, 7, 4096, 200_000])
def test_an_inspector_finds_the_same_in_pieces_of_any_size(size: int) -> None:
    def inspected(data: bytes) -> str:
        inspector = Inspector()
        try:
            for start in range(0, len(data), size):
                inspector.feed(data[start : start + size])
            inspector.end()
        except UnreadableFile as error:
            return str(error)
        return ""

    long = csv_file(*(row(f"R{n}", address="Ä Straße") for n in range(1_000)))
    assert inspected(long) == ""
    assert inspected(b"\xef\xbb\xbf" + long) == ""
    assert "line 1002 holds the byte 0xc3" in inspected(long + b"\xc3")
    assert "line 1002 holds a zero byte" in inspected(long + b"\0" + long)
    assert "gzip" in inspected(b"\x1f\x8b\x08")
    assert "the file is empty" in inspected(b"")
    assert inspected(json.dumps([api_record()] * 1_000).encode()) == ""
    assert "Columns found: a" in inspected(json.dumps([{"a": 1}] * 10_000).encode())
    # A record that is longer than what is looked at, cut anywhere, is no broken one.
    for length in range(64 * 1024 - 60, 64 * 1024 + 60, 7):
        assert inspected(json.dumps([{"issue": "é" * (length // 6), "n": [1, True, "x"]}]).encode()) == ""


def test_a_quotation_mark_that_is_never_closed_is_reported() -> None:
    with pytest.raises(InvalidInput, match=r"fields|quotation"):
        load(csv_file(row(), 'R2,"never closed', *(row(f"R{n}") for n in range(3, 9))))
