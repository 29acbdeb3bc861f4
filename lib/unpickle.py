"""Reads what HotQueue's and RQ's serializers wrote, without pickle.loads: only str, int, float, bool, None, list and dict;
a tuple becomes a list, as in JSON.

A pickle is a program; this runs none of it. `pickletools.genops` splits it into opcodes, a stack machine of our own
builds plain values from the harmless ones, and any other opcode (a class, a call, a reduce) refuses the whole. Values
are bounded in depth, size and repetition, so that a small entry cannot unfold into a large one. It imports nothing of lib:
the public package, which must not either, has it under a name of its own, by a link to this file.
Source of the opcodes: the documentation in CPython's pickletools.
"""

import pickletools
import re
from typing import Any

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_OPCODES = 10 * MAX_NODES  # the most that values within bounds take, in any protocol
INTEGERS = range(-(2**63), 2**64)  # what JSON can carry on to the record

_MARK = object()
_WHOLE_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)L?\n|0[01]\n")  # others mean another number in each implementation
_NEWEST_PROTOCOL = 5
_FRAME_BYTES = 9  # of the instruction that opens a frame
_VALUES = {
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"),
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUTS = {"BINPUT", "LONG_BINPUT", "PUT"}
_GETS = {"BINGET", "LONG_BINGET", "GET"}


class UnreadableEntry(Exception):
    """The bytes are no value we read; the text says why, for the operator."""


class _Tuple(list[Any]):
    """What a tuple becomes: a list that nothing may fill any more."""


def check_text(text: str) -> None:
    """Raises UnreadableEntry for half of a character, which no JSON can carry on."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnreadableEntry("a text with a surrogate in it") from None


def plain_value(value: Any) -> Any:
    """`value`, if it is plain JSON-like data within bounds. Raises UnreadableEntry."""
    nodes = 0

    def walk(item: Any, depth: int) -> None:
        nonlocal nodes
        nodes += 1
        if depth > MAX_DEPTH:
            raise UnreadableEntry(f"nested deeper than {MAX_DEPTH}")
        if nodes > MAX_NODES:
            raise UnreadableEntry(f"more than {MAX_NODES} values")
        if isinstance(item, dict):
            for key, inner in item.items():
                if not isinstance(key, str):
                    raise UnreadableEntry("a key that is not a string")
                check_text(key)
                walk(inner, depth + 1)
        elif isinstance(item, list):
            for inner in item:
                walk(inner, depth + 1)
        elif isinstance(item, str):
            check_text(item)
        elif isinstance(item, int) and item not in INTEGERS:
            raise UnreadableEntry("an integer of more than 64 bits")
        elif not isinstance(item, int | float | None):
            raise UnreadableEntry(f"a {type(item).__name__}")

    walk(value, 0)
    return value


def unpickle(data: bytes) -> Any:
    """The plain value that a pickle holds.

    Raises:
        UnreadableEntry: it holds anything else, or is no pickle.
    """
    try:
        return plain_value(_run(data))
    except UnreadableEntry:
        raise
    except Exception as error:  # whatever a hostile byte string provokes in the parser
        raise UnreadableEntry(f"not a pickle: {type(error).__name__}") from None


def _run(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    opcodes: Any = pickletools.genops(data)
    frames = _Frames(len(data))
    for number, (opcode, argument, position) in enumerate(opcodes):
        name = opcode.name
        if number > MAX_OPCODES:
            raise UnreadableEntry(f"a pickle of more than {MAX_OPCODES} instructions")
        frames.step(position, argument if name == "FRAME" else None)
        if name in _VALUES:
            if name in ("INT", "LONG") and not _WHOLE_NUMBER.match(data, position + 1):
                raise UnreadableEntry("a pickle with an integer in an odd form")
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append([] if name == "EMPTY_LIST" else _Tuple())
        elif name in _TUPLES:
            _make_tuple(stack, _TUPLES[name])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "MEMOIZE":
            memo[len(memo)] = _value_on(stack)
        elif name in _PUTS and int(argument) >= 0:
            memo[int(argument)] = _value_on(stack)
        elif name in _GETS:
            stack.append(memo[int(argument)])
        elif name in ("APPEND", "SETITEM", "APPENDS", "SETITEMS", "LIST", "TUPLE", "DICT"):
            _build(name, stack)
        elif name == "STOP":
            if len(stack) != 1 or position + 1 != len(data):
                raise UnreadableEntry("a pickle with something left over")
            return stack[0]
        elif name == "PROTO" and argument > _NEWEST_PROTOCOL:
            raise UnreadableEntry(f"not a pickle of a protocol that there is ({argument})")
        elif name not in ("PROTO", "FRAME"):
            raise UnreadableEntry(f"a pickle that holds more than plain data ({name})")
    raise UnreadableEntry("a pickle without an end")


class _Frames:
    """That instructions keep to the frames of protocol 4, as pickle wants it."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._end: int | None = None

    def step(self, position: int, size: int | None) -> None:
        """An instruction begins; `size` is that of the frame which it opens."""
        if self._end is not None and position >= self._end:
            if position > self._end:
                raise UnreadableEntry("a pickle with an instruction beyond its frame")
            self._end = None
        if size is not None:
            end = position + _FRAME_BYTES + size
            if self._end is not None or end > self._length:
                raise UnreadableEntry("a pickle with a frame that is cut off")
            self._end = end


def _value_on(stack: list[Any]) -> Any:
    if stack[-1] is _MARK:
        raise UnreadableEntry("a pickle that keeps nothing")
    return stack[-1]


def _make_tuple(stack: list[Any], number: int) -> None:
    items = stack[-number:]
    if len(items) < number or any(item is _MARK for item in items):
        raise UnreadableEntry("a pickle with a tuple of nothing")
    stack[-number:] = [_Tuple(items)]


def _build(name: str, stack: list[Any]) -> None:
    """Fill or make a container from the top of the stack."""
    if name == "APPEND":
        items = [stack.pop()]
    elif name == "SETITEM":
        value = stack.pop()
        items = [stack.pop(), value]
    else:
        at = len(stack) - 1 - next(i for i, item in enumerate(reversed(stack)) if item is _MARK)
        items = stack[at + 1 :]
        del stack[at:]
    if name in ("LIST", "TUPLE", "DICT"):
        stack.append({} if name == "DICT" else [] if name == "LIST" else _Tuple())
    target = stack[-1]
    if name == "TUPLE" or (name in ("APPEND", "APPENDS", "LIST") and type(target) is list):
        target.extend(items)
    elif name in ("SETITEM", "SETITEMS", "DICT") and type(target) is dict:
        target.update(zip(items[::2], items[1::2], strict=True))
    else:
        raise UnreadableEntry("a pickle that fills what is no list or dict")
