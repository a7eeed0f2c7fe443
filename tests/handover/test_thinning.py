"""Location checks thin out, and nobody can tell: the same alerts as from a case that keeps them all, in a case that has a bound."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.compaction import fold
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import routes
from handover.facts.thinning import WHOLE, is_mark
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from tests.handover.histories import COURT, PERSON, POLICE, TOWN, Told, at, told
from tests.handover.test_life import finals

BOOK, CALENDAR = load("cn-default"), load_calendar()
FIRST = at("2026-01-05 08:00")
MS, MINUTE, HOUR, DAY = timedelta(milliseconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LARGEST = 64_000  # bytes of a case, whatever the rate of its bracelet
TERM = {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-01-05", "term_start": "2026-01-05", "term_end": "2027-12-30", "execution_place": "990102", "prohibition_order": False}  # fmt: skip
PLAN = {"items": [{"kind": "CALL", "cadence": "WEEKLY"}], "class": "STRICT", "from": "2026-01-12"}
BAD = ("OUT_OF_AREA", "NO_FIX", "DEVICE_OFF")


def supervised() -> list[Told]:
    decided = told("release.decision_effective", "2026-01-05 07:00", TERM, COURT, id="o1")
    planned = told("checkin.plan_set", "2026-01-05 07:30", PLAN, TOWN, id="o2")
    return [(decided, decided.time), (planned, planned.time)]


def check(
    number: int, happened: datetime, result: str, late: timedelta, device: int = 1, corrects: str | None = None
) -> Told:
    data = {"result": result, "checked_at": happened.isoformat()}
    source = f"/agencies/LOCATION-990100-0{device}"
    time = happened + timedelta(milliseconds=number % 700)
    event = Event(f"c{number}", source, "reentry.checkin.location_checked.v1", PERSON, time, data, corrects=corrects)
    return event, time + late


def reported(
    seed: int, apart: timedelta, days: int, devices: int = 1, lateness: tuple[timedelta, ...] = ()
) -> Iterator[Told]:
    """What bracelets say: mostly inside, at times for hours outside or without a fix. Some of it comes late."""
    dice, number = random.Random(seed), 0
    for device in range(1, devices + 1):
        happened, result, until = FIRST + device * 7 * timedelta(seconds=1), "IN_AREA", FIRST
        while happened < FIRST + days * DAY:
            if happened >= until:
                result = dice.choice(("IN_AREA", "IN_AREA", *BAD))
                until = happened + timedelta(minutes=dice.choice((1, 4, 9, 13, 40, 300, 700, 1500)))
            late = (
                dice.choice(lateness)
                if lateness and dice.random() < 0.1
                else timedelta(milliseconds=dice.randrange(3_000))
            )
            yield check(number, happened, result, late, device)
            if dice.random() < 0.02:  # told again, by a publisher that was not answered
                yield check(number, happened, result, late + dice.choice((MINUTE, HOUR, DAY)), device)
            happened, number = happened + apart + timedelta(milliseconds=dice.randrange(800)), number + 1


def others(seed: int, days: int) -> list[Told]:
    """Custody, leave and visits, of which some are told late."""
    dice, found = random.Random(seed), list[Told]()
    for day in range(1, days, 3):
        happened = FIRST + day * DAY + dice.randrange(1_000) * MINUTE
        late = dice.choice((timedelta(), HOUR, DAY))
        taken = Event(f"k{day}", POLICE, "reentry.intake.custody_notified.v1", PERSON, happened, {"status": "DETAINED", "since": happened.isoformat()})  # fmt: skip
        freed = happened + dice.choice((5, 30)) * HOUR
        back = Event(f"f{day}", POLICE, "reentry.intake.custody_notified.v1", PERSON, freed, {"status": "RELEASED", "since": freed.isoformat()})  # fmt: skip
        visit = Event(f"v{day}", TOWN, "reentry.intake.visit_done.v1", PERSON, happened + 11 * HOUR, {"visited_on": happened.date().isoformat(), "met_person": True})  # fmt: skip
        found += [(taken, happened + late), (back, freed + late), (visit, visit.time + late)]
    return found


def lived(
    history: list[Told], *, every: int = 1, through_bytes: bool = False, behind: timedelta = timedelta()
) -> tuple[list[Alert], Case, int]:
    """As a worker does it, which folds after each step. `behind`: each 25th fact is told when its arrival has been lived past so long."""
    world, case, largest, found = SharedState(BOOK, CALENDAR), Case.empty(PERSON), 0, list[Alert]()
    queue = [(arrival + (behind if number % 25 == 24 else timedelta()), arrival, event) for number, (event, arrival) in enumerate(history)]  # fmt: skip
    for number, (told_at, arrival, event) in enumerate(sorted(queue, key=lambda one: one[0])):
        case.take(event, arrival)
        if number % every:
            continue
        found += advance(case, world, told_at + MS)
        if fold(case, world, told_at) and through_bytes:
            value = encode_case(case).value
            largest = max(largest, len(value))
            case = decode_case(value)
    found += advance(case, world, history[-1][1] + 3 * DAY)
    return found, case, largest


def compared(history: list[Told], **how: object) -> Case:
    """Live and replay; the case that lived."""
    history = sorted(history, key=lambda one: one[1])
    found, case, _ = lived(history, **how)  # type: ignore[arg-type]
    ids = {event.id for event, _ in history}
    assert [alert.seen for alert in found if not ids.issuperset(alert.seen)] == []
    assert finals(found) == finals(list(replay(history, BOOK, CALENDAR, history[-1][1] + 3 * DAY - MS)))
    return case


MIXTURES = [  # apart (minutes), devices, how late some come, facts a step, through bytes, told behind
    (2, 1, (), 7, True, timedelta()),
    (4, 1, (5 * HOUR, DAY), 50, False, 7 * HOUR),
    (7, 2, (20 * MINUTE,), 1, False, timedelta()),
    (12, 1, (6 * DAY,), 1, True, 7 * HOUR),
    (30, 2, (5 * HOUR, DAY), 7, True, timedelta()),
]


@pytest.mark.parametrize(("apart", "devices", "late", "every", "through_bytes", "behind"), MIXTURES)
@pytest.mark.parametrize("seed", [1])
def test_a_case_that_thins_ends_as_one_that_keeps_all(
    seed: int, apart: int, devices: int, late: tuple[timedelta, ...], every: int, through_bytes: bool, behind: timedelta
) -> None:
    days = 1 if apart < 10 else 4
    history = [*supervised(), *reported(seed, apart * MINUTE, days, devices, late), *others(seed, days)]
    case = compared(history, every=every, through_bytes=through_bytes, behind=behind)
    assert any(map(is_mark, case.entries.facts()))


def dense(result: str, minutes: float, days: int, seed: int = 5) -> Iterator[Told]:
    """A bracelet that says the same all the time, on time."""
    dice, happened, number = random.Random(seed), FIRST, 0
    while happened < FIRST + days * DAY:
        yield check(number, happened, result, timedelta(milliseconds=dice.randrange(3_000)))
        happened, number = happened + timedelta(minutes=minutes, milliseconds=dice.randrange(-200, 200)), number + 1


@pytest.mark.parametrize(
    ("result", "minutes", "days"),
    [("IN_AREA", 1, 5), ("IN_AREA", 5.01, 13), ("IN_AREA", 31, 15), ("OUT_OF_AREA", 5.01, 9), ("NO_FIX", 5.01, 4)],
)  # fmt: skip
def test_a_case_has_a_bound_whatever_the_rate_of_its_bracelet(result: str, minutes: float, days: int) -> None:
    history = [*supervised(), *dense(result, minutes, days)]
    _, _, largest = lived(history, every=40, through_bytes=True)
    assert 0 < largest < LARGEST


def calls(weeks: int) -> list[Told]:
    """The reports that the plan asks for."""
    found = list[Told]()
    for week in range(weeks):
        happened = at("2026-01-13 10:00") + week * 7 * DAY
        done = {"kind": "CALL", "verified_by": "OFFICER", "at": happened.isoformat()}
        found.append((Event(f"w{week}", TOWN, "reentry.checkin.completed.v1", PERSON, happened, done), happened))
    return found


@pytest.mark.slow
def test_a_report_a_minute_for_a_year() -> None:
    """525,600 checks, of which a worker that catches up takes a day's in a step."""
    history = sorted([*supervised(), *calls(51), *dense("IN_AREA", 1, 365)], key=lambda one: one[1])
    _, case, largest = lived(history, every=1440, through_bytes=True)
    assert len(history) > 525_000
    assert case.lived is not None
    assert case.lived > FIRST + 365 * DAY - HOUR
    assert 0 < largest < LARGEST


