"""The whole way in real browsers: a prison's event on Kafka becomes a row, officers see each other act, an answer ends the alert."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MOST_MS, Living, Visit
from tests.browser.told import RULE, alert_of, published, release
from tests.conditions import until

pytestmark = pytest.mark.slow
_UNDO_MS = 10_000
_WHOLE_WAY_MS = _UNDO_MS + MOST_MS


def test_from_a_prisons_event_to_the_answer(living: Living, visit: Visit, person: str) -> None:
    taker = visit(living.url, "county", f"/today?rule={RULE}&q={person}")
    expect(taker.locator("#live")).not_to_have_class(re.compile("off"), timeout=MOST_MS)
    release(living, person)
    pill = taker.locator("#pill")
    expect(pill).to_be_visible(timeout=MOST_MS)
    assert "新告警" in pill.inner_text()
    pill.click()
    row = taker.locator("tr.d").first
    expect(row).to_contain_text(RULE)
    alert_id = row.get_attribute("data-id")

    other = visit(living.url, "city", f"/today?rule={RULE}&q={person}")
    theirs = other.locator(f"#a-{alert_id}")
    expect(theirs).to_contain_text("未确认")
    row.get_by_role("button", name="确认").click()
    expect(taker.locator(".toast")).to_contain_text("撤销")
    expect(taker.locator(f"#a-{alert_id}")).to_contain_text("等待回应")
    expect(theirs).to_contain_text("county 已确认", timeout=_WHOLE_WAY_MS)

    taker.goto(f"{living.url}/alerts/{alert_id}")
    missing = taker.locator(".ev.miss details").first
    missing.locator("summary").click()
    missing.get_by_role("checkbox").first.check()
    missing.get_by_role("button").click()
    expect(taker.locator(".toast")).to_contain_text("补录")
    expect(taker.locator("#pill")).to_be_visible(timeout=_WHOLE_WAY_MS)
    taker.locator("#pill").click()
    expect(taker.locator(".hero")).to_contain_text("迟办")
    expect(taker.locator(".ev.miss")).to_have_count(0)
    expect(theirs).to_have_class(re.compile("done"), timeout=MOST_MS)


def test_an_undo_leaves_no_trace_on_the_topic(living: Living, visit: Visit, person: str) -> None:
    alert_id = alert_of(living, visit, person)
    page = visit(living.url, "county", f"/alerts/{alert_id}")
    page.locator(".hero [data-act=ack]").click()
    page.locator(".toast").get_by_role("button").click()
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator(".hero")).not_to_contain_text("等待回应")
    page.fill("#note input[name=note]", "改了主意")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("备注")
    until(lambda: published(living, alert_id) != [], 30, every=0.5)
    assert published(living, alert_id) == ["commented"]  # asked for later, so the other would stand before it


def test_without_scripts_every_action_is_a_form(living: Living, visit: Visit, person: str) -> None:
    alert_id = alert_of(living, visit, person)
    page = visit(living.url, "county", f"/today?q={person}", java_script_enabled=False)
    page.locator(f"#a-{alert_id}").get_by_role("button", name="确认").click()
    expect(page.locator(".toast")).to_contain_text("确认")
    page.locator(f"#a-{alert_id} [data-act=snooze]").click()
    forms = page.locator("#snooze")
    forms.get_by_role("textbox").fill("等回函")
    forms.locator("button").click()
    expect(page.locator(".hero")).to_contain_text("推迟：等待回应")
    page.fill("#note input[name=note]", "已去电")
    page.locator("#note button").click()
    page.locator("#contest summary").click()
    page.locator("#contest textarea").fill("通知没有到")
    page.locator("#contest form button").click()
    page.locator("#assign summary").click()
    page.locator("#assign form button").click()
    expect(page.locator(".toast")).to_have_count(3)
    page.locator(".ev.miss summary").first.click()
    page.locator(".ev.miss form").first.get_by_role("checkbox").first.check()
    page.locator(".ev.miss form button").first.click()
    until(lambda: len(published(living, alert_id)) == 5, 40, every=0.5)
    assert set(published(living, alert_id)) == {"acknowledged", "snoozed", "commented", "contested", "assigned"}


def test_filters_work_without_scripts(living: Living, visit: Visit, person: str) -> None:
    alert_of(living, visit, person)
    page = visit(living.url, "county", "/today", java_script_enabled=False)
    page.check(f"#filters input[value={RULE}]")
    page.click("#filters button")
    assert f"rule={RULE}" in page.url
    codes = page.locator("tr.d .rid").all_inner_texts()
    assert codes
    assert {code.strip() for code in codes} == {RULE}
