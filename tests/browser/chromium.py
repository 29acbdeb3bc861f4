"""Chromium, in which the pages are looked at: Debian's and Ubuntu's package chromium, or Google's Chrome.

TRAFFICJOBS_CHROMIUM names one, which has to be there then; without it the first on PATH is taken.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("TRAFFICJOBS_CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
WHERE = "no chromium on PATH; Debian has it in the package chromium"


@contextmanager
def started() -> Iterator[Browser]:
    """A running Chromium without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()
