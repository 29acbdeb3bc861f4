"""What the Dockerfiles copy is enough for the programs to be imported: an image lacks whatever no line of its file names."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import ROOT

COPIED = re.compile(r"^COPY (\S+) (/app/\S*)$", re.M)


@pytest.mark.parametrize(
    ("image", "programs"),
    [
        ("api", ["services.api.app", "services.api.upkeep", "services.api.threads"]),
        ("worker", ["services.worker.__main__", "services.worker.nursery", "services.worker.child", "lib.shell"]),
    ],
)
def test_an_image_has_all_that_its_programs_import(image: str, programs: list[str], tmp_path: Path) -> None:
    for source, target in COPIED.findall((ROOT / "services" / image / "Dockerfile").read_text()):
        place = tmp_path / target.removeprefix("/")
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)
    for program in programs:
        command = [sys.executable, "-c", f"import {program}"]
        done = subprocess.run(command, cwd=tmp_path / "app", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
