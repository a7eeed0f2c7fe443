"""Terms of electronic monitoring (domain.md 4.9): running, and over without an end or an extension that was told."""

from datetime import date

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, make_share
from console.reports.person_base import PersonBase
from handover.calendar import start_of
from handover.facts.fact import Fact

_STARTED, _ENDED = "checkin.em_started", "checkin.em_ended"
_TERMS = (_STARTED, "checkin.em_extended", _ENDED)


def compute(known: PersonBase) -> Indicator:
    """Denominator: people of open handovers with a term that has begun and was not ended; numerator: its last day is past."""
    today = known.at.date()
    last: dict[str, tuple[Fact, Home]] = {}
    for one, home in known.read_all(_TERMS):
        if one.name != _STARTED or date.fromisoformat(one.data["on"]) <= today:
            last[one.subject] = (one, home)
    still_open = {home.handover_id for home in known.list_open()}
    rows = []
    for one, home in last.values():
        if one.name != _ENDED and home.handover_id in still_open:
            until = date.fromisoformat(one.data["until"])
            rows.append(
                DrillDownRow(one.subject, home.jurisdiction, one.agency, start_of(until), one.name, until < today)
            )
    return make_share("em_over", rows)
