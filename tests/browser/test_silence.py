"""A page that stays open while the pipeline stands still says so by itself, and calls nothing late that nobody has judged."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from sqlalchemy import Engine, select

from console.web.config import ConsoleConfig
from sinks.readmodel.database import connect
from sinks.readmodel.tables import alert, obligation
from tests.browser.conftest import Visit
from tests.browser.serving import served
from tests.browser.test_accessibility import EVERY_WAY, LOCALES, too_wide, violations
from tests.console.conftest import NOW, NOWHERE
from tests.watermarks import put_watermark

LIMIT = timedelta(seconds=60)
DUE = NOW + timedelta(minutes=1)


@dataclass
class Clocked:
    """A console whose time a test sets."""

    url: str
    engine: Engine
    now: datetime


@pytest.fixture
def clocked(history: Path, tmp_path: Path) -> Iterator[Clocked]:
    path = tmp_path / "model.sqlite"
    shutil.copyfile(history, path)
    one = Clocked("", connect(f"sqlite:///{path}"), NOW)
    config = ConsoleConfig(str(one.engine.url), NOWHERE, now=lambda: one.now, behind=LIMIT, secure_cookies=False)
    with served(config) as (one.url, _):
        yield one
    one.engine.dispose()


def due_soon(engine: Engine) -> str:
    """An open duty of the county that no alert tells of, due in a minute: its alert id."""
    ours = obligation.c.jurisdiction.startswith("990102"), obligation.c.state == "open"
    with engine.begin() as connection:
        wanted = select(obligation.c.alert_id).where(*ours, obligation.c.alert_id.not_in(select(alert.c.alert_id)))
        alert_id: str = connection.execute(wanted.limit(1)).scalar_one()
        connection.execute(obligation.update().where(obligation.c.alert_id == alert_id).values(due_at=DUE))
    return alert_id


@pytest.mark.parametrize(("locale", "line"), [("zh-CN", "告警处理至 16:30"), ("en-GB", "Alerts processed up to 16:30")])
def test_a_frozen_pipeline_is_told_on_an_open_page_and_a_duty_that_passes_is_being_judged(
    clocked: Clocked, visit: Visit, locale: str, line: str
) -> None:
    row = f"#a-{due_soon(clocked.engine)}"
    page = visit(clocked.url, "county", "/today", locale=locale)
    expect(page.locator("#asof")).to_contain_text(line)
    expect(page.locator("#late")).to_be_hidden()
    page.evaluate("window.same = true")

    clocked.now = NOW + timedelta(hours=2)
    expect(page.locator("#late")).to_be_visible()
    expect(page.locator("#late")).to_contain_text("16:30")
    expect(page.locator("#late")).to_contain_text("handover doctor")
    expect(page.locator("#asof")).to_have_class(re.compile("late"))
    expect(page.locator("#asof")).to_contain_text(line)
    assert page.evaluate("window.same"), "the page was loaded again"

    page.reload()
    expect(page.locator("#late")).to_be_visible()
    judging, late = ("到期，判断中", "逾期") if locale == "zh-CN" else ("Due, being judged", "over")
    expect(page.locator(f"{row} .due")).to_contain_text(judging)
    expect(page.locator(f"{row} .due")).not_to_have_class(re.compile(r"\bo\b"))

    page.evaluate("window.same = true")
    put_watermark(clocked.engine, clocked.now)
    expect(page.locator("#late")).to_be_hidden()
    expect(page.locator("#asof")).to_contain_text("18:30")
    assert page.evaluate("window.same"), "the page was loaded again"
    page.reload()
    expect(page.locator(f"{row} .due")).to_contain_text(re.compile(late, re.IGNORECASE))


@pytest.mark.parametrize(("login", "path"), [("auditor", "/audit"), ("rules-1", "/rules"), ("platform", "/users")])
def test_pages_of_roles_without_a_queue_are_told_too(clocked: Clocked, visit: Visit, login: str, path: str) -> None:
    page = visit(clocked.url, login, path)
    expect(page.locator("#late")).to_be_hidden()
    clocked.now = NOW + timedelta(hours=2)
    expect(page.locator("#late")).to_be_visible()


@pytest.mark.parametrize("width", [1366, 1024, 720, 360])
def test_line_and_banner_are_seen_at_every_width(clocked: Clocked, visit: Visit, width: int) -> None:
    put_watermark(clocked.engine, NOW - timedelta(days=2))
    for locale in ("zh-CN", "en-GB"):
        page = visit(clocked.url, "platform", "/today", locale=locale, viewport={"width": width, "height": 740})
        for name in ("#asof", "#late"):
            expect(page.locator(name)).to_be_visible(timeout=15_000)  # what was read a second ago is shown meanwhile
            box = page.locator(name).bounding_box()
            assert box is not None, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= width, name
            assert box["y"] + box["height"] <= 740, name


def test_the_banner_has_no_violation_and_fits(clocked: Clocked, visit: Visit) -> None:
    due_soon(clocked.engine)
    clocked.now = NOW + timedelta(hours=2)
    for language, width, theme in EVERY_WAY:
        options = {"locale": LOCALES[language], "viewport": {"width": width, "height": 800}, "color_scheme": theme}
        page = visit(clocked.url, "county", "/today", **options, reduced_motion="reduce")
        page.evaluate(Axe().axe_script)
        assert violations(page) + too_wide(page) == [], (language, width, theme)
        page.close()
