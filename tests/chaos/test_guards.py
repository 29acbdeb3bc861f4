"""Every guard is needed: without it, under the one interleaving that needs it, the checker turns red; with it, it is green.

A guard is taken out by an edit of a copy of lib and services that only the scenario's process imports. The text must match
exactly once, so that a guard that moves takes its test along.
"""

import importlib
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import copies
from tests.chaos.scenarios import oom_flag
from tests.chaos.scenarios.stage import Cut, perform

pytestmark = pytest.mark.once  # it is about the scripts' and the worker's text, not about the server

_PLAIN = sorted(
    path.stem for path in (Path(__file__).parent / "scenarios").glob("*.py") if path.stem not in ("__init__", "stage", "oom_flag")
)
SCENARIOS: dict[str, Cut] = {name: importlib.import_module(f"tests.chaos.scenarios.{name}").CUT for name in _PLAIN}
SCENARIOS |= {f"oom_flag {script}": cut for script, cut in oom_flag.CUTS.items()}


def play(copy: Path, scenario: str) -> dict[str, str]:
    """Play a scenario on the copy."""
    name, *more = scenario.split()
    return copies.run(copy, f"tests.chaos.scenarios.{name}", str(copy.parent / "stage"), *more)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_with_the_guard_the_checker_is_green(scenario: str, tmp_path: Path) -> None:
    name, *more = scenario.split()
    drive = importlib.import_module(f"tests.chaos.scenarios.{name}").drive
    assert perform(partial(drive, name=more[0]) if more else drive, SCENARIOS[scenario], tmp_path) == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_the_guard_the_checker_turns_red(scenario: str, tmp_path: Path) -> None:
    copy = copies.make_copy(tmp_path / "copy")
    copies.take_out(copy, SCENARIOS[scenario])
    found = play(copy, scenario)
    assert SCENARIOS[scenario].turns in found, found
