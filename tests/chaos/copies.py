"""Copies of lib and services from which a guard is taken out, and programs of the tests that run on them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chaos.scenarios.stage import Cut

ROOT = Path(__file__).resolve().parents[2]


def make_copy(folder: Path) -> Path:
    """A folder with copies of lib and services, and the tests and the public package as they are."""
    for package in ("lib", "services"):
        shutil.copytree(ROOT / package, folder / package)  # compiled files too; they know by its time what was edited
    for package in ("tests", "trafficjobs"):  # of the latter the worker reads its version
        (folder / package).symlink_to(ROOT / package)
    return folder


def take_out(copy: Path, cut: Cut) -> None:
    """Apply the edit."""
    path = copy / cut.file
    text = path.read_text()
    assert text.count(cut.old) == 1, f"{cut.file} holds the guard {text.count(cut.old)} times, not once: {cut.old}"
    path.write_text(text.replace(cut.old, cut.new))


def run(copy: Path, module: str, *arguments: str, seconds: float = 60) -> dict[str, str]:
    """Run a module of the tests on the copy, in a process of its own: the kinds of violations that it prints as JSON."""
    env = os.environ | {"PYTHONPATH": str(copy), "TMPDIR": str(copy.parent)}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found
