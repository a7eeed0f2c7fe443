"""What a page shows when something is not as it should be: the session is over, Kafka or the database is away, another was first."""

import re
from datetime import timedelta

from playwright.sync_api import Route, expect
from sqlalchemy import select, update

from console.db.tables import console_session
from console.queue.row_grouping import MOST_EQUAL
from schemas.instants import instant
from sinks.readmodel.tables import alert
from tests.browser.conftest import Recorded, Visit
from tests.browser.logins import fill_in
from tests.console.conftest import firing

EQUAL = 2 * MOST_EQUAL
NOTE = "已联系家属，周五回话"


def test_after_the_session_has_ended_one_is_back_with_what_was_typed(own: Recorded, visit: Visit) -> None:
    path = f"/alerts/{firing(own.engine, '990102', rule='B08')}"
    page = visit(own.url, "county", path)
    page.fill("#note input[name=note]", NOTE)
    with own.engine.begin() as connection:
        connection.execute(update(console_session).values(began_at=instant("2020-01-01T00:00:00+08:00")))
    page.locator("#note button").click()
    expect(page.locator("form .note.down")).to_be_visible()
    fill_in(page, "county")
    page.wait_for_url(f"{own.url}{path}")
    expect(page.locator("#note input[name=note]")).to_have_value(NOTE)
    expect(page.locator(".note.bad")).to_be_visible()


