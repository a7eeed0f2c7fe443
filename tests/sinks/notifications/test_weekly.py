"""The county's list by mail: once a week, from the first working day on, to whoever is on duty then."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from sinks.notifications import weekly
from sinks.readmodel.tables import handover
from tests.handover.histories import at
from tests.sinks.notifications.conftest import Desk
from tests.sinks.notifications.making import CITY, COUNTY, entry, timetable
from tests.sinks.notifications.receivers import Mailbox, text_of

Make = Callable[..., Desk]


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        ("2026-03-01 12:00", False),  # a Sunday: the last week's list is not caught up on a day off
        ("2026-03-02 08:29", False),
        ("2026-03-02 08:30", True),
        ("2026-03-02 18:00", False),
        ("2026-03-03 09:00", True),  # Monday was missed
        ("2026-10-05 09:00", False),  # National Day holidays until the 7th
        ("2026-10-08 08:30", True),
    ],
)
def test_the_list_goes_out_from_the_first_working_day_of_the_week_on(now: str, is_due: bool) -> None:
    assert weekly.is_due(timetable(), at(now)) == is_due


def put(desk: Desk, number: int, day: str, county: str = COUNTY) -> None:
    row = {
        "handover_id": f"{number:08}-0000-5000-8000-000000000000",
        "subject": f"p1_{number:026}",
        "revision": 1,
        "kind": "A",
        "state": "ANNOUNCED",
        "jurisdiction": "990102001",
        "county": county,
        "town": "TOWN_JUSTICE-990102001-01",
        "sending": "PRISON-990100-01",
        "release_date": day,
        "key_person": False,
        "opened_at": at("2026-02-01 10:00"),
        "closed_at": None,
    }
    with desk.engine.begin() as connection:
        connection.execute(insert(handover).values(**row))


def test_each_county_is_sent_its_own_list_once_a_week(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk(weeks_ahead="true")
    other = "COUNTY_JUSTICE-990103-01"
    desk.assign(
        entry(COUNTY, "first"), entry(COUNTY, "second", deputy=True), entry(other, "other"), entry(CITY, "city")
    )
    put(desk, 1, "2026-03-30")  # 28 days on
    put(desk, 2, "2026-03-31")
    put(desk, 3, "2026-03-05", other)
    for text in ("2026-03-02 08:30", "2026-03-02 08:31", "2026-03-04 09:00"):
        desk.at(text)
    (mine,), (theirs,) = mailbox.to("first@example.org"), mailbox.to("other@example.org")
    assert len(mailbox.mails) == 2
    assert "天内 1 人" in mine["Subject"]
    assert "00000001" in text_of(mine)
    assert "00000002" not in text_of(mine)
    assert "00000003" in text_of(theirs, "html")
    assert "p1_" not in text_of(mine) + text_of(mine, "html")
    desk.at("2026-03-09 08:30")
    assert len(mailbox.to("first@example.org")) == 2


def test_a_new_duty_officer_is_not_sent_this_weeks_list_again(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk(weeks_ahead="true")
    desk.assign(entry(COUNTY, "monday"))
    desk.at("2026-03-02 08:30")
    desk.assign(entry(COUNTY, "tuesday"))
    desk.at("2026-03-03 08:30")
    assert [str(mail["To"]) for mail in mailbox.mails] == ["monday@example.org"]
