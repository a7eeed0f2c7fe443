"""No violation of WCAG 2.2 AA or of best practice on any page, in each theme, language and width; and what axe cannot see.

Each page is seen in each language, width and theme once; with REENTRY_TEST_EVERY_WAY=1 in all eight ways they make together.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, product
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from console.app import ROUTERS
from tests.browser.chromium import leave
from tests.browser.colours import SIGHTS, contrast, distance, read
from tests.browser.conftest import Recorded, Visit
from tests.browser.pages import Shown, address, pages

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_ALL: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": _TAGS}}
_PATHS = {route.path for router in ROUTERS for route in router.routes if hasattr(route, "path")}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
SCREEN, PHONE = 1366, 360
TWO_WAYS = (("zh", SCREEN, "light"), ("en", PHONE, "dark"))  # each language, width and theme once
FOUR_WAYS = (*TWO_WAYS, ("zh", PHONE, "light"), ("en", SCREEN, "dark"))
IN_FOUR_WAYS = ("queue", "alert", "person")
EVERY_WAY = tuple(product(LOCALES, (SCREEN, PHONE), ("light", "dark")))
BADGES = ("CRIT", "HIGH", "WARN", "INFO")
TEXT_CONTRAST, BADGE_CONTRAST, BADGE_DISTANCE = 5.1, 4.7, 10.0

every_page = pytest.mark.parametrize("one", pages(_PATHS), ids=lambda one: one.name)
Opened = Callable[..., Any]


@pytest.fixture
def opened(chromium: Browser, cookies: Callable[[str, str], Any], archive: Recorded) -> Opened:
    """Opens a page of the table in a language, a width and a theme."""

    @contextmanager
    def one_page(one: Shown, language: str, width: int, theme: Any = "light") -> Iterator[Page]:
        state = cookies(archive.url, one.login) if one.login else None
        viewport: Any = {"width": width, "height": 800}
        context = chromium.new_context(
            storage_state=state,
            locale=LOCALES[language],
            viewport=viewport,
            reduced_motion="reduce",
            color_scheme=theme,
        )
        page = context.new_page()
        page.goto(f"{archive.url}{address(archive.engine, one)}")
        yield page
        leave(context)

    return one_page


def violations(page: Page) -> list[str]:
    """What axe finds, one line each."""
    found = page.evaluate("options => axe.run(options)", _ALL)["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:4]]}" for one in found]


def too_wide(page: Page) -> list[str]:
    """Where the page is wider than a phone, or than a screen at twice its size."""
    found = []
    for width in (PHONE, SCREEN // 2):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{wide} pixels on {width}"] if wide > width else []
    return found


def ways_of(one: Shown) -> Sequence[tuple[str, int, str]]:
    """In which languages, widths and themes a page is looked at."""
    if os.environ.get("REENTRY_TEST_EVERY_WAY"):
        return EVERY_WAY
    return FOUR_WAYS if one.name in IN_FOUR_WAYS else TWO_WAYS


@every_page
def test_a_page_has_no_violation_and_fits_its_screen(one: Shown, opened: Opened) -> None:
    found = {}
    for language, width, theme in ways_of(one):
        with opened(one, language, width, theme) as page:
            page.evaluate(Axe().axe_script)
            found[language, width, theme] = violations(page) + too_wide(page)
    assert not any(found.values()), found


def test_targets_on_a_phone_are_large_enough(opened: Opened, archive: Recorded) -> None:
    with opened(pages(_PATHS)[1], "zh", 360) as page:
        small = page.evaluate(
            "[...document.querySelectorAll('.k-act .btn, .k-sel input')].map(e => e.getBoundingClientRect())"
            ".filter(r => r.width && (r.width < 24 || r.height < 24)).length"
        )
    assert small == 0


_READ = """names => { const made = document.createElement('div'); made.className = 'card'; document.querySelector('main').append(made);
const look = getComputedStyle(document.documentElement), colour = name => look.getPropertyValue('--' + name).trim();
return {colours: Object.fromEntries(['ink', 'ink2', 'ink3', 'over', 'brand-ink', 'bg', 'surface', 'sunk', 'hover', 'pick'].map(n => [n, colour(n)])),
 badges: Object.fromEntries(names.map(name => { const badge = document.createElement('span'); badge.className = 'sev ' + name; made.append(badge);
 const style = getComputedStyle(badge); return [name, [style.color, style.backgroundColor]]; }))}; }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_dark_enough_and_no_two_badges_look_alike(theme: str, archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", "/today", color_scheme=theme)
    found = page.evaluate(_READ, list(BADGES))
    colours = {name: read(text) for name, text in found["colours"].items()}
    for ink, paper in product(("ink", "ink2", "ink3", "over", "brand-ink"), ("bg", "surface")):
        assert contrast(colours[ink], colours[paper]) >= TEXT_CONTRAST, (ink, paper)
    badges = {name: (read(text), read(paper)) for name, (text, paper) in found["badges"].items()}
    for name, (text, badge) in badges.items():
        assert contrast(text, badge) >= BADGE_CONTRAST, name
    for sight in SIGHTS:
        for one, other in combinations(BADGES, 2):
            assert distance(badges[one][1], badges[other][1], sight) >= BADGE_DISTANCE, (sight, one, other)


def test_in_forced_colours_badges_and_days_keep_their_shape(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", "/today", forced_colors="active")
    badge = page.locator(".sev.CRIT").first
    expect(badge).to_be_visible()
    assert badge.evaluate("e => getComputedStyle(e).forcedColorAdjust") == "none"
    assert page.locator(".k-act .btn").first.evaluate("e => getComputedStyle(e).borderStyle") == "solid"


def test_focus_is_always_seen(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", "/today")
    for _ in range(12):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)(getComputedStyle(document.activeElement))"
        )
        assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