def test_while_kafka_is_away_nothing_is_kept_and_the_note_is_still_there(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", f"/alerts/{firing(archive.engine, '990102', rule='B08')}")
    page.fill("#note input[name=note]", NOTE)
    page.locator("#note button").click()
    expect(page.locator(".note.bad")).to_contain_text("没有回答")
    expect(page.locator("#note input[name=note]")).to_have_value(NOTE)


def test_a_wrong_note_says_what_is_wrong_and_stays(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", f"/alerts/{firing(archive.engine, '990102', rule='B08')}?do=snooze")
    page.locator("#snooze textarea").fill("电话 13800138000")
    page.locator("#snooze form button").click()
    expect(page.locator("#err-note")).to_be_visible()
    expect(page.locator("#snooze textarea")).to_have_value("电话 13800138000")


def test_another_was_first_is_said_and_can_still_be_done(own: Recorded, visit: Visit) -> None:
    alert_id = firing(own.engine, "990102", rule="B08")
    page = visit(own.url, "county", f"/alerts/{alert_id}")
    with own.engine.begin() as connection:
        connection.execute(
            update(alert)
            .where(alert.c.alert_id == alert_id)
            .values(acknowledged_by="city-7", revision=alert.c.revision + 1)
        )
    page.locator(".hero [data-act=ack]").click()
    expect(page.locator(".note.bad")).to_contain_text("city-7")


def test_what_is_outside_the_prefix_is_not_there_and_what_is_not_allowed_names_the_role(
    archive: Recorded, visit: Visit
) -> None:
    page = visit(archive.url, "county", f"/alerts/{firing(archive.engine, '990103')}")
    expect(page.locator("h1")).to_have_text("没有找到")
    page = visit(archive.url, "rules-1", "/today")
    expect(page.locator("main")).to_contain_text(re.compile("规则"))


def test_a_page_that_hears_nothing_says_so(own: Recorded, visit: Visit) -> None:
    page = visit(own.url, "county", "/settings")
    page.clock.install()
    page.goto(f"{own.url}/today")
    expect(page.locator("#live")).not_to_have_class(re.compile("off"))
    page.context.set_offline(True)
    page.clock.run_for(timedelta(seconds=14).seconds * 1000)
    expect(page.locator("#live")).to_have_class(re.compile("off"))
    expect(page.locator("#lost")).to_be_hidden()
    page.clock.run_for(60_000)
    expect(page.locator("#lost")).to_be_visible()


def test_while_the_database_is_away_the_page_is_read_and_printed_but_nothing_is_sent(
    own: Recorded, visit: Visit
) -> None:
    page = visit(own.url, "county", "/today")
    button = page.locator("tr.d button").first
    expect(button).not_to_have_attribute("aria-disabled", "true")
    with own.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE change RENAME TO change_away")
    expect(page.locator("#readonly")).to_contain_text("不能操作")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert "数据库" in (button.get_attribute("title") or "")
    button.click(force=True)
    expect(page.locator("#readonly")).to_be_visible()
    assert page.url == f"{own.url}/today"
    page.emulate_media(media="print")
    expect(page.locator(".ph")).to_be_visible()
    expect(page.locator("tr.d").first).to_be_visible()
    page.emulate_media(media="screen")
    with own.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE change_away RENAME TO change")
    expect(page.locator("#readonly")).to_be_hidden()
    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_a_page_that_cannot_be_read_says_what_is_safe_and_what_to_do(own: Recorded, visit: Visit) -> None:
    page = visit(own.url, "county", "/settings")
    with own.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO alert_away")
    page.goto(f"{own.url}/today")
    expect(page.locator("main")).to_contain_text("E-SQL")
    with own.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert_away RENAME TO alert")
    page.locator("main a.pri").click()
    expect(page.locator("tr.d").first).to_be_visible()


def test_a_silent_feed_stands_above_every_list_that_it_makes_doubtful(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", "/today?scope=mine")
    expect(page.locator(".note.down").locator("visible=true").first).to_contain_text("名单可能不全")
    expect(page.locator("details.more")).to_have_count(0)  # four days of missing records are one feed
    expect(page.locator(".empty")).to_contain_text("不能说没有事")


def test_a_tab_in_the_background_listens_only_where_it_counts(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", f"/alerts/{firing(archive.engine, '990102', rule='B08')}")
    expect(page.locator("#live")).not_to_have_class(re.compile("off"))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => window.away}); window.away = true;"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    with page.expect_request(re.compile("/events")):
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_equal_rows_stand_behind_one_and_are_chosen_with_it(own: Recorded, visit: Visit) -> None:
    late = (alert.c.state == "firing") & (alert.c.severity != "CRIT") & alert.c.jurisdiction.startswith("990102")
    with own.engine.begin() as connection:
        some = connection.execute(select(alert.c.alert_id).where(late).order_by(alert.c.due_at).limit(EQUAL)).scalars()
        town = {"jurisdiction": "990102001", "owner_agency": "TOWN_JUSTICE-990102001-01"}
        alike = {"rule_id": "B08", **town, "held": False}
        connection.execute(update(alert).where(alert.c.alert_id.in_(some.all())).values(**alike))
    page = visit(own.url, "county", "/today?rule=B08&rule=A04&bucket=over")
    fold, rows = page.locator("tr.fold"), page.locator("tr.d[data-in]")
    expect(fold).to_have_count(1)
    count = rows.count()
    assert count > MOST_EQUAL
    expect(rows.first).to_be_hidden()
    page.keyboard.press("j")
    while fold.get_attribute("class") != "fold cur":
        page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#chosen")).to_have_text(str(count))
    page.keyboard.press("Enter")
    expect(rows.first).to_be_visible()
    expect(fold.locator("button")).to_have_attribute("aria-expanded", "true")


def test_without_scripts_equal_rows_are_all_there(own: Recorded, visit: Visit) -> None:
    with own.engine.begin() as connection:
        connection.execute(update(alert).where(alert.c.state == "firing").values(held=True))
    page = visit(own.url, "county", "/today?bucket=over", java_script_enabled=False)
    assert page.locator("tr.fold").count() > 0
    expect(page.locator("tr.d[data-in]").first).to_be_visible()


def test_a_page_that_takes_long_keeps_the_old_one_and_greys_what_will_change(archive: Recorded, visit: Visit) -> None:
    page = visit(archive.url, "county", "/today")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/today?*", hold)
    seen = page.evaluate(_CLICKED_AND_SEEN)  # one call: others wait for the page that is on its way
    assert seen["classes"] == "wait"
    assert seen["rows"] > 0
    asked[0].continue_()
    page.wait_for_url("**/today?*")
    expect(page.locator("body:not(.wait)")).to_be_attached()


_CLICKED_AND_SEEN = """() => new Promise(done => {
  document.querySelector('#filters .facet input').click();
  setTimeout(() => done({classes: document.body.className, rows: document.querySelectorAll('tr.d').length}), 800);
})"""
