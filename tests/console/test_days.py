"""Deadlines at their edges: one before, the last, one after; in working days, days and hours."""

from datetime import date
from typing import Any

import pytest

from console.text.deadline_text import Boxes, compute_deadline, find_soon_end, find_unit, list_strip
from console.text.formatter import Words
from console.text.i18n import Language
from console.text.svg_charts import cut_text, draw_boxes
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from tests.handover.histories import at

CALENDAR = load_calendar()
# Three working days from Tuesday 29 September 2026: National Day is off, so the third is Friday 9 October.
THREE: list[dict[str, Any]] = [
    {"day": "2026-09-29", "is": "anchor"},
    {"day": "2026-09-30", "is": "counted", "n": 1},
    *({"day": f"2026-10-0{number}", "is": "off"} for number in range(1, 8)),
    {"day": "2026-10-08", "is": "counted", "n": 2},
    {"day": "2026-10-09", "is": "due", "n": 3},
]
DAYS: list[dict[str, Any]] = [{"day": "2026-10-01", "is": "anchor"}, {"day": "2026-10-10", "is": "due"}]
HOURS: list[dict[str, Any]] = [{"day": "2026-10-13", "is": "anchor", "hours": 6.0}, {"day": "2026-10-13", "is": "due"}]


@pytest.mark.parametrize(
    ("now", "zh", "en"),
    [
        ("2026-09-30 09:00", "还剩 2 个工作日", "2 working days left"),
        ("2026-10-08 23:59", "还剩 1 个工作日", "1 working day left"),
        ("2026-10-09 00:00", "今天到期", "Due today"),
        ("2026-10-09 23:59", "今天到期", "Due today"),
        ("2026-10-10 00:00", "逾期，不足 1 个工作日", "Over, under 1 working day"),
        ("2026-10-11 00:00", "逾期 1 个工作日", "1 working day over"),  # Saturday the 10th is a make-up day
        ("2026-10-12 08:30", "逾期 1 个工作日", "1 working day over"),
        ("2026-10-14 08:30", "逾期 3 个工作日", "3 working days over"),
    ],
)
def test_working_days(now: str, zh: str, en: str) -> None:
    found = compute_deadline(THREE, at("2026-09-29 09:12"), at("2026-10-10 00:00"), at(now), CALENDAR)
    assert Words("zh", load("cn-default")).due(found) == zh
    assert Words("en", load("cn-default")).due(found) == en


@pytest.mark.parametrize(
    ("now", "zh"),
    [
        ("2026-10-09 23:59", "还剩 1 天"),
        ("2026-10-10 00:00", "今天到期"),
        ("2026-10-11 00:00", "逾期，不足 1 天"),
        ("2026-10-11 23:59", "逾期，不足 1 天"),
        ("2026-10-12 00:00", "逾期 1 天"),
    ],
)
def test_days(now: str, zh: str) -> None:
    found = compute_deadline(DAYS, at("2026-10-01 00:00"), at("2026-10-11 00:00"), at(now), CALENDAR)
    assert Words("zh", load("cn-default")).due(found) == zh


@pytest.mark.parametrize(
    ("now", "zh"),
    [
        ("2026-10-13 22:39", "还剩 1 分钟"),
        ("2026-10-13 22:40", "逾期 0 分钟"),
        ("2026-10-14 08:30", "逾期 9 小时 50 分"),
        ("2026-10-15 22:39", "逾期 47 小时 59 分"),
        ("2026-10-15 22:40", "逾期 2 天"),
    ],
)
def test_hours_turn_into_days_after_48(now: str, zh: str) -> None:
    found = compute_deadline(HOURS, at("2026-10-13 16:40"), at("2026-10-13 22:40"), at(now), CALENDAR)
    words = Words("zh", load("cn-default"))
    assert words.due(found) == zh


def test_the_unit_is_the_rules() -> None:
    assert [find_unit(one) for one in (THREE, DAYS, HOURS)] == ["wd", "d", "h"]


def test_boxes_are_one_for_each_unit_and_cut_on_both_sides() -> None:
    found = compute_deadline(THREE, at("2026-09-29 09:12"), at("2026-10-10 00:00"), at("2026-10-14 08:30"), CALENDAR)
    assert found.boxes == Boxes(total=3, spent=3, half=False, over=3, over_half=True)
    svg = str(draw_boxes(found.boxes))
    assert (svg.count('class="e"'), svg.count('class="v"'), svg.count('class="vh"')) == (3, 4, 1)
    long = str(draw_boxes(Boxes(total=30, spent=30, half=False, over=20, over_half=True)))
    assert (long.count('class="e"'), long.count('class="v"')) == (9, 7)
    assert 'class="tl"' in long
    assert 'class="ch"' in long
    before = compute_deadline(THREE, at("2026-09-29 09:12"), at("2026-10-10 00:00"), at("2026-10-08 12:00"), CALENDAR)
    assert before.boxes == Boxes(total=3, spent=1, half=True, over=0, over_half=False)


def test_the_strip_goes_from_the_start_to_today() -> None:
    cells = list_strip(THREE, at("2026-09-29 09:12"), at("2026-10-10 00:00"), at("2026-10-14 08:30"), CALENDAR)
    assert len(cells) == 16
    kinds = {str(one.day): (one.kind, one.n) for one in cells}
    assert kinds["2026-09-29"] == ("anchor", 0)
    assert kinds["2026-10-01"][0] == "off"
    assert kinds["2026-10-09"] == ("due", 3)
    assert kinds["2026-10-10"] == ("over", 1)
    assert kinds["2026-10-11"][0] == "off"
    assert kinds["2026-10-13"] == ("over", 3)
    assert kinds["2026-10-14"][0] == "today"
    assert next(one for one in cells if one.day == date(2026, 10, 10)).is_makeup


def test_a_long_strip_is_cut_in_the_middle() -> None:
    cells = list_strip(DAYS, at("2026-10-01 00:00"), at("2026-10-11 00:00"), at("2026-12-01 08:00"), CALENDAR)
    assert [one.kind for one in cells].count("cut") == 1
    assert len(cells) == 18


def test_three_working_days_from_now() -> None:
    assert find_soon_end(CALENDAR, date(2026, 10, 14)) == date(2026, 10, 19)
    assert find_soon_end(CALENDAR, date(2026, 9, 30)) == date(2026, 10, 10)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("接收未完成：矫正小组", "接收未完成：矫正小组"),
        ("未按期报到、汇报、学习的人", "未按期报到、汇报、学习…"),
        ("Acceptance incomplete", "Acceptance incomplete"),
        ("Acceptance incomplete: correction group", "Acceptance incomplete:…"),
        ("Dispute not taken up (town)", "Dispute not taken up (…"),
    ],
)
def test_a_name_is_cut_where_its_place_ends(text: str, shown: str) -> None:
    assert cut_text(text, 23) == shown


@pytest.mark.parametrize(
    ("language", "this_year", "another", "long"),
    [("zh", "3月6日", "2031年3月6日", "2031年3月6日 周四"), ("en", "6 Mar", "6 Mar 2031", "Thu 6 Mar 2031")],
)
def test_a_day_of_another_year_has_its_year(language: Language, this_year: str, another: str, long: str) -> None:
    words = Words(language, load("cn-default"), 2026)
    assert words.day(date(2026, 3, 6)) == this_year
    assert words.day(date(2031, 3, 6)) == another
    assert words.long_day(date(2031, 3, 6)) == long
    assert words.before(at("2031-03-07 00:00")) == f"{another} 24:00"
