"""What makes bytes a file of incidents: their beginning (kind, header or first object), and what no text holds anywhere.

The API checks uploads with an `Inspector` while they arrive, `lib.incidents_text` what jobs read, so that both refuse a file at
the same place in the same words. An inspector keeps no more than the beginning, and of that only until it is judged.
"""

import codecs
import csv
import io
import json
import re

from lib.columns import SPELLINGS, find
from lib.errors import UnreadableFile

HEAD_BYTES = 64 * 2**10  # within which the header must end
LINE_BYTES = 4 * 2**20  # of a CSV, in which the reader goes on
MOST_COLUMNS = 1_000
# What a file may hold, under our names. Day and hour are always derived.
FILE_COLUMNS = ("report_id", "published", "date", "issue", "address", "point", "latitude", "longitude", "status", "status_date",
                "agency", "response_time")  # fmt: skip
_NOT_TEXT = {
    b"\x1f\x8b": "is compressed (gzip); unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed (zstd); unpack it first",
    b"\xfd7zXZ": "is compressed (xz); unpack it first",
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet; save it as CSV",
    b"\xd0\xcf\x11\xe0": "is a spreadsheet or document; save it as CSV",
    b"%PDF": "is a PDF; save it as CSV",
    b"PAR1": "is a Parquet file; save it as CSV",
    b"\xff\xfe": "is encoded in UTF-16; save it as UTF-8",
    b"\xfe\xff": "is encoded in UTF-16; save it as UTF-8",
    b"<": "is HTML or XML, perhaps an error page of the download",
}
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers as they are spelled, however long
_CUT = 16  # characters at the end of a text in which the parser may stumble because it was cut there


class Inspector:
    """Looks at the bytes of a file as they pass; `feed` them in order, then `end`.

    Both raise UnreadableFile: the file is empty, of a kind that is not read, not UTF-8, binary, or holds no incidents.
    """

    def __init__(self) -> None:
        self._head: bytearray | None = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = 0
        self._line = 0  # bytes of the line that has not ended
        self._csv = False

    def feed(self, data: bytes) -> None:
        if self._head is None:
            self._check_text(data)
            return
        self._head += data
        if len(self._head) >= HEAD_BYTES:
            self._judge(whole=False)

    def end(self) -> None:
        if self._head is not None:
            self._judge(whole=True)
        self._check_text(b"", final=True)

    def _judge(self, whole: bool) -> None:
        head, self._head = bytes(self._head or b""), None
        for magic, problem in _NOT_TEXT.items():
            if head.startswith(magic):
                raise UnreadableFile("data", f"the file {problem}")
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        self._csv = text[:1] not in (b"[", b"{")
        self._check_text(head)
        check_beginning(text[:HEAD_BYTES], whole and len(text) <= HEAD_BYTES)

    def _check_text(self, data: bytes, final: bool = False) -> None:
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            at = max(0, error.start - (len(error.object) - len(data)))
            line = self._lines + data[:at].count(b"\n") + 1
            raise UnreadableFile(
                "data", f"the file is not UTF-8: line {line} holds the byte 0x{error.object[error.start]:02x}"
            ) from None
        if (at := data.find(b"\0")) >= 0:
            line = self._lines + data[:at].count(b"\n") + 1
            raise UnreadableFile("data", f"the file is binary, or not encoded in UTF-8: line {line} holds a zero byte")
        self._lines += data.count(b"\n")
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = len(data) - 1 - last if last >= 0 else self._line + len(data)
        if self._csv and self._line > LINE_BYTES:
            raise UnreadableFile("data", f"line {self._lines + 1} is longer than {LINE_BYTES // 2**20} MiB")


def check_beginning(text: bytes, whole: bool) -> None:
    """Raise UnreadableFile where a file that begins so holds no incidents.

    Args:
        text: without byte order mark and blanks in front; all of the file where it is `whole`.
    """
    if not text:
        raise UnreadableFile("data", "the file is empty" if whole else "the file begins with blanks and nothing else")
    if text[:1] in b"[{":
        _check_first_object(text, whole)
    else:
        matched(header(text, whole))


def header(text: bytes, whole: bool = True) -> list[str]:
    """The names of a CSV's columns. Raises UnreadableFile where its first line is none of names."""
    if not whole and b"\n" not in text and b"\r" not in text:
        raise UnreadableFile("data", f"the first line, which must name the columns, is longer than {HEAD_BYTES // 2**10} KiB")
    names = next(csv.reader(io.StringIO(text[:HEAD_BYTES].decode("utf-8", "ignore"), newline="")), [])
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(
            "data", f"the header has {len(names):,} columns; a file of incidents has 9 or 10, and at most {MOST_COLUMNS:,}"
        )
    return names


def matched(names: list[str]) -> dict[str, str]:
    """Our name -> the file's, for every column we know.

    Raises:
        UnreadableFile: what makes a file one of incidents is missing; the message names it and what is there.
    """
    spelled = {ours: name for ours in FILE_COLUMNS if (name := find(names, ours)) is not None}
    missing = [ours for ours in ("published", "issue", "address") if ours not in spelled]
    if "date" in spelled and "published" in missing:
        missing.remove("published")
    if missing:
        wanted = "; ".join(f"{ours} (as {', '.join(SPELLINGS[ours])})" for ours in missing)
        shown = ", ".join(name[:40] for name in names[:12]) or "none"
        raise UnreadableFile("data", f"no incidents: there is no column for {wanted}. Columns found: {shown[:300]}")
    return spelled


def parse_value(text: str, at: int) -> tuple[object, int]:
    """The JSON value that begins there, and where it ends; numbers are texts.

    Raises:
        json.JSONDecodeError: it is broken, or cut.
        UnreadableFile: it is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise UnreadableFile("data", "a record is nested too deeply; an incident is a flat object") from None


def _check_first_object(text: bytes, whole: bool) -> None:
    """Judges what surely is wrong: keys that are missing here may come with the next record, which has a value for them."""
    plain = text.decode("utf-8", "ignore")
    start = len(plain) - len(re.sub(r"\A\[?[\s,]*", "", plain))
    if whole and plain[start : start + 1] == "]":
        raise UnreadableFile("data", "the file holds no records")
    if plain[start : start + 1] not in ("", "{"):
        raise broken_json(plain, start, "expected an object")
    try:
        record, _ = parse_value(plain, start)
    except json.JSONDecodeError as error:
        if whole or (error.pos < len(plain) - _CUT and not error.msg.startswith("Unterminated string")):
            raise broken_json(plain, error.pos, error.msg) from None
        return
    if isinstance(record, dict) and not any(find(map(str, record), ours) for ours in FILE_COLUMNS):
        matched(list(record))


def broken_json(text: str, at: int, message: str, line: int = 1, column: int = 1) -> UnreadableFile:
    """The error at a place of a text that itself begins at a line and column of the file."""
    line, column = place(text, at, line, column)
    return UnreadableFile("data", f"broken JSON at line {line}, column {column}: {message}")


def place(text: str, at: int, line: int, column: int) -> tuple[int, int]:
    """Line and column in the file of a place of a text that begins at `line` and `column`."""
    lines = text.count("\n", 0, at)
    return (line + lines, at - text.rfind("\n", 0, at)) if lines else (line, column + at)
