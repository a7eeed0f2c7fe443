"""Names and prints: asked for, kept, over in time; a name never passes through the console."""

import re
from datetime import timedelta

from sqlalchemy import Engine, select, text

from console.db.tables import audit_person, audit_record
from console.people.name_reveal import LASTS, count_seconds_left
from console.web.config import real_time
from sinks.readmodel.tables import handover
from tests.console.conftest import OpenConsole, firing

NAMES = "https://names.example/of"


def person_of(engine: Engine, prefix: str = "990102") -> str:
    with engine.connect() as connection:
        found: str = connection.execute(
            select(handover.c.subject).where(handover.c.jurisdiction.startswith(prefix)).limit(1)
        ).scalar_one()
        return found


def kept(engine: Engine, action: str) -> list[tuple[str, str, str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit_record.c.login, audit_record.c.purpose, audit_person.c.subject, audit_record.c.about)
            .join(audit_person, audit_person.c.number == audit_record.c.number, isouter=True)
            .where(audit_record.c.action == action)
        )
        return [tuple(row) for row in rows]


def test_without_a_name_service_the_page_says_so_and_nothing_is_asked_for(console: OpenConsole, engine: Engine) -> None:
    browser, person = console("county"), person_of(engine)
    page = browser.get(f"/people/{person}").text
    assert "没有配置姓名服务" in page
    assert "/reveal" not in page
    assert browser.send(f"/people/{person}/reveal", {"purpose": "contact"}).status_code == 400
    assert kept(engine, "reveal") == []


def test_a_name_is_asked_for_with_a_purpose_and_the_page_may_fetch_it_for_five_minutes(
    console: OpenConsole, engine: Engine
) -> None:
    browser, person = console("county", names_url=NAMES), person_of(engine)
    first = browser.get(f"/people/{person}")
    assert "data-name-of" not in first.text
    assert "connect-src 'self' https://names.example;" in first.headers["content-security-policy"]
    for wrong in ("", "because"):
        assert browser.send(f"/people/{person}/reveal", {"purpose": wrong}).status_code == 400
    assert browser.send(f"/people/{person}/reveal", {"purpose": "visit"}).headers["location"] == f"/people/{person}"
    page = browser.get(f"/people/{person}").text
    assert f'data-name-of="{person}" data-names="{NAMES}"' in page
    seconds = int(re.findall(r'data-left="(\d+)"', page)[0])
    assert 290 <= seconds <= 300
    assert kept(engine, "reveal") == [("county", "visit", person, f"/people/{person}")]
    assert "data-name-of" not in console("city", names_url=NAMES).get(f"/people/{person}").text


def test_after_five_minutes_it_must_be_asked_for_again(console: OpenConsole, engine: Engine) -> None:
    browser, person = console("county", names_url=NAMES), person_of(engine)
    browser.get(f"/people/{person}")
    browser.send(f"/people/{person}/reveal", {"purpose": "papers"})
    with engine.connect() as connection:
        mine = connection.execute(select(audit_record.c.user_id).where(audit_record.c.action == "reveal")).scalar_one()
        now = real_time()
        assert count_seconds_left(connection, mine, person, now) > 290
        assert count_seconds_left(connection, mine, person, now + LASTS) == 0
        assert count_seconds_left(connection, "somebody else", person, now) == 0
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_record_no_update"))
        connection.execute(audit_record.update().values(at=now - LASTS - timedelta(seconds=1)))
    page = browser.get(f"/people/{person}").text
    assert "data-name-of" not in page
    assert f'action="/people/{person}/reveal"' in page


def test_the_procurator_reads_without_names(console: OpenConsole, engine: Engine) -> None:
    browser, person = console("procurator", names_url=NAMES), person_of(engine)
    assert "/reveal" not in browser.get(f"/people/{person}").text
    assert browser.send(f"/people/{person}/reveal", {"purpose": "visit"}).status_code == 403
    auditor = console("auditor", names_url=NAMES)
    county = console("county", names_url=NAMES)
    county.get(f"/people/{person}")
    county.send(f"/people/{person}/reveal", {"purpose": "visit"})
    assert "走访" in auditor.get("/audit?action=reveal").text


def test_a_print_is_kept_with_whose_page_it_is_and_its_number_stands_on_the_paper(
    console: OpenConsole, engine: Engine
) -> None:
    browser, person, alert_id = console("county"), person_of(engine), firing(engine, "990102", rule="B08")
    foreign = firing(engine, "990103")
    page = browser.get(f"/people/{person}").text
    assert 'class="print-no"' in page
    assert 'data-csrf="' in page
    answer = browser.send("/prints", {"page": f"/people/{person}"})
    assert answer.json()["text"] == f"打印编号 {answer.json()['number']}"
    for path in (f"/alerts/{alert_id}", "/today?sev=CRIT", f"/alerts/{foreign}", "//evil.example/x"):
        assert browser.send("/prints", {"page": path}).status_code == 200
    found = kept(engine, "print")
    assert [one[3] for one in found] == [
        f"/people/{person}",
        f"/alerts/{alert_id}",
        "/today?sev=CRIT",
        f"/alerts/{foreign}",
        "/",
    ]
    assert found[0][2] == person
    assert found[1][2].startswith("p1_")
    assert [one[2] for one in found[2:]] == [None, None, None]
