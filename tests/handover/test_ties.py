"""Merges and splits: no fact is lost between cases, in whatever order it comes, and what is told twice changes nothing."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.alerts.lifecycle import Memory
from handover.analysis.obligation_history import reckon, world_of
from handover.analysis.replay import live_all, replay
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import Routed, routes
from handover.ids import alert_id, handover_id, obligation_id
from schemas.alert import Alert
from schemas.envelope import Event
from tests.handover.histories import Told, acknowledged, arriving, at, notice, scheduled, told
from tests.handover.test_life import found_holders, lived_ahead
from tests.handover.ties import (
    BOOK,
    CALENDAR,
    DISPUTE,
    PROVINCE,
    REFS,
    UNTIL,
    interpreted,
    known_at_once,
    newest,
    tied_histories,
)

CAREFUL = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
A, B, C, _ = REFS


def compared(one: Memory | Alert) -> tuple[object, ...]:
    return (one.state, one.outcome, one.severity, one.due_at, one.step, one.raised_at, one.changed_at, one.revision)


@interpreted
@CAREFUL
@given(tied_histories())
def test_cases_that_tell_each_other_come_to_what_one_that_knows_all_comes_to(told: list[Told]) -> None:
    found = newest(live_all(told, BOOK, CALENDAR, UNTIL).alerts)
    expected = {name: compared(one) for name, one in known_at_once(told).items()}
    assert {name: compared(one) for name, one in found.items()} == expected


@interpreted
def test_one_that_knows_all_hears_a_correction_under_a_dispute_too() -> None:
    """An action on a dispute's alert takes back what its agency told of a person."""
    answer = acknowledged("2026-02-04 09:00", subject=A)
    data = {"alert_id": "00000000-0000-5000-8000-000000000000", "by": "U-1", "reason": "CHECKED"}
    wrong = replace(told("action.acknowledged", "2026-02-05 09:00", data, answer.source, DISPUTE), corrects=answer.id)
    history = [*file_of(A), *arriving(answer, wrong)]
    found = {name: compared(one) for name, one in newest(live_all(history, BOOK, CALENDAR, UNTIL).alerts).items()}
    assert {name: compared(one) for name, one in known_at_once(history).items()} == found
    assert ("A02", A) in firing(history)


def standing(alerts: list[Alert]) -> dict[str, tuple[object, ...]]:
    """How every alert ends, but for what was raised by mistake before all was known and taken back at once (semantics.md 10.4)."""
    return {name: compared(one)[:-1] for name, one in newest(alerts).items() if one.outcome != "mistake"}


@CAREFUL
@given(tied_histories())
def test_what_is_known_before_it_is_lived_through_ends_as_replay_does(told: list[Told]) -> None:
    kept = tellable(told)
    assert standing(lived_ahead(kept)) == standing(list(replay(kept, BOOK, CALENDAR, UNTIL)))


@CAREFUL
@given(tied_histories())
def test_what_is_owed_stands_once_in_the_ledger(told: list[Told]) -> None:
    lives = reckon(told, world_of(told, BOOK, CALENDAR), UNTIL)
    owed = [entry.duty.alert_id for one in lives for entry in one.entries if entry.known_until is None]
    assert len(owed) == len(set(owed))
    alerts = newest(list(replay(told, BOOK, CALENDAR, UNTIL)))
    assert {name for name, one in alerts.items() if one.state == "firing"} <= set(owed)


def delivered(told: list[Told], dice: random.Random) -> list[Alert]:
    """As partitions deliver: what is told, all of it twice, and what cases tell each other in an order of its own.

    Cases live on in between, as far as nothing can have come before that is still on its way (streams/partition.py).
    """
    world, cases, found = SharedState(BOOK, CALENDAR), dict[str, Case](), list[Alert]()
    waiting = sorted(2 * [(subject, *one) for one in told for subject in (one[0].subject, *routes(one[0]))], key=_when)
    sent: list[Routed] = []
    while waiting or sent:
        queue = sent or waiting
        subject, event, when = queue.pop(dice.randrange(min(len(queue), 8)))
        case = cases.setdefault(subject, Case.empty(subject))
        case.take(event, when)
        sent += found_holders(cases, case.take_outgoing())
        if waiting and not sent and dice.random() < 0.3:
            for name, one in list(cases.items()):
                found += advance(one, world, waiting[0][2])
                if one.derived is not None:
                    cases[name] = decode_case(encode_case(one).value)
    return found + [alert for case in cases.values() for alert in advance(case, world, UNTIL + timedelta(seconds=1))]


def _when(routed: Routed) -> datetime:
    return routed[2]


def tellable(told: list[Told], *, across: bool = True) -> list[Told]:
    """Without corrections under another subject (`across`: only those that come no later than what they correct).

    Who holds what they correct is asked once, when they come.
    """
    subjects = {event.id: event.subject for event, _ in told}
    arrivals = {event.id: when for event, when in sorted(told, key=lambda one: one[1], reverse=True)}

    def asks(event: Event) -> bool:
        if event.corrects is None or subjects[event.corrects] == event.subject:
            return False
        return not across or arrivals[event.id] <= arrivals[event.corrects]

    return [(replace(event, corrects=None) if asks(event) else event, when) for event, when in told]


