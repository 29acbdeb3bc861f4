"""The code is built as docs/architecture.md says: who may import whom, which module is for what, and how long things are.

Nothing is imported here: sources are parsed.
"""

import ast
import fnmatch
import re
from pathlib import Path

import pytest

from tests.workers import ROOT
from tools.reference.modules import imports

PAGE = ROOT / "docs" / "architecture.md"
PRODUCT = ("lib", "services", "trafficjobs")
# By folder: what nothing in it may import. An entry stands for the module and all below it.
FORBIDDEN = {
    "lib": ("flask", "werkzeug", "gunicorn", "services", "trafficjobs.*", "tests", "tools", "bench"),
    "services/api": ("services.worker", "trafficjobs.*", "tests", "tools", "bench"),
    "services/worker": ("flask", "werkzeug", "gunicorn", "services.api", "trafficjobs.*", "tests", "tools", "bench"),
    "trafficjobs": ("lib", "services", "flask", "tests", "tools", "bench"),
}
# Of the public package the others know the version alone.
ALLOWED = ("trafficjobs.__version__",)
MOST_LINES, MOST_OF_A_FUNCTION = 300, 50
# Lists of declarations, one beside the other, which nobody reads from top to bottom.
LONGER_FILES = {
    "lib/settings.py": "every setting with its bounds and its help",
    "lib/operations.py": "the decorator with all that it may say, and the registry",
    "lib/rq_face.py": "RQ's names, as many as RQ has",
    "services/api/shapes.py": "the shapes of all answers",
}
LONGER_FUNCTIONS = {
    "lib/operations.py:operation": "its arguments and what each means",
    "trafficjobs/submitting.py:submit": "its arguments and what each means",
    "trafficjobs/cli/submit.py:submit": "its options and their help",
    "trafficjobs/cli/adopt.py:adopt": "its options and their help",
}


def sources(*folders: str) -> list[Path]:
    """The Python files of these folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def is_within(name: str, module: str) -> bool:
    """Whether `name` is `module` or below it; below it alone where that ends with a star."""
    return name.startswith(module[:-1]) if module.endswith("*") else name == module or name.startswith(f"{module}.")


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_arrows_go_one_way(folder: str) -> None:
    files = sources(folder)
    assert len(files) > 5
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if name not in ALLOWED and any(is_within(name, module) for module in FORBIDDEN[folder])
    ]
    assert not wrong, wrong


def test_every_module_of_the_library_is_in_the_table_of_parts() -> None:
    table = PAGE.read_text().split("## A job's states")[0]
    names = {Path(name).name for name in re.findall(r"`([\w/*.-]+)`", table)}
    folders = {name.rstrip("/") for name in re.findall(r"`(lib/[\w/]+)`", table)}
    missing = [
        str(path.relative_to(ROOT))
        for path in sources("lib")
        if path.name != "__init__.py"
        and str(path.parent.relative_to(ROOT)) not in folders
        and not any(fnmatch.fnmatch(path.name, name) for name in names)
    ]
    assert not missing, f"not in the table of docs/architecture.md: {missing}"


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:lib|services|trafficjobs|tests|tools|bench)/[\w/.*-]+)`", PAGE.read_text()))
    assert len(named) > 20
    assert not [name for name in named if not list(ROOT.glob(name))]


def test_files_have_one_duty_and_its_length() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources(*PRODUCT, "tests")}
    too_long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert too_long == set(LONGER_FILES), "a list of longer files that is not true"


def test_functions_fit_on_a_screen() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in sources(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_OF_A_FUNCTION
    }
    assert too_long == set(LONGER_FUNCTIONS), "a list of longer functions that is not true"


def test_every_module_says_what_it_is() -> None:
    assert not [str(path) for path in sources(*PRODUCT) if not ast.get_docstring(ast.parse(path.read_text()))]
