"""Submits jobs to one contender, kills what runs them by a plan, waits for its own recovery, and counts."""

import os
import random
import statistics
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.losses.body import LEDGER
from bench.losses.contenders import ENDED, FAILED, Contender
from bench.server import fresh_server
from tests.chaos.system import Keeper, Program, now

WORKERS = 2
_STUCK = 10.0  # seconds without an end after which the next kill does not wait for its part of the jobs
# What is killed: the process that runs a job; that with its parents, started again in place; the same, started elsewhere.
KINDS = ("process", "worker", "node")


@dataclass(frozen=True)
class Plan:
    """How many jobs and kills; the seed decides what is killed when."""

    jobs: int
    kills: int
    seed: int

    def strikes(self) -> list[tuple[float, str, float]]:
        """Part of the jobs that have ended, kind, which of those that run."""
        dice = random.Random(self.seed)
        return [((n + 1) / (self.kills + 2), dice.choice(KINDS), dice.random()) for n in range(self.kills)]


@dataclass(frozen=True)
class Kill:
    """One that hit a running job."""

    at: float
    kind: str
    number: int


@dataclass
class Losses:
    """What came of it. `waited`: seconds from the last kill until everything had ended, or patience was."""

    contender: type[Contender]
    accepted: int
    ended: int
    failed: int
    lost: int
    ended_twice: int
    kills: Counter[str]
    again: dict[str, list[float]]
    waited: float


class _Ledger:
    """The file of `body`, read from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self) -> list[tuple[float, str, int, int]]:
        """Time, kind, job, process."""
        whole, _, _ = self.path.read_text().rpartition("\n")
        rows = [line.split(" ") for line in whole.splitlines()]
        return [(float(at), kind, int(number), int(pid)) for at, kind, number, pid in rows]

    def running(self) -> dict[int, int]:
        """Jobs by the process that has started and not ended them."""
        found: dict[int, int] = {}
        for _, kind, number, pid in self.lines():
            if kind == "start":
                found[pid] = number
            else:
                found.pop(pid, None)
        return found

    def ended(self) -> int:
        """How many jobs have come to an end."""
        return len({number for _, kind, number, _ in self.lines() if kind == "end"})


class Experiment:
    """One contender under one plan.

    Args:
        folder: for its files.
        one_at_a_time: held while it is under load, so that contenders wait for their recoveries side by side.
    """

    def __init__(self, kind: type[Contender], plan: Plan, folder: Path, one_at_a_time: threading.Lock) -> None:
        self.kind, self.plan, self.folder, self.lock = kind, plan, folder, one_at_a_time
        folder.mkdir(parents=True)
        self.ledger = _Ledger(folder / "ledger")
        self.kills: list[Kill] = []

    def run(self) -> Losses:
        """Do it all."""
        with ExitStack() as stack:
            server = stack.enter_context(fresh_server())
            contender = self.kind(server.port, self.folder)
            with self.lock:
                keeper = stack.enter_context(Keeper())
                workers = [self._started(keeper, f"worker-{n}", *contender.worker(n)) for n in range(WORKERS)]
                for n, (arguments, env) in enumerate(contender.helpers()):
                    self._started(keeper, f"helper-{n}", arguments, env)
                for number in range(self.plan.jobs):
                    contender.submit(number)
                for part, kind, which in self.plan.strikes():
                    self._await(part)
                    self._kill(contender, workers, kind, which)
                self._await(1.0)
            return self._settle(contender)

    def _started(self, keeper: Keeper, name: str, arguments: list[str], env: dict[str, str]) -> Program:
        return keeper.add(
            Program(name, arguments, os.environ | {"PYTHONPATH": ".", LEDGER: str(self.ledger.path)} | env, self.folder)
        )

    def _await(self, part: float) -> None:
        """Wait until so many have ended, or nothing moves."""
        seen, moved = self.ledger.ended(), time.monotonic()
        while seen < part * self.plan.jobs and time.monotonic() - moved < _STUCK + (60 if not seen else 0):
            time.sleep(0.02)
            if (found := self.ledger.ended()) != seen:
                seen, moved = found, time.monotonic()

    def _kill(self, contender: Contender, workers: list[Program], kind: str, which: float) -> None:
        """Kill a process that runs a job now; wait for one, but not for ever."""
        give_up = time.monotonic() + _STUCK
        while time.monotonic() < give_up:
            families = {program: {program.pid, *(each.pid for each in program.family())} for program in workers if program.alive}
            running = [
                (pid, number, program)
                for pid, number in sorted(self.ledger.running().items())
                for program, pids in families.items()
                if pid in pids
            ]
            if running:
                pid, number, program = running[int(which * len(running))]
                if kind == "node":
                    program.env |= contender.elsewhere(workers.index(program))
                self.kills.append(Kill(now(), kind, number))
                _sigkill({pid} if kind == "process" else families[program])
                return
            time.sleep(0.005)

    def _settle(self, contender: Contender) -> Losses:
        began, numbers = time.monotonic(), range(self.plan.jobs)
        outcomes = contender.outcomes(numbers)
        while len(outcomes) < len(numbers) and time.monotonic() - began < contender.patience:
            time.sleep(0.2)
            outcomes |= contender.outcomes(numbers)  # what has ended may expire meanwhile
        told = Counter(outcomes.values())
        lines = self.ledger.lines()
        ends = Counter(number for _, kind, number, _ in lines if kind == "end")
        again: dict[str, list[float]] = {}
        for kill in self.kills:
            later = [at for at, kind, number, _ in lines if kind == "start" and number == kill.number and at > kill.at]
            if later:
                again.setdefault(kill.kind, []).append(later[0] - kill.at)
        return Losses(
            self.kind,
            len(numbers),
            told[ENDED],
            told[FAILED],
            len(numbers) - len(outcomes),
            sum(number > 1 for number in ends.values()),
            Counter(kill.kind for kill in self.kills),
            again,
            time.monotonic() - began,
        )


def _sigkill(pids: set[int]) -> None:
    for pid in pids:
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            pass


def spread(seconds: list[float]) -> str:
    """Median and worst, as text."""
    return f"{_short(statistics.median(seconds))}, worst {_short(max(seconds))}" if seconds else "never"


def _short(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.0f} s"
