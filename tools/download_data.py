"""Downloads the City of Austin's traffic incidents to data/atx_traffic.csv: `make data`, or `python tools/download_data.py`.

The file is written beside its place and renamed when all of it has arrived and looks like the export, so that a broken
connection or a crash leaves the old file, or none.
"""

import argparse
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL = "https://data.austintexas.gov/api/views/dx9v-zd7x/rows.csv?accessType=DOWNLOAD"
BLOCK_BYTES = 2**20
TIMEOUT_SECONDS = 60
OFFLINE = "Without internet, `python tools/make_sample.py --rows 432500` writes an invented file of the same shape."


def download(url: str, path: Path) -> int:
    """Fetch `url` to `path` and return the number of bytes.

    Raises:
        OSError: no connection, an error page, a download that was cut short, or no room on the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    size = 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as file:
            announced = answer.headers.get("Content-Length")
            while block := answer.read(BLOCK_BYTES):
                if not size and b"Published Date" not in block[:1000]:
                    raise OSError(f"the answer is no export of incidents; it begins with {block[:60]!r}")
                file.write(block)
                size += len(block)
                if sys.stderr.isatty():
                    print(f"\r{size / 2**20:,.0f} MiB", end="", file=sys.stderr)
        if not size or (announced and int(announced) != size):
            raise OSError(f"the download was cut short after {size:,} bytes")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def main() -> int:
    parser = argparse.ArgumentParser(description="Download Austin's traffic incidents.")
    parser.add_argument("--out", type=Path, default=Path("data/atx_traffic.csv"))
    parser.add_argument("--url", default=URL)
    arguments = parser.parse_args()
    try:
        size = download(arguments.url, arguments.out)
    except (OSError, urllib.error.URLError) as error:
        print(f"Could not download {arguments.url}: {getattr(error, 'reason', error)}.\n{OFFLINE}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {size / 2**20:,.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
