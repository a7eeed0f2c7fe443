"""Weeks ahead by mail: once a week each county's list of who is released soon, with what is still missing."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from handover.agencies import type_of
from handover.calendar import DAY
from schemas.instants import CHINA
from sinks.notifications.decide import Timetable
from sinks.notifications.duty_list import DutyList
from sinks.notifications.message import MOST_LINES, Content, ReleaseLine, RuleNames
from sinks.notifications.outbox import add_message
from sinks.notifications.tables import notice_message
from sinks.readmodel.releases import WEEKS_AHEAD_DAYS, Release, read_releases
from sinks.readmodel.tables import handover

_MOST_READ = 2_000
_COUNTY = "COUNTY_JUSTICE"


def is_due(timetable: Timetable, now: datetime) -> bool:
    """Whether this week's list is to go out: from the digest of the first working day of the week on, within hours."""
    monday = start_of_week(now)
    first = timetable.digest_from(datetime.combine(monday, timetable.digest_at, CHINA))
    return start_of_week(first) == monday and timetable.next_digest(first, now) == now


def start_of_week(at: datetime) -> date:
    """The Monday of an instant's week."""
    day = at.astimezone(CHINA).date()
    return day - timedelta(days=day.weekday())


def add_lists(connection: Connection, duty_list: DutyList, names: RuleNames, now: datetime, wall: datetime) -> None:
    """Make the week's messages: one for each recipient of a county, once; a county without releases is told that, too."""
    week = start_of_week(now).isoformat()
    for office in duty_list.offices():
        if type_of(office) != _COUNTY or _has_been_made(connection, office, week):
            continue
        content = _list_releases(connection, office, names, now)
        for entry in duty_list.find(office, 0, now.astimezone(CHINA).date()):
            add_message(connection, f"{week} {office}", "releases", office, entry, content, wall, topic=week)


def _has_been_made(connection: Connection, office: str, week: str) -> bool:
    """Whoever is on duty later in the week is not told the same list again."""
    made = select(notice_message.c.message_id).where(
        notice_message.c.kind == "releases", notice_message.c.office == office, notice_message.c.topic == week
    )
    return connection.execute(made.limit(1)).first() is not None


def _list_releases(connection: Connection, office: str, names: RuleNames, now: datetime) -> Content:
    today = now.astimezone(CHINA).date()
    last = today + WEEKS_AHEAD_DAYS * DAY
    releases = read_releases(connection, handover.c.county == office, today, last, _MOST_READ)
    return Content(
        releases=[_line(one, names) for one in releases[:MOST_LINES]], more=max(0, len(releases) - MOST_LINES)
    )


def _line(one: Release, names: RuleNames) -> ReleaseLine:
    rules: Sequence[str] = list(dict.fromkeys(each.rule_id for each in one.missing))
    return ReleaseLine(
        one.handover_id, one.released_on.isoformat(), one.sending, rules, [names.find(rule) for rule in rules]
    )
