"""The whole way in real browsers: a prison's event on Kafka becomes a row, officers see each other act, an answer ends the alert."""

from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
import pytest
from playwright.sync_api import Page, expect

from schemas.instants import CHINA
from tests.browser.conftest import MOST_MS, Living, Visit
from tests.conditions import until
from tests.handover.histories import arriving, notice, scheduled

pytestmark = pytest.mark.slow
_RULE = "A02"
_LATE = timedelta(days=30)  # more than three working days, whatever holidays lie between
_UNDO_MS = 10_000


def days_ago(days: int) -> str:
    return f"{datetime.now(CHINA) - timedelta(days=days):%Y-%m-%d %H:%M}"


def release(living: Living, person: str) -> None:
    """A prison says when a person will be released, and that it told the county a month ago: the answer is late."""
    day = f"{datetime.now(CHINA) + timedelta(days=60):%Y-%m-%d}"
    told = [
        scheduled(days_ago(40), day, subject=person, id=f"s-{person}"),
        notice(days_ago(_LATE.days), subject=person, id=f"n-{person}"),
    ]
    living.running.publish(arriving(*told))


def row_of(page: Page, person: str) -> Callable[[], str]:
    """Reads the id of the row of a person, "" while there is none."""
    return lambda: page.get_attribute(f"tr.d:has-text('{_RULE}'):has-text('{person[3:9]}')", "data-id", timeout=1) or ""


def alert_of(living: Living, visit: Visit, person: str) -> str:
    """The alert on the missing answer, once the console has it."""
    release(living, person)
    page = visit(living.url, "county", f"/today?q={person}&rule={_RULE}")
    row = page.locator("tr.d").first
    for _ in range(60):
        if row.count():
            break
        page.wait_for_timeout(250)
        page.reload()
    found = row.get_attribute("data-id")
    assert found
    page.context.close()
    return found


def test_from_a_prisons_event_to_the_answer(living: Living, visit: Visit, person: str) -> None:
    taker = visit(living.url, "county", f"/today?rule={_RULE}")
    expect(taker.locator("#live")).not_to_have_class("live off", timeout=MOST_MS)
    release(living, person)
    pill = taker.locator("#pill")
    expect(pill).to_be_visible(timeout=MOST_MS)
    assert "新告警" in pill.inner_text()
    pill.click()
    row = taker.locator("tr.d").first
    expect(row).to_contain_text(_RULE)
    alert_id = row.get_attribute("data-id")

    other = visit(living.url, "city", f"/today?rule={_RULE}")
    theirs = other.locator(f"#a-{alert_id}")
    expect(theirs).to_contain_text("待确认")
    row.get_by_role("button", name="确认").click()
    expect(taker.locator(".toast")).to_contain_text("撤销")
    expect(theirs).to_contain_text("county 已确认", timeout=_UNDO_MS + MOST_MS)

    taker.goto(f"{living.url}/alerts/{alert_id}")
    missing = taker.locator(".ev.miss")
    missing.get_by_text("记录").first.click()
    form = missing.locator("form").first
    form.get_by_role("checkbox").first.check()
    form.get_by_role("button").click()
    expect(taker.locator(".toast")).to_be_visible()
    expect(taker.locator("#pill")).to_be_visible(timeout=_UNDO_MS + MOST_MS)
    taker.locator("#pill").click()
    expect(taker.locator(".hero")).to_contain_text("迟办")
    expect(theirs).to_contain_text("迟办", timeout=MOST_MS)
