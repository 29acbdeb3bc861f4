"""Asks every question of every contestant, again and again, in turns: noise of the machine hits all of them alike.

Each repeat starts with another contestant. Nothing is thrown away: every value goes into the report. On a busy machine there
are fewer repeats, never more time than was allowed. A peer that cannot be measured is left out, and the report says why; ours
ends the run.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.entrants import Entrant
from bench.environments import NotInstalled
from bench.question import Question, Row, Table


@dataclass
class Answers:
    """One question with the rows that each of its tables got, by label, and why others have none."""

    question: Question
    rows: dict[Table, dict[str, Row]]
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # of its last round


def run(
    questions: Sequence[Question],
    entrants: Sequence[Entrant],
    jobs: int,
    repeats: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Answers]:
    """Every answer.

    Args:
        jobs: of one measurement, about.
        repeats: measurements of each contestant, at most; a question may want fewer.
        seconds: no further repeat is begun that would probably end later than this.
        say: is told what is measured next.
    """
    everything = [Answers(question, {table: {} for table in question.tables}) for question in questions]
    began = time.monotonic()
    for repeat in range(repeats):
        asked = [answers for answers in everything if repeat < answers.question.most_repeats]
        if repeat and 0 < seconds < time.monotonic() - began + sum(answers.seconds for answers in asked):
            say(f"no time for more than {repeat} of {repeats} repeats")
            break
        for answers in asked:
            started = time.monotonic()
            for place in range(len(entrants)):
                entrant = entrants[(place + repeat) % len(entrants)]
                if entrant.name not in answers.left_out:
                    say(f"{repeat + 1}/{repeats}  {answers.question.name}: {entrant.name}")
                    _ask(answers, entrant, jobs)
            answers.seconds = time.monotonic() - started
    return everything


def _ask(answers: Answers, entrant: Entrant, jobs: int) -> None:
    try:
        found = answers.question.ask(entrant, jobs)
    except (NotInstalled, RuntimeError) as error:
        if not entrant.peer:
            raise
        answers.left_out[entrant.name] = str(error).strip().splitlines()[-1].removeprefix(f"{entrant.name}: ")
        return
    for table, values in found.items():
        for label, measured in values.items():
            answers.rows[table].setdefault(label, Row(label, entrant.peer)).repeats.append(measured)
