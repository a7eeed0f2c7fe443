"""The browser that pages are tried in: the Chromium of this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--disable-component-update",
)


def program() -> str:
    """Where Chromium is. Raise FileNotFoundError with the line that installs it."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError("No Chromium: run `make test` once (Debian, as root: deploy/browser.sh).")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser; each test opens contexts of its own in it. It calls nobody but the pages' own host."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(_QUIET))
        yield browser
        browser.close()
