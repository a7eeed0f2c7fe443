"""Every route that names persons leaves a record of the audit: whichever routes there are."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select

from console.accounts.demo_users import DEMO_USERS
from console.app import PAGES
from console.audit import anomaly
from console.audit.log import SEEING
from console.auth.permissions import Scope
from console.db.tables import audit_head, audit_person, audit_record
from console.text.formatter import Words
from console.text.i18n import Language
from handover.rules.rulebook import load
from sinks.readmodel.tables import alert, handover, obligation
from tests.console.conftest import AUDIENCE, Browser, OpenConsole, firing
from tests.console.test_access import PUBLIC, ROUTES, filled, needs

WHOLE = re.compile(r"p1_[a-z2-7]{20,}")
USERS = {one.login: one for one in DEMO_USERS}
ABOUT_ADMINISTRATORS = ("/users", "/settings", "/password")


def head(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(audit_head.c.number)).scalar_one())


def records(engine: Engine, after: int) -> list[Mapping[str, Any]]:
    with engine.connect() as connection:
        wanted = select(audit_record).where(audit_record.c.number > after).order_by(audit_record.c.number)
        return [dict(row) for row in connection.execute(wanted).mappings()]


def shown_as(language: Language, engine: Engine) -> frozenset[str]:
    """The references of all persons as pages cut them."""
    words = Words(language, load("cn-default"))
    with engine.connect() as connection:
        subjects = {row for table in (alert, obligation, handover) for row in connection.execute(select(table.c.subject)).scalars()}  # fmt: skip
    return frozenset(words.person(one) for one in subjects if one.startswith("p1_"))


@pytest.mark.parametrize("login", USERS)
def test_every_route_that_names_persons_leaves_a_record(console: OpenConsole, engine: Engine, login: str) -> None:
    browser, one = console(login), USERS[login]
    scope = Scope(one.role, one.agency, one.prefix, AUDIENCE)  # type: ignore[arg-type]
    with engine.connect() as connection:
        rows = [row for row in map(dict, connection.execute(select(alert)).mappings()) if scope.sees(row)]
    persons = [row for row in rows if row["subject"].startswith("p1_")]
    row = persons[0] if persons else {"alert_id": "none", "subject": "none"}
    cut = shown_as("zh", engine)
    naming = 0
    for route, method in ROUTES:
        if (
            method != "GET"
            or route.path in PUBLIC
            or route.path == "/events"
            or needs(route) not in ("login", *PAGES[scope.role])
        ):
            continue
        before, path = head(engine), filled(route, row["alert_id"], row["subject"])
        answer = browser.client.get(path, follow_redirects=False)
        text = answer.text if "sheet" not in answer.headers.get("content-type", "") else row["subject"]
        if answer.status_code != 200 or path.startswith(ABOUT_ADMINISTRATORS):
            continue
        if WHOLE.search(text) or any(one in text for one in cut):
            told = [record for record in records(engine, before) if record["action"] in SEEING]
            assert len(told) == 1, (path, [record["action"] for record in told])
            naming += 1
    assert naming >= (3 if persons else 0), naming


def test_a_list_is_one_record_with_who_and_how_many(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    before = head(engine)
    rows = browser.client.get("/api/v1/queue").json()["rows"]
    [record] = records(engine, before)
    subjects = {row["subject"] for row in rows if row["subject"].startswith("p1_")}
    assert (record["action"], record["login"], record["about"]) == ("list", "county", "/api/v1/queue")
    assert record["details"] == {"persons": len(subjects), "before": 0}
    assert kept(engine, record["number"]) == subjects
    browser.client.get("/today")
    again = records(engine, record["number"])[-1]
    assert again["details"]["before"] == len(subjects)
    assert not kept(engine, again["number"]) & subjects


def kept(engine: Engine, number: int) -> set[str]:
    """The persons of a record."""
    with engine.connect() as connection:
        wanted = select(audit_person.c.subject).where(audit_person.c.number == number)
        return set(connection.execute(wanted).scalars())


@pytest.mark.parametrize("path", ["/people", "/api/v1/queue"])
def test_reading_through_lists_is_seen(
    console: OpenConsole, engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(anomaly, "MANY_LISTED", 12)
    monkeypatch.setattr(anomaly, "FEW_LISTED", 6)
    browser = console("city", page_rows=5)
    read_through(browser, path)
    flags = [record for record in records(engine, 0) if record["action"] == "bulk_read"]
    assert [flag["login"] for flag in flags] == ["city"]
    assert flags[0]["details"]["lists"] is True
    assert flags[0]["details"]["persons"] > 12


def read_through(browser: Browser, path: str) -> None:
    """Page after page, as a program does."""
    after = ""
    for _ in range(30):
        answer = browser.client.get(path, params={"after": after} if after else {})
        if path.startswith("/api/"):
            after = answer.json()["after"] or ""
        else:
            found = re.search(r"/people\?q=&amp;after=([^\"]+)", answer.text)
            after = found[1].replace("%7E", "~").replace("%3A", ":").replace("%2B", "+") if found else ""
        if not after:
            return


def test_a_file_names_its_persons_in_its_record(console: OpenConsole, engine: Engine) -> None:
    browser, before = console("county"), head(engine)
    assert browser.client.get("/today/export?format=csv").status_code == 200
    record = next(one for one in records(engine, before) if one["action"] == "export")
    with engine.connect() as connection:
        theirs = connection.execute(
            select(alert.c.subject).where(alert.c.alert_id == firing(engine, "990102", rule="B04"))
        ).scalar_one()
    assert theirs in kept(engine, record["number"])
