"""The file of a backup: what was written is read again however it is cut into pieces, and what is not whole is refused."""

import gzip
import json
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from lib.backup import form
from lib.backup.form import BrokenBackup, Entry, Unpacker, packed

ENTRIES = [
    Entry("job", "one", {"place": "1"}, [b"status", b"complete", b"result", b"\x00\xff\n" * 50]),
    Entry("files", "one", {}, [b"plot.png", bytes(range(256)) * 3_000]),
    Entry("gone", "two"),
    *(Entry("job", f"n{n}", {}, [b"id", b"n%d" % n]) for n in range(300)),
]
WHOLE = b"".join(packed(ENTRIES, {"made": "2024-05-01T12:00:00+00:00", "made_by": "1.2"}))


def read(pieces: Iterable[bytes]) -> list[Entry]:
    return list(Unpacker(pieces).entries())


@pytest.mark.parametrize("size", [1, 7, 1_000, len(WHOLE)])
def test_what_was_written_is_read_again_however_it_comes(size: int) -> None:
    assert read(WHOLE[start : start + size] for start in range(0, len(WHOLE), size)) == ENTRIES


def test_the_first_entry_says_what_the_file_is() -> None:
    unpacker = Unpacker([WHOLE])
    assert len(list(unpacker.entries())) == len(ENTRIES)
    assert unpacker.about == {"version": 1, "made": "2024-05-01T12:00:00+00:00", "made_by": "1.2"}


def test_gzip_itself_sees_whether_it_is_whole(tmp_path: Path) -> None:
    for content, code in ((WHOLE, 0), (WHOLE[:-1], 1)):
        (tmp_path / "b.gz").write_bytes(content)
        assert subprocess.run(["gzip", "-t", "b.gz"], cwd=tmp_path, capture_output=True).returncode == code


def test_a_cut_off_file_is_refused_wherever_it_is_cut() -> None:
    for length in [*range(0, len(WHOLE), max(1, len(WHOLE) // 200)), len(WHOLE) - 1]:
        with pytest.raises(BrokenBackup, match="cut off"):
            read([WHOLE[:length]])


def test_a_damaged_file_is_refused_wherever_a_byte_is_changed() -> None:
    for place in range(10, len(WHOLE), max(1, len(WHOLE) // 200)):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 0x55
        with pytest.raises(BrokenBackup):
            read([bytes(damaged)])


def test_content_that_does_not_fit_its_checksum_is_refused() -> None:
    plain = zlib.decompress(WHOLE, wbits=31).replace(b"complete", b"cancelle")
    with pytest.raises(BrokenBackup, match="checksum"):
        read([gzip.compress(plain)])


def test_an_entry_that_is_missing_is_noticed() -> None:
    plain = zlib.decompress(WHOLE, wbits=31)
    with pytest.raises(BrokenBackup, match="checksum"):
        read([gzip.compress(plain.replace(ENTRIES[2].packed(), b"", 1))])


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 no backup at all",
        gzip.compress(b"Traffic Report ID,Published Date\n"),
        gzip.compress(b"x" * 100_000),
        gzip.compress(b'["backup","something else",{"version":1},0]\n'),
        gzip.compress(b'["backup","trafficjobs backup",{"version":1},-1]\n'),
        gzip.compress(b'["backup","trafficjobs backup",{"version":1},99999999999]\n'),
        gzip.compress(b"[1,2,3,4]\n"),
    ],
    ids=["zip", "csv", "no line", "another form", "less than nothing", "too many", "no entry"],
)
def test_other_files_are_no_backups(content: bytes) -> None:
    with pytest.raises(BrokenBackup, match="no backup"):
        read([content])


def test_a_newer_form_is_refused_with_the_version_that_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "VERSION", 2)
    newer = b"".join(packed(ENTRIES, {"made_by": "9.9"}))
    monkeypatch.undo()
    with pytest.raises(BrokenBackup, match=r"form 2, made by trafficjobs 9\.9, and this version reads up to form 1"):
        read([newer])


@pytest.mark.parametrize("more", [b"x", WHOLE, gzip.compress(b"more")], ids=["a byte", "a backup", "a gzip stream"])
def test_what_follows_the_end_is_refused(more: bytes) -> None:
    for pieces in ([WHOLE + more], [WHOLE, more]):
        with pytest.raises(BrokenBackup, match="follows its end"):
            read(pieces)


def test_a_small_file_does_not_unfold_in_memory() -> None:
    """A head that announces more than an entry may hold is refused before anything is read for it."""
    sizes = (2**31).to_bytes(4, "little")
    first = Entry("backup", form.FORMAT, {"version": 1}).packed()
    with pytest.raises(BrokenBackup, match="no backup"):
        read([gzip.compress(first + json.dumps(["job", "one", {}, 1]).encode() + b"\n" + sizes)])
