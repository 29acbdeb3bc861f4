"""docs/reference/scripts.md: every Lua script, by what its head says of its keys, its arguments and its answers."""

import re
from pathlib import Path

from lib.scripts import FOLDER, UNGATED, script_names
from tools.reference.markdown import plain

_HEAD = """# Scripts

Every change of a job's state is one Lua script of [lib/scripts](../../lib/scripts), which runs in Redis whole or not at all, and
answers a second sending as it answered the first ([why](../decisions/0001-one-script-per-change.md)). Each stands here with the
head of its file. [Keys](keys.md) says what the keys are; `jobs.*` is every key that begins so, `<queue>.{{a,b}}` is two. 
One that is marked *at full memory* runs also when Redis is at its memory limit; others that write are refused then. {gate}
"""
_FLAGS = {"no-writes": "only reads", "allow-oom": "at full memory"}


def page() -> str:
    """The whole page."""
    ungated = ", ".join(f"`{name}`" for name in sorted(UNGATED))
    lines = [_HEAD.format(gate=f"While a restore is put in place, all but {ungated} refuse.")]
    for name in script_names():
        path = FOLDER / f"{name}.lua"
        about, *rest = head(path)
        flags = "".join(f" *{each[0].upper()}{each[1:]}.*" for each in _flags(path))
        lines += [f"## {name}\n", f"{plain(about)}{flags}\n", *(f"- {plain(part)}" for part in rest), ""]
    lines += ["## Parts\n", "What several scripts need, included as text.\n", "| part | what it is for |", "|---|---|"]
    for path in sorted((FOLDER / "parts").glob("*.lua")):
        lines.append(f"| `{path.stem}` | {plain(' '.join(head(path))).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def head(path: Path) -> list[str]:
    """The comment at the head of a script in parts: what it does, then `Keys: ...`, `ARGV: ...`, `Returns ...`."""
    said: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("#!lua"):
            continue
        if not line.startswith("--") or line.startswith("--@"):
            break
        said.append(line[2:].strip())
    text = re.sub(r" +", " ", " ".join(said))
    return [part.strip() for part in re.split(r"(?<=[.)\w']) (?=(?:Keys|ARGV): |Returns )", text)]


def named_keys(path: Path) -> list[str]:
    """What a script's head names as its keys, with `<queue>.{a,b}` and `x[.<y>]` written out, and the words between them.

    Where it says "those of finish", the keys of finish are among them.
    """
    (listed, *_) = [part for part in head(path) if part.startswith("Keys: ")] or [""]
    found = []
    for token in re.findall(r"(?:[\w.:*/]|<[^>]*>|\{[^}]*\}|\[[^\]]*\])+", listed.removeprefix("Keys: ")):
        found += [name.strip(".") for name in _written_out(token)]
    for others in re.findall(r"those of ([a-z_]+(?:(?:, | and )[a-z_]+)*)", listed):
        for other in re.split(", | and ", others):
            if (path.parent / f"{other}.lua").exists():
                found += named_keys(path.parent / f"{other}.lua")
    return found


def _written_out(name: str) -> list[str]:
    if braces := re.search(r"\{([^}]*)\}", name):
        return [one for part in braces[1].split(",") for one in _written_out(name.replace(braces[0], part.strip(), 1))]
    if brackets := re.search(r"\[([^\]]*)\]", name):
        return [one for part in ("", brackets[1]) for one in _written_out(name.replace(brackets[0], part, 1))]
    return [name]


def _flags(path: Path) -> list[str]:
    first = path.read_text().partition("\n")[0]
    (named,) = re.findall(r"flags=(\S+)", first) or [""]
    return [_FLAGS[flag] for flag in named.split(",") if flag]
