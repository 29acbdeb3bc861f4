"""docs/reference/modules.md: the packages, who imports whom, and which scripts each module of the library sends: all of it read
from the sources."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lib.scripts import script_names

ROOT = Path(__file__).resolve().parents[2]
_TOPS = ("lib", "services", "trafficjobs")
# Shown beside our own packages: the libraries that one part of us is about.
_LIBRARIES = ("flask", "gunicorn", "httpx", "matplotlib", "pandas", "redis", "typer")
# Which argument of which function is the name of a script.
_PLACES = {"run": 0, "compose": 0, "_while_held": 0, "partial": 1}
_HEAD = """# Modules

Every package of the service, and an arrow for each import between two of them. [How it works](../architecture.md) says what their
modules are for, `tests/unit/test_layers.py` which arrows may not be.

"""
_SCRIPTS = """
## Who sends which script

[Scripts](scripts.md) says what each does.

| module | scripts |
|---|---|
"""


def page() -> str:
    """The whole page."""
    table = [f"| `{path}` | {', '.join(f'`{name}`' for name in names)} |" for path, names in senders().items()]
    return _HEAD + diagram() + "\n" + "\n".join(_packages()) + "\n" + _SCRIPTS + "\n".join(table) + "\n"


def diagram() -> str:
    """A flowchart that the forge draws."""
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'    {_id(name)}["{name}"]' for name in packages()]
    lines += [f"    {_id(source)} --> {_id(target)}" for source, target in arrows()]
    return "\n".join([*lines, "```", ""])


@cache
def packages() -> tuple[str, ...]:
    """Folders that are packages, `lib/analysis` for one."""
    found = {str(path.parent.relative_to(ROOT)) for top in _TOPS for path in (ROOT / top).rglob("__init__.py")}
    return tuple(sorted(found - {"services"}))


def arrows() -> list[tuple[str, str]]:
    """Which package imports which, each pair once."""
    found = {
        (name, target)
        for name in packages()
        for path in (ROOT / name).glob("*.py")
        for module in imports(path)
        if (target := package_of(module)) not in (None, name)
    }
    return sorted((source, str(target)) for source, target in found)


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The modules that a file imports, wherever that stands in it. Of `from a import b` it is `a.b`, be `b` a module or not."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively, line {node.lineno}"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def package_of(module: str) -> str | None:
    """The package of ours in which something lies; None for a module of others."""
    parts = module.split(".")
    if parts[0] not in _TOPS:
        return None
    known = packages()
    return next((name for size in range(len(parts), 0, -1) if (name := "/".join(parts[:size])) in known), None)


def senders() -> dict[str, list[str]]:
    """By module of the library: the scripts that it sends."""
    names, found = set(script_names()), {}
    for path in sorted((ROOT / "lib").rglob("*.py")):
        if sent := sorted({name for name in _named(path) if name in names}):
            found[str(path.relative_to(ROOT))] = sent
    return found


def _named(path: Path) -> Iterator[str]:
    """The texts that a file passes where the name of a script is wanted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for given in node.args[_PLACES[name] : _PLACES[name] + 1] if name in _PLACES else ():
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def _packages() -> Iterator[str]:
    yield "| package | what it is | made with |"
    yield "|---|---|---|"
    for name in packages():
        files = sorted((ROOT / name).glob("*.py"))
        about = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text())) or ""
        used = {module.split(".")[0] for path in files for module in imports(path)}
        others = ", ".join(library for library in _LIBRARIES if library in used)
        yield f"| `{name}` | {_sentence(about)} | {others} |"


def _sentence(words: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(words.split()))[0]


def _id(name: str) -> str:
    return name.replace("/", "_")
