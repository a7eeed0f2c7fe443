"""`python -m tests.browser.screenshots FOLDER [NAME]`: a picture of each page of the console, or of those with NAME in their name."""

import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from console.config import ConsoleConfig
from sinks.database import connect
from tests.browser.chromium import chromium
from tests.browser.logins import log_in
from tests.browser.pages import Shown, address, pages
from tests.browser.serving import served
from tests.console.conftest import NOW, NOWHERE, record

THEMES, LANGUAGES, WIDTHS = ("light", "dark"), ("zh", "en"), (1366, 360)
_HEIGHT = {1366: 768, 360: 740}
_A4 = {"portrait": (718, 1046), "landscape": (1046, 718)}  # the paper without its margins, in CSS pixels


def taken(browser: Browser, url: str, one: Shown, path: str, folder: Path) -> Iterator[Path]:
    """All pictures of one page: each theme, language and width, and A4 where it is made to be printed."""
    state = None
    if one.login:
        context = browser.new_context()
        log_in(context.new_page(), url, one.login)
        state = context.storage_state()
        context.close()
    for language in LANGUAGES:
        context = browser.new_context(storage_state=state, locale={"zh": "zh-CN", "en": "en-GB"}[language])
        page = context.new_page()
        page.goto(f"{url}{path}")
        for theme, width in product(THEMES, WIDTHS):
            yield _screen(page, theme, width, folder / f"{one.name}-{language}-{width}-{theme}.png")
        if one.printed:
            yield _paper(page, folder / f"{one.name}-{language}-a4.png", landscape=one.landscape)
        context.close()


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


def main(folder: Path, part: str = "") -> None:
    """Take them all, on the recorded history."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        model = Path(kept) / "model.sqlite"
        record(model)
        engine = connect(f"sqlite:///{model}")
        config = ConsoleConfig(str(engine.url), NOWHERE, now=lambda: NOW, secure_cookies=False, demo=True)
        with served(config) as (url, app), chromium() as browser:
            for one in pages(app.state.site.paths):
                if part in one.name:
                    for file in taken(browser, url, one, address(engine, one), folder):
                        print(file)
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("screenshots: no folder: python -m tests.browser.screenshots FOLDER [NAME]")
    main(Path(sys.argv[1]), *sys.argv[2:3])
