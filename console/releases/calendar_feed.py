"""The releases of an office as iCalendar: a day each, without a reference to the person."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from console.text.formatter import Words
from sinks.readmodel.releases import Release

_AGAIN = timedelta(hours=1)


def write_calendar(words: Words, releases: Sequence[Release], agency: str, now: datetime) -> bytes:
    """RFC 5545. The same handover keeps its UID, so that a calendar program moves it when the date changes."""
    t = words.t
    calendar = Calendar()
    calendar.add("prodid", "-//reentry handover//releases//")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", t("releases.feed.name", office=words.agency(agency)))
    calendar.add("refresh-interval", _AGAIN, parameters={"VALUE": "DURATION"})
    for one in releases:
        calendar.add_component(_write_event(words, one, now))
    body: bytes = calendar.to_ical()
    return body


def _write_event(words: Words, one: Release, now: datetime) -> Event:
    t = words.t
    event = Event()
    event.add("uid", f"{one.handover_id}@releases.reentry")
    event.add("dtstamp", now)
    event.add("dtstart", one.released_on)
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED" if not one.missing else "TENTATIVE")
    number, count = words.alert_no(one.handover_id), len(one.missing)
    event.add("summary", t("releases.feed.summary", number=number, sending=words.agency(one.sending), n=count))
    lines = [f"{each.rule_id} {words.rule(each.rule_id, each.occurrence)}" for each in one.missing]
    event.add("description", "\n".join(lines) or t("releases.ready"))
    return event
