"""A queue and an alert by keyboard alone; single keys can be switched off and never fire in a field."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Recorded, Visit


@pytest.fixture
def queue(archive: Recorded, visit: Visit) -> Page:
    """The county's queue."""
    page = visit(archive.url, "county", "/today")
    page.locator("tr.d").first.wait_for()
    return page


def current(page: Page) -> int:
    """Which of the rows that are seen is the current one; -1: none."""
    seen = "[...document.querySelectorAll('tr.d,tr.fold')].filter(row => row.offsetParent)"
    return int(page.evaluate(f"{seen}.findIndex(row => row.classList.contains('cur'))"))


def to_row(page: Page) -> None:
    """On to the next row that is no fold."""
    page.keyboard.press("j")
    while page.locator("tr.fold.cur").count():
        page.keyboard.press("j")


def test_j_and_k_move_and_enter_opens(queue: Page) -> None:
    queue.keyboard.press("j")
    queue.keyboard.press("j")
    assert current(queue) == 1
    queue.keyboard.press("k")
    assert current(queue) == 0
    to_row(queue)
    assert queue.evaluate("document.activeElement.closest('tr.d').classList.contains('cur')")
    queue.keyboard.press("Enter")
    queue.wait_for_url(re.compile("/alerts/"))
    queue.keyboard.press("Escape")
    queue.wait_for_url(re.compile("/today"))


def test_x_chooses_rows_and_the_bar_counts_them(queue: Page) -> None:
    expect(queue.locator(".bulk")).to_be_hidden()
    for _ in range(2):
        to_row(queue)
        queue.keyboard.press("x")
    expect(queue.locator("#chosen")).to_have_text("2")
    queue.keyboard.press("x")
    expect(queue.locator("#chosen")).to_have_text("1")


@pytest.mark.parametrize(("key", "opened"), [("r", "#assign"), ("s", "#snooze")])
def test_r_and_s_ask_what_they_need(queue: Page, key: str, opened: str) -> None:
    to_row(queue)
    queue.keyboard.press(key)
    queue.wait_for_url(re.compile("/alerts/"))
    expect(queue.locator(f"{opened}[open] form")).to_be_visible()


def test_a_and_c_act_on_the_open_alert(queue: Page) -> None:
    to_row(queue)
    queue.keyboard.press("Enter")
    queue.wait_for_url(re.compile("/alerts/"))
    queue.keyboard.press("c")
    expect(queue.locator("#note input[name=note]")).to_be_focused()
    queue.keyboard.type("japnxx")
    expect(queue.locator("#note input[name=note]")).to_have_value("japnxx")
    queue.keyboard.press("Escape")
    with queue.expect_response(re.compile("/acknowledge$")) as answered, queue.expect_navigation():
        queue.keyboard.press("a")
    assert answered.value.request.method == "POST"


def test_the_slash_finds_and_fields_keep_their_letters(queue: Page) -> None:
    queue.keyboard.press("/")
    expect(queue.locator(".find input")).to_be_focused()
    queue.keyboard.type("jk?ax")
    expect(queue.locator(".find input")).to_have_value("jk?ax")
    assert current(queue) == -1
    expect(queue.locator("dialog.keys")).to_be_hidden()


def test_the_question_mark_lists_the_keys_and_focus_returns(queue: Page) -> None:
    to_row(queue)
    queue.keyboard.press("?")
    expect(queue.locator("dialog.keys")).to_be_visible()
    to_row(queue)
    assert current(queue) == 0
    queue.keyboard.press("Escape")
    expect(queue.locator("dialog.keys")).to_be_hidden()
    assert queue.evaluate("!!document.activeElement.closest('tr.cur')")


def test_keys_with_control_or_alt_belong_to_the_browser(queue: Page) -> None:
    queue.keyboard.press("Alt+j")
    queue.keyboard.press("Control+k")
    assert current(queue) == -1


def test_single_keys_can_be_switched_off(own: Recorded, visit: Visit) -> None:
    page = visit(own.url, "county", "/settings")
    page.check("input[name=keys][value=off]")
    page.locator("form[action='/settings'] button").click()
    page.goto(f"{own.url}/today")
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert current(page) == -1
    expect(page.locator("dialog.keys")).to_be_hidden()
