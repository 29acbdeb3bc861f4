"""`python -m bench.driver <module:class> <port> <folder>`: one contestant in a process of its own environment, told what to
do line by line.

The runner starts one for each measurement, ours like all others. What is timed is timed here, so that no figure holds the
pipe: a line of JSON says what is to be done, and one line answers. It ends with its standard input.

No job is believed to have run before the store showed its terminal record, and every result is compared with the number that
was submitted.
"""

import importlib
import json
import os
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.body import Ran
from bench.contestant import Contestant

_POLL = 0.004  # seconds between two looks at the last job's record
_PATIENCE = 60.0  # seconds after which a contestant whose jobs have not ended has failed
_IDLE = 0.01  # seconds between two jobs of which the latency is measured


class Driver:
    """What can be asked of a contestant; every method's answer is a JSON value."""

    def __init__(self, contestant: Contestant) -> None:
        self._contestant = contestant
        self._numbers: list[int] = []
        self._ids: list[str] = []

    def commands(self, processes: int) -> list[dict[str, Any]]:
        """Its workers'."""
        return [asdict(command) for command in self._contestant.commands(processes)]

    def submit(self, body: str, count: int, batched: bool) -> float:
        """Submit so many jobs, for which `wait` is to wait; seconds."""
        numbers = list(range(count))
        submit = self._contestant.submit_batch if batched else self._contestant.submit_each
        began = time.monotonic()
        ids = submit(body, numbers)
        seconds = time.monotonic() - began
        self._ids, self._numbers = self._ids + ids, self._numbers + numbers
        return seconds

    def wait(self, patience: float = _PATIENCE, all_of_them: bool = True) -> dict[str, Any]:
        """Wait for the end of all that were submitted: when it was (monotonic), and the processes that ran them.

        Args:
            patience: seconds.
            all_of_them: whether it is an error where one has not ended until then.

        The last record is looked at alone, because reading all would slow down those that work; then the others are read,
        and if one of them was not there yet, the time is that of its arrival.
        """
        ids, numbers, self._ids, self._numbers = self._ids, self._numbers, [], []
        ran, ended = self._ended(ids, patience, all_of_them)
        if all_of_them and [each.number for each in ran] != numbers:
            raise RuntimeError("the results are not those of the jobs")
        return {"ended": ended, "processes": sorted({str(each.process) for each in ran})}

    def latencies(self, lane: str, samples: int) -> list[float]:
        """Milliseconds from before each submit to the job's first line, one job at a time."""
        values = []
        for number in range(samples):
            time.sleep(_IDLE)
            began = time.monotonic()
            jid = self._contestant.submit_to(lane, number)
            (ran,), _ = self._ended([jid], _PATIENCE, True)
            if ran.number != number:
                raise RuntimeError("the result is another job's")
            values.append(1_000 * (ran.started - began))
        return values

    def _ended(self, ids: list[str], patience: float, all_of_them: bool) -> tuple[list[Ran], float]:
        ran: list[Ran | None] = [None] * len(ids)
        missing = [len(ids) - 1]
        ended = time.monotonic()
        give_up = ended + patience
        while missing:
            looked = self._contestant.results([ids[missing[-1]]])
            if looked[0] is None:
                if time.monotonic() > give_up:
                    ran = self._contestant.results(ids)
                    if not all_of_them:
                        break
                    raise RuntimeError(f"{sum(each is None for each in ran)} of {len(ids)} jobs have no result")
                time.sleep(_POLL)
                continue
            ended = time.monotonic()
            if ran[-1] is None:
                missing = list(range(len(ids)))
            for index, value in zip(missing, self._contestant.results([ids[index] for index in missing]), strict=True):
                ran[index] = value
            missing = [index for index in missing if ran[index] is None]
        return [each for each in ran if each is not None], ended


def main() -> None:
    """Do what the lines say until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    module, _, name = sys.argv[1].partition(":")
    contestant: Contestant = getattr(importlib.import_module(module), name)(int(sys.argv[2]), Path(sys.argv[3]))
    driver = Driver(contestant)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = {"answer": getattr(driver, order.pop("do"))(**order)}
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
    finally:
        contestant.close()


if __name__ == "__main__":
    main()
