"""docs/security.md names tests that there are, and every secret that leaves the environment."""

import re

from lib.settings import SECRETS
from tests.workers import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests/[a-z0-9_/]+/)?test_[a-z0-9_]+\.py)`", PAGE)
    assert len(named) > 20
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    assert [name for name in named if not any(path == name or path.endswith(f"/{name}") for path in there)] == []


def test_every_secret_is_named() -> None:
    assert [name for name in SECRETS if f"`{name}`" not in PAGE] == []


def test_every_row_of_who_can_do_what_says_how_that_is_shown_or_that_it_is_not_ours() -> None:
    table = PAGE.partition("## Who can do what")[2].partition("## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 15
    for row in rows:
        assert len(row) == 4, row[0]
        assert "test_" in row[3] or "up to the RBAC" in row[2], row[0]
