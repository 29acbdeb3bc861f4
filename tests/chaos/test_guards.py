"""Every guard is needed: without it, under the one interleaving that needs it, the checker turns red; with it, it is green.

A guard is taken out by an edit of a copy of lib and services that only the scenario's process imports. The text must match
exactly once, so that a guard that moves takes its test along.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.scenarios import oom_flag
from tests.chaos.scenarios.stage import Cut, perform

ROOT = Path(__file__).resolve().parents[2]
_PLAIN = sorted(
    path.stem for path in (Path(__file__).parent / "scenarios").glob("*.py") if path.stem not in ("__init__", "stage", "oom_flag")
)
SCENARIOS: dict[str, Cut] = {name: importlib.import_module(f"tests.chaos.scenarios.{name}").CUT for name in _PLAIN}
SCENARIOS |= {f"oom_flag {script}": cut for script, cut in oom_flag.CUTS.items()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with copies of lib and services, and the tests and the public package as they are."""
    folder = tmp_path / "copy"
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


def play(copy: Path, scenario: str) -> dict[str, str]:
    """Play a scenario on the copy, in a process of its own."""
    name, *more = scenario.split()
    command = [sys.executable, "-m", f"tests.chaos.scenarios.{name}", str(copy.parent / "stage"), *more]
    env = os.environ | {"PYTHONPATH": str(copy), "TMPDIR": str(copy.parent)}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_with_the_guard_the_checker_is_green(scenario: str, tmp_path: Path) -> None:
    name, *more = scenario.split()
    drive = importlib.import_module(f"tests.chaos.scenarios.{name}").drive
    assert perform(partial(drive, name=more[0]) if more else drive, SCENARIOS[scenario], tmp_path) == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_the_guard_the_checker_turns_red(scenario: str, copy: Path) -> None:
    take_out(copy, SCENARIOS[scenario])
    found = play(copy, scenario)
    assert SCENARIOS[scenario].turns in found, found
