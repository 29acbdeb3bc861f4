"""The workflows under .github: pinned actions, few permissions, and no step that a developer's machine could not run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workers import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# An action without a commit that two projects agree on, with the reason why it is used all the same.
UNPINNED: dict[str, str] = {}
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return read


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job.get("steps", [])]


def actions() -> list[str]:
    """What stands behind each `uses:`, with its comment; workflows of our own aside."""
    found = re.findall(r"^\s*(?:- )?uses: (.+)$", "\n".join(path.read_text() for path in WORKFLOWS), flags=re.MULTILINE)
    return [action for action in found if not action.startswith("./")]


def test_every_action_is_pinned_by_its_commit_or_has_a_reason() -> None:
    assert [action for action in actions() if not PINNED.fullmatch(action) and action not in UNPINNED] == []
    assert set(UNPINNED) <= set(actions())


def test_an_action_is_the_same_commit_everywhere() -> None:
    assert len({action.partition("@")[0] for action in actions()}) == len(set(actions()))


@every_workflow
def test_every_job_ends_in_time_and_asks_for_its_own_permissions(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for name, job in jobs(path).items():
        assert "permissions" in job, name
        # A workflow that is called has the time of its own jobs.
        assert "uses" in job or job["timeout-minutes"] <= 90, name


def test_nothing_but_a_release_may_write() -> None:
    writers = {
        f"{path.stem}.{name}": {key for key, value in job["permissions"].items() if value == "write"}
        for path in WORKFLOWS
        for name, job in jobs(path).items()
    }
    assert {name: keys for name, keys in writers.items() if keys} == {
        "release.images": {"packages", "id-token"},
        "release.chart": {"packages", "id-token"},
        "release.page": {"contents"},
    }


@every_workflow
def test_no_script_holds_an_expression(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@every_workflow
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@every_workflow
def test_every_target_of_make_is_there(path: Path) -> None:
    known = set(" ".join(re.findall(r"^([a-z][a-z0-9 -]*):(?!=)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)).split())
    called = [command.split()[1:] for step in steps(path) for command in step.get("run", "").splitlines() if "make " in command]
    assert called
    assert {target for targets in called for target in targets} <= known


def test_every_node_is_an_image_by_its_digest() -> None:
    matrix = jobs(ROOT / ".github/workflows/e2e.yml")["kind"]["strategy"]["matrix"]["include"]
    for row in matrix:
        assert re.fullmatch(rf"kindest/node:v{re.escape(row['kubernetes'])}\.\d+@sha256:[0-9a-f]{{64}}", row["node"])


def test_nothing_is_pushed_before_everything_is_checked() -> None:
    release = jobs(ROOT / ".github/workflows/release.yml")
    assert [step["run"] for step in release["files"]["steps"] if "run" in step] == [
        "make release-check",
        "make check",
        "make release-files",
    ]
    assert set(release["images"]["needs"]) == {"files", "e2e"}
    assert (release["chart"]["needs"], release["page"]["needs"]) == ("images", "chart")
