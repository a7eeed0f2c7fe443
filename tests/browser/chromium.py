"""The browser that pages are tried in: the Chromium of this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.conditions import until

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


def leave(context: BrowserContext) -> None:
    """Close a context. Chromium never answers a close that overtakes a page on its way, so each one arrives first."""
    for page in context.pages:
        until(partial(_blank, page), 30)
    context.close()


def _blank(page: Page) -> bool:
    """Whether the page shows nothing now; False: another was nearer and came instead."""
    try:
        page.goto("about:blank")
    except Error:
        return False
    return True
