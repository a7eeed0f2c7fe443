"""Feeds that were down, found by halving, are those found by looking at every alert there ever was."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handover.agencies import Successors
from handover.feeds.downtime import Downtimes
from tests.handover.histories import at

FIRST, SETTLE, NOBODY = at("2026-03-01 00:00"), timedelta(minutes=30), Successors({})
SOURCES = ("/agencies/PRISON-990100-01", "/agencies/PRISON-990100-01/desk", "/agencies/COURT-990102-01")
AGENCIES = ("PRISON-990100-01", "COURT-990102-01", "COURT-990103-01")
Note = tuple[str, str, datetime, bool]


def _instant(minutes: int) -> datetime:
    return FIRST + timedelta(minutes=minutes)


notes = st.lists(
    st.tuples(st.sampled_from(SOURCES), st.sampled_from("abc"), st.integers(0, 500).map(_instant), st.booleans()),
    max_size=40,
)


def _spans(told: list[Note]) -> list[tuple[str, datetime, datetime | None]]:
    """Agency, from and until of each time that an alert fired, in the order told."""
    found: list[tuple[str, datetime, datetime | None]] = []
    firing: dict[tuple[str, str], datetime] = {}
    for source, alert, when, begins in told:
        agency = source.split("/")[2]
        if begins:
            firing.setdefault((source, alert), when)
        elif (source, alert) in firing:
            found.append((agency, firing.pop((source, alert)), when + SETTLE))
    return found + [(source.split("/")[2], since, None) for (source, _), since in firing.items()]


def _known(told: list[Note]) -> Downtimes:
    known = Downtimes(SETTLE)
    for source, alert, when, begins in told:
        known.note(source, alert, when, firing=begins)
    return known


@given(told=notes, minutes=st.integers(0, 600))
def test_an_agency_is_down_while_an_alert_of_one_of_its_sources_holds(told: list[Note], minutes: int) -> None:
    known, now, spans = _known(told), _instant(minutes), _spans(told)
    for agency in AGENCIES:
        down = any(name == agency and since <= now and (until is None or now < until) for name, since, until in spans)
        assert known.is_down(agency, now, NOBODY) is down


@given(told=notes, minutes=st.integers(0, 600), length=st.integers(0, 300))
def test_every_instant_at_which_a_feed_goes_or_comes_back_is_told(told: list[Note], minutes: int, length: int) -> None:
    known, now = _known(told), _instant(minutes)
    moves = sorted(one for _, since, until in _spans(told) for one in (since, until) if one is not None)
    assert known.next_move(now) == next((one for one in moves if one > now), None)
    for agency in AGENCIES:
        own = sorted(at for name, *span in _spans(told) if name == agency for at in span if at is not None)
        assert known.next_move_of([agency], now, NOBODY) == next((one for one in own if one > now), None)
    before = now + timedelta(minutes=length)
    assert set(known.moved(now, before)) == {
        name for name, *span in _spans(told) if any(at is not None and now <= at < before for at in span)
    }


def test_an_agency_whose_code_has_a_successor_is_asked_by_its_name_of_now() -> None:
    known = _known([("/agencies/COURT-990102-01", "a", FIRST, True)])
    merged = Successors({"990102": "990103"})
    assert known.is_down("COURT-990103-01", FIRST, merged)
    assert not known.is_down("COURT-990102-01", FIRST, merged)
