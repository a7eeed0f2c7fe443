"""Counting days: boundaries, make-up days, unpublished years, months that are too short."""

from datetime import date, timedelta

import chinese_calendar
import pytest

from handover.calendar import CALENDAR_FILE, Calendar, InvalidDuration, load_calendar, months_on, span

CALENDAR = load_calendar()


@pytest.mark.parametrize(
    ("day0", "length", "roll", "last"),
    [
        ("2026-01-30", "3 wd", "none", "2026-02-04"),  # a Friday: Monday, Tuesday, Wednesday
        ("2026-02-13", "1 wd", "none", "2026-02-14"),  # a Saturday worked in exchange
        ("2026-02-14", "1 wd", "none", "2026-02-24"),  # the Spring Festival
        ("2026-02-27", "0 wd", "none", "2026-02-27"),
        ("2026-01-31", "1 month", "none", "2026-02-28"),
        ("2026-01-31", "1 month + 7 d", "none", "2026-03-07"),
        ("2026-05-08", "7 d", "next_working", "2026-05-15"),
        ("2026-05-13", "10 d", "next_working", "2026-05-25"),  # Saturday 23 moves to Monday
        ("2026-05-13", "10 d", "previous", "2026-05-22"),
    ],
)
def test_a_period_ends_on_its_last_day(day0: str, length: str, roll: str, last: str) -> None:
    found = CALENDAR.count(date.fromisoformat(day0), span(length), roll)  # type: ignore[arg-type]
    assert (found.day.isoformat(), found.provisional) == (last, False)


def test_a_month_back_from_the_thirty_first_is_the_end_of_february() -> None:
    assert CALENDAR.count_back(date(2026, 3, 31), span("1 month")).day == date(2026, 2, 28)
    assert months_on(date(2026, 1, 31), 13) == date(2027, 2, 28)
    assert months_on(date(2026, 12, 31), -10) == date(2026, 2, 28)


def test_only_a_count_that_asks_about_an_unpublished_year_is_provisional() -> None:
    assert not CALENDAR.count(date(2026, 12, 28), span("10 d")).provisional
    assert CALENDAR.count(date(2026, 12, 28), span("10 d"), "next_working").provisional
    assert CALENDAR.count(date(2026, 12, 30), span("3 wd")).provisional
    assert not CALENDAR.count(date(2026, 12, 28), span("3 wd")).provisional


def test_custody_moves_the_due_day_before_it_is_rolled() -> None:
    assert CALENDAR.count(date(2026, 5, 13), span("10 d"), "next_working", shift=1).day == date(2026, 5, 25)


def test_halving_rounds_up_to_whole_days_and_minutes() -> None:
    assert str(span("3 wd").scaled(0.5)) == "2 wd"
    assert str(span("30 d").scaled(0.5)) == "15 d"
    assert str(span("2 h").scaled(0.5)) == "60 min"


@pytest.mark.parametrize("text", ["", "3", "wd", "3 weeks", "-1 d", "3 d + 2 h", "1.5 d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidDuration):
        span(text)


def test_the_calendar_agrees_with_the_state_councils_notices() -> None:
    assert CALENDAR_FILE.exists()
    for year in CALENDAR.years:
        day = date(year, 1, 1)
        while day.year == year:
            assert CALENDAR.is_working(day) == chinese_calendar.is_workday(day), day
            day += timedelta(days=1)


def test_an_unlisted_year_works_monday_to_friday() -> None:
    empty = Calendar({})
    assert [empty.is_working(date(2031, 1, day)) for day in range(1, 8)] == [True, True, True, False, False, True, True]
