"""A long case forgets, and nobody can tell: the same alerts as from a case that forgets nothing."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.compaction import LONG, ends_at, fold, rests_at
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from tests.handover.histories import COUNTY, COURT, DISPUTE, MEDIATION, PERSON, TOWN, Told, at, told
from tests.handover.test_life import finals

BOOK, CALENDAR = load("cn-default"), load_calendar()
FIRST, DAYS = at("2026-01-05 08:00"), 170
MS = timedelta(milliseconds=1)
CAREFUL = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _year(seed: int) -> list[Told]:
    """Supervision for most of a year: three location checks a day, weekly reports, visits, some missed, late or out of area."""
    dice, number, found = random.Random(seed), 0, list[Told]()
    term = {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-01-05", "term_start": "2026-01-05", "term_end": "2026-12-30", "execution_place": "990102", "prohibition_order": False}  # fmt: skip
    plan = {"items": [{"kind": "CALL", "cadence": "WEEKLY"}, {"kind": "REPORT", "cadence": "MONTHLY"}], "class": "STRICT", "from": "2026-01-12"}  # fmt: skip
    found.append((told("release.decision_effective", "2026-01-05 09:00", term, COURT, id="o1"), FIRST))
    found.append((told("checkin.plan_set", "2026-01-10 09:00", plan, TOWN, id="o2"), at("2026-01-10 09:00")))
    bad_until = FIRST
    for day in range(5, DAYS):
        for hour in (1, 9, 17):
            happened, number = FIRST + timedelta(days=day, hours=hour, minutes=dice.randrange(50)), number + 1
            if dice.random() < 0.01:
                bad_until = happened + timedelta(hours=dice.choice((5, 20, 60)))
            bad = dice.choice(("NO_FIX", "OUT_OF_AREA", "DEVICE_OFF"))
            data = {"result": bad if happened < bad_until else "IN_AREA", "checked_at": happened.isoformat()}
            found.append(_told(f"c{number}", "checkin.location_checked", data, happened, dice))
        repeated: tuple[tuple[str, float, dict[str, object]], ...] = (
            ("checkin.completed", 0.2, {"kind": "CALL", "verified_by": "OFFICER"}),
            ("checkin.completed", 0.04, {"kind": "REPORT", "verified_by": "FACE"}),
            ("intake.visit_done", 0.04, {"met_person": True}),
        )
        for fact, chance, filled in repeated:
            if dice.random() < chance:
                happened, number = FIRST + timedelta(days=day, hours=dice.randrange(10)), number + 1
                when = {"at": happened.isoformat()} if "kind" in filled else {"visited_on": happened.date().isoformat()}
                found.append(_told(f"m{number}", fact, {**filled, **when}, happened, dice))
    return sorted(found, key=lambda one: one[1])


def _told(id_: str, fact: str, data: Mapping[str, object], happened: datetime, dice: random.Random) -> Told:
    late = timedelta(hours=dice.choice((0, 0, 0, 0, 0, 3, 40, 300)))
    return Event(id_, TOWN, f"reentry.{fact}.v1", PERSON, happened, data), happened + late


def _lived(history: list[Told], *, forgetting: bool, behind: timedelta = timedelta()) -> tuple[list[Alert], Case, int]:
    """As a worker does it; `behind`: each 25th fact is told when its arrival has been lived past so long."""
    world, case, longest, found = SharedState(BOOK, CALENDAR), Case.empty(PERSON), 0, list[Alert]()
    queue = [(arrival + (behind if number % 25 == 24 else timedelta()), arrival, event) for number, (event, arrival) in enumerate(history)]  # fmt: skip
    for told_at, arrival, event in sorted(queue, key=lambda one: one[0]):
        found += advance(case, world, told_at)
        case.take(event, arrival)
        found += advance(case, world, told_at + MS)
        if forgetting and fold(case, world, told_at):
            case = decode_case(encode_case(case).value)
        longest = max(longest, len(case.entries.copies))
    found += advance(case, world, FIRST + timedelta(days=DAYS + 60))
    return found, case, longest


@pytest.mark.slow
@CAREFUL
@given(st.integers(0, 10_000))
@example(1)
@example(3)
def test_a_case_that_forgets_ends_as_one_that_does_not(seed: int) -> None:
    history = _year(seed)
    found, case, longest = _lived(history, forgetting=True)
    until = FIRST + timedelta(days=DAYS + 60)
    assert finals(found) == finals(list(replay(history, BOOK, CALENDAR, until)))
    assert len(case.entries.copies) < len(history) / 3
    assert longest < 300


@pytest.mark.parametrize("seed", [1, 8, 13])
def test_a_fact_that_was_on_its_way_for_hours_changes_what_it_would_have_changed(seed: int) -> None:
    history, behind = _year(seed), timedelta(hours=7)
    forgetful, _, _ = _lived(history, forgetting=True, behind=behind)
    remembering, _, _ = _lived(history, forgetting=False, behind=behind)
    assert finals(forgetful) == finals(remembering)


def a_year_that_ends() -> list[Told]:
    closed = told("intake.closed", "2026-07-10 09:00", {"cause": "REVOKED"}, COUNTY, id="close")
    return [*_year(7), (closed, closed.time)]


def test_a_closed_case_keeps_its_order_only_and_a_later_handover_is_the_next() -> None:
    history, world = a_year_that_ends(), SharedState(BOOK, CALENDAR)
    _, case, _ = _lived(history, forgetting=True)
    advance(case, world, at("2026-09-01 00:00"))
    rests = rests_at(case)
    assert rests is not None
    assert rests > at("2026-08-10 09:00")
    fold(case, world, rests - MS)
    assert case.closed == ()
    assert fold(case, world, rests)
    case = decode_case(encode_case(case).value)
    assert (len(case.entries.copies), len(case.memories), len(case.closed)) == (0, 0, 1)
    assert ends_at(case, timedelta(days=100)) == at("2026-07-10 09:00") + timedelta(days=100)

    again = told("release.scheduled", "2026-10-01 09:00", {"custody_episode_id": "E9", "release_kind": "EXPIRY", "release_date": "2027-03-31", "home_code": "990102004", "key_person": False, "minor": False}, id="again")  # fmt: skip
    case.take(again, again.time)
    until = at("2027-04-20 00:00")
    found = {alert.alert_id for alert in advance(case, world, until)}
    whole = replay([*history, (again, again.time)], BOOK, CALENDAR, until - MS)
    assert found
    assert found == {alert.alert_id for alert in whole if alert.raised_at >= again.time}


def _dispute(*facts: tuple[str, str, Mapping[str, object]]) -> tuple[Case, SharedState]:
    reported = {
        "kind": "LAND",
        "level": "VILLAGE",
        "place_code": "990102004",
        "found_by": "SCREENING",
        "person_refs": [],
    }
    case, world = Case.empty(DISPUTE), SharedState(BOOK, CALENDAR)
    for fact, when, data in (("reported", "2026-02-02 09:00", reported), *facts):
        case.take(told(f"dispute.{fact}", when, data, MEDIATION, DISPUTE), at(when))
    advance(case, world, at("2026-05-01 00:00"))
    return case, world


def test_a_dispute_that_is_over_ends_and_one_that_is_owed_something_stays() -> None:
    retention = timedelta(days=100)
    agreed: dict[str, object] = {"written": False, "perform_by": "2026-02-20"}
    over, world = _dispute(("agreed", "2026-02-03 09:00", agreed), ("performed", "2026-02-19 09:00", {}))
    assert over.own_next is None
    assert ends_at(over, retention) == at("2026-02-19 09:00") + retention
    again = decode_case(encode_case(over).value)
    assert ends_at(again, retention) is None, "what was read back is not yet known to rest"
    assert not fold(again, world, at("2026-06-01 00:00"))
    assert ends_at(again, retention) == at("2026-02-19 09:00") + retention

    unanswered, _ = _dispute()
    assert unanswered.has_firing
    assert ends_at(unanswered, retention) is None
    later, _ = _dispute(("agreed", "2026-02-03 09:00", {**agreed, "perform_by": "2026-08-20"}))
    assert ends_at(later, retention) is None


def test_a_short_case_forgets_nothing() -> None:
    history = _year(1)[: LONG - 1]
    _, case, _ = _lived(history, forgetting=True)
    assert len(case.entries.copies) == len(history)
