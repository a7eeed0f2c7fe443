"""The work of an office: its case has a bound, however often the office reports and from whatever day a plan is dated."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.compaction import fold
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.alert import Alert
from tests.handover.histories import COUNTY, COURT, OFFICE, PERSON, TOWN, Told, arriving, at, told
from tests.handover.test_life import finals

BOOK, CALENDAR = load("cn-default"), load_calendar()
MS = timedelta(milliseconds=1)
A_WEEK, WEEKS, TIMES = timedelta(days=7), 36, 12
FIRST = at("2026-01-05 00:00")  # a Monday


def duty_set(when: str, first: str, cadence: str, *kinds: str) -> Told:
    items = [{"kind": kind, "cadence": cadence} for kind in kinds]
    [found] = arriving(told("work.duty_set", when, {"items": items, "from": first}, COUNTY, OFFICE))
    return found


def report(happened: datetime, first: datetime, last: datetime, **more: str) -> Told:
    data = {"kind": "SCREENING", "from": first.date().isoformat(), "to": last.date().isoformat(), "held": 1}
    event = told("work.reported", happened.strftime("%Y-%m-%d %H:%M"), data, TOWN, OFFICE, **more)
    return event, event.time


def reports_of(week: int) -> list[Told]:
    monday = FIRST + week * A_WEEK
    sunday = monday + timedelta(days=6)
    return [report(sunday + timedelta(hours=hour), monday, sunday, id=f"r{week}-{hour}") for hour in range(TIMES)]


def eager_weeks(missed: int, taken_back: int) -> list[Told]:
    """An office that reports each week many times, misses one week, and takes the first report of another week back."""
    found = [duty_set("2026-01-05 09:00", "2026-01-05", "WEEKLY", "SCREENING")]
    for week in range(WEEKS):
        if week != missed:
            found += reports_of(week)
    monday = FIRST + taken_back * A_WEEK
    wrong = report(monday + timedelta(days=9), monday, monday, id="wrong", corrects=f"r{taken_back}-0")
    return sorted([*found, wrong], key=lambda one: one[1])


def live(history: list[Told], *, forgetting: bool) -> tuple[list[Alert], int, int]:
    """The alerts, the longest case in bytes and in facts."""
    world, case, found, bytes_, facts = SharedState(BOOK, CALENDAR), Case.empty(OFFICE), list[Alert](), 0, 0
    for event, arrival in history:
        found += advance(case, world, arrival)
        case.take(event, arrival)
        found += advance(case, world, arrival + MS)
        if forgetting and fold(case, world, arrival):
            written = encode_case(case).value
            bytes_, case = max(bytes_, len(written)), decode_case(written)
        facts = max(facts, len(case.entries.copies))
    found += advance(case, world, FIRST + (WEEKS + 3) * A_WEEK)
    return found, bytes_, facts


@pytest.mark.parametrize(("missed", "taken_back"), [(7, 20), (30, 31), (34, 3)])
def test_reports_that_answer_nothing_are_forgotten_and_nobody_can_tell(missed: int, taken_back: int) -> None:
    history = eager_weeks(missed, taken_back)
    whole, _, all_facts = live(history, forgetting=False)
    short, longest, most_facts = live(history, forgetting=True)
    assert finals(short) == finals(whole)
    assert "firing" in {one.state for one in whole}
    assert longest < 64_000
    assert most_facts < all_facts / 3


def test_a_report_for_days_to_come_is_kept_until_they_have_passed() -> None:
    """A quarter reported on its first day answers at its end, however many reports come between."""
    quarter = report(at("2026-01-05 10:00"), FIRST, at("2026-04-04 00:00"), id="early")
    between = [report(FIRST + timedelta(days=day, hours=12), FIRST, FIRST, id=f"b{day}") for day in range(1, 85)]
    history = [duty_set("2026-01-05 09:00", "2026-01-05", "QUARTERLY", "SCREENING"), quarter, *between]
    found, _, facts = live(history, forgetting=True)
    due = [one.due_at for one in found]
    assert facts < len(history)
    assert min(due) > at("2026-07-01 00:00")  # the second quarter is the first that nobody reported


@pytest.mark.parametrize("first", ["1990-01-01", "2016-02-29", "2025-01-06"])
def test_a_plan_dated_back_by_years_owes_no_window_of_those_years(first: str) -> None:
    history = [duty_set("2026-01-05 09:00", first, "DAILY", "SCREENING")]
    found, _, _ = live(history, forgetting=False)
    raised = {one.occurrence for one in found if one.due_at <= at("2026-01-05 09:00")}
    assert 350 < len(raised) <= 366
    assert min(raised) >= "SCREENING:2025-01-04"


@pytest.mark.parametrize("cadence", ["WEEKLY", "FORTNIGHTLY", "MONTHLY", "QUARTERLY"])
def test_the_windows_of_a_plan_dated_back_stay_where_they_are(cadence: str) -> None:
    """Skipping what is too old moves no edge: the same windows as of a plan that begins at one of the edges."""
    edges = {"WEEKLY": "2025-06-02", "FORTNIGHTLY": "2025-06-09", "MONTHLY": "2025-06-29", "QUARTERLY": "2025-06-29"}
    started = {"WEEKLY": "2020-06-01", "FORTNIGHTLY": "2020-06-01", "MONTHLY": "2020-06-29", "QUARTERLY": "2020-06-29"}
    old, _, _ = live([duty_set("2026-01-05 09:00", started[cadence], cadence, "SCREENING")], forgetting=False)
    new, _, _ = live([duty_set("2026-01-05 09:00", edges[cadence], cadence, "SCREENING")], forgetting=False)
    known = {one.occurrence for one in new}
    assert known
    assert known == {one.occurrence for one in old if one.occurrence >= f"SCREENING:{edges[cadence]}"}


def test_a_check_in_plan_has_the_same_bound() -> None:
    term: Mapping[str, object] = {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-01-02", "term_start": "2026-01-02", "term_end": "2027-01-02", "execution_place": "990102", "prohibition_order": False}  # fmt: skip
    plan = {"items": [{"kind": "CALL", "cadence": "DAILY"}], "class": "STRICT", "from": "2016-01-01"}
    case, world = Case.empty(PERSON), SharedState(BOOK, CALENDAR)
    for event, arrival in arriving(
        told("release.decision_effective", "2026-01-02 09:00", term, COURT),
        told("checkin.plan_set", "2026-01-05 09:00", plan, TOWN),
    ):
        case.take(event, arrival)
    found = advance(case, world, at("2026-01-06 00:00"))
    assert 350 < len({one.occurrence for one in found if one.rule_id == "B09"}) <= 366
