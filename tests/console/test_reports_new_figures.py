"""Legal aid, education, work of offices, contact and offences: counted by hand in a small past."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from console.reports import contact, education, help_given, reoffending, work_held
from console.reports.indicator import Indicator
from console.reports.month import Month
from console.reports.obligation_base import ObligationBase
from sinks.readmodel.tables import duty
from tests.console.past import COUNTY, FROZEN_AT, PRISON, TOWN, at, home, known, release, tell
from tests.console.world import row

AID = "LEGAL_AID-990102-01"
GROUND = ObligationBase(Month.of(at("2026-02-10")), FROZEN_AT, False)


def person(number: int) -> str:
    """A ref of a person."""
    return f"p1_{number:026d}"


def by_name(figures: list[Indicator]) -> dict[str, Indicator]:
    """Figures by name."""
    return {one.name: one for one in figures}


def values(figure: Indicator) -> dict[str, dict[str, Any]]:
    """The values of each part by its name."""
    return {one.name: dict(one.values) for one in figure.parts}


def refer(past: Connection, subject: str, referral: str, kind: str = "LEGAL_AID", day: str = "2026-02-05") -> None:
    tell(past, subject, "intake.help_referred", day, {"referral_id": referral, "kind": kind, "to_agency": AID}, TOWN)


def answer(past: Connection, subject: str, referral: str, outcome: str, kind: str = "LEGAL_AID") -> None:
    data = {"referral_id": referral, "kind": kind, "outcome": outcome}
    tell(past, subject, "intake.help_answered", "2026-02-09", data, AID)


def test_legal_aid_is_followed_from_application_to_lawyer_and_key_persons_apart(past: Connection) -> None:
    for number, outcomes in enumerate((("ACCEPTED", "ASSIGNED"), ("DECLINED",), ())):
        home(past, person(number), "2026-01-05", key_person=number == 0)
        refer(past, person(number), f"R-{number}")
        for outcome in outcomes:
            answer(past, person(number), f"R-{number}", outcome)
    refer(past, person(2), "R-9", kind="HEALTH")
    refer(past, person(2), "R-8", day="2026-01-20")
    aid = by_name(help_given.compute(known(past), GROUND))["legal_aid"]
    assert (aid.top, aid.bottom) == (2, 3)
    assert values(aid) == {
        "": {"asked": 3, "decided": 2, "assigned": 1},
        "special": {"asked": 1, "decided": 1, "assigned": 1},
    }


def test_an_answer_to_another_referral_decides_nothing(past: Connection) -> None:
    home(past, person(1), "2026-01-05")
    refer(past, person(1), "R-1")
    answer(past, person(1), "R-2", "ACCEPTED")
    aid = by_name(help_given.compute(known(past), GROUND))["legal_aid"]
    assert (aid.top, aid.bottom) == (0, 1)


def test_legal_aid_in_time_counts_the_parts_that_the_rule_book_names(past: Connection) -> None:
    owed = [
        row(rule="A11", occurrence="decide:R-1"), row(rule="A11", occurrence="assign:R-2", standing="late"),
        row(rule="A11", occurrence="other:R-3"), row("990201", rule="A11", occurrence="decide:R-4", contest="open"), row(),
    ]  # fmt: skip
    past.execute(insert(duty), owed)
    found = by_name(help_given.compute(known(past), GROUND))["legal_aid_in_time"]
    assert (found.top, found.bottom, found.work) == (1, 2, "legal_aid")


def test_work_is_found_where_the_agency_says_that_it_is_done(past: Connection) -> None:
    for number, outcome in enumerate(("COMPLETED", "ACCEPTED")):
        home(past, person(number), "2026-01-05")
        refer(past, person(number), f"R-{number}", kind="EMPLOYMENT")
        answer(past, person(number), f"R-{number}", outcome, kind="EMPLOYMENT")
    refer(past, person(0), "R-5", kind="EMPLOYMENT", day="2026-02-20")
    home(past, person(7), "2025-01-05", "2026-01-05")
    refer(past, person(7), "R-7", kind="EMPLOYMENT", day="2025-02-05")
    found = by_name(help_given.compute(known(past), GROUND))["employment"]
    assert {one.subject: (one.holds, f"{one.at:%m-%d}") for one in found.rows if one.holds} == {
        person(0): (True, "02-09")
    }
    assert (found.top, found.bottom) == (1, 2)


def assess(past: Connection, subject: str, day: str, attempt: int, *, passed: bool) -> None:
    data = {"passed": passed, "attempt": attempt}
    tell(past, subject, "release.admission_education_assessed", day, data, PRISON)


def test_education_is_passed_failed_and_made_up(past: Connection) -> None:
    for number in range(4):
        home(past, person(number), "2026-01-05", kind="P")
    assess(past, person(0), "2026-02-03", 1, passed=True)
    assess(past, person(1), "2026-02-03", 1, passed=False)
    assess(past, person(1), "2026-02-24", 2, passed=True)
    assess(past, person(2), "2026-02-24", 1, passed=False)
    assess(past, person(3), "2026-01-20", 1, passed=False)
    for number, passed in ((0, True), (1, False)):
        data = {"started_on": "2026-01-20", "ended_on": "2026-02-10", "hours": 40, "passed": passed}
        tell(past, person(number), "release.education_completed", "2026-02-10", data, PRISON)
    found = by_name(education.compute(known(past)))
    numbers = {name: (one.top, one.bottom) for name, one in found.items()}
    assert numbers == {"admission_education": (2, 3), "made_up": (1, 2), "release_education": (1, 2)}


def report(past: Connection, office: str, kind: str, first: str, last: str, **counts: int) -> None:
    tell(past, office, "work.reported", last, {"kind": kind, "from": first, "to": last, **counts}, office)


def owe(past: Connection, office: str, first: str, *kinds: str) -> None:
    items = [{"kind": kind, "cadence": "MONTHLY"} for kind in kinds]
    tell(past, office, "work.duty_set", first, {"items": items, "from": first}, COUNTY)


def test_work_is_summed_by_kind_of_reports_that_end_in_the_month(past: Connection) -> None:
    report(past, TOWN, "COUNSELLING", "2026-02-01", "2026-02-28", held=3, people=20)
    report(past, COUNTY, "COUNSELLING", "2026-02-01", "2026-02-14", held=1, people=4)
    report(past, TOWN, "PUBLICITY", "2026-01-20", "2026-02-01", held=2, people=90)
    report(past, TOWN, "PUBLICITY", "2026-01-01", "2026-01-31", held=7, people=70)
    report(past, "TOWN_JUSTICE-980101001-01", "PUBLICITY", "2026-02-01", "2026-02-28", held=5)
    held = by_name(work_held.compute(known(past)))["works_held"]
    assert held.top == 3
    assert values(held) == {
        "COUNSELLING": {"offices": 2, "held": 4, "people": 24, "found": 0, "solved": 0},
        "PUBLICITY": {"offices": 1, "held": 2, "people": 90, "found": 0, "solved": 0},
    }


def test_screening_is_of_the_offices_that_owe_it_those_without_a_report_first(past: Connection) -> None:
    villages = [f"MEDIATION-99010200{number}-01" for number in range(4)]
    for village in villages[:3]:
        owe(past, village, "2026-01-01", "SCREENING")
    owe(past, villages[2], "2026-02-01", "PUBLICITY")
    owe(past, villages[3], "2026-03-01", "SCREENING")
    report(past, villages[1], "SCREENING", "2026-02-01", "2026-02-28", found=2)
    report(past, villages[0], "SCREENING", "2026-01-01", "2026-01-31")
    report(past, villages[3], "SCREENING", "2026-02-01", "2026-02-28")
    found = by_name(work_held.compute(known(past)))["screening"]
    assert (found.top, found.bottom) == (1, 2)
    assert list(values(found).items()) == [(villages[0], {"reports": 0}), (villages[1], {"reports": 1})]


def test_who_is_out_of_contact_and_how_long_it_took_to_find_others(past: Connection) -> None:
    for number in range(4):
        home(past, person(number), "2026-01-05", kind="B1")
        if number < 3:
            tell(past, person(number), "intake.search_opened", "2026-02-05", {"cause": "LOST_CONTACT"})
    tell(
        past,
        person(0),
        "intake.search_closed",
        "2026-02-05",
        {"cause": "LOST_CONTACT", "found": True, "hours": 5},
        clock="14:00",
    )
    tell(past, person(1), "intake.search_closed", "2026-02-07", {"cause": "LOST_CONTACT", "found": False, "hours": 48})
    tell(past, person(3), "intake.search_opened", "2026-01-20", {"cause": "LOST_CONTACT"})
    tell(past, person(3), "intake.search_closed", "2026-02-20", {"cause": "LOST_CONTACT", "found": True, "hours": 744})
    found = by_name(contact.compute(known(past)))
    assert {one.subject for one in found["out_of_contact"].rows} == {person(1), person(2)}
    assert (found["found_again"].top, found["found_again"].bottom) == (1, 3), "not found is no end of a search"
    assert values(found["found_again"]) == {"": {"n": 3, "median": None, "p90": None}}
    early = by_name(contact.compute(known(past, at=at("2026-02-05", "12:00"))))
    assert len(early["out_of_contact"].rows) == 4


def offend(past: Connection, subject: str, day: str, *, confirmed: bool = True) -> None:
    tell(past, subject, "intake.reoffence_recorded", "2026-02-25", {"offence_on": day, "confirmed": confirmed})


@pytest.mark.parametrize(("released", "percent"), [(49, None), (50, 4.0)])
def test_counties_stand_beside_the_city_where_fifty_were_released(
    past: Connection, released: int, percent: float | None
) -> None:
    for number in range(released):
        home(past, person(number), "2025-06-05")
        release(past, person(number), "2025-06-05")
    for number in range(2):
        offend(past, person(number), "2026-02-10")
    found = by_name(reoffending.compute(known(past)))["reoffended_by_county"]
    assert values(found)["990102"]["months_12"] == percent
    assert values(found)[""]["months_12"] == pytest.approx(200 / released)
    below = by_name(reoffending.compute(known(past, "990102")))["reoffended_by_county"]
    assert (below.withheld, list(below.parts)) == (50, [])


def test_what_was_open_on_the_day_of_an_offence_is_listed(past: Connection) -> None:
    subject, day = person(1), at("2026-02-10", "00:00")
    home(past, subject, "2026-01-05")
    offend(past, subject, "2026-02-10")
    offend(past, subject, "2026-02-12", confirmed=False)

    def owed(rule: str, due: int, until: int | None, standing: str = "open") -> dict[str, Any]:
        ends = day + timedelta(days=until) if until is not None else None
        return row(
            rule=rule, standing=standing, subject=subject, obligation_id=str(uuid.uuid4()), due_at=day + timedelta(days=due),
            known_from=day - timedelta(days=20), known_until=ends,
        )  # fmt: skip

    past.execute(
        insert(duty), [owed("A07", -2, None), owed("A10", 3, 5), owed("A02", 1, -1), owed("A12", 1, None, "waived")]
    )
    found = by_name(reoffending.compute(known(past)))["reoffence_open"]
    assert {one.fact: one.holds for one in found.rows} == {"A07": True, "A10": False}
    assert (found.top, found.bottom) == (1, 2)


def test_of_nothing_every_figure_is_nothing(past: Connection) -> None:
    base = known(past)
    for figure in (
        *help_given.compute(base, GROUND),
        *education.compute(base),
        *contact.compute(base),
        *work_held.compute(base),
    ):
        assert (figure.top, figure.bottom or 0, figure.percent, list(figure.parts)) == (0, 0, None, []), figure.name
