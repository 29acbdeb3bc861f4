"""What a program writes to stderr becomes lines of the log, also what has no end."""

import json
import subprocess
import sys

WRITES = """
import sys
from lib.logs import configure_logging
configure_logging("info", "test")
for percent in (0, 100):
    sys.stderr.write(f"\\r{percent} %")
sys.stderr.write("\\n")
for _ in range(100):
    sys.stderr.write("x" * 1000)
"""


def test_a_bar_is_lines_and_the_last_one_is_logged_at_exit_within_its_bound() -> None:
    done = subprocess.run([sys.executable, "-c", WRITES], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["0 %", "100 %", "x" * 8_192]
