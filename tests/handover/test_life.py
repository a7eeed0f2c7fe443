"""The life of cases: order, repetition and lateness of what is told change nothing that should not change."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import WHOEVER_HOLDS_IT, Routed, routes
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from tests.golden.timelines import FOLDERS, read
from tests.handover.histories import PRISON, Told, acknowledged, arriving, at, histories, notice, scheduled

BOOK, CALENDAR = load("cn-default"), load_calendar()
UNTIL = at("2026-07-01 00:00")
FIRST_BEAT = at("2026-02-01 00:00")
CAREFUL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Final = dict[str, tuple[object, ...]]


def finals(alerts: list[Alert]) -> Final:
    """The last snapshot of each alert, but for its revision and free text."""
    newest: dict[str, Alert] = {}
    for alert in alerts:
        if alert.alert_id not in newest or alert.revision >= newest[alert.alert_id].revision:
            newest[alert.alert_id] = alert
    return {key: _compared(alert) for key, alert in newest.items()}


def _compared(alert: Alert) -> tuple[object, ...]:
    return (
        alert.changed_at, alert.rule_id, alert.subject, alert.state, alert.severity, alert.outcome, alert.due_at, alert.step, alert.stage,
        alert.owner_agency, alert.resolved_at, alert.raised_at,
    )  # fmt: skip


def found_holders(cases: dict[str, Case], told: list[Routed]) -> list[Routed]:
    """What is told to whoever holds a corrected event is told to that case."""
    found = [one for one in told if one[0] != WHOEVER_HOLDS_IT]
    for _, event, arrival in (one for one in told if one[0] == WHOEVER_HOLDS_IT):
        found += [(s, event, arrival) for s, case in cases.items() if case.holds(event.source, str(event.corrects))]
    return found


def lived_live(told: list[Told], *, restart: bool = False) -> list[Alert]:
    """As the worker does it: instant by instant, cases written and read again between, links to other cases a step later."""
    world, found = SharedState(BOOK, CALENDAR), list[Alert]()
    cases: dict[str, Case] = {}
    for arrival, group in groupby(sorted(told, key=lambda one: one[1]), key=lambda one: one[1]):
        queue = [(subject, event, arrival) for event, _ in group for subject in (event.subject, *routes(event))]
        while queue:
            touched = {subject: cases.setdefault(subject, Case.empty(subject)) for subject, _, _ in queue}
            for case in touched.values():
                found += advance(case, world, arrival)
            for subject, event, when in queue:
                touched[subject].take(event, when)
            queue = [routed for case in touched.values() for routed in found_holders(cases, case.take_outgoing())]
            for subject, case in touched.items():
                found += advance(case, world, arrival + timedelta(milliseconds=1))
                if restart and case.derived is not None:
                    cases[subject] = decode_case(encode_case(case).value)
    for case in cases.values():
        found += advance(case, world, UNTIL + timedelta(milliseconds=1))
    return found


@CAREFUL
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_the_file_give_the_same_alerts(told: list[Told], dice: random.Random) -> None:
    shuffled = [*told, *told[: len(told) // 2]]
    dice.shuffle(shuffled)
    expected = [alert.wire() for alert in replay(told, BOOK, CALENDAR, UNTIL)]
    assert [alert.wire() for alert in replay(shuffled, BOOK, CALENDAR, UNTIL)] == expected


@CAREFUL
@given(histories())
def test_record_by_record_ends_as_replay_does(told: list[Told]) -> None:
    assert finals(lived_live(told)) == finals(list(replay(told, BOOK, CALENDAR, UNTIL)))


@CAREFUL
@given(histories())
def test_a_case_that_is_written_and_read_again_goes_on_the_same(told: list[Told]) -> None:
    assert finals(lived_live(told, restart=True)) == finals(lived_live(told))


def lived_ahead(told: list[Told]) -> list[Alert]:
    """As the worker does it after a restart: cases know facts, and are written with them, before they have lived so far."""
    world, found = SharedState(BOOK, CALENDAR), list[Alert]()
    cases: dict[str, Case] = {}
    queue = [(subject, event, arrival) for event, arrival in told for subject in (event.subject, *routes(event))]
    while queue:
        subject, event, when = queue.pop(0)
        case = cases.setdefault(subject, Case.empty(subject))
        case.take(event, when)
        queue += found_holders(cases, case.take_outgoing())
    for now in sorted({arrival for _, arrival in told} | {UNTIL + timedelta(milliseconds=1)}):
        for subject, case in cases.items():
            found += advance(case, world, now)
            if case.derived is not None:
                cases[subject] = decode_case(encode_case(case).value)
    return found


@CAREFUL
@given(histories())
def test_a_case_that_is_written_with_facts_it_has_not_lived_through_lives_through_them(told: list[Told]) -> None:
    assert finals(lived_ahead(told)) == finals(list(replay(told, BOOK, CALENDAR, UNTIL)))


def test_a_fact_and_its_repetition_that_arrive_at_one_instant_are_one() -> None:
    folder = next(folder for folder in FOLDERS if folder.name.startswith("12-"))
    told = [(event, arrival) for event, arrival in read(folder).events if not event.fact.startswith("system.")]
    reports = [(event, arrival) for event, arrival in told if event.fact == "intake.person_reported"]
    assert reports
    twice = [*told, *((replace(event, id=f"{event.id}-again"), arrival) for event, arrival in reports)]
    read_again, at_once = lived_ahead(twice), list(replay(twice, BOOK, CALENDAR, UNTIL))
    seen = {alert.alert_id: alert.seen for alert in at_once}
    assert {alert.alert_id: alert.seen for alert in read_again} == seen
    assert any(name.endswith("-again") for names in seen.values() for name in names)


@CAREFUL
@given(histories())
def test_revisions_of_an_alert_only_grow_and_instants_never_go_back(told: list[Told]) -> None:
    last: dict[str, Alert] = {}
    for alert in replay(told, BOOK, CALENDAR, UNTIL):
        before = last.get(alert.alert_id)
        assert alert.revision == (before.revision + 1 if before else 1)
        assert before is None or alert.changed_at >= before.changed_at
        last[alert.alert_id] = alert


def test_a_fact_that_arrives_at_the_due_instant_prevents_the_alert() -> None:
    due = at("2026-03-01 00:00")
    for moved, raised in ((timedelta(milliseconds=-1), False), (timedelta(), False), (timedelta(milliseconds=1), True)):
        sent = notice("2026-02-20 09:00")
        told = [*arriving(scheduled()), (sent, due + moved)]
        alerts = [alert for alert in replay(told, BOOK, CALENDAR, at("2026-03-02 00:00")) if alert.rule_id == "A01"]
        assert bool(alerts) is raised
        if raised:
            assert alerts[-1].outcome == "late_delivery"


def test_a_duty_met_in_time_leaves_no_alert() -> None:
    told = arriving(scheduled(), notice("2026-02-20 09:00"), acknowledged("2026-02-24 09:00"))
    assert [alert.rule_id for alert in replay(told, BOOK, CALENDAR, at("2026-02-28 00:00"))] == []


def test_a_silence_in_a_backlog_is_told_however_much_came_after_it() -> None:
    """A worker that catches up takes all it has read before the case lives through it."""
    beats = [FIRST_BEAT + timedelta(minutes=15 * number) for number in range(20)]
    beats += [beats[-1] + timedelta(hours=3) + timedelta(minutes=15 * number) for number in range(400)]
    case = Case.empty(PRISON)
    for number, beat in enumerate(beats):
        case.take(
            Event(f"b{number}", PRISON, "reentry.system.publisher_heartbeat.v1", PRISON, beat, {"period": "PT15M"}),
            beat,
        )
    told = [
        (alert.rule_id, alert.state, alert.changed_at)
        for alert in advance(case, SharedState(BOOK, CALENDAR), beats[-1])
    ]
    assert told == [("X03", "firing", beats[19] + timedelta(minutes=30)), ("X03", "resolved", beats[20])]
    assert len(case.entries.copies) < len(beats)
