"""What a failure is known by: failures of one operation with the same exception out of the same code are alike.

Made where the traceback is, by workers and consumers. What fails without one (a crash, a lost lease, a timeout) is known by
its operation, type and reason; see `lib/scripts/parts/failures.lua`.
"""

import hashlib
import traceback

LENGTH = 16  # hex digits


def fingerprint(operation: str, error: BaseException) -> str:
    """16 hex digits of the operation, the exception's type and the functions of its traceback.

    Line numbers, messages and addresses do not count, nor the folder in which the code lies, nor how often it recurred.
    """
    frames = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    places = dict.fromkeys(f"{'/'.join(code.co_filename.split('/')[-2:])} {code.co_qualname}" for code in frames)
    known = "\n".join([operation, f"{type(error).__module__}.{type(error).__qualname__}", *places])
    return hashlib.blake2b(known.encode("utf-8", "replace"), digest_size=LENGTH // 2).hexdigest()
