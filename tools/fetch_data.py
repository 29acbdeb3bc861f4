"""Downloads the portal's export: `python -m tools.fetch_data --out data/atx_traffic.csv`, called by `make data`.

Uses the standard library only. The file is written beside its place, its header is checked, and only a whole download is
renamed over what was there. Without internet, `make data-sample` makes a file of the same shape.
"""

import argparse
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

# Real-Time Traffic Incident Reports, City of Austin open data portal.
URL = "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?accessType=DOWNLOAD"
HEADER = b"Traffic Report ID,Published Date,Issue Reported"
# Seconds without a byte after which the portal counts as gone.
TIMEOUT = 60
CHUNK = 1 << 20
REMEDY = "Without internet, `make data-sample ROWS=432500` makes a sample of the same size and shape."


class DownloadError(Exception):
    """The portal did not send what was asked for; nothing was replaced."""


def fetch(url: str, out: Path) -> int:
    """Download `url` to `out` and return the number of bytes.

    Raises:
        DownloadError: when the portal cannot be reached, stops in between or sends something else.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as file:
            size = _copy(answer, file)
            promised = answer.headers.get("Content-Length")
        if promised is not None and int(promised) != size:
            raise DownloadError(f"the portal promised {promised} bytes and sent {size}")
        part.replace(out)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DownloadError(f"the download failed: {reason}") from None
    finally:
        part.unlink(missing_ok=True)
    return size


def _copy(answer: BinaryIO, file: BinaryIO) -> int:
    size, shown = 0, time.monotonic()
    while chunk := answer.read(CHUNK):
        if size == 0 and not chunk.removeprefix(b"\xef\xbb\xbf").startswith(HEADER):
            raise DownloadError(f"the portal sent something else: {chunk[:80]!r}")
        size += file.write(chunk)
        if sys.stdout.isatty() and time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            print(f"\r{size / 2**20:.0f} MiB", end="", flush=True)
    return size


def main() -> int:
    """Command line; 1 with the reason and the remedy when there is no data."""
    parser = argparse.ArgumentParser(description="Download the portal's export of traffic incidents.")
    parser.add_argument("--out", type=Path, default=Path("data/atx_traffic.csv"))
    parser.add_argument("--url", default=URL)
    options = parser.parse_args()
    print(f"Downloading {options.url}")
    try:
        size = fetch(options.url, options.out)
    except DownloadError as error:
        print(f"{error}. {REMEDY}", file=sys.stderr)
        return 1
    print(f"\r{options.out}: {size / 2**20:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