@CAREFUL
@given(tied_histories(), st.randoms(use_true_random=False))
def test_whatever_the_order_of_delivery_the_cases_end_as_replay_does(told: list[Told], dice: random.Random) -> None:
    kept = tellable(told, across=False)
    assert standing(delivered(kept, dice)) == standing(list(replay(kept, BOOK, CALENDAR, UNTIL)))


def split(when: str, survivor: str, removed: str, *ids: str) -> Told:
    data = {"survivor_ref": survivor, "removed_ref": removed, "event_ids": list(ids), "cause": "WRONG_MATCH"}
    return arriving(told("release.person_split", when, data, PROVINCE, survivor))[0]


def merged(when: str, survivor: str, removed: str) -> Told:
    data = {"survivor_ref": survivor, "removed_ref": removed, "cause": "SAME_PERSON"}
    return arriving(told("release.person_merged", when, data, PROVINCE, survivor))[0]


def file_of(ref: str, **more: Any) -> list[Told]:
    sent = notice("2026-02-03 09:00", subject=ref, id="n", **more)
    return arriving(scheduled("2026-02-02 09:00", "2026-03-02", subject=ref, id="s", **more), sent)


@interpreted
def test_what_one_person_says_does_not_join_the_only_handover_of_another() -> None:
    """One case of two persons: the report opens a handover of its own, which nothing announced."""
    came = {"reported_at": "2026-02-04T09:00:00+08:00", "channel": "HAND", "report_type": "ON_TIME"}
    report = told("intake.person_reported", "2026-02-04 09:00", came, "/agencies/TOWN_JUSTICE-990102004-01", B)
    orphan = alert_id(obligation_id(handover_id(B, 1), "X05", ""))
    assert known_at_once([*file_of(A), *arriving(report)])[orphan].state == "firing"


def firing(history: list[Told], *, until: str = "2026-02-20 00:00") -> set[tuple[str, str]]:
    alerts = newest(list(replay(history, BOOK, CALENDAR, at(until))))
    return {(one.rule_id, one.subject) for one in alerts.values() if one.state == "firing"}


def test_what_a_split_moves_is_owed_by_the_offices_of_the_other_person() -> None:
    assert firing([*file_of(B), split("2026-02-05 09:00", B, A, "s", "n")]) == {("A02", A), ("A03", A)}


def test_facts_told_under_the_survivor_after_the_split_move_too() -> None:
    assert firing([split("2026-02-01 09:00", B, A, "s", "n"), *file_of(B)]) == {("A02", A), ("A03", A)}


def test_a_split_of_what_a_split_has_moved_moves_it_on() -> None:
    history = [*file_of(B), split("2026-02-05 09:00", B, A, "s", "n"), split("2026-02-06 09:00", A, C, "s", "n")]
    assert firing(history) == {("A02", C), ("A03", C)}


def test_what_moves_is_answered_by_what_is_told_under_the_other_ref() -> None:
    answer = arriving(acknowledged("2026-02-06 09:00", subject=A))
    assert firing([*file_of(B), split("2026-02-05 09:00", B, A, "s", "n"), *answer]) == {("A03", A)}


def test_an_alert_of_a_numbered_file_goes_on_under_the_other_ref() -> None:
    history = [*file_of(B, handoverid="FILE-1"), split("2026-02-15 09:00", B, A, "s", "n")]
    alerts = [one for one in replay(history, BOOK, CALENDAR, at("2026-02-27 00:00")) if one.rule_id == "A03"]
    assert [(one.subject, one.state) for one in alerts] == [(B, "firing"), (B, "firing"), (A, "firing")]
    assert [one.revision for one in alerts] == [1, 2, 3]


def test_a_merge_told_the_wrong_way_round_and_put_right_goes_on() -> None:
    wrong, right = merged("2026-02-04 09:00", A, B), merged("2026-02-05 09:00", B, A)
    right = (replace(right[0], corrects=wrong[0].id), right[1])
    assert firing([*file_of(B), wrong, right]) == {("A02", B), ("A03", B)}


@interpreted
def test_a_merge_that_corrects_the_opposite_merge_loses_no_fact() -> None:
    """The first merge took the wrong side; what comes under the ref that is removed now is answered for by the other."""
    tie = {"survivor_ref": A, "removed_ref": B, "cause": "WRONG_MATCH"}
    wrong = told("release.person_merged", "2026-02-01 00:00", tie, PROVINCE, A)
    right = replace(
        told("release.person_merged", "2026-02-01 09:00", {**tie, "survivor_ref": B, "removed_ref": A}, PROVINCE, B),
        corrects=wrong.id,
    )
    history = [*arriving(wrong, right), *file_of(A)]
    found = {name: compared(one) for name, one in newest(live_all(history, BOOK, CALENDAR, UNTIL).alerts).items()}
    assert found
    assert {name: compared(one) for name, one in known_at_once(history).items()} == found
