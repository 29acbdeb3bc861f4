"""One file for each guard: the edit that takes it out, and the one interleaving that needs it.

Each is run by `tests/chaos/test_guards.py` in a process of its own, which imports lib and services from a copy: once as they
are, where the checker must stay green, and once without the guard, where it must turn red.
"""
