"""Reads what HotQueue's and RQ's serializers wrote, without pickle.loads: only str, int, float, bool, None, list and dict;
a tuple becomes a list, as in JSON.

A pickle is a program; this runs none of it. `pickletools.genops` splits it into opcodes, a stack machine of our own
builds plain values from the harmless ones, and any other opcode (a class, a call, a reduce) refuses the whole. Values
are bounded in depth, size and repetition, so that a small entry cannot unfold into a large one. It imports nothing of lib:
the public package, which must not either, has it under a name of its own, by a link to this file.
Source of the opcodes: the documentation in CPython's pickletools.
"""

import pickletools
from typing import Any

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_INTEGER_BITS = 64

_MARK = object()
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
                walk(inner, depth + 1)
        elif isinstance(item, list):
            for inner in item:
                walk(inner, depth + 1)
        elif isinstance(item, int) and item.bit_length() > MAX_INTEGER_BITS:
            raise UnreadableEntry("an integer of more than 64 bits")
        elif not isinstance(item, str | int | float | None):
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
    for opcode, argument, position in opcodes:
        name = opcode.name
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append([])
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [stack[-_TUPLES[name] :]]
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _PUTS:
            memo[int(argument)] = stack[-1]
        elif name in _GETS:
            stack.append(memo[int(argument)])
        elif name in ("APPEND", "SETITEM", "APPENDS", "SETITEMS", "LIST", "TUPLE", "DICT"):
            _build(name, stack)
        elif name == "STOP":
            if len(stack) != 1 or position + 1 != len(data):
                raise UnreadableEntry("a pickle with something left over")
            return stack[0]
        elif name not in ("PROTO", "FRAME"):
            raise UnreadableEntry(f"a pickle that holds more than plain data ({name})")
    raise UnreadableEntry("a pickle without an end")


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
        stack.append({} if name == "DICT" else [])
    target = stack[-1]
    if name in ("APPEND", "APPENDS", "LIST", "TUPLE") and type(target) is list:
        target.extend(items)
    elif name in ("SETITEM", "SETITEMS", "DICT") and type(target) is dict:
        target.update(zip(items[::2], items[1::2], strict=True))
    else:
        raise UnreadableEntry("a pickle that fills what is no list or dict")
