"""Pickles that others put on our lists, mutated: read as pickle reads them or refused, within bounds, and never run."""

import builtins
import random
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from lib.unpickle import MAX_NODES, UnreadableEntry, unpickle
from tests.fuzz.pickles import SEEDS, mutated, reference

FRAMES = 60  # of Python, that one decoding may stand on
MIB = 2**20
_CODECS = ("codecs", "_io", "_codecs")  # what Python loads with its own codec of UNICODE


@contextmanager
def no_imports() -> Iterator[list[str]]:
    """What is imported meanwhile."""
    seen: list[str] = []
    real = builtins.__import__

    def watch(name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return real(name, *args, **kwargs)

    builtins.__import__ = watch
    try:
        yield seen
    finally:
        builtins.__import__ = real


def depth() -> int:
    frame, number = sys._getframe(), 0
    while frame.f_back is not None:
        frame, number = frame.f_back, number + 1
    return number


def run(number: int, seed: int) -> int:
    """Decode so many mutants; how many were accepted."""
    choice, accepted = random.Random(seed), 0
    for _ in range(number):
        data = mutated(choice)
        with no_imports() as imported:
            try:
                value = unpickle(data)
            except UnreadableEntry:
                value = None
            else:
                accepted += 1
        assert not [name for name in imported if name not in _CODECS and not name.startswith("encodings.")], data
        if value is not None:
            assert repr(reference(data)) == repr(value), data
            orjson.dumps(value)
    return accepted


def test_thousands_of_mutated_pickles_are_read_as_pickle_reads_them_or_refused() -> None:
    assert run(5_000, 1) > 50


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_mutated_pickles_are_read_as_pickle_reads_them_or_refused(seed: int) -> None:
    assert run(50_000, seed) > 500


@pytest.mark.parametrize(
    "data",
    [
        b"](" * 500_000,
        b"]" * 1_000_000 + b".",
        b"(" + b"N" * 1_000_000 + b"t.",
        b"]" + b"]a" * 500_000 + b".",
        b"]" + b"".join(b"]q" + bytes([n % 256]) for n in range(300_000)) + b".",
        b"I" + b"9" * 1_000_000 + b"\n.",
        b"L" + b"9" * 1_000_000 + b"L\n.",
        b"\x8b" + (900_000).to_bytes(4, "little") + b"\x7f" * 900_000 + b".",
        b"\x80\x04" + b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"X\xff\xff\xff\xff" + b"x" * 1_000_000,
        b"\x8d" + b"\xff" * 8 + b"x" * 1_000_000,
        b"]" + b"p9\n" * 300_000 + b".",
        b"]q\x00" + b"h\x00" * 500_000 + b"e.",
        b"(lp0\n" + b"(g0\na" * 150_000 + b".",
        b"((" * 400_000 + b"tt" * 100_000 + b".",
    ],
    ids=lambda data: repr(data[:8]),
)
def test_a_megabyte_that_is_made_to_unfold_is_refused_in_bounded_memory_and_depth(data: bytes) -> None:
    limit = sys.getrecursionlimit()
    tracemalloc.start()
    sys.setrecursionlimit(depth() + FRAMES)
    try:
        with pytest.raises(UnreadableEntry):
            unpickle(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        sys.setrecursionlimit(limit)
        tracemalloc.stop()
    assert peak < 32 * MIB


@pytest.mark.parametrize("data", [b"(\x940.", b"(p0\n0.", b"(\x94h\x00]h\x00e.", b"]((q\x000h\x00e."], ids=repr)
def test_a_mark_is_no_value_that_could_be_kept(data: bytes) -> None:
    with pytest.raises(UnreadableEntry):
        unpickle(data)


@pytest.mark.parametrize("value", ["\ud800", {"k": "\udfff"}, {"\ud800": 1}, -(2**63) - 1, 2**64, [2**64]])
def test_what_no_json_can_carry_on_is_refused(value: Any) -> None:
    import pickle

    with pytest.raises(UnreadableEntry):
        unpickle(pickle.dumps(value))


def test_the_values_to_begin_with_are_read_where_they_are_plain() -> None:
    read = 0
    for data in SEEDS:
        try:
            assert repr(unpickle(data)) == repr(reference(data))
            read += 1
        except UnreadableEntry:
            pass
    assert read > len(SEEDS) / 2
    assert MAX_NODES == 10_000
