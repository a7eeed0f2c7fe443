"""Weeks ahead: whose releases a user sees, what is missing, and the calendar feed of an office."""

from datetime import date, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import Engine, insert, select, update

from console.db.tables import audit_record, release_feed
from sinks.readmodel.releases import read_releases
from sinks.readmodel.tables import handover, obligation
from tests.console.conftest import NOW, OpenConsole

TODAY = NOW.date()
COUNTY, OTHER = "990102", "990103"


def put(engine: Engine, number: int, days: int, place: str = COUNTY, *, closed: bool = False) -> str:
    """A handover with a release so many days from today. Return its reference."""
    subject = f"p1_{'r' * 20}{number:06}"
    row = {
        "handover_id": f"{number:08}-0000-5000-8000-000000000000",
        "subject": subject,
        "revision": 1,
        "kind": "A",
        "state": "ANNOUNCED",
        "jurisdiction": f"{place}001",
        "county": f"COUNTY_JUSTICE-{place}-01",
        "town": f"TOWN_JUSTICE-{place}001-01",
        "sending": "PRISON-990100-01",
        "release_date": (TODAY + timedelta(days=days)).isoformat(),
        "key_person": False,
        "opened_at": NOW,
        "closed_at": NOW if closed else None,
    }
    with engine.begin() as connection:
        connection.execute(insert(handover).values(**row))
    return subject


def owe(engine: Engine, number: int, rule: str, state: str, days: int = 3) -> None:
    """Something that its handover lacks, or does not."""
    row = {
        "obligation_id": f"{number}-{rule}-{state}",
        "alert_id": f"{number}-{rule}-{state}",
        "subject": f"p1_{'r' * 20}{number:06}",
        "handover_id": f"{number:08}-0000-5000-8000-000000000000",
        "handover_kind": "A",
        "rule_id": rule,
        "occurrence": "",
        "owner_agency": "PRISON-990100-01",
        "jurisdiction": f"{COUNTY}001",
        "state": state,
        "severity": "WARN",
        "anchor_at": NOW,
        "due_at": NOW + timedelta(days=days),
        "warn_at": NOW,
        "provisional": False,
        "reason": {},
        "missing": [],
        "computation": [],
    }
    with engine.begin() as connection:
        connection.execute(insert(obligation).values(**row))


@pytest.fixture
def model(engine: Engine) -> Engine:
    """The recorded history without releases of its own."""
    with engine.begin() as connection:
        connection.execute(update(handover).values(release_date=None))
    return engine


@pytest.mark.parametrize(("days", "listed"), [(-1, False), (0, True), (28, True), (29, False)])
def test_the_list_reaches_from_today_to_the_28th_day(
    model: Engine, console: OpenConsole, days: int, listed: bool
) -> None:
    subject = put(model, 1, days)
    assert (f"/people/{subject}" in console("county").get("/releases").text) == listed


def test_only_open_handovers_of_ones_own_place_are_listed(model: Engine, console: OpenConsole) -> None:
    mine, other, closed = put(model, 1, 5), put(model, 2, 5, OTHER), put(model, 3, 5, closed=True)
    text = console("county").get("/releases").text
    assert mine in text
    assert other not in text
    assert closed not in text


def test_what_is_unanswered_is_missing_and_what_rests_is_not(model: Engine, console: OpenConsole) -> None:
    put(model, 1, 5)
    for rule, state in (("A01", "overdue"), ("A02", "open"), ("A03", "waived"), ("A04", "paused")):
        owe(model, 1, rule, state)
    browser = console("county")
    browser.client.cookies.set("console_language", "en")
    text = browser.get("/releases").text
    assert "A01 Release notice not sent" in text
    assert "overdue since" in text
    assert "A02 " in text
    assert "A03 " not in text
    assert "A04 " not in text
    with model.connect() as connection:
        (one,) = read_releases(connection, handover.c.closed_at.is_(None), TODAY, TODAY + timedelta(days=28), 10)
    assert [each.rule_id for each in one.missing] == ["A01", "A02"]


def test_what_is_owed_years_after_the_release_is_not_missing(model: Engine, console: OpenConsole) -> None:
    put(model, 1, 5)
    owe(model, 1, "A14", "open", days=1_830)
    text = console("county").get("/releases").text
    assert "A14" not in text
    assert "已齐备" in text


def test_reading_the_list_is_audited_with_its_persons(model: Engine, console: OpenConsole) -> None:
    put(model, 1, 5)
    console("county").get("/releases")
    with model.connect() as connection:
        about = connection.execute(select(audit_record.c.about).where(audit_record.c.action == "list")).scalars().all()
    assert "/releases" in about


def make_feed(console: OpenConsole, login: str = "county") -> str:
    """Make an office's feed. Return its path."""
    browser = console(login)
    browser.get("/releases")
    text = browser.send("/releases/feed", {"do": "make"}).text
    start = text.index("http://console.test/releases/") + len("http://console.test")
    return text[start : text.index(".ics", start)] + ".ics"


def test_a_feed_is_read_without_a_login_and_names_no_person(model: Engine, console: OpenConsole) -> None:
    subject = put(model, 1, 5)
    put(model, 2, 5, OTHER)
    owe(model, 1, "A01", "open")
    answer = console().get(make_feed(console))
    assert answer.headers["content-type"].startswith("text/calendar")
    (found,) = Calendar.from_ical(answer.content).walk("VEVENT")
    event: Any = found
    assert event["dtstart"].dt == date(2026, 3, 11)
    assert str(event["uid"]) == "00000001-0000-5000-8000-000000000000@releases.reentry"
    assert "00000001" in event["summary"]
    assert "A01" in event["description"]
    assert subject not in answer.text
    assert "p1_" not in answer.text


def test_a_feed_that_is_replaced_or_ended_is_gone(model: Engine, console: OpenConsole) -> None:
    first = make_feed(console)
    second = make_feed(console)
    assert console().get(first).status_code == 404
    assert console().get(second).status_code == 200
    browser = console("county")
    browser.get("/releases")
    assert browser.send("/releases/feed", {"do": "end"}).status_code == 303
    assert console().get(second).status_code == 404


def test_the_address_is_shown_once_and_never_kept(model: Engine, console: OpenConsole) -> None:
    token = make_feed(console).removeprefix("/releases/").removesuffix(".ics")
    assert token not in console("county").get("/releases").text
    with model.connect() as connection:
        kept = connection.execute(select(release_feed)).one()
        audited = connection.execute(select(audit_record)).all()
    assert token not in str(tuple(kept))
    assert token not in str([tuple(one) for one in audited])


@pytest.mark.parametrize("token", ["none", "x" * 5000, "%00", "..%2F"])
def test_another_address_is_not_there(console: OpenConsole, token: str) -> None:
    assert console().get(f"/releases/{token}.ics").status_code == 404


def test_an_office_has_its_own_feed(model: Engine, console: OpenConsole) -> None:
    put(model, 1, 5)
    county, town = make_feed(console), make_feed(console, "town")
    assert county != town
    assert console().get(county).status_code == console().get(town).status_code == 200
