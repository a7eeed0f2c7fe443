"""Re-offending (domain.md 4.9): of the people released in the months before an instant, those with a confirmed new offence since.

It stands alone: it is no share of those on the register, nor of those in prison. Below a city it is told of no fewer than fifty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, PartValue, make_share
from console.reports.person_base import PersonBase
from console.reports.scoreboard import FEW
from handover.calendar import months_on, start_of
from handover.facts.fact import Fact
from sinks.obligation_ledger.months import as_of
from sinks.readmodel.tables import duty

WINDOWS = (12, 36, 60)  # months
LEAST = 50
_CITY, _COUNTY = 4, 6  # digits


def compute(known: PersonBase) -> list[Indicator]:
    """One for each window that ends with the month, or with what is known of it; by county; what was open on the day."""
    ends = min(known.month.ends, known.at)
    offences = _read_offences(known)
    windows = {months: _read_window(known, months, ends, offences) for months in WINDOWS}
    each = [_compute_window(known, months, rows) for months, rows in windows.items()]
    return [*each, _compare_counties(known, windows), _list_open(known, offences)]


def _read_window(
    known: PersonBase, months: int, ends: datetime, offences: Mapping[str, Iterable[date]]
) -> list[DrillDownRow]:
    first: dict[str, tuple[Fact, Home]] = {}  # of each person, who counts once
    for one, home in known.read_events(("release.occurred",), start_of(months_on(ends.date(), -months)), ends):
        first.setdefault(one.subject, (one, home))
    return [
        DrillDownRow(
            one.subject, home.jurisdiction, home.sending, one.time, one.name,
            any(one.time.date() <= day and start_of(day) < ends for day in offences.get(one.subject, ())),
        )
        for one, home in first.values()
    ]  # fmt: skip


def _compute_window(known: PersonBase, months: int, rows: Sequence[DrillDownRow]) -> Indicator:
    name = f"reoffended_{months}"
    if len(known.prefix) > _CITY and len(rows) < LEAST:
        return Indicator(name, withheld=LEAST)
    return replace(make_share(name, rows), oldest=min((row.at for row in rows), default=None))


def _compare_counties(known: PersonBase, windows: Mapping[int, Sequence[DrillDownRow]]) -> Indicator:
    """The percentage of each window, of all together and of each county; nothing of counties with fewer than fifty."""
    if len(known.prefix) > _CITY:
        return Indicator("reoffended_by_county", withheld=LEAST)
    counties = sorted({row.place[:_COUNTY] for rows in windows.values() for row in rows})
    parts = []
    for county in ("", *counties) if counties else ():
        values: dict[str, PartValue] = {}
        for months, rows in windows.items():
            own = [row for row in rows if row.place.startswith(county)]
            enough = len(own) >= (LEAST if county else FEW)
            values[f"months_{months}"] = 100 * sum(row.holds for row in own) / len(own) if enough else None
        parts.append(IndicatorPart(county, values))
    return Indicator("reoffended_by_county", parts=parts)


def _list_open(known: PersonBase, offences: Mapping[str, Iterable[date]]) -> Indicator:
    """Denominator: obligations about people on the day of a confirmed offence in the month, open then; numerator: late then."""
    homes = {home.subject: home for home in known.list_handovers()}
    month, rows = known.month, list[DrillDownRow]()
    for subject, days in sorted(offences.items()):
        for day in sorted(set(days)):
            at = start_of(day)
            if subject not in homes or not month.begins <= at < min(month.ends, known.at):
                continue
            wanted = select(duty).where(as_of(at), duty.c.subject == subject, duty.c.standing == "open")
            for one in known.connection.execute(wanted.order_by(duty.c.due_at, duty.c.obligation_id)):
                rows.append(
                    DrillDownRow(subject, one.jurisdiction, one.owner_agency, one.due_at, one.rule_id, one.due_at <= at)
                )
    return make_share("reoffence_open", rows)


def _read_offences(known: PersonBase) -> dict[str, list[date]]:
    """The days of confirmed offences by person; what was said of a day last is true of it."""
    found: dict[str, list[date]] = {}
    for subject, told in known.read_by_person(("intake.reoffence_recorded",)).items():
        confirmed = {one.data["offence_on"]: one.data["confirmed"] for one in told}
        found[subject] = [date.fromisoformat(day) for day, is_confirmed in confirmed.items() if is_confirmed]
    return found
