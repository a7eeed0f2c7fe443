"""A snooze is the view of the office that snoozed: nobody else's list grows shorter by it."""

import uuid
from datetime import datetime, timedelta

import orjson
import pytest
from sqlalchemy import Engine, select, update

from console.auth.permissions import Audience, Scope
from console.queue.facet_counts import add_staff, count_cube
from console.queue.filters import QueueFilters
from console.queue.query import Moment, read_page
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import millis
from schemas.topics import ACTION
from sinks.consumer import Record
from sinks.readmodel import events
from sinks.readmodel.tables import alert
from tests.console.conftest import NOW, OpenConsole, firing

MOMENT = Moment.of(NOW, load_calendar(), NOW)
COUNTY = Scope("county", "COUNTY_JUSTICE-990102-01", "990102")
CITY = Scope("city", "CITY_JUSTICE-990100-01", "9901")
AUDIENCE = Audience.of(load("cn-default").policies)
PROCURATOR = Scope("procurator", "PROCURATORATE-990100-01", "9901", AUDIENCE)
SOON = NOW + timedelta(days=3)


def tell(engine: Engine, action: str, scope: Scope, alert_id: str, until: datetime, ago: int = 5) -> None:
    """An office snoozes or resumes an alert, as the read model has it afterwards; `ago` in minutes."""
    at = NOW - timedelta(minutes=ago)
    with engine.begin() as connection:
        subject = connection.execute(select(alert.c.subject).where(alert.c.alert_id == alert_id)).scalar_one()
        data = {"alert_id": alert_id, "by": "O-1"}
        data |= {"until": until.isoformat(), "note": "等回执"} if action == "snoozed" else {}
        body = {
            "specversion": "1.0", "id": str(uuid.uuid4()), "source": f"/agencies/{scope.agency}/console", "subject": subject,
            "type": f"reentry.action.{action}.v1", "time": at.isoformat(), "data": data,
        }  # fmt: skip
        events.write(connection, [Record(ACTION, 0, 0, subject.encode(), orjson.dumps(body), (), millis(at), at)])
        shown = until if action == "snoozed" else None
        connection.execute(update(alert).where(alert.c.alert_id == alert_id).values(snoozed_until=shown))


def lists_of(engine: Engine, scope: Scope, alert_id: str, view: str) -> bool:
    """Whether an alert stands in a list; the counts say the same."""
    filters = QueueFilters(view=view)
    with engine.connect() as connection:
        rows = read_page(connection, scope, "nobody", filters, MOMENT, None, 5000)
        counted = add_staff(connection, count_cube(connection, scope, MOMENT), scope, "nobody", MOMENT)
    assert counted.count(filters) == len(rows)
    return alert_id in {row["alert_id"] for row in rows}


@pytest.fixture
def critical(engine: Engine) -> str:
    """A critical alert of the county."""
    return firing(engine, "990102", rule="B04")


def test_a_countys_snooze_hides_from_the_county_alone(engine: Engine, critical: str) -> None:
    tell(engine, "snoozed", COUNTY, critical, SOON)
    assert not lists_of(engine, COUNTY, critical, "office")
    assert lists_of(engine, COUNTY, critical, "snoozed")
    for above in (CITY, PROCURATOR):
        assert lists_of(engine, above, critical, "office"), above.role
        assert not lists_of(engine, above, critical, "snoozed"), above.role


def test_a_citys_snooze_leaves_it_with_the_county(engine: Engine, critical: str) -> None:
    tell(engine, "snoozed", CITY, critical, SOON)
    assert lists_of(engine, COUNTY, critical, "office")
    assert not lists_of(engine, CITY, critical, "office")


def test_two_offices_snooze_each_for_itself(engine: Engine, critical: str) -> None:
    tell(engine, "snoozed", COUNTY, critical, SOON, ago=9)
    tell(engine, "snoozed", CITY, critical, SOON + timedelta(days=2))
    assert not lists_of(engine, COUNTY, critical, "office")
    assert not lists_of(engine, CITY, critical, "office")


def test_a_snooze_that_is_over_does_not_come_back_with_anothers(engine: Engine, critical: str) -> None:
    tell(engine, "snoozed", COUNTY, critical, NOW - timedelta(minutes=1), ago=9)
    tell(engine, "snoozed", CITY, critical, SOON)
    assert lists_of(engine, COUNTY, critical, "office")


def test_what_was_taken_up_again_is_back_for_everybody(engine: Engine, critical: str) -> None:
    tell(engine, "snoozed", COUNTY, critical, SOON, ago=9)
    tell(engine, "resumed", CITY, critical, SOON, ago=7)
    assert lists_of(engine, COUNTY, critical, "office")
    tell(engine, "snoozed", CITY, critical, SOON)
    assert lists_of(engine, COUNTY, critical, "office"), "the county's own was ended by the resumption"


def test_those_above_see_who_snoozed_until_when_and_the_contest(
    console: OpenConsole, engine: Engine, critical: str
) -> None:
    tell(engine, "snoozed", COUNTY, critical, SOON)
    with engine.begin() as connection:
        connection.execute(update(alert).where(alert.c.alert_id == critical).values(contest="open"))
    page = console("city", page_rows=5000).get("/today?state=contest").text
    assert f"a-{critical}" in page
    assert "县司法局 990102推迟到 3月9日 16:30" in page
