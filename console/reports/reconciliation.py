"""The stock check (domain.md 4.9): per county, opening + in - out = closing, else a word of the log is missing.

Opening and closing are counted from the handovers, in and out from the events that began and ended them, so the two sides can differ.
A handover counts where it is now.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from console.auth.permissions import under
from console.reports.events import Home, select_refs
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, make_share
from console.reports.person_base import PersonBase
from sinks.readmodel.tables import event, handover

_COUNTY = 6  # digits
_COUNTS = ("opening", "in", "out", "closing")
Words = Mapping[tuple[str, datetime], datetime]  # of a person at an instant: when the first arrived


def compute(known: PersonBase) -> Indicator:
    """Denominator: handovers that began or ended in the month, once each; numerator: an event says so."""
    ends = min(known.month.ends, known.at)
    begins = min(known.month.begins, ends)
    words = _read_words(known.connection, known.prefix, begins)
    counts: dict[str, Counter[str]] = {}
    rows: list[DrillDownRow] = []
    for home in known.list_handovers():
        county = counts.setdefault(home.jurisdiction[:_COUNTY], Counter())
        for row in _list_moves(home, words, known.at):
            began = row.fact == "stock.in"
            county["opening"] += (1 if began else -1) * (row.at < begins)
            county["closing"] += (1 if began else -1) * (row.at < ends)
            if begins <= row.at < ends:
                county["in" if began else "out"] += row.holds
                rows.append(row)
    parts = [_make_part(county, found) for county, found in sorted(counts.items())]
    return make_share("stock", rows, parts)


def _list_moves(home: Home, words: Words, at: datetime) -> Iterator[DrillDownRow]:
    """The beginning and the end of a handover, as far as they were known; `holds`: an event says so."""
    for fact, moved_at in (("stock.in", home.opened_at), ("stock.out", home.closed_at)):
        if moved_at is None:
            return
        arrived = words.get((home.subject, moved_at))
        if arrived is not None and arrived > at:
            return
        yield DrillDownRow(home.subject, home.jurisdiction, home.county, moved_at, fact, arrived is not None)


def _make_part(county: str, found: Counter[str]) -> IndicatorPart:
    counts = {name: found[name] for name in _COUNTS}
    differs = found["closing"] - (found["opening"] + found["in"] - found["out"])
    fewest = min((n for n in counts.values() if n), default=0)
    return IndicatorPart(county, {**counts, "differs": differs}, fewest)


def _read_words(connection: Connection, prefix: str, begins: datetime) -> dict[tuple[str, datetime], datetime]:
    """Events at the instants at which handovers began or ended since `begins`, said of a person or of a ref that is tied to them."""
    refs = select_refs(prefix)
    began = and_(handover.c.opened_at >= begins, event.c.time == handover.c.opened_at)
    ended = and_(handover.c.closed_at >= begins, event.c.time == handover.c.closed_at)
    wanted = (
        select(handover.c.subject, event.c.time, func.min(event.c.arrival))
        .join(refs, refs.c.subject == handover.c.subject)
        .join(event, event.c.subject == refs.c.other)
        .where(under(handover.c.jurisdiction, prefix), or_(began, ended))
        .group_by(handover.c.subject, event.c.time)
    )
    return {(subject, at): arrival for subject, at, arrival in connection.execute(wanted)}
