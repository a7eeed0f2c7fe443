"""States that a page must have: no database, back again, a feed that is silent, data that is old."""

import re

from sqlalchemy import Engine, select, update

from schemas.instants import millis
from schemas.topics import ACTION
from sinks.consumer import Record
from sinks.readmodel import events
from sinks.readmodel.tables import obligation
from tests.conditions import until
from tests.console.conftest import NOW, OpenConsole
from tests.console.letters import event

CITY = "/agencies/CITY_JUSTICE-990100-01/console"


def test_without_the_read_model_pages_say_since_when_and_come_back(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO alert_away")
    answer = browser.client.get("/today", headers={"accept-language": "en"})
    assert answer.status_code == 503
    for part in ("The database does not answer", "Since ", "Nothing is lost", "E-SQL"):
        assert part in answer.text, part
    assert "sqlite" not in answer.text.lower()
    until(lambda: browser.client.get("/ready").status_code == 503)
    assert browser.client.get("/live").status_code == 200
    assert browser.client.get("/api/v1/queue").status_code == 503
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert_away RENAME TO alert")
    assert browser.client.get("/today").status_code == 200
    until(lambda: browser.client.get("/ready").status_code == 200)


def test_a_feed_with_gaps_stands_above_the_list_and_takes_the_comfort_from_an_empty_one(console: OpenConsole) -> None:
    browser = console("county")
    page = browser.get("/today").text
    assert "监狱 990100" in page
    assert "名单可能不全" in page
    empty = browser.get("/today?scope=mine").text
    assert "不能说没有事" in empty
    assert "没有要办的事。</h2>" not in empty.replace("你名下没有要办的事。</h2>", "")


def test_metrics_count_by_route_and_name_nobody(console: OpenConsole) -> None:
    browser = console("county")
    browser.get("/people/p1_" + "z" * 26)
    found = browser.client.get("/metrics").text
    assert 'route="/people/{person_ref}"' in found
    assert "p1_z" not in found
    assert "county" not in found


def test_every_metric_of_the_product_has_its_prefix(console: OpenConsole) -> None:
    families = re.findall(r"^# TYPE (\w+) ", console().client.get("/metrics").text, re.MULTILINE)
    own = [name for name in families if not name.startswith(("python_", "process_"))]
    assert len(own) >= 5
    assert all(name.startswith("reentry_") for name in own), own


def test_a_saved_view_is_an_address_for_me_or_the_office(console: OpenConsole) -> None:
    browser = console("county")
    browser.get("/today?sev=CRIT")
    answer = browser.send("/views", {"name": "紧急", "shared": "private", "query": "sev=CRIT"})
    assert answer.headers["location"] == "/today?sev=CRIT"
    assert "/today?sev=CRIT" in browser.get("/settings").text
    assert "紧急</span>" not in console("city").get("/today").text.split('aria-label="筛选"')[0]
    assert browser.send("/views", {"name": "", "shared": "private", "query": ""}).status_code == 422


def test_a_view_for_everyone_is_the_citys_to_give_and_tells_of_no_person(console: OpenConsole) -> None:
    county, city = console("county"), console("city")
    everyone = {"name": "全市紧急", "shared": "everyone", "query": "sev=CRIT"}
    county.get("/today")
    city.get("/today")
    assert county.send("/views", everyone).status_code == 403
    assert city.send("/views", everyone).status_code == 303
    for login in ("town", "prison"):
        assert "全市紧急" in console(login).get("/today").text
    assert "全市紧急" not in console("town").get("/settings").text  # whose it is removes it
    person = "p1_" + "a" * 26
    for wrong in ({"name": "张 110101199003074514"}, {"query": f"q={person}"}, {"name": person}, {"shared": "world"}):
        assert city.send("/views", everyone | wrong).status_code == 422, wrong
    assert city.send("/views", everyone | {"shared": "private", "query": f"q={person}"}).status_code == 303


def test_a_duty_that_was_waived_before_it_was_late_is_off_the_list_and_can_be_reopened(
    console: OpenConsole, engine: Engine
) -> None:
    with engine.begin() as connection:
        wanted = select(obligation).where(obligation.c.state == "open", obligation.c.subject.startswith("p1_"))
        due_next = wanted.where(obligation.c.due_at > NOW).order_by(obligation.c.due_at).limit(1)
        duty = connection.execute(due_next).mappings().one()
        data = {"alert_id": duty["alert_id"], "by": "city", "note": "已移交外省"}
        value = event("waiver", "reentry.action.waived.v1", duty["subject"], NOW, data, source=CITY)
        browser = console("city")
        page = f"/alerts/{duty['alert_id']}"
        assert duty["alert_id"] in browser.get(f"/today?q={duty['alert_id']}").text
    with engine.begin() as connection:
        record = Record(ACTION, 0, 0, duty["subject"].encode(), value, (), millis(NOW), NOW)
        assert not events.write(connection, [record])
        connection.execute(update(obligation).where(obligation.c.alert_id == duty["alert_id"]).values(state="waived"))
    assert page not in browser.get(f"/today?q={duty['alert_id']}").text
    found = browser.get(page).text
    assert "已了结：豁免" in found
    assert f'action="{page}/reopen"' in found
    assert browser.client.get(f"/people/{duty['subject']}").status_code == 200
