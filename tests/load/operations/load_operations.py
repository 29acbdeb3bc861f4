"""What the jobs of a soak do: lines, progress, a file, a while, an error; whatever their parameters say."""

import time

from lib.operations import log, operation, progress, save_file


@operation(needs_data=False, direct=False)
def mixed(lines: int = 0, file_bytes: int = 0, seconds: float = 0.0, fail: bool = False) -> dict[str, int]:
    """Does each of it that is asked for."""
    for number in range(lines):
        log(f"line {number} of {lines}")
        progress(number + 1, lines, "writing lines")
    if file_bytes:
        save_file("bytes.txt", b"x" * file_bytes, "text/plain")
    time.sleep(seconds)
    if fail:
        raise ValueError("asked to fail")
    return {"lines": lines}
