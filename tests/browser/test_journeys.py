"""The whole way in real browsers: a prison's event on Kafka becomes a row, officers see each other act, an answer ends the alert."""

import re

import pytest
from playwright.sync_api import Page, expect

from console.accounts.demo_users import DEMO_PASSWORD
from tests.browser.conftest import MOST_MS, Living, Visit
from tests.browser.told import RULE, alert_of, published, release
from tests.conditions import until

pytestmark = pytest.mark.slow
_MOST_TABS = 80
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


def tab_to(page: Page, target: str) -> None:
    """Press the tabulator until what is meant has the focus."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("target => document.activeElement.matches(target)", target):
            return
    raise AssertionError(f"{_MOST_TABS} tabulators do not lead to {target}")


def logged_in_by_keys(living: Living, visit: Visit) -> Page:
    """The county's queue, come to without a mouse."""
    page = visit(living.url, "", "/login")
    tab_to(page, "input[name=u]")
    page.keyboard.type("county")
    page.keyboard.press("Tab")
    page.keyboard.type(DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/today"))
    return page


def logged_out_by_keys(page: Page) -> None:
    """A look at the scoreboard, and out once all that was asked for is on its way."""
    tab_to(page, ".nav [href='/scoreboard']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/scoreboard"))
    tab_to(page, ".top [href='/settings']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/settings"))
    expect(page.locator(".toast")).to_have_count(0)
    tab_to(page, "form[action='/logout'] button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/login"))


def test_a_countys_day_goes_without_a_mouse_and_an_undo_leaves_no_trace(
    living: Living, visit: Visit, person: str
) -> None:
    alert_id = alert_of(living, visit, person)
    page = logged_in_by_keys(living, visit)
    page.keyboard.press("/")
    page.keyboard.type(person)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(person))
    page.keyboard.press("k")
    while page.locator("tr.cur").get_attribute("data-id") != alert_id:
        before = page.locator("tr.cur").get_attribute("data-id")
        page.keyboard.press("j")
        assert page.locator("tr.cur").get_attribute("data-id") != before, "the alert is not in the list"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(alert_id))

    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("确认")
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_have_count(0)
    page.wait_for_load_state()
    expect(page.locator(".hero")).not_to_contain_text("等待回应")
    page.keyboard.press("c")
    page.keyboard.type("改了主意")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("备注")

    tab_to(page, ".ev.miss summary")
    page.keyboard.press("Enter")
    tab_to(page, ".ev.miss [type=checkbox]")
    page.keyboard.press("Space")
    tab_to(page, ".ev.miss button")
    page.keyboard.press("Enter")
    expect(page.locator(".toasts")).to_contain_text("补录")
    logged_out_by_keys(page)
    until(lambda: published(living, alert_id) != [], 30, every=0.5)
    assert published(living, alert_id) == ["commented"]  # asked for later, so what was undone would stand before it


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
    choice = page.locator(f"#filters input[value={RULE}]")

    def counted() -> bool:
        page.reload()
        return choice.count() == 1

    until(counted, 60, every=0.5)  # counts may be half a minute old
    choice.check()
    page.click("#filters button")
    assert f"rule={RULE}" in page.url
    codes = page.locator("tr.d .rid").all_inner_texts()
    assert codes
    assert {code.strip() for code in codes} == {RULE}
