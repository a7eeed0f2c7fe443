"""One search over everything in scope, whatever its state, and where each hit stands."""

import re

import pytest
from sqlalchemy import Engine, insert, select

from console.auth.permissions import Scope
from console.db.tables import audit_person
from console.find.query import find
from console.text.case_number import write_case_number
from handover.rules.rulebook import load
from sinks.readmodel.tables import alert, case, handover, obligation
from tests.console.conftest import OpenConsole, firing

COUNTY = Scope("county", "COUNTY_JUSTICE-990102-01", "990102")
BOOK = load("cn-default")


def subjects_of(engine: Engine, text: str, scope: Scope = COUNTY) -> list[str]:
    with engine.connect() as connection:
        return [one.subject for one in find(connection, scope, text, BOOK, lambda word: ()).subjects]


@pytest.fixture
def person(engine: Engine) -> str:
    """Somebody of the county."""
    with engine.connect() as connection:
        wanted = select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102")).limit(1)
        return str(connection.execute(wanted).scalar_one())


def test_a_person_is_found_by_each_form_of_the_reference(engine: Engine, person: str) -> None:
    number = write_case_number(person)
    assert number is not None
    forms = (
        person,
        person.upper(),
        person[:12],
        f"{person[:7]}…{person[-4:]}",
        f"{person[:7]}...{person[-4:]}",
        person[-6:],
    )
    for text in (*forms, number, number.lower(), number.replace("-", " "), f"  {number} "):
        assert person in subjects_of(engine, text), text


def test_a_full_width_reference_is_found(engine: Engine, person: str) -> None:
    wide = "".join(chr(ord(one) + 0xFEE0) for one in person)
    assert subjects_of(engine, wide) == [person]


def test_a_mistyped_number_is_said_to_be_wrong(console: OpenConsole, person: str) -> None:
    number = write_case_number(person)
    assert number is not None
    wrong = number[:-1] + ("A" if number[-1] != "A" else "B")
    page = console("county").get(f"/find?q={wrong}").text
    assert "校验字符不符" in page
    assert person not in page


def test_nothing_of_another_county_is_found(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        here = select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102"))
        other = select(handover.c.subject).where(
            handover.c.jurisdiction.startswith("990103"), handover.c.subject.not_in(here)
        )
        stranger = str(connection.execute(other.limit(1)).scalar_one())
    assert subjects_of(engine, stranger) == []
    assert "你的范围内没有" in console("county").get(f"/find?q={stranger}").text
    assert subjects_of(engine, stranger, Scope("city", "CITY_JUSTICE-990100-01", "9901")) == [stranger]


def test_what_is_over_and_what_is_still_to_come_are_found_with_where_they_stand(
    console: OpenConsole, engine: Engine
) -> None:
    with engine.connect() as connection:
        over = connection.execute(
            select(alert.c.alert_id)
            .where(alert.c.outcome == "met_late", alert.c.jurisdiction.startswith("990102"))
            .limit(1)
        ).scalar_one()
        ahead = connection.execute(
            select(obligation.c.alert_id)
            .where(
                obligation.c.state == "open",
                obligation.c.owner_agency == COUNTY.agency,
                obligation.c.alert_id.not_in(select(alert.c.alert_id)),
            )
            .limit(1)
        ).scalar_one()
    browser = console("county")
    assert "已了结：" in browser.get(f"/find?q={over[:8]}").text
    assert "今日清单：" in browser.get(f"/find?q={ahead[:8]}").text


def test_a_snoozed_alert_says_who_has_put_it_aside_until_when(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    assert f"/alerts/{alert_id}" in console("county").get(f"/find?q=%23{alert_id[:8]}").text


def test_a_dispute_of_which_nothing_is_owed_is_found(console: OpenConsole, engine: Engine) -> None:
    quiet = "d1_" + "q" * 26
    with engine.begin() as connection:
        known = dict(connection.execute(select(case).where(case.c.kind == "DISPUTE").limit(1)).mappings().one())
        connection.execute(insert(case).values(**{**known, "subject": quiet, "jurisdiction": "990102001"}))
    assert subjects_of(engine, quiet) == [quiet]
    page = console("county").get(f"/find?q={quiet}").text
    assert "纠纷" in page
    assert "没有期限" in page


@pytest.mark.parametrize(
    "text", ["COUNTY_JUSTICE-990102-01", "county_justice-990102", "县司法局", "县司法局 990102", "990102"]
)
def test_an_office_is_found_by_id_word_and_code(console: OpenConsole, text: str) -> None:
    page = console("city").client.get("/find", params={"q": text})
    assert re.search(r"COUNTY_JUSTICE-990102-01</span>", page.text)
    assert "未到期" in page.text


@pytest.mark.parametrize(
    "text", ["", "%", "_", "p1_%", "d1_' OR 1=1 --", "x" * 500, "\x00", "P-", "…", "/", "-", "县" * 64]
)
def test_any_text_gets_an_answer(console: OpenConsole, text: str) -> None:
    answer = console("city").client.get("/find", params={"q": text})
    assert answer.status_code == 200


def test_who_was_shown_is_in_the_audit(console: OpenConsole, engine: Engine, person: str) -> None:
    console("county").get(f"/find?q={person}")
    with engine.connect() as connection:
        assert person in connection.execute(select(audit_person.c.subject)).scalars().all()


def test_the_search_box_of_every_page_leads_here(console: OpenConsole) -> None:
    assert 'action="/find"' in console("county").get("/today").text
    assert 'action="/find"' not in console("auditor").get("/audit").text
