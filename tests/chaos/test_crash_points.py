"""A kill between any two commands loses nothing and doubles nothing: each path is swept command by command, on both sides.

See `crash_points`. The cheapest run with `make test`, all others with `make test-all`; `-s` shows how many points there are.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.chaos import copies
from tests.chaos.crash_points import Scene, sweep
from tests.chaos.paths import PATHS
from tests.chaos.scenarios import charge_only_marked, submit_twice
from tests.chaos.scenarios.stage import Cut

QUICK = ("submit, sent again", "submit, not sent again", "jobs in a worker whose worker is killed, recovered by upkeep")
CHILD = "in a worker whose child is killed, recovered by supervisor"
# Guards: path, the command at whose points it is needed, and how it is taken out.
GUARDS: dict[str, tuple[str, str, Cut]] = {
    "a job is found by its id": ("submit, sent again", "submit", submit_twice.CUT),
    "only what was started is charged": (f"jobs {CHILD}", "claim", charge_only_marked.CUT),
    "upkeep goes on with batches": (
        "batch, not sent again",
        "fill_batch",
        Cut("lib/upkeep.py", "        yield self._fill_batches\n", "", turns="batch-open"),
    ),
    "an upload expires from its first moment": (
        "an upload, not sent again",
        "HSET",
        Cut(
            "lib/uploads.py",
            "with self._client.pipeline(transaction=True) as pipe:  # a process",
            "with self._client.pipeline(transaction=False) as pipe:  # a process",
            turns="no-expiry",
        ),
    ),
    "a version that was published is found again": (
        f"a load {CHILD}",
        "commit_version",
        Cut(
            "lib/loading.py",
            "    if run.id and (done := versions.published_by(run.id)) is not None:\n",
            "    if not run.id and (done := versions.published_by(run.id)) is not None:\n",
            turns="two-versions",
        ),
    ),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server and a forge, which serve every path."""
    with Scene(tmp_path_factory.mktemp("scene")) as made:
        yield made


def test_the_forge_has_one_thread_as_a_process_must_that_forks(scene: Scene) -> None:
    assert scene.forge.threads == 1


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else (pytest.mark.slow, pytest.mark.once)) for name in PATHS]
)
def test_a_kill_between_any_two_commands_loses_nothing_and_doubles_nothing(name: str, scene: Scene) -> None:
    path = PATHS[name]
    if "strict" in name and not _has_waitaof(scene):
        pytest.skip("this server has no WAITAOF")
    swept = sweep(scene, path)
    print(swept)
    assert swept.is_whole, str(swept)
    assert swept.commands >= path.at_least, f"{swept}: {dict(swept.names)}"
    assert path.holds <= swept.names.keys(), dict(swept.names)


def _has_waitaof(scene: Scene) -> bool:
    try:
        scene.jobs.store.records.execute_command("WAITAOF", 0, 0, 1)
    except redis.ResponseError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_a_crash_point_turns_red(guard: str, tmp_path: Path) -> None:
    path, command, cut = GUARDS[guard]
    copy = copies.make_copy(tmp_path / "copy")
    copies.take_out(copy, cut)
    found = copies.run(copy, "tests.chaos.crash_points", path, command, str(tmp_path / "scene"), seconds=110)
    assert cut.turns in found, found