def test_bases_are_read_as_they_were() -> None:
    """In a case with marks a base is written by what is otherwise now."""
    _, case, _ = lived([*supervised(), *reported(3, 12 * MINUTE, 9), *others(3, 9)], every=20)
    assert case.bases
    assert any(base.memories and base.memories != case.memories for base in case.bases)
    encode_case(case)
    again = decode_case(encode_case(case).value)
    assert again.bases == case.bases


def hour_inside() -> list[Told]:
    """A check a minute for three hours, all inside, and all thinned."""
    return [*supervised(), *(check(number, FIRST + number * MINUTE, "IN_AREA", MS) for number in range(180))]


def test_an_alert_names_the_check_that_opens_its_run() -> None:
    """One fix outside, long among marks when a second that was on its way makes it a run."""
    inside = [check(number, FIRST + number * MINUTE, "IN_AREA", MS) for number in (*range(60), *range(91, 240))]
    opens = check(700, FIRST + 65 * MINUTE, "OUT_OF_AREA", MS)
    decides = check(701, FIRST + 80 * MINUTE, "OUT_OF_AREA", 5 * HOUR, 2)
    history = sorted([*supervised(), *inside, opens, decides], key=lambda one: one[1])
    compared(history)
    found, _, _ = lived(history)
    assert [alert.seen for alert in found if alert.rule_id == "B11"][:1] == [("c700",)]


