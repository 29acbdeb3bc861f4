"""What every page has to bear: axe finds nothing in light, in dark and on a phone, and nothing is wider than a small one.

`look` leaves a picture of each under `run/browser/`, for people.
"""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "run" / "browser"
WIDE, PHONE, SMALL = 1280, 390, 360  # pixels
# Name, width and colours of each picture; axe looks at two, which have both widths and both colours.
_LOOKS = (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("phone", PHONE, "light"), ("phone-dark", PHONE, "dark"))
_AXE = ("light", "phone-dark")
_WIDTH = "document.documentElement.scrollWidth"


def look(page: Page, name: str) -> None:
    """Look at the page as it is now in each way, and leave it as it was before.

    Raises:
        AssertionError: with axe's words, or the width.
    """
    before = page.viewport_size or {"width": WIDE, "height": 800}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for label, width, colours in _LOOKS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        page.screenshot(path=FOLDER / f"{name}-{label}.png", full_page=True)
        if label in _AXE:
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}, {label}: {found.generate_report()}"
    page.set_viewport_size({"width": SMALL, "height": 740})
    width = page.evaluate(_WIDTH)
    assert width <= SMALL, f"{name} is {width} px wide on a window of {SMALL}"
    page.set_viewport_size(before)
    page.emulate_media(color_scheme="null")
