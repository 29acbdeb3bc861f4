"""What strikes a cluster is decided by a seed, and by nothing else. And what is measured meanwhile. Without a cluster."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.evidence import Fault
from tests.e2e.chaos.answers import Answer, back_after, longest_without
from tests.e2e.chaos.conftest import pytest_ignore_collect
from tests.e2e.chaos.plan import AWAY_WITH_REDIS, REDIS_EVERY, WEIGHTS, plan

HOUR = 3600.0
NODE = "tests/e2e/chaos/test_chaos.py::test_the_node_is_open_again"


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(5, HOUR) == plan(5, HOUR)
    assert plan(5, HOUR) != plan(6, HOUR)


def test_a_shorter_plan_is_the_beginning_of_a_longer_one() -> None:
    short = plan(5, 60.0)
    assert short == plan(5, HOUR)[: len(short)]
    assert 3 <= len(short) <= 12


def test_an_hour_has_every_kind_but_those_that_are_left_out() -> None:
    assert {planned.kind for planned in plan(5, HOUR)} == set(WEIGHTS)
    assert {planned.kind for planned in plan(5, HOUR, frozenset({"drain-node"}))} == set(WEIGHTS) - {"drain-node"}


@pytest.mark.parametrize("seed", range(20))
def test_redis_goes_at_most_every_two_minutes(seed: int) -> None:
    strikes = [planned.at for planned in plan(seed, HOUR) if planned.kind in AWAY_WITH_REDIS]
    assert len(strikes) > 10
    assert all(later - earlier >= REDIS_EVERY for earlier, later in itertools.pairwise(strikes))


@pytest.mark.parametrize(
    ("named", "ignored"),
    [("tests", True), ("tests/e2e", True), ("tests/e2e/test_install.py", True), ("tests/e2e/chaos", None), (NODE, None)],
)
def test_it_runs_only_where_it_is_named_itself(named: str, ignored: bool | None) -> None:
    asked: Any = SimpleNamespace(args=[named])
    assert pytest_ignore_collect(asked) is ignored


ANSWERS = [
    Answer(0.0, 0.1, 200),
    Answer(1.0, 1.1, 503),
    Answer(2.0, 9.0, "TimeoutError"),
    Answer(6.0, 6.1, 503),
    Answer(8.0, 8.1, 200),
    Answer(10.0, 10.1, 200),
]


def test_the_longest_time_without_an_answer_is_told_with_refusals_and_without() -> None:
    assert longest_without(ANSWERS, 0.0, 11.0, good=False) == pytest.approx(5.0)
    assert longest_without(ANSWERS, 0.0, 11.0, good=True) == pytest.approx(8.0)


def test_a_strike_that_nobody_noticed_took_no_time() -> None:
    faults = [Fault("delete-redis", "", 0.5), Fault("delete-api", "", 9.5)]
    assert back_after(ANSWERS, faults, frozenset({"delete-redis", "delete-api"})) == {
        "delete-redis": [pytest.approx(7.6)],
        "delete-api": [0.0],
    }
    assert back_after(ANSWERS, [], frozenset({"delete-redis"})) == {}
