"""Alerts, duty lists and timetables for tests of notices. The week is 2 (Monday) to 6 (Friday) March 2026."""

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from itertools import count
from typing import Any

from handover.calendar import load_calendar
from schemas.alert import Alert, event
from sinks.notifications.decide import Around, Notice, NoticeState, Timetable, Told, decide
from sinks.notifications.duty_list import DutyEntry, DutyList
from sinks.notifications.standing import Standing, remember
from tests.handover.histories import at

COUNTY, CITY, PROVINCE = "COUNTY_JUSTICE-990102-01", "CITY_JUSTICE-990100-01", "PROVINCE_JUSTICE-990000-01"
TOWN, PRISON = "TOWN_JUSTICE-990102004-01", "PRISON-990100-01"
CALENDAR = load_calendar()
_numbers = count(1)
OPERATOR = DutyEntry("PLATFORM", "ops", "mail", "ops@example.org")


def alert(raised: str = "2026-03-03 10:00", revision: int = 1, changed: str = "", **values: Any) -> Alert:
    """A revision. By default the first one of a firing HIGH alert of the county, at step 0."""
    raised_at = at(raised)
    plain: dict[str, Any] = {
        "alert_id": f"{next(_numbers):08x}-0000-5000-8000-000000000000",
        "obligation_id": "o1",
        "subject": "p1_" + "a" * 26,
        "handover_id": "h1",
        "handover_kind": "A",
        "rule_id": "A02",
        "occurrence": "",
        "rule_book": "cn-default@1",
        "severity": "HIGH",
        "state": "firing",
        "outcome": None,
        "step": 0,
        "stage": 0,
        "held": False,
        "owner_agency": COUNTY,
        "jurisdiction": "990102004",
        "anchor_at": raised_at - timedelta(days=3),
        "due_at": raised_at,
        "raised_at": raised_at,
        "changed_at": at(changed) if changed else raised_at,
        "resolved_at": None,
        "acknowledged_by": None,
        "assigned_to": None,
        "snoozed_until": None,
        "contest": None,
        "provisional": False,
        "reason": {"zh": "原因", "en": "reason"},
        "basis": (),
        "seen": (),
        "missing": (),
        "computation": (),
        "ladder": (),
        "revision": revision,
    }
    return Alert.model_validate(plain | values)


def changed(before: Alert, when: str, **values: Any) -> Alert:
    """The next revision of an alert."""
    return before.model_copy(update={"revision": before.revision + 1, "changed_at": at(when), **values})


def over(before: Alert, when: str) -> Alert:
    """Its end."""
    return changed(before, when, state="resolved", outcome="met_late", resolved_at=at(when))


def standing(*revisions: Alert, seen: str = "") -> Standing:
    """What is remembered after these."""
    known: Standing | None = None
    for one in revisions:
        known = remember(known, one, at(seen) if seen else one.changed_at)
    assert known is not None
    return known


def entry(office: str, recipient: str, **values: Any) -> DutyEntry:
    """On duty at each step."""
    return DutyEntry(office, recipient, "mail", f"{recipient}@example.org", **values)


DUTY = DutyList(
    [
        entry(TOWN, "town"),
        entry(COUNTY, "first", steps=(0, 1)),
        entry(COUNTY, "second", steps=(0, 1), deputy=True),
        entry(CITY, "city"),
        entry(PROVINCE, "province"),
    ]
)


def timetable(**values: Any) -> Timetable:
    """CRIT at once, the digest at 08:30, until 18:00."""
    plain: dict[str, Any] = {
        "calendar": CALENDAR,
        "digest_at": time(8, 30),
        "digest_until": time(18),
        "at_once": frozenset(("CRIT",)),
        "catch_up": timedelta(minutes=15),
        "operators": (OPERATOR,),
    }
    return Timetable(**(plain | values))


def due(one: Standing, now: str, told: Iterable[Told] = (), duty: DutyList = DUTY, *, is_caught_up: bool = True) -> Any:
    """Decide."""
    return decide(one, list(told), Around(at(now), duty, timetable(), is_caught_up))


def names(notices: Iterable[Notice]) -> list[tuple[str, int, str]]:
    """(kind, step, recipient) of each."""
    return [(one.kind, one.step, one.entry.recipient) for one in notices]


def as_told(notices: Iterable[Notice], state: NoticeState = "sent") -> list[Told]:
    """Notices as they are remembered."""
    return [Told(one.kind, one.step, one.entry.key, one.office, state, one.at_once, one.entry) for one in notices]


def wire(one: Alert) -> Mapping[str, Any]:
    """The alert as the topic carries it."""
    return event(one)
