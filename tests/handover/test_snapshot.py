"""What a case shows of its obligations to others: whether somebody still has to meet them."""

from datetime import datetime

from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import encode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.case import ObligationView, read
from schemas.envelope import Event
from tests.handover.histories import CITY, PERSON, arriving, at, notice, scheduled, told


def lived(*events: Event, until: datetime) -> Case:
    """The person's case at an instant."""
    world, case = SharedState(load("cn-default"), load_calendar()), Case.empty(PERSON)
    for event, arrival in arriving(*events):
        case.take(event, arrival)
    advance(case, world, until)
    return case


def owed(case: Case) -> dict[str, ObligationView]:
    return {one.rule_id: one for one in read(encode_case(case).value).obligations}


PLANNED = scheduled("2026-01-05 10:00", "2026-03-31"), notice("2026-01-06 09:00")


def decided(what: str, when: str, alert_id: str) -> Event:
    return told(f"action.{what}", when, {"alert_id": alert_id, "staff_ref": "S-1", "note": "moved away"}, CITY)


def test_a_waived_obligation_is_overdue_no_more_until_it_is_reopened() -> None:
    late = owed(lived(*PLANNED, until=at("2026-02-20 09:00")))
    assert (late["A02"].state, late["A03"].state) == ("overdue", "overdue")
    waived = decided("waived", "2026-02-20 10:00", late["A02"].alert_id)
    after = owed(lived(*PLANNED, waived, until=at("2026-02-21 09:00")))
    assert {rule: one.state for rule, one in after.items()} == {"A02": "waived", "A03": "overdue", "A13": "open"}
    reopened = decided("reopened", "2026-02-21 10:00", late["A02"].alert_id)
    assert owed(lived(*PLANNED, waived, reopened, until=at("2026-02-22 09:00")))["A02"].state == "overdue"


def test_one_waived_before_it_is_due_is_never_overdue() -> None:
    soon = owed(lived(*PLANNED, until=at("2026-01-07 09:00")))["A02"]
    assert soon.state == "open"
    waived = decided("waived", "2026-01-07 10:00", soon.alert_id)
    assert owed(lived(*PLANNED, waived, until=at("2026-02-21 09:00")))["A02"].state == "waived"
