"""An answer is proof of the outcome, by who owes it: words of others and files from before end nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.agencies import code_of
from handover.calendar import load_calendar
from handover.cases.advance import advance, duties_at
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.obligations.obligation import Obligation
from handover.rules.rulebook import load
from schemas.envelope import Event
from tests.handover.histories import COUNTY, PERSON, TOWN, Told, arriving, at, histories, notice, scheduled, told

BOOK, CALENDAR, UNTIL = load("cn-default"), load_calendar(), at("2026-06-30 00:00")
CAREFUL = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STRANGER, STRANGERS_TOWN = "/agencies/COUNTY_JUSTICE-990144-01", "/agencies/TOWN_JUSTICE-990144001-01"
OWN = frozenset(("A02", "A03", "M01"))  # asked of one county by name; what another county takes up answers A04
WORDS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("intake.acknowledged", STRANGER, {"accepted": True, "officer_ref": "O-9"}),
    ("intake.acknowledged", STRANGER, {"accepted": False, "officer_ref": "O-9"}),
    ("intake.returned", STRANGER, {"reason": "NOT_OURS"}),
    ("intake.verification_returned", STRANGERS_TOWN, {"result": "VERIFIED", "checked_on": "2026-03-01", "family_contacted": True}),
    ("intake.verification_returned", STRANGERS_TOWN, {"result": "PERSON_UNKNOWN", "checked_on": "2026-03-01", "family_contacted": False}),
    ("intake.assigned", STRANGER, {"town_agency": "TOWN_JUSTICE-990144001-01", "officer_ref": "O-9"}),
    ("intake.person_reported", STRANGERS_TOWN, {"reported_at": "2026-03-11T09:00:00+08:00", "channel": "HAND", "report_type": "NOT_REPORTED"}),
)  # fmt: skip


def owed(history: list[Told], subject: str = PERSON) -> dict[tuple[str, str, str], Obligation]:
    """What is owed by the case of a subject at the end, the answered ones too."""
    world, case = SharedState(BOOK, CALENDAR), Case.empty(subject)
    for event, arrival in sorted(history, key=lambda one: one[1]):
        if event.subject == subject:
            case.take(event, arrival)
    if not case.entries.copies:
        return {}
    advance(case, world, UNTIL)
    return {(duty.scope, duty.rule.id, duty.occurrence): duty for duty, _ in duties_at(case, world, UNTIL)}


def of_others(duties: Mapping[tuple[str, str, str], Obligation]) -> dict[tuple[str, str, str], Any]:
    """Whether and when the obligations of all offices but the stranger's are answered, of the rules that ask one office."""
    return {
        key: (duty.met_at, duty.due_at)
        for key, duty in duties.items()
        if duty.rule.id in OWN and code_of(duty.owner)[:6] != "990144"
    }


def asked_of_one_county() -> list[Told]:
    """A release is planned and told to the county, which owes an answer and a verification."""
    return arriving(scheduled("2026-01-20 09:00", "2026-03-31", id="s"), notice("2026-02-02 09:00", id="n"))


@CAREFUL
@given(histories(), st.sampled_from(WORDS), st.integers(0, 24 * 75))
def test_a_word_of_another_county_answers_nothing_that_one_office_was_asked(
    history: list[Told], word: tuple[str, str, Mapping[str, Any]], hours: int
) -> None:
    history = [*asked_of_one_county(), *history]
    before = owed(history)
    fact, source, data = word
    happened = at("2026-02-01 00:00") + timedelta(hours=hours)
    event = Event("stranger", source, f"reentry.{fact}.v1", PERSON, happened, data)
    after = owed([*history, (event, happened)])
    answered = {key for key, (met_at, _) in of_others(before).items() if met_at is not None}
    for key, (met_at, _) in of_others(after).items():
        assert met_at is None or key in answered or key not in of_others(before), key
    gone = of_others(before).keys() - of_others(after).keys()
    assert {key for key in gone if key not in answered} == set()


_NOTICE_CAME = {"release.notice_sent", "release.decision_notice_sent", "intake.acknowledged", "intake.registered"}
_CAME = {"intake.person_reported", "intake.pickup_completed"}
NAMES_OUTCOME: Mapping[str, set[str]] = {  # the rule, and the facts that say that what it asks for has happened
    **dict.fromkeys(("A01", "A08", "B01"), _NOTICE_CAME),
    **dict.fromkeys(("A06", "A07", "B04", "B05"), _CAME),
    "A03": {"intake.person_reported", "intake.registered", "intake.verification_returned"},  # that the address is known
    "A10": {"intake.visit_done"},
    "B13": {"intake.transfer_arrived"},
    "B16": {"intake.closed"},
    "B17": {"intake.transfer_decided", "intake.transfer_files_sent", "intake.transfer_arrived"},
    "S01": {"intake.survey_answered"},
    "X05": {"release.scheduled", "release.occurred", "release.decision_effective"},
}


@CAREFUL
@given(histories())
def test_nothing_filed_before_it_was_asked_for_answers_it_unless_it_names_the_outcome(history: list[Told]) -> None:
    history = [*asked_of_one_county(), *history]
    facts = {event.id: event for event, _ in history}
    early = {
        (duty.rule.id, facts[id_].fact)
        for duty in owed(history).values()
        for id_ in duty.answers
        if duty.met_at is not None and id_ in facts and facts[id_].time < duty.anchor_at
    }
    assert {(rule, fact) for rule, fact in early if fact not in NAMES_OUTCOME.get(rule, set())} == set()


@pytest.mark.parametrize("fact", ["registered", "visit_done"])
def test_a_file_made_before_the_gate_opened_leaves_who_never_arrived_on_the_list(fact: str) -> None:
    """The county makes a file, or notes a visit, the day before; the person is released and never comes."""
    data: Mapping[str, Any] = {"group_formed": True, "plan_made": False, "agreement_signed": True}
    if fact == "visit_done":
        data = {"visited_on": "2026-03-30", "met_person": True}
    released = told("release.occurred", "2026-03-31 09:00", {"released_at": "2026-03-31T09:00:00+08:00", "reason": "RELEASED"})  # fmt: skip
    filed = told(f"intake.{fact}", "2026-03-30 10:00", data, TOWN)
    answer = told("intake.acknowledged", "2026-02-03 10:00", {"accepted": True, "officer_ref": "O-1"}, COUNTY)
    duties = owed([*asked_of_one_county(), *arriving(answer, filed, released)])
    [late] = [duty for duty in duties.values() if duty.rule.id == "A07"]
    assert late.met_at is None
