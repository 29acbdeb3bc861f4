"""What is kept of an exception, and what a failure is known by: those of one operation with the same exception out of the same
code are alike.

Made where the traceback is, by workers and consumers. What fails without one (a crash, a lost lease, a timeout) is known by
its operation, type and reason; see `lib/scripts/parts/failures.lua`.
"""

import hashlib
import traceback
from typing import Any

LENGTH = 16  # hex digits
TRACEBACK_KEPT = 8_192  # characters, the last ones
MESSAGE_KEPT = 2_000  # characters


def raised(error: BaseException) -> dict[str, Any]:
    """`type`, `message` and `traceback` of an exception, as a job's error has them: whatever it is, JSON can hold them."""
    kind = type(error).__name__
    try:
        message = str(error)[:MESSAGE_KEPT] or kind
    except Exception as unspeakable:  # a user's class may do anything
        message = f"its message cannot be had: its __str__ raised {type(unspeakable).__name__}"
    said = {"type": kind, "message": message, "traceback": "".join(traceback.format_exception(error))[-TRACEBACK_KEPT:]}
    return {name: plain(words) for name, words in said.items()}


def plain(words: str, most: int | None = None) -> str:
    """At most so many bytes of a text, with a `?` for each half of a surrogate pair, which no UTF-8 can hold: names of files
    have such where they are of another encoding."""
    return words.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def fingerprint(operation: str, error: BaseException) -> str:
    """16 hex digits of the operation, the exception's type and the functions of its traceback.

    Line numbers, messages and addresses do not count, nor the folder in which the code lies, nor how often it recurred.
    """
    frames = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    places = dict.fromkeys(f"{'/'.join(code.co_filename.split('/')[-2:])} {code.co_qualname}" for code in frames)
    known = "\n".join([operation, f"{type(error).__module__}.{type(error).__qualname__}", *places])
    return hashlib.blake2b(known.encode("utf-8", "replace"), digest_size=LENGTH // 2).hexdigest()
