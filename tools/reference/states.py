"""docs/reference/states.md: the states of a job, drawn from the table that the scripts and the property test follow."""

import inspect
import re

from lib import states

_HEAD = """# States

What a job can be, and the only moves between that: [lib/states.py](../../lib/states.py), which every script follows and a test
of random calls holds them to. A move is one script, whole or not at all; it writes the record, the indexes, the counters and
an event. [How it works](../architecture.md#a-jobs-life) tells what happens on the way.

"""


def page() -> str:
    """The whole page."""
    return _HEAD + diagram() + "\n" + "\n".join(_table()) + "\n"


def diagram() -> str:
    """A state diagram that the forge draws. What has ended for good leaves it."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    state {_quoted(status)} as {_id(status)}" for status in states.STATUSES if _id(status) != status]
    for status, following in states.TRANSITIONS.items():
        lines += [f"    {_id(status)} --> {_id(each)}" for each in _ordered(following)]
    lines += [f"    {_id(status)} --> [*]" for status in _ordered(states.TERMINAL)]
    return "\n".join([*lines, "```", ""])


def _table() -> list[str]:
    about = remarks(inspect.getsource(states))
    rows = ["| from | to | what to know |", "|---|---|---|"]
    for status, following in states.TRANSITIONS.items():
        to = ", ".join(f"`{each}`" for each in _ordered(following)) or "nothing"
        rows.append(f"| {'(new)' if status == states.NEW else f'`{status}`'} | {to} | {about.get(status, '')} |")
    return rows


def remarks(source: str) -> dict[str, str]:
    """What the comments above each row of the table in the source say, by state."""
    table = source[source.index("TRANSITIONS") :]
    found: dict[str, str] = {}
    said: list[str] = []
    for line in table.splitlines():
        if comment := re.match(r" +# (.+)", line):
            said.append(comment[1])
        elif row := re.match(r" +([A-Z_]+): frozenset", line):
            found[getattr(states, row[1])] = " ".join(said)
            said = []
    return found


def _ordered(some: frozenset[str]) -> list[str]:
    return [status for status in states.STATUSES if status in some]


def _quoted(status: str) -> str:
    return f'"{status}"'


def _id(status: str) -> str:
    return "[*]" if status == states.NEW else status.replace("-", "_")
