"""docs/reference/values.md: every value of the chart with its default, by the comments of charts/trafficjobs/values.yaml.

A comment belongs to the key that follows it at the same indentation. What is passed on to the service under the name of a setting
is explained by that setting where the file says nothing.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lib.settings import Settings
from tools.reference.markdown import plain

FILE = Path(__file__).resolve().parents[2] / "charts" / "trafficjobs" / "values.yaml"
_HEAD = """# Values of the chart

Set with `--set name=value` or in a file for `--values`. A key that is not here is refused by its name, and a value of another
type by what it should be. [On Kubernetes](../kubernetes.md) says how they play together. Where the last column is empty, the name
says it all, or the field of that name in Kubernetes does.

"""
_LONGEST = 70  # characters of a default that is shown


def page() -> str:
    """The whole page."""
    text = FILE.read_text()
    root: Any = yaml.compose(text)
    comments = Comments(text)
    alone = [(key, value) for key, value in root.value if not _section(value)]
    lines = [_HEAD + "## By themselves\n", *_table(row for key, value in alone for row in _rows("", key, value, comments))]
    for key, value in root.value:
        if _section(value):
            about = comments.of(key)
            lines += ["", f"## {key.value}\n", *([f"{about}\n"] if about else [])]
            lines += _table(row for inner, its in value.value for row in _rows(key.value, inner, its, comments))
    return "\n".join(lines) + "\n"


class Comments:
    """The comments of a YAML text."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of(self, key: Any) -> str:
        """What stands directly above a key, in one line; '' where nothing does."""
        margin = " " * key.start_mark.column + "# "
        said: list[str] = []
        for line in reversed(self._lines[: key.start_mark.line]):
            if not line.startswith(margin):
                break
            said.insert(0, line.removeprefix(margin))
        return " ".join(said).removeprefix("-- ")


def _section(value: Any) -> bool:
    return isinstance(value, yaml.MappingNode) and not value.flow_style


def _rows(parent: str, key: Any, value: Any, comments: Comments) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of a value, or of all below it."""
    name = f"{parent}.{key.value}" if parent else key.value
    about = comments.of(key) or _setting(name)
    if not _section(value):
        yield name, _default(value), about
        return
    if about:
        yield name, "", about
    for inner, its in value.value:
        yield from _rows(name, inner, its, comments)


def _setting(name: str) -> str:
    """What the setting of that name is, under `config`."""
    group, _, rest = name.partition(".")
    field = Settings.model_fields.get(re.sub(r"(?<!^)([A-Z])", r"_\1", rest).lower()) if group == "config" else None
    return (field.description or "") if field else ""


def _default(value: Any) -> str:
    """As YAML on one line; nothing for what is empty."""
    plain = yaml.safe_load(yaml.serialize(value))
    if plain in ("", None, [], {}):
        return ""
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _table(rows: Iterator[tuple[str, str, str]]) -> list[str]:
    lines = ["| value | default | what it is for |", "|---|---|---|"]
    for name, default, about in rows:
        shown = f"`{default}`" if default else ""
        lines.append("| " + " | ".join(part.replace("|", r"\|") for part in (f"`{name}`", shown, plain(about))) + " |")
    return lines
