"""Backups straight from Redis: `python -m services.api.backup save|restore|check`. The chart's CronJob runs `save`.

`save` into a folder keeps the newest files and removes older ones of the same name, once the new one is whole and on disk.
Killed at any moment it leaves no half file under a backup's name; `restore` is finished by upkeep, once it has begun to change
something.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from lib.backup.form import BrokenBackup, checked
from lib.backup.restoring import restore
from lib.backup.taking import Taking
from lib.errors import JobsError
from lib.logs import configure_logging
from lib.settings import SettingsError, load_settings
from lib.store import Store
from trafficjobs import __version__

_PATIENCE = 60.0  # seconds for which Redis may be away
_PIECE = 1 << 20  # bytes
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}\Z")
_WHEN = r"-\d{8}T\d{6}Z\.backup"
_PARTIAL = ".partial"


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "check":
            about = checked(_pieces(given.file))
            print(f"{given.file} is whole: made {about.get('made')} by trafficjobs {about.get('made_by')}")
            return 0
        settings = load_settings()
        configure_logging(settings.log_level, "backup")
        with closing(Store(settings, _PATIENCE, gated=given.command == "save")) as store:
            if given.command == "save":
                print(save(store, given.target, given.name, given.keep))
            else:
                checked(_pieces(given.file))  # a damaged file takes no memory of Redis
                done = restore(store, _pieces(given.file), given.replace, "restore")
                print(f"restored {done.jobs} jobs of {done.made} in {done.seconds:.1f} s")
    except (JobsError, BrokenBackup, SettingsError, OSError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 1
    return 0


def save(store: Store, target: Path, name: str = "trafficjobs", keep: int = 0) -> Path:
    """Back up to a file, or to a new one in a folder, of whose files `keep` stay (0: all); the file.

    Raises: StoreUnavailable, Conflict, OSError.
    """
    path = target / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup" if target.is_dir() else target
    partial = path.with_name(f".{path.name}{_PARTIAL}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in Taking(store, __version__).pieces():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        checked(_pieces(partial))
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if target.is_dir():
        _tidy(target, name, keep)
    return path


def _tidy(folder: Path, name: str, keep: int) -> None:
    """Remove what is too old, and what runs that were killed have left."""
    ours = re.compile(re.escape(name) + _WHEN)
    half = re.compile(r"\." + re.escape(name) + _WHEN + re.escape(_PARTIAL))
    found = sorted(each for each in folder.iterdir() if ours.fullmatch(each.name))
    for each in [*(found[:-keep] if keep else []), *(each for each in folder.iterdir() if half.fullmatch(each.name))]:
        each.unlink(missing_ok=True)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise argparse.ArgumentTypeError("must be 1 to 63 letters, digits and -")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.api.backup", description="Back up and restore a release.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("save", help="write all that the release holds to a file, or to a new one in a folder")
    one.add_argument("target", type=Path)
    one.add_argument("--name", type=_name, default="trafficjobs", help="what names of files in a folder begin with")
    one.add_argument("--keep", type=int, default=0, help="how many files in a folder stay; all by default")
    one = commands.add_parser("restore", help="restore a file into a release that is empty")
    one.add_argument("file", type=Path)
    one.add_argument("--replace", action="store_true", help="take away all that the release holds")
    one = commands.add_parser("check", help="see whether a file is whole")
    one.add_argument("file", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
