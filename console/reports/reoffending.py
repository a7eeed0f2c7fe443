"""Re-offending (domain.md 4.9): of the people released in the months before an instant, those with a confirmed new offence since.

It stands alone: it is no share of those on the register, nor of those in prison. Below a city it is told of no fewer than fifty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, make_share
from console.reports.person_base import PersonBase
from handover.calendar import months_on, start_of
from handover.facts.fact import Fact

WINDOWS = (12, 36, 60)  # months
LEAST = 50
_CITY = 4  # digits


def compute(known: PersonBase) -> list[Indicator]:
    """One for each window that ends with the month, or with what is known of it."""
    ends = min(known.month.ends, known.at)
    offences = _read_offences(known)
    return [_compute_window(known, months, ends, offences) for months in WINDOWS]


def _compute_window(
    known: PersonBase, months: int, ends: datetime, offences: Mapping[str, Iterable[date]]
) -> Indicator:
    name = f"reoffended_{months}"
    first: dict[str, tuple[Fact, Home]] = {}  # of each person, who counts once
    for one, home in known.read_events(("release.occurred",), start_of(months_on(ends.date(), -months)), ends):
        first.setdefault(one.subject, (one, home))
    rows = [
        DrillDownRow(
            one.subject, home.jurisdiction, home.sending, one.time, one.name,
            any(one.time.date() <= day and start_of(day) < ends for day in offences.get(one.subject, ())),
        )
        for one, home in first.values()
    ]  # fmt: skip
    if len(known.prefix) > _CITY and len(rows) < LEAST:
        return Indicator(name, withheld=LEAST)
    return replace(make_share(name, rows), oldest=min((row.at for row in rows), default=None))


def _read_offences(known: PersonBase) -> dict[str, list[date]]:
    """The days of confirmed offences by person; what was said of a day last is true of it."""
    found: dict[str, list[date]] = {}
    for subject, told in known.read_by_person(("intake.reoffence_recorded",)).items():
        confirmed = {one.data["offence_on"]: one.data["confirmed"] for one in told}
        found[subject] = [date.fromisoformat(day) for day, is_confirmed in confirmed.items() if is_confirmed]
    return found
