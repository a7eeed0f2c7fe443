"""Persons out of contact: who is now, and how long it took to find those who were."""

from datetime import timedelta

from console.reports.events import Home
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, compute_quantiles, make_count, make_share
from console.reports.person_base import PersonBase
from handover.facts.fact import Fact

_OPENED, _CLOSED = "intake.search_opened", "intake.search_closed"


def compute(known: PersonBase) -> list[Indicator]:
    """A search begins when contact is lost; it has ended when the person is found."""
    searches = _list_searches(known)
    still_open = {home.handover_id for home in known.list_open()}
    now = [
        home.row(one, holds=True) for one, home, found in searches if found is None and home.handover_id in still_open
    ]
    month = known.month
    begun = [(one, home, found) for one, home, found in searches if month.begins <= one.time < month.ends]
    answered = [found.time - one.time for one, _, found in begun if found is not None]
    waiting = [max(known.at - one.time, timedelta()) for one, _, found in begun if found is None]
    parts = [IndicatorPart("", {"n": len(begun), **compute_quantiles(answered, waiting)}, len(begun))] if begun else []
    rows: list[DrillDownRow] = [home.row(one, holds=found is not None) for one, home, found in begun]
    return [make_count("out_of_contact", now), make_share("found_again", rows, parts)]


def _list_searches(known: PersonBase) -> list[tuple[Fact, Home, Fact | None]]:
    """Each search with the fact that found the person; a search that is opened again goes on."""
    running: dict[str, tuple[Fact, Home]] = {}
    ended: list[tuple[Fact, Home, Fact | None]] = []
    for one, home in known.read_all((_OPENED, _CLOSED)):
        if one.name == _OPENED:
            running.setdefault(one.subject, (one, home))
        elif one.data["found"] and one.subject in running:
            ended.append((*running.pop(one.subject), one))
    return [*ended, *((one, home, None) for one, home in running.values())]
