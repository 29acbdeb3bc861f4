"""promtool, which comes with Prometheus: it checks rules and plays series to them.

Where it is not on PATH what asks it is skipped, unless TRAFFICJOBS_PROMTOOL names it: then it has to be there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import Release

NAMED = os.environ.get("TRAFFICJOBS_PROMTOOL")
PROMTOOL = NAMED or shutil.which("promtool")
needed = pytest.mark.skipif(PROMTOOL is None, reason="no promtool on PATH; Debian and Ubuntu have it in the package prometheus")


def write_rules(release: Release, path: Path, wanted: Callable[[str], bool] = bool) -> None:
    """The rules of a release as a file of Prometheus; of its groups those whose name is wanted."""
    (found,) = release.of("PrometheusRule")
    path.write_text(yaml.safe_dump({"groups": [group for group in found["spec"]["groups"] if wanted(group["name"])]}))


def run(*arguments: str, folder: Path) -> str:
    """What promtool says, which must be content."""
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(tests: list[dict[str, Any]], folder: Path) -> None:
    """Play series, as promtool's tests have them, to `rules.yaml` in the folder and compare the alerts, once a minute."""
    # Without an order the groups take turns at random, and what reads the record of another may come before it.
    order = [group["name"] for group in yaml.safe_load((folder / "rules.yaml").read_text())["groups"]]
    how = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "group_eval_order": order}
    (folder / "tests.yaml").write_text(yaml.safe_dump(how | {"tests": tests}))
    run("test", "rules", "tests.yaml", folder=folder)
