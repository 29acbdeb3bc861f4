"""Another program puts something of another type in the place of a key of ours: the rest is served, and the key is named."""

import random
import re

import pytest

from lib.jobs import Submission
from tests.poison.release import Release

PARTS = 3  # of all keys, poisoned at once in the quick test
# Keys of one job or worker, which are named once something asks for them.
_OF_ONE = re.compile(r":(job|worker|limit|batch|failures|delivery|schedule|unique|idempotency)\.[\w:./-]+$")


def is_record(name: str) -> bool:
    return name.startswith("job.") and name.count(".") == 1


def poison_and_serve(release: Release, keys: list[tuple[object, str]], choice: random.Random) -> None:
    """Poison these keys; whatever is asked is answered, what can run runs, and what was laid aside is named."""
    done = {key: release.wrong_type(rd, key, choice) for rd, key in keys}
    said = f"poisoned: {done}"
    answers = release.ask()
    assert {path: status for path, status in answers.items() if status >= 500 and status != 503} == {}, said
    release.tidy()
    answers = release.ask()
    assert {path: status for path, status in answers.items() if status >= 500} == {}, said
    names = {key.removeprefix(release.prefix) for key in done}
    ran = release.drain()
    lost = {name.removeprefix("job.") for name in names if is_record(name)}
    if not any(name.startswith("batch.") for name in names):
        ran |= {"b0", "b1"} & lost
    expected = {"first", "low", "twin", "running"} - lost
    assert expected <= ran | {"running"}, said
    new = release.jobs.submit(Submission("unique_issues")).id
    assert new in release.drain(), said
    assert release.jobs.get(new).status == "complete", said
    found = release.named()
    unnamed = {key for key in done if key not in found and not _OF_ONE.search(key)}
    assert not unnamed, f"{said}; named: {found}"


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_key_is_of_another_type_the_rest_is_served(release: Release, part: int) -> None:
    poison_and_serve(release, release.everything()[part::PARTS], random.Random(part))


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("part", range(12))
def test_whatever_key_is_of_whatever_type_the_rest_is_served(release: Release, part: int) -> None:
    poison_and_serve(release, release.everything()[part::12], random.Random(100 + part))
