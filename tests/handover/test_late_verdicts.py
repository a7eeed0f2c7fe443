"""Verdicts on manifests are found after the instant they hold from: the alert is the same however late they come."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from handover.calendar import load_calendar
from handover.case import Case
from handover.life import advance
from handover.rulebook import load
from handover.world import World
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import show
from tests.handover.histories import PRISON, at, told
from tests.handover.test_life import finals

BOOK, CALENDAR = load("cn-default"), load_calendar()
MANIFEST = told(
    "system.publisher_manifest",
    "2026-02-06 00:30",
    {"day": "2026-02-05", "topics": [{"topic": "reentry.release.v1", "count": 2}]},
    subject=PRISON,
    id="m1",
)
MISSING_AT, MET_AT = at("2026-02-06 02:00"), at("2026-02-08 09:00")
LOOKED = [at(text) for text in ("2026-02-06 01:00", "2026-02-06 03:00", "2026-02-09 00:00", "2026-03-20 00:00")]


def verdict(when: datetime, met_at: datetime | None) -> Event:
    data = {"day": "2026-02-05", "manifest_id": "m1", "due_at": show(MISSING_AT), "met_at": met_at and show(met_at)}
    return Event(
        id=f"judged:{when}",
        source="/pipeline",
        type="reentry.system.manifest_judged.v1",
        subject=PRISON,
        time=when,
        data={**data, "missing": {} if met_at else {"reentry.release.v1": 1}},
    )


def lived(missing_comes: datetime, met_comes: datetime) -> list[Alert]:
    """The snapshots of a feed that is looked at on LOOKED, its verdicts told in the order of their instants, but late."""
    world, case = World(BOOK, CALENDAR), Case.empty(PRISON)
    found: list[Alert] = []
    waiting = [
        (MANIFEST.time, MANIFEST),
        (missing_comes, verdict(MISSING_AT, None)),
        (met_comes, verdict(MET_AT, MET_AT)),
    ]
    for now in LOOKED:
        found += advance(case, world, now)
        for arrival, event in [one for one in waiting if one[0] <= now]:
            case.take(event, arrival)
        waiting = [one for one in waiting if one[0] > now]
        found += advance(case, world, now + timedelta(milliseconds=1))
        if case.derived is not None:
            case = Case.decode(case.encode().value)
    return found


IN_TIME = lived(MISSING_AT, MET_AT)


def test_the_gap_is_raised_climbs_and_ends_when_all_had_arrived() -> None:
    final = list(finals(IN_TIME).values())
    assert [(one[1], one[3], one[5], one[10]) for one in final] == [("X04", "resolved", "met_late", MET_AT)]


@pytest.mark.parametrize(
    ("missing_comes", "met_comes"), [(a, b) for a, b in product(LOOKED, LOOKED) if MISSING_AT <= a <= b and b >= MET_AT]
)
def test_verdicts_told_late_end_as_verdicts_told_in_time(missing_comes: datetime, met_comes: datetime) -> None:
    found = lived(missing_comes, met_comes)
    assert finals(found) == finals(IN_TIME)
    revisions = [alert.revision for alert in found]
    assert revisions == list(range(1, len(revisions) + 1))
