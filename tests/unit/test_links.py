"""Links of our pages lead somewhere: to a file that there is, and to a heading in it."""

import re
from pathlib import Path

import pytest

from tests.workers import ROOT

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[ckrs]*/**/README.md")]
    if ".venv" not in path.parts
)
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.M)


def anchors(page: Path) -> set[str]:
    """As the forge makes them of headings; the second one of a name gets -1."""
    found: dict[str, int] = {}
    made = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text())):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        made.add(f"{name}-{found[name]}" if name in found else name)
        found[name] = found.get(name, 0) + 1
    return made


def broken_links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text()))
    broken = []
    for link in (a or b for a, b in _LINK.findall(text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# One `two`\n## Same\n## Same\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[a](b.md#one-two) [b](b.md#same-1) [c](b.md#same-2) [d](#here) [e](c.md) [f](https://example.org/#x)\n# Here\n"
    )
    assert broken_links(page) == ["b.md#same-2", "c.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert not broken_links(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_begins_with_its_title(page: Path) -> None:
    text = re.sub(r"\A<!--.*?-->\s*", "", page.read_text(), flags=re.S)
    assert text.startswith("# "), "what was written by hand above a table that is generated may have been lost"


def test_there_are_pages() -> None:
    assert {ROOT / "README.md", ROOT / "docs/architecture.md", ROOT / "k8s/README.md"} <= set(PAGES)
