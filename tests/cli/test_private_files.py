"""Files of secrets that are changed by several programs at a time."""

import fcntl
from pathlib import Path

import pytest

from trafficjobs.private_files import changed_alone, replace


def test_whoever_comes_by_a_link_waits_for_whoever_comes_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "tokens", tmp_path / "link"
    link.symlink_to(file)
    with changed_alone(link):
        replace(link, "changed")
        with (tmp_path / "real" / ".tokens.lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert (file.read_text(), link.is_symlink()) == ("changed", True)