@pytest.mark.parametrize("result", ["OUT_OF_AREA", "NO_FIX", "IN_AREA"])
def test_what_comes_late_between_checks_that_are_gone_raises_nothing(result: str) -> None:
    late = [
        check(900 + number, FIRST + 30 * MINUTE + number * 31 * timedelta(seconds=1), result, 6 * DAY, 2)
        for number in range(8)
    ]
    after = [check(990, FIRST + 13 * DAY / 2, "IN_AREA", MS)]
    case = compared([*hour_inside(), *late, *after])
    assert any(map(is_mark, case.entries.facts()))


def test_a_check_told_too_late_is_forgotten_at_once() -> None:
    late = [check(number, FIRST + number * MINUTE, "OUT_OF_AREA", 8 * DAY) for number in range(500)]
    _, case, _ = lived(sorted([*supervised(), *late], key=lambda one: one[1]))
    assert len(case.entries.copies) < 2 + 3 * WHOLE


def test_the_same_told_again_makes_no_second_mark() -> None:
    again = [(event, arrival + DAY) for event, arrival in hour_inside()[2:]]
    _, once, _ = lived(hour_inside())
    _, twice, _ = lived([*hour_inside(), *again])
    marks = [fact for fact in once.entries.facts() if is_mark(fact)]
    assert len(marks) > 10
    assert len(twice.entries.copies) <= len(once.entries.copies) + 3 * WHOLE


def test_a_correction_takes_back_the_mark_of_its_instant() -> None:
    """A day without a fix, of which one check was wrong: the run begins anew after it."""
    run = [check(number, FIRST + number * 15 * MINUTE, "NO_FIX", MS) for number in range(120)]
    right = check(500, FIRST + 60 * 15 * MINUTE, "IN_AREA", DAY, corrects="c60")
    history = [*supervised(), *run, right]
    case = compared(history)
    assert {fact.data["result"] for fact in case.entries.facts() if fact.name.endswith("location_checked") and fact.instant("checked_at") == FIRST + 60 * 15 * MINUTE} == {"IN_AREA"}  # fmt: skip


def test_marks_are_written_and_read_again() -> None:
    _, case, _ = lived([*supervised(), *reported(3, 4 * MINUTE, 2)])
    again = decode_case(encode_case(case).value)
    assert sorted(map(repr, again.entries.facts())) == sorted(map(repr, case.entries.facts()))


def test_the_cases_of_a_merged_person_thin_whichever_ref_the_bracelet_goes_on_with() -> None:
    survivor = "p1_" + "b" * 26
    tie = {"survivor_ref": survivor, "removed_ref": PERSON, "cause": "SAME_PERSON"}
    merge = told("release.person_merged", "2026-01-05 11:00", tie, COURT, survivor)
    history = sorted([*supervised(), *dense("IN_AREA", 1, 1), (merge, merge.time)], key=lambda one: one[1])[:480]
    world, cases, found = SharedState(BOOK, CALENDAR), dict[str, Case](), list[Alert]()
    for number, (event, arrival) in enumerate(history, start=1):
        queue = [(subject, event, arrival) for subject in (event.subject, *routes(event))]
        for subject, one, when in queue:
            case = cases.setdefault(subject, Case.empty(subject))
            case.take(one, when)
            queue += case.take_outgoing()
        for case in cases.values() if number % 60 == 0 else ():
            found += advance(case, world, arrival + MS)
            fold(case, world, arrival)
    until = history[-1][1] + 3 * DAY
    for case in cases.values():
        found += advance(case, world, until + MS)
    assert {case.moved_to for case in cases.values()} == {"", survivor}
    assert max(len(case.entries.copies) for case in cases.values()) < 300
    assert finals(found) == finals(list(replay(history, BOOK, CALENDAR, until)))
