"""Counting days: boundaries, make-up days, unpublished years, months that are too short."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest

from handover.analysis.replay import replay
from handover.calendar import CALENDAR_FILE, Calendar, InvalidDuration, load_calendar, months_on, span
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from tests.handover.histories import Told, arriving, at, notice, scheduled, told
from tests.schemas.examples import changed, reason_for

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


def published(year: int, when: str, holidays: list[str], workdays: list[str]) -> Told:
    data = {"year": year, "status": "published", "holidays": holidays, "workdays": workdays}
    source = "/agencies/PROVINCE_JUSTICE-990000-01"
    return arriving(told("system.calendar_published", when, data, source, source))[0]


OF_2018 = published(2018, "2017-11-30 10:00", ["2018-01-01", "2018-12-29"], [])
OF_2019 = published(2019, "2018-12-26 08:00", ["2018-12-30", "2018-12-31", "2019-01-01"], ["2018-12-29"])


def working(*lists: Told, by: str = "2018-12-27 00:00") -> set[str]:
    """The working days of the last week of 2018 and the first days of 2019."""
    world = SharedState(load("cn-default"), Calendar({}))
    for event, arrival in lists:
        world.take(event, arrival)
    calendar = world.frame(at(by)).calendar
    days = [date(2018, 12, 28) + timedelta(days=number) for number in range(6)]
    return {day.isoformat() for day in days if calendar.is_working(day)}


def test_a_years_notice_reaches_back_into_the_december_before() -> None:
    assert working(OF_2018) == {"2018-12-28", "2018-12-31", "2019-01-01", "2019-01-02"}
    assert working(OF_2018, OF_2019) == {"2018-12-28", "2018-12-29", "2019-01-02"}
    assert working(OF_2018, OF_2019, by="2018-12-26 07:00") == working(OF_2018)


def test_of_two_lists_that_name_one_day_the_later_published_counts() -> None:
    again = published(2018, "2018-12-26 09:00", ["2018-01-01", "2018-12-29"], [])
    assert working(again, OF_2019, OF_2018) == {"2018-12-28", "2019-01-02"}


def test_a_new_list_replaces_the_older_one_of_its_year_only() -> None:
    anew = published(2019, "2018-12-26 09:00", ["2019-01-01"], [])
    assert working(OF_2018, OF_2019, anew) == {"2018-12-28", "2018-12-31", "2019-01-02"}


def test_a_day_of_a_neighbouring_year_makes_that_year_no_listed_one() -> None:
    world = SharedState(load("cn-default"), Calendar({}))
    world.take(*OF_2019)
    calendar = world.frame(at("2018-12-27 00:00")).calendar
    assert calendar.count(date(2018, 12, 28), span("1 wd")).provisional
    assert [what for _, what in calendar.listing(date(2018, 12, 28), date(2018, 12, 31))] == ["makeup", "off", "off"]


def test_a_list_moves_the_deadlines_that_are_open() -> None:
    sent = notice("2018-12-26 09:00")
    history = [
        OF_2018,
        *arriving(scheduled("2018-12-26 08:00", "2019-06-01"), sent),
        (OF_2019[0], at("2018-12-27 10:00")),
    ]
    alerts = list(replay(history, load("cn-default"), Calendar({}), at("2018-12-30 00:00")))
    assert [(one.rule_id, one.due_at, one.provisional) for one in alerts] == [("A02", at("2018-12-30 00:00"), False)]


@pytest.mark.parametrize(("day", "reason"), [("2018-12-31", ""), ("2020-01-01", ""), ("2017-12-31", "SCHEMA")])
def test_a_day_further_away_than_a_neighbouring_year_is_refused(day: str, reason: str) -> None:
    lists = {"year": 2019, "holidays": [day], "workdays": [day]}
    assert reason_for(changed("reentry.system.calendar_published.v1", lists)) == reason


def test_a_calendar_file_may_reach_into_neighbouring_years_and_no_further(tmp_path: Path) -> None:
    file = tmp_path / "calendar.toml"
    text = '[[year]]\nyear = 2019\nstatus = "published"\nholidays = [DAY]\nworkdays = [2018-12-29]\n'
    file.write_text(text.replace("DAY", "2018-12-31"))
    assert load_calendar(file).is_working(date(2018, 12, 29))
    assert not load_calendar(file).is_working(date(2018, 12, 31))
    file.write_text(text.replace("DAY", "2017-12-31"))
    with pytest.raises(ValueError, match="year 2019: 2017-12-31"):
        load_calendar(file)


def test_a_sum_of_many_terms_is_refused() -> None:
    with pytest.raises(InvalidDuration):
        span(" + ".join(["0 d"] * 5_000))
