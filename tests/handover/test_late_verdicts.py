"""Verdicts on manifests are found after the instant they hold from: the alert is the same however late they come."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import product

import pytest

from handover.analysis.replay import replay, share
from handover.calendar import load_calendar
from handover.cases.advance import advance, live_feeds
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.feed_case import KEPT_DAYS
from handover.cases.shared_state import SharedState
from handover.facts.fact import agency_of
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import show
from tests.handover.histories import COUNTY, PERSON, PRISON, arriving, at, notice, scheduled, told
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
    world, case = SharedState(BOOK, CALENDAR), Case.empty(PRISON)
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
            case = decode_case(encode_case(case).value)
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


# --- what other cases make of it

COUNTY_MANIFEST = told(
    "system.publisher_manifest",
    "2026-01-16 00:30",
    {"day": "2026-01-15", "topics": [{"topic": "reentry.intake.v1", "count": 2}]},
    COUNTY,
    COUNTY,
    id="m2",
)
DOWN_AT, TOLD_AT, ARRIVED_AT, BACK_TOLD_AT = (
    at(f"2026-01-16 {clock}") for clock in ("02:00", "02:50", "04:00", "04:20")
)
TOLD = arriving(scheduled("2026-01-05 10:00", "2026-03-31"), notice("2026-01-06 09:00"), COUNTY_MANIFEST)
UNTIL = at("2026-01-25 00:00")


def county_verdict(when: datetime, met_at: datetime | None) -> Event:
    data = {"day": "2026-01-15", "manifest_id": "m2", "due_at": show(DOWN_AT), "met_at": met_at and show(met_at)}
    missing = {"missing": {} if met_at else {"reentry.intake.v1": 1}}
    kind = "reentry.system.manifest_judged.v1"
    return Event(f"m2:{met_at}", "/pipeline", kind, COUNTY, when, {**data, **missing})


VERDICTS = [
    (county_verdict(DOWN_AT, None), TOLD_AT),
    (county_verdict(ARRIVED_AT, ARRIVED_AT), BACK_TOLD_AT),
]


def live_by_steps(step: timedelta, told_first: timedelta) -> list[Alert]:
    """The person's snapshots as a worker finds them that lives `step` at a time; what comes is known `told_first` before it is lived."""
    world, person = SharedState(BOOK, CALENDAR), Case.empty(PERSON)
    waiting = sorted([*TOLD, *VERDICTS], key=lambda one: one[1])
    found, now = list[Alert](), at("2026-01-05 00:00")
    while now < UNTIL:
        now = min(now + step, UNTIL)
        while waiting and waiting[0][1] < now + told_first:
            event, arrival = waiting.pop(0)
            share(world, event, arrival)
            if event.subject == PERSON:
                person.take(event, arrival)
        found += advance(person, world, now)
    return found


def held(alerts: Iterable[Alert]) -> list[tuple[datetime, bool]]:
    """When each snapshot of an unanswered notice changed, and whether it is held."""
    return [(one.changed_at, one.held) for one in alerts if one.subject == PERSON]


def test_others_are_held_from_the_verdict_on_not_from_the_instant_it_names() -> None:
    settled = BACK_TOLD_AT + BOOK.settle
    moves = held(live_by_steps(timedelta(minutes=7), timedelta(0)))
    assert [one for one in moves if DOWN_AT <= one[0] <= settled] == [(TOLD_AT, True), (settled, False)]


@pytest.mark.parametrize("minutes", [1, 13, 60, 600, 100_000])
@pytest.mark.parametrize("first", [0, 5, 700])
def test_a_worker_finds_the_same_however_it_steps_and_so_does_replay(minutes: int, first: int) -> None:
    found = live_by_steps(timedelta(minutes=minutes), timedelta(minutes=first))
    lived_again = [one for one in replay([*TOLD, *VERDICTS], BOOK, CALENDAR, UNTIL) if one.subject == PERSON]
    assert held(found)
    assert [alert.wire() for alert in found] == [alert.wire() for alert in lived_again]


def test_the_gap_itself_is_dated_back_in_replay_too() -> None:
    gaps = [one for one in replay([*TOLD, *VERDICTS], BOOK, CALENDAR, UNTIL) if one.rule_id == "X04"]
    assert (gaps[0].raised_at, gaps[0].changed_at) == (DOWN_AT, DOWN_AT)


def test_where_the_pipeline_has_told_no_verdict_a_feed_is_down_from_the_instant_on() -> None:
    assert (DOWN_AT, True) in held(replay(TOLD, BOOK, CALENDAR, UNTIL))


# --- over years


def test_days_long_past_are_forgotten_and_what_they_held_is_not() -> None:
    world, first = SharedState(BOOK, CALENDAR), at("2025-01-01 00:30")
    gap, met = at("2025-11-01 02:00"), at("2025-11-04 09:00")
    topics = [{"topic": "reentry.intake.v1", "count": 2}]
    for number in range(400):
        sent = first + timedelta(days=number)
        day, due_at = show(sent - timedelta(days=1))[:10], sent + timedelta(minutes=90)
        manifest = told(
            "system.publisher_manifest", f"{sent:%Y-%m-%d %H:%M}", {"day": day, "topics": topics}, COUNTY, COUNTY
        )
        share(world, manifest, sent)
        for when, met_at in ((due_at, None), (met, met)) if due_at == gap else ((due_at, sent),):
            data = {"day": day, "manifest_id": manifest.id, "due_at": show(due_at), "met_at": met_at and show(met_at)}
            missing = {"missing": {} if met_at else {"reentry.intake.v1": 1}}
            kind = "reentry.system.manifest_judged.v1"
            share(world, Event(f"{manifest.id}:{met_at}", "/pipeline", kind, COUNTY, when, {**data, **missing}), when)
        live_feeds(world, sent + timedelta(hours=8))
        assert len(world.feed_case(COUNTY).entries.copies) <= 2 * (KEPT_DAYS.days + 14) + 2
    successors = world.frame(met).successors
    down = [one for one in days_around(gap, met) if world.downtimes.is_down(agency_of(COUNTY), one, successors)]
    assert down == [one for one in days_around(gap, met) if gap <= one < met + BOOK.settle]


def days_around(first: datetime, last: datetime) -> list[datetime]:
    """Every half an hour from days before the first to days after the last."""
    begin = first - timedelta(days=3)
    return [begin + timedelta(minutes=30 * number) for number in range(2 * 24 * ((last - first).days + 7))]
