"""Writes `submit_templates.json`, a working job for every built-in operation: `python -m lib.templates > submit_templates.json`.

`make templates` calls it, and a test compares the file with what it writes.
"""

import json
import sys

from lib.operations import load_catalog


def templates_text() -> str:
    """The file's whole content."""
    return json.dumps(load_catalog().templates(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(templates_text())
