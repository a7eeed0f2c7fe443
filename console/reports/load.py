"""Load (domain.md 4.9): open obligations and people per officer, by office. Officers are counted, never named or compared.

As the measure of open obligations per officer has it, what a county's bureau and townships owe about a person is with the officer
who took them over last.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import select

from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, PartValue, make_share
from console.reports.obligation_base import ObligationBase, ObligationFilter
from console.reports.person_base import PersonBase
from handover.agencies import type_of

LEAST_OFFICERS = 2  # an average of one is a number about one
_TAKEN_OVER = ("intake.acknowledged", "intake.assigned")
_OF_COUNTY = frozenset(("COUNTY_JUSTICE", "TOWN_JUSTICE"))
_NOBODY = ("", "")


def compute(known: PersonBase) -> Indicator:
    """Denominator: open obligations of county bureaus and townships; numerator: those about people whom an officer took over.

    By office: its people, those obligations about them, and both by its officers; without a name: people whom nobody took over yet.
    """
    with_whom = _find_officers(known)
    rows = _read_open(known, with_whom)
    duties = Counter(with_whom.get(row.subject, _NOBODY)[0] for row in rows)
    people: dict[str, set[str]] = {office: set() for office in duties}
    officers: dict[str, set[str]] = {}
    for home in known.list_open():
        office, officer = with_whom.get(home.subject, _NOBODY)
        people.setdefault(office, set()).add(home.subject)
        officers.setdefault(office, set()).update({officer} - {""})
    parts = [
        IndicatorPart(office, _compute_values(len(found), duties[office], officers.get(office, ())), len(found))
        for office, found in sorted(people.items())
    ]
    return make_share("load", rows, parts)


def _compute_values(people: int, duties: int, officers: Collection[str]) -> Mapping[str, PartValue]:
    n = len(officers) if len(officers) >= LEAST_OFFICERS else None
    averages = (people / n, duties / n) if n is not None else (None, None)
    return {"people": people, "duties": duties, "officers": n, "people_each": averages[0], "duties_each": averages[1]}


def _find_officers(known: PersonBase) -> dict[str, tuple[str, str]]:
    """The office and the officer who took each person over last."""
    return {
        one.subject: (one.data.get("town_agency", one.agency), one.data["officer_ref"])
        for one, _ in known.read_all(_TAKEN_OVER)
        if one.data.get("accepted", True)
    }


def _read_open(known: PersonBase, taken_over: Collection[str]) -> list[DrillDownRow]:
    d = ObligationBase(None, known.at, False).rows()
    wanted = ObligationFilter(None, known.prefix, known.kinds).of(d)
    columns = (d.c.subject, d.c.jurisdiction, d.c.owner_agency, d.c.due_at, d.c.rule_id)
    is_open = select(*columns).where(d.c.standing == "open", wanted).order_by(d.c.due_at, d.c.alert_id)
    found = known.connection.execute(is_open)
    return [DrillDownRow(*row, row.subject in taken_over) for row in found if type_of(row.owner_agency) in _OF_COUNTY]
