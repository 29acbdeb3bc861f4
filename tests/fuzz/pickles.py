"""Pickles to begin with, what is done to their bytes, and what pickle itself makes of the outcome without importing anything.

The reference is the unpickler in pure Python: the one in C gives room to as many entries of its memo as a hostile pickle names.
"""

import pickle
import random
from io import BytesIO
from typing import Any

_VALUES: list[Any] = [
    *["", "text", "ümlaut 🚦", "x" * 300, "550e8400-e29b-41d4-a716-446655440000"],
    *[0, 1, -1, 255, 65_535, 2**31, -(2**31), 2**63, 2**64 - 1, -(2**63), 2**70, 1.5, float("inf"), True, False, None],
    *[[], {}, (), [1, [2, [3, []]]], {"a": {"b": [None, {"c": ("d", 1.25)}]}}, (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    *[{"type": "plot", "n": 5, "deep": [{"k": [True] * 5}] * 3}, [["same"]] * 4, {f"k{n}": n for n in range(30)}],
    *[b"bytes", bytearray(b"x"), {1, 2}, frozenset({1}), 1 + 2j, range(3), object, Exception("no")],
]
SEEDS = [pickle.dumps(value, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1) for value in _VALUES]
# What a mutation may put in: opcodes of all protocols, and lengths that lie.
_CODES = b"(.0123]}ladestuprqhjgGFIJKLMNVXQRSTUPBCcibo" + bytes(range(0x80, 0x99))
_WORDS = [
    *[bytes([code]) for code in _CODES],
    *[b"\xff" * 4, b"\xff" * 8, b"\x00" * 4, b"I010\n", b"I0x1f\n", b"L5L\n", b"Fnan\n", b"p-1\n", b"g0\n"],
    *[b"V\\ud800\n", b"cos\nsystem\n", b"\x8c\x03\xed\xa0\x80", b"\x80\x05", b"\x80\x63"],
    *[b"\x95\x05" + b"\x00" * 7, b"j\xff\xff\xff\x7f", b"r\xff\xff\xff\x7f"],
]


def mutated(choice: random.Random) -> bytes:
    """A pickle that was cut, spliced, flipped, or had words put in, one to four times."""
    data = bytearray(choice.choice(SEEDS))
    for _ in range(choice.randint(1, 4)):
        at = choice.randrange(len(data) + 1)
        match choice.randrange(7):
            case 0 if data:
                data[min(at, len(data) - 1)] = choice.randrange(256)
            case 1:
                data[at:at] = choice.choice(_WORDS)
            case 2:
                del data[at : at + choice.randint(1, 8)]
            case 3:
                other = choice.choice(SEEDS)
                data[at:] = other[choice.randrange(len(other)) :]
            case 4:
                data[at:at] = data[at : at + choice.randint(1, 20)] * choice.randint(1, 30)
            case 5:
                data[at : at + 1] = choice.choice(_WORDS)
            case _:
                data[at:at] = choice.choice(SEEDS)
    return bytes(data)


class _Plain(pickle._Unpickler):  # type: ignore[name-defined, misc]
    """Raises where a pickle would have something imported or fetched."""

    def find_class(self, _module: str, name: str) -> Any:
        raise AssertionError(f"what was accepted names {name}")

    def persistent_load(self, _pid: Any) -> Any:
        raise AssertionError("what was accepted names something persistent")


def reference(data: bytes) -> Any:
    """What pickle makes of it, tuples as lists."""
    return _as_lists(_Plain(BytesIO(data)).load())


def _as_lists(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_lists(item) for item in value]
    return {key: _as_lists(item) for key, item in value.items()} if isinstance(value, dict) else value
