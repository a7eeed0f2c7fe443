"""Data quality by publisher (domain.md 4.9): how late it tells what happened, what was refused, how long it was silent."""

from collections import Counter
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from console.reports.indicator import Indicator, IndicatorPart
from console.reports.month import Month
from handover.rules.rulebook import RuleBook
from schemas.agencies import AGENCY_TYPES
from sinks.readmodel.dialect import second_of
from sinks.readmodel.tables import alert, dead_letter, event


def compute(connection: Connection, book: RuleBook, month: Month, until: datetime, prefix: str) -> Indicator:
    """Per publisher of a place, of what arrived in the month up to `until`: events, median and p95 of lag, rejects, silence."""
    lags = _measure_lags(connection, month, until, prefix)
    rejects = _count_rejects(connection, month, until, prefix)
    silent = _measure_silence(connection, book, month, until, prefix)
    parts = []
    for source in sorted({*lags, *rejects, *silent}):
        n, middle, high = lags.get(source, (0, None, None))
        silence = silent.get(source, timedelta())
        parts.append(
            IndicatorPart(
                source, {"n": n, "median": middle, "p95": high, "rejects": rejects[source], "silent": silence}
            )
        )
    return Indicator("publishers", sum(n for n, *_ in lags.values()), parts=parts)


def _is_of_place(source: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """The code of a source's agency begins with a prefix (contract.md 1): nothing else in it is read as a code."""
    return or_(*(source.startswith(f"/agencies/{kind}-{prefix}", autoescape=True) for kind in AGENCY_TYPES))


def _has_arrived(at: ColumnElement[Any], month: Month, until: datetime) -> ColumnElement[bool]:
    return and_(at >= month.begins, at < month.ends, at <= until)


def _count_rejects(connection: Connection, month: Month, until: datetime, prefix: str) -> Counter[str]:
    """Dead letters that name their publisher, whatever was decided about them since."""
    source = dead_letter.c.source
    wanted = select(source, func.count()).where(
        _is_of_place(source, prefix), _has_arrived(dead_letter.c.received_at, month, until)
    )
    return Counter(dict(map(tuple, connection.execute(wanted.group_by(source)))))


def _measure_silence(
    connection: Connection, book: RuleBook, month: Month, until: datetime, prefix: str
) -> dict[str, timedelta]:
    """How long alerts said in the month that a publisher is silent."""
    begins, ends = month.begins, min(month.ends, until)
    columns = (alert.c.subject, alert.c.raised_at, alert.c.resolved_at)
    wanted = select(*columns).where(
        alert.c.rule_id.in_(book.policies.list_signalling("feed_silent")),
        _is_of_place(alert.c.subject, prefix),
        alert.c.raised_at < ends,
        or_(alert.c.resolved_at.is_(None), alert.c.resolved_at > begins),
    )
    found: dict[str, timedelta] = {}
    for source, raised_at, resolved_at in connection.execute(wanted):
        length = min(resolved_at or ends, ends) - max(raised_at, begins)
        found[source] = found.get(source, timedelta()) + max(length, timedelta())
    return found


Lags = dict[str, tuple[int, timedelta | None, timedelta | None]]  # how many events, median, p95


def _measure_lags(connection: Connection, month: Month, until: datetime, prefix: str) -> Lags:
    lag = second_of(connection, event.c.arrival) - second_of(connection, event.c.time)
    ranked = (
        select(
            event.c.source,
            lag.label("lag"),
            func.row_number().over(partition_by=event.c.source, order_by=lag).label("place"),
            func.count().over(partition_by=event.c.source).label("n"),
        )
        .where(_has_arrived(event.c.arrival, month, until), _is_of_place(event.c.source, prefix))
        .subquery()
    )
    counted = connection.execute(select(ranked.c.source, func.max(ranked.c.n)).group_by(ranked.c.source))
    sizes = {source: int(n) for source, n in counted}
    wanted = {source: (max(1, ceil(0.5 * n)), max(1, ceil(0.95 * n))) for source, n in sizes.items()}
    places = sorted({place for pair in wanted.values() for place in pair})
    rows = connection.execute(
        select(ranked.c.source, ranked.c.place, ranked.c.lag).where(or_(*(ranked.c.place == place for place in places)))
    ) if places else ()  # fmt: skip
    lags = {(source, place): timedelta(seconds=max(0, int(seconds))) for source, place, seconds in rows}
    return {
        source: (sizes[source], lags[(source, middle)], lags[(source, high)])
        for source, (middle, high) in wanted.items()
    }
