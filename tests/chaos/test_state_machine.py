"""Random sequences of every call, played on the real scripts and on a model of the promises, which must agree after every step;
and that they would not agree if a guard of the scripts were missing.

The seed is fixed, so that every run plays the same; another one is played with TRAFFICJOBS_MACHINE_SEED=5. A failure prints its
steps as they are; TRAFFICJOBS_MACHINE_SHRINK=1 looks for fewer of them that fail, which may take five minutes: add --timeout=600.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import lib.scripts
from lib.jobs import Submission
from lib.settings import Settings, load_settings
from tests.chaos.machine import Machine
from tests.chaos.machine_base import QUEUES
from tests.chaos.model import LIMITED
from tests.servers import Server

SEED = int(os.environ.get("TRAFFICJOBS_MACHINE_SEED") or 1)
SHRINK = os.environ.get("TRAFFICJOBS_MACHINE_SHRINK") == "1"


@dataclass(frozen=True)
class Missing:
    """A guard of the scripts that is taken out: its text stands exactly once in the file of lib/scripts."""

    file: str
    old: str
    new: str


GUARDS = {
    "a token that no longer holds ends nothing": Missing(
        "parts/finishing.lua", "job.status ~= 'in-progress' or job.token ~= token", "job.status ~= 'in-progress'"
    ),
    "a claim sent again gives what it gave": Missing(
        "parts/claiming.lua", "  local held = resume_claim(child, token)\n", "  local held = nil\n"
    ),
    "a child that was reported dead gets nothing": Missing(
        "parts/claiming.lua", "  if que('ZSCORE', PREFIX .. 'closed', child) then return {'CLOSED'} end\n", ""
    ),
    "a cancelled job is dropped by the claim": Missing(
        "parts/claiming.lua", "if job.status ~= 'submitted' or (waited", "if job.status == 'deleted' or (waited"
    ),
    "only the marked job is charged with a death": Missing("bury.lua", "if token ~= mark then", "if false then"),
    "a cancel holds for a job that is given back": Missing(
        "parts/ends.lua",
        "'cancelled', reason) end\n  note_attempt(job, reason)\n  rec",
        "'', '') end\n  note_attempt(job, reason)\n  rec",
    ),
    "a retry names the run that ended": Missing("parts/retrying.lua", "  if current == run + 1 then", "  if false then"),
    "a paused queue is not promoted into": Missing("promote.lua", "if is_paused(queue) then return 0 end\n", ""),
    "leases are not trusted after a restart": Missing("reap.lua", "if seen[1] ~= run_id or", "if"),
    "an idempotency key stands for its job": Missing("parts/accepting.lua", "  if known then job.id = known end\n", ""),
    "what others need does not expire": Missing("expire.lua", "(tonumber(job.needed or 0) > 0 or ", "("),
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A release of two queues on a server of its own, which is emptied before every sequence."""
    with Server(tmp_path_factory.mktemp("machine"), os.environ.get("TRAFFICJOBS_SERVER"), appendonly="no") as server:
        yield load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            key_prefix="machine:",
            queues="second",
            lease_seconds=3600.0,
            max_lost=1,
            verify_interval=1e-9,  # in every round
            result_cache=False,
        )


def play(release: Settings, sequences: int, steps: int) -> None:
    """Play so many sequences of up to so many steps."""
    print(f"TRAFFICJOBS_MACHINE_SEED={SEED}")
    machine = seed(SEED)(type("Machine", (Machine,), {"settings": release}))
    phases = [Phase.generate, Phase.shrink] if SHRINK else [Phase.generate]
    run_state_machine_as_test(
        machine,
        settings=profile(
            max_examples=sequences,
            stateful_step_count=steps,
            phases=phases,
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_sequence_of_calls_does_what_the_model_says(release: Settings) -> None:
    play(release, sequences=40, steps=40)


def test_functions_are_what_is_played_and_scripts_do_the_same(release: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis.Redis(port=release.redis_port) as rd:
        play(release, sequences=2, steps=20)
        assert calls(rd, "fcall") > 0
        before = calls(rd, "fcall")
        monkeypatch.setattr("lib.scripts.HOT", frozenset())
        monkeypatch.setattr("lib.functions.HOT", frozenset())
        play(release, sequences=20, steps=40)
        assert calls(rd, "fcall") == before


def test_whoever_lies_aside_is_called_as_the_model_says(release: Settings) -> None:
    """A sequence that is hardly ever drawn: whoever was called leaves unclaimed, or stands in a queue that no worker serves."""

    @profile(max_examples=1, deadline=None, database=None)
    @given(st.just(True))
    def played(again: bool) -> None:
        machine = type("Machine", (Machine,), {"settings": release})()
        for jid, queue in {"a": 0, "b": 0, "c": 1, "d": 0, "e": 1}.items():
            machine._submit(Submission("x", id=jid, concurrency_key="k"), QUEUES[queue], None, again)
        steps = [
            lambda: machine._claim(0, QUEUES, again),
            lambda: machine._claim(1, QUEUES, again),
            lambda: machine.finish(0, "complete", False, again),  # b is called
            lambda: machine.cancel(1, again),
            lambda: machine.upkeep_looks(again),  # c and d are called, in their queues
            lambda: machine.upkeep_looks(again),
            lambda: machine._claim(0, QUEUES[1:], again),
            lambda: machine._claim(1, QUEUES, again),  # d lies aside again
            lambda: machine.finish(0, "complete", False, again),  # d is called
            lambda: machine.steer(QUEUES[0], "pause", again),
            lambda: machine.upkeep_looks(again),  # e is called
        ]
        aside = ["", "bcde", "cde", "cde", "e", "e", "e", "de", "e", "e", ""]
        for step, those in zip(steps, aside, strict=True):
            step()
            machine.everything_is_as_in_the_model()
            assert "".join(job.id for job in machine.model.jobs.values() if job.aside == LIMITED) == those
        machine.teardown()

    played()


def calls(rd: redis.Redis, command: str) -> int:
    """How often the server has run a command."""
    return int(rd.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_many_long_sequences_of_calls_do_what_the_model_says(release: Settings) -> None:
    play(release, sequences=100, steps=60)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_a_sequence_is_found_that_differs(
    guard: str, release: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, folder = GUARDS[guard], tmp_path / "scripts"
    shutil.copytree(lib.scripts.FOLDER, folder)
    text = (folder / missing.file).read_text()
    assert text.count(missing.old) == 1, f"{missing.file} holds the guard {text.count(missing.old)} times"
    (folder / missing.file).write_text(text.replace(missing.old, missing.new))
    monkeypatch.setattr(lib.scripts, "FOLDER", folder)
    with pytest.raises(AssertionError):
        play(release, sequences=160, steps=60)
