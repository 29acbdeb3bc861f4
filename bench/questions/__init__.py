"""Everything that is asked: each module here holds one or more subclasses of `Question`."""

import importlib
import pkgutil

from bench.question import Question


def load_questions() -> list[Question]:
    """All of them, in the order of the modules' names and of their place in the file."""
    found: list[Question] = []
    for module in pkgutil.iter_modules(__path__):
        members = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        found += [each() for each in members if isinstance(each, type) and issubclass(each, Question) and "title" in vars(each)]
    return found
