"""When a feed goes or comes back, every case whose alerts it may hold is found, by its own name or its code's successor."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.agency_filter import ANY, awaited, sieve, sieve_of
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from tests.handover.histories import COUNTY, PERSON, arriving, at, notice, scheduled, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
NIGHT = at("2026-01-20 00:00")
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"


@given(st.lists(st.text(min_size=1), min_size=1), st.lists(st.text(min_size=1)))
def test_a_sieve_lets_all_through_that_it_was_made_of(some: list[str], others: list[str]) -> None:
    assert all(sieve([one]) & sieve([*some, *others]) for one in some)
    assert sieve([*some, *others]) & ANY == sieve([*others, *some])


@pytest.fixture
def world() -> SharedState:
    """In which a county's feed that sent heartbeats has fallen silent for some hours."""
    one = SharedState(BOOK, CALENDAR)
    beat = {"period": "PT15M"}
    for when in ("2026-01-19 08:00", "2026-01-20 12:00"):
        one.take(told("system.publisher_heartbeat", when, beat, COUNTY, COUNTY), at(when))
    return one


def firing(world: SharedState, until: datetime) -> Case:
    """A notice that this county has not answered."""
    case = Case.empty(PERSON)
    for event, arrival in arriving(scheduled("2026-01-05 10:00", "2026-03-31"), notice("2026-01-06 09:00")):
        case.take(event, arrival)
    advance(case, world, until)
    return case


def test_a_case_is_found_when_the_feed_of_one_that_it_waits_for_moves(world: SharedState) -> None:
    case = firing(world, NIGHT)
    assert case.has_firing
    change = world.changes(at("2026-01-19 00:00"), NIGHT)
    assert (change.everything, bool(change.feeds & sieve_of(case))) == (False, True)
    assert world.changes(at("2026-01-10 00:00"), at("2026-01-19 00:00")).feeds == 0


def test_a_case_without_a_firing_alert_waits_for_nobody(world: SharedState) -> None:
    assert sieve_of(firing(world, at("2026-01-07 00:00"))) == 0


def test_a_case_of_which_nothing_is_derived_is_always_found(world: SharedState) -> None:
    case = decode_case(encode_case(firing(world, NIGHT)).value)
    assert (case.derived, sieve_of(case)) == (None, ANY)


def test_a_feed_is_found_by_the_successor_of_its_code(world: SharedState) -> None:
    merger = {"code": "990102", "change": "MERGED", "valid_from": "2026-01-10", "successor_code": "990103"}
    world.take(told("system.registry_changed", "2026-01-08 09:00", merger, PROVINCE, PROVINCE), at("2026-01-08 09:00"))
    case = firing(world, NIGHT)
    assert case.derived is not None
    assert awaited(case, case.derived) == frozenset(("COUNTY_JUSTICE-990103-01",))
    assert world.changes(at("2026-01-19 00:00"), NIGHT).feeds & sieve_of(case)
