"""Every queue that is measured: each module here holds one or more subclasses of `Contestant`."""

import importlib
import pkgutil

from bench.contestant import Contestant


def load_contestants() -> list[type[Contestant]]:
    """All of them, ours first, then by name."""
    found: list[type[Contestant]] = []
    for module in pkgutil.iter_modules(__path__):
        members = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        found += [each for each in members if isinstance(each, type) and issubclass(each, Contestant) and "name" in vars(each)]
    return sorted(set(found), key=lambda each: (each.peer, each.name))
