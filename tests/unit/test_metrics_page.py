"""docs/metrics.md is what the metrics say of themselves."""

from pathlib import Path

from tools.metrics_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_the_page_says_what_the_metrics_say() -> None:
    assert PAGE.read_text() == page(), "run: python -m tools.metrics_page > docs/metrics.md"
