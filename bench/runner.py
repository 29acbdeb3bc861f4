"""Asks every question of every contestant, again and again, in turns: noise of the machine hits all of them alike.

Each repeat starts with another contestant. Nothing is thrown away: every value goes into the report. On a busy machine there
are fewer repeats, never more time than was allowed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.contestant import Contestant
from bench.question import Question, Row


@dataclass(frozen=True)
class Answers:
    """One question with the rows it got, by label."""

    question: Question
    rows: dict[str, Row]


def run(
    questions: Sequence[Question],
    contestants: Sequence[type[Contestant]],
    jobs: int,
    repeats: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Answers]:
    """Every answer.

    Args:
        jobs: of one measurement, about.
        repeats: measurements of each contestant, at most.
        seconds: no further repeat is begun that would probably end later than this.
        say: is told what is measured next.
    """
    everything = [Answers(question, {}) for question in questions]
    began = time.monotonic()
    for repeat in range(repeats):
        if repeat and 0 < seconds < (time.monotonic() - began) * (repeat + 1) / repeat:
            say(f"no time for more than {repeat} of {repeats} repeats")
            break
        for answers in everything:
            for place in range(len(contestants)):
                kind = contestants[(place + repeat) % len(contestants)]
                say(f"{repeat + 1}/{repeats}  {answers.question.title.partition(':')[0].partition(',')[0]}: {kind.name}")
                for label, values in answers.question.ask(kind, jobs).items():
                    answers.rows.setdefault(label, Row(label, kind)).repeats.append(values)
    return everything
