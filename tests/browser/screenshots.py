"""`python -m tests.browser.screenshots FOLDER [NAME...]`: a picture of each page of the console, or of those with NAME in their name.

`python -m tests.browser.screenshots docs/img readme` takes those that the README shows.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from console.app import MENU
from console.web.config import ConsoleConfig
from sinks.readmodel.database import connect
from tests.browser.chromium import chromium, leave
from tests.browser.furnishing import furnish
from tests.browser.logins import log_in
from tests.browser.pages import Shown, address, pages
from tests.browser.serving import served
from tests.console.conftest import NOW, NOWHERE, record

THEMES, LANGUAGES, WIDTHS = ("light", "dark"), ("zh", "en"), (1366, 360)
_HEIGHT = {1366: 768, 360: 740}
_README, _README_SIZE = {"queue": "en", "alert": "zh"}, {"width": 1200, "height": 720}
_A4 = {"portrait": (718, 1046), "landscape": (1046, 718)}  # the paper without its margins, in CSS pixels


@contextmanager
def opened(browser: Browser, url: str, one: Shown, path: str, language: str) -> Iterator[Page]:
    """A page of the table as its user sees it."""
    context = browser.new_context(locale={"zh": "zh-CN", "en": "en-GB"}[language], reduced_motion="reduce")
    page = context.new_page()
    if one.login:
        log_in(page, url, one.login)
    page.goto(f"{url}{path}")
    yield page
    leave(context)


def taken(browser: Browser, url: str, one: Shown, path: str, folder: Path) -> Iterator[Path]:
    """All pictures of one page: each theme, language and width, and A4 where it is made to be printed."""
    for language in LANGUAGES:
        with opened(browser, url, one, path, language) as page:
            for theme, width in product(THEMES, WIDTHS):
                yield _screen(page, theme, width, folder / f"{one.name}-{language}-{width}-{theme}.png")
            if one.printed:
                yield _paper(page, folder / f"{one.name}-{language}-a4.png", landscape=one.landscape)


def for_readme(browser: Browser, url: str, one: Shown, path: str, folder: Path) -> Iterator[Path]:
    """What the README shows of a page: its head, light, in one of the languages."""
    language = _README[one.name]
    with opened(browser, url, one, path, language) as page:
        page.set_viewport_size(_README_SIZE)  # type: ignore[arg-type]
        page.locator("#live:not(.off)").wait_for(state="attached")
        file = folder / f"{one.name}-{language}.png"
        page.screenshot(path=file)
        yield file


def _screen(page: Page, theme: str, width: int, file: Path) -> Path:
    page.emulate_media(media="screen", color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": _HEIGHT[width]})
    page.reload()
    page.screenshot(path=file, full_page=True)
    return file


def _paper(page: Page, file: Path, *, landscape: bool) -> Path:
    width, height = _A4["landscape" if landscape else "portrait"]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="print", color_scheme="light")
    page.screenshot(path=file, full_page=True)
    page.pdf(path=file.with_suffix(".pdf"), prefer_css_page_size=True, print_background=True)
    return file


def main(folder: Path, *parts: str) -> None:
    """Take them all, or those with one of these parts in the name, on the recorded history and what people left behind in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        model = Path(kept) / "model.sqlite"
        record(model)
        furnish(model)
        engine = connect(f"sqlite:///{model}")
        config = ConsoleConfig(str(engine.url), NOWHERE, now=lambda: NOW, secure_cookies=False, demo=True)
        with served(config) as (url, _), chromium() as browser:
            take = for_readme if parts == ("readme",) else taken
            for one in pages(one.menu for one in MENU):
                if one.name in _README if take is for_readme else any(part in one.name for part in parts or ("",)):
                    for file in take(browser, url, one, address(engine, one), folder):
                        print(file)
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("screenshots: no folder: python -m tests.browser.screenshots FOLDER [NAME...]")
    main(Path(sys.argv[1]), *sys.argv[2:])
