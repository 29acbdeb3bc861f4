"""docs/operations.md is what the operations say of themselves."""

from pathlib import Path

from lib.operations import load_catalog

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_operation_that_is_offered_has_its_section_and_says_what_it_does() -> None:
    text = PAGE.read_text()
    for name in load_catalog().names():
        assert f"\n## {name}\n\n{load_catalog().get(name).summary}" in text
