"""What offices reported of their work: sessions and people by kind, and who of those that owe screening reported it."""

from datetime import date

from console.reports.events import read_standing
from console.reports.indicator import Indicator, IndicatorPart
from console.reports.person_base import PersonBase
from handover.agencies import code_of
from handover.calendar import DAY, start_of
from handover.facts.fact import Fact
from sinks.readmodel.tables import event

_REPORTED, _OWED = "work.reported", "work.duty_set"
_SCREENING = "SCREENING"
_COUNTS = ("held", "people", "found", "solved")


def compute(known: PersonBase) -> list[Indicator]:
    """Reports whose last day lies in the month, and screening."""
    reports = [one for one in _read(known, _REPORTED) if _ends_in_month(known, one)]
    kinds = sorted({one.data["kind"] for one in reports})
    parts = [_sum_kind(kind, [one for one in reports if one.data["kind"] == kind]) for kind in kinds]
    return [Indicator("works_held", len(reports), parts=parts), _compute_screening(known, reports)]


def _read(known: PersonBase, fact: str) -> list[Fact]:
    """Facts of the offices of a place, as known; a report counts whenever it came."""
    of_place = event.c.subject.contains(f"-{known.prefix}", autoescape=True)
    told = read_standing(known.connection, (fact,), known.at, of_place)
    return [one for one in told if code_of(one.subject).startswith(known.prefix)]


def _ends_in_month(known: PersonBase, one: Fact) -> bool:
    return known.month.begins <= start_of(date.fromisoformat(one.data["to"])) < known.month.ends


def _sum_kind(kind: str, reports: list[Fact]) -> IndicatorPart:
    sums = {name: sum(one.data.get(name) or 0 for one in reports) for name in _COUNTS}
    return IndicatorPart(kind, {"offices": len({one.subject for one in reports}), **sums}, sums["people"])


def _compute_screening(known: PersonBase, reports: list[Fact]) -> Indicator:
    """Denominator: offices that owed screening in the month; numerator: those that reported it. By office: their reports."""
    last_day = (known.month.ends - DAY).date()
    in_force: dict[str, Fact] = {}
    for one in _read(known, _OWED):
        if date.fromisoformat(one.data["from"]) <= last_day:
            before = in_force.get(one.subject)
            if before is None or before.data["from"] <= one.data["from"]:
                in_force[one.subject] = one
    owing = sorted(
        office for office, one in in_force.items() if any(item["kind"] == _SCREENING for item in one.data["items"])
    )
    told = dict.fromkeys(owing, 0)
    for one in reports:
        if one.data["kind"] == _SCREENING and one.subject in told:
            told[one.subject] += 1
    parts = [
        IndicatorPart(office, {"reports": n}) for office, n in sorted(told.items(), key=lambda one: (one[1], one[0]))
    ]
    return Indicator("screening", sum(n > 0 for n in told.values()), len(owing), parts=parts)
