"""Sealed files of minors: who sees them, who is only told how many there are, and what of it is kept in the audit."""

import csv
import io

import orjson
import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from console.audit.log import ACTIONS
from console.db.tables import audit_person, audit_record
from console.live.change_feed import _read_alerts
from console.text.case_number import write_case_number
from schemas.instants import instant
from sinks.consumer import Record
from sinks.readmodel import events
from sinks.readmodel.sealing import find_minors
from sinks.readmodel.tables import alert, duty, event, handover, sealed, tie
from tests.console.conftest import OpenConsole
from tests.handover.histories import at, scheduled

PRISON = "PRISON-990100-01"
SEES = ("town", "county", "prison")
SEALED_FROM = ("city", "procurator")


@pytest.fixture
def minor(engine: Engine) -> str:
    """A person of the township with an alert that fires, who is a minor from now on."""
    with engine.begin() as connection:
        connection.execute(delete(sealed))
        firing = select(alert.c.subject).where(
            alert.c.state == "firing", alert.c.jurisdiction.startswith("990102"), alert.c.subject.startswith("p1_"),
            alert.c.owner_agency.startswith("TOWN_JUSTICE"),
        )  # fmt: skip
        subject: str = connection.execute(firing.order_by(alert.c.alert_id).limit(1)).scalar_one()
        for table in (alert, handover):
            connection.execute(update(table).where(table.c.subject == subject).values(jurisdiction="990102001"))
        connection.execute(update(handover).where(handover.c.subject == subject).values(sending=PRISON))
        connection.execute(insert(sealed), {"subject": subject})
    return subject


def alert_of(engine: Engine, subject: str) -> str:
    """An alert that fires about a person."""
    with engine.connect() as connection:
        wanted = select(alert.c.alert_id).where(alert.c.subject == subject, alert.c.state == "firing")
        return str(connection.execute(wanted.limit(1)).scalar_one())


@pytest.mark.parametrize("login", SEES)
def test_the_owning_county_and_town_and_the_sending_prison_see_the_file(
    console: OpenConsole, minor: str, login: str
) -> None:
    assert console(login).get(f"/people/{minor}").status_code == 200
    assert console(login).client.get(f"/api/v1/people/{minor}").status_code == 200


@pytest.mark.parametrize("login", SEALED_FROM)
def test_for_all_others_the_file_is_restricted_on_every_way(
    console: OpenConsole, engine: Engine, minor: str, login: str
) -> None:
    browser = console(login)
    page = browser.get(f"/people/{minor}")
    assert page.status_code == 403
    assert "未成年人封存档案" in page.text
    assert browser.client.get(f"/api/v1/people/{minor}").status_code == 403
    assert browser.get(f"/alerts/{alert_of(engine, minor)}").status_code == 404
    finding = [f"/find?q={one}" for one in (minor, minor[:12], alert_of(engine, minor)[:8], write_case_number(minor))]
    for path in (f"/people?q={minor}", f"/today?q={minor}", "/releases", "/people", *finding):
        assert f"/people/{minor}" not in browser.get(path).text, path
        assert f"/alerts/{alert_of(engine, minor)}" not in browser.get(path).text, path
    assert browser.client.get(f"/api/v1/queue?q={minor}").json()["rows"] == []
    if login == "city":
        assert "另有 1 名未成年人的档案已封存" in browser.get("/people").text


def test_before_the_file_was_sealed_the_city_saw_it(console: OpenConsole, engine: Engine, minor: str) -> None:
    with engine.begin() as connection:
        connection.execute(delete(sealed))
    assert console("city").get(f"/people/{minor}").status_code == 200
    assert "已封存" not in console("city").get("/people").text


@pytest.mark.parametrize(("login", "listed"), [("county", True), ("city", False)])
def test_files_leave_it_out_and_count_it(console: OpenConsole, minor: str, login: str, *, listed: bool) -> None:
    text = console(login).client.get("/today/export?format=csv").content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert any(minor in line for line in lines) == listed
    assert (["未成年人封存档案（人，未列出）", "1"] in lines) != listed


def test_rows_behind_a_figure_are_counted_and_not_listed(console: OpenConsole, engine: Engine, minor: str) -> None:
    with engine.connect() as connection:
        owed = connection.execute(
            select(duty.c.rule_id).where(duty.c.subject == minor, duty.c.known_until.is_(None))
        ).scalars()
        rule = next(iter(owed))
    told = console("city", page_rows=5000).client.get(f"/api/v1/obligations?rule={rule}").json()
    assert minor not in {one["subject"] for one in told["rows"]}
    assert told["counted"] > told["in_scope"]


@pytest.mark.parametrize(("login", "action"), [("county", "read"), ("city", "refused")])
def test_each_access_is_kept_in_the_audit(
    console: OpenConsole, engine: Engine, minor: str, login: str, action: str
) -> None:
    console(login).get(f"/people/{minor}")
    with engine.connect() as connection:
        wanted = select(audit_record.c.action).join(audit_person, audit_person.c.number == audit_record.c.number)
        kept = connection.execute(wanted.where(audit_person.c.subject == minor).order_by(audit_record.c.number.desc()))
        assert kept.scalars().first() == action
    assert action in ACTIONS


def test_whoever_is_not_there_is_no_sealed_file(console: OpenConsole, minor: str) -> None:
    assert console("city").get("/people/p1_nobody").status_code == 404


def test_a_live_page_is_not_told_of_it(engine: Engine, minor: str) -> None:
    with engine.connect() as connection:
        (found,) = _read_alerts(connection, [(1, alert_of(engine, minor))])
    assert found.sealed


# --- whose file is sealed


def hear(connection: Connection, *, minor: bool, when: str = "2026-01-05 10:00") -> str:
    """An announced release."""
    told = scheduled(when)
    told.data["minor"] = minor  # type: ignore[index]
    value = orjson.dumps(told.wire())
    arrival = instant("2026-01-05T10:00:00+08:00")
    assert not events.write(connection, [Record(told.topic, 0, 0, None, value, (), 0, max(arrival, at(when)))])
    return told.subject


def test_an_announcement_seals_and_a_later_one_opens_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(sealed))
        subject = hear(connection, minor=False)
        assert subject not in set(connection.execute(select(sealed.c.subject)).scalars())
        hear(connection, minor=True, when="2026-01-06 10:00")
        hear(connection, minor=False, when="2026-01-07 10:00")
        assert set(connection.execute(select(sealed.c.subject)).scalars()) == {subject}
        assert subject in find_minors(connection), "the migration finds the same"
        connection.execute(delete(event).where(event.c.subject == subject))


def test_whoever_is_merged_with_a_minor_is_sealed_too(console: OpenConsole, engine: Engine, minor: str) -> None:
    with engine.begin() as connection:
        connection.execute(delete(sealed))
        connection.execute(insert(sealed), {"subject": "p1_removed"})
        connection.execute(insert(tie), {"subject": minor, "other": "p1_removed"})
    assert console("city").get(f"/people/{minor}").status_code == 403
