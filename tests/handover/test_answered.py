"""Answered on time: what fell due in the period counts, what nobody owes does not."""

import pytest

from handover.analysis.on_time import Answered, answered
from handover.analysis.replay import Cases
from handover.calendar import load_calendar
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.envelope import Event
from tests.handover.histories import COUNTY, acknowledged, arriving, at, notice, scheduled, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
DUE = "2026-03-05 00:00"  # of A02: the notice of Sunday 1 March plus three working days


def share(*events: Event, start: str = "2026-03-02 00:00", end: str = "2026-03-09 00:00") -> dict[str, tuple[int, int]]:
    cases = Cases(arriving(*events))
    for event, arrival in arriving(*events):
        cases.take(event, arrival)
    found = answered(cases.by_subject.values(), SharedState(BOOK, CALENDAR), at(start), at(end))
    return {county: (one.on_time, one.due) for county, one in found.items()}


ANNOUNCED = (scheduled(date="2026-06-30"), notice("2026-03-01 15:00"))


@pytest.mark.parametrize(
    ("answer", "found"),
    [("2026-03-04 23:59", (1, 1)), ("2026-03-05 00:00", (0, 1)), ("2026-03-06 10:00", (0, 1)), (None, (0, 1))],
)
def test_a_duty_counts_as_on_time_only_when_answered_before_it_was_due(
    answer: str | None, found: tuple[int, int]
) -> None:
    answers = [acknowledged(answer)] if answer else []
    assert share(*ANNOUNCED, *answers) == {"990102": found}


@pytest.mark.parametrize(
    ("start", "end", "counted"),
    [("2026-03-05 00:00", "2026-03-12 00:00", True), ("2026-02-26 00:00", "2026-03-05 00:00", False)],
)
def test_the_period_has_its_first_instant_and_not_its_last(start: str, end: str, counted: bool) -> None:
    assert ("990102" in share(*ANNOUNCED, start=start, end=end)) is counted


def test_what_was_cancelled_waived_or_is_contested_is_left_out() -> None:
    cancelled = told("release.cancelled", "2026-03-06 10:00", {"cause": "DIED"})
    assert share(*ANNOUNCED, cancelled) == {}
    from handover.analysis.replay import replay

    alert = next(
        one for one in replay(arriving(*ANNOUNCED), BOOK, CALENDAR, at("2026-03-09 00:00")) if one.rule_id == "A02"
    )
    data = {"alert_id": alert.alert_id, "by": "O-1", "note": "why"}
    for fact in ("action.waived", "action.contested"):
        assert share(*ANNOUNCED, told(fact, "2026-03-06 09:00", data, source=COUNTY)) == {}
    decided = told("action.contest_decided", "2026-03-07 09:00", {**data, "upheld": False}, source=COUNTY)
    contested = told("action.contested", "2026-03-06 09:00", data, source=COUNTY)
    assert share(*ANNOUNCED, contested, decided) == {"990102": (0, 1)}


def test_duties_of_a_prison_are_not_the_countys() -> None:
    assert share(scheduled(date="2026-04-06"), start="2026-03-01 00:00", end="2026-03-31 00:00") == {}
    assert Answered().share == 1.0
