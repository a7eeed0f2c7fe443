"""How late each publisher tells what happened: from the event's time to its arrival."""

from datetime import timedelta
from math import ceil
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, extract, func, or_, select

from console.reports.figure import Figure, Part
from console.reports.month import Month
from sinks.tables import event


def figure(connection: Connection, month: Month, until: Any, prefix: str) -> Figure:
    """Median and p95 per publisher of a place, of what arrived in the month up to `until`."""
    lag = _lag(connection.dialect.name)
    ours = func.substr(event.c.source, 1, 200).like(f"%-{prefix}%")
    arrived = and_(event.c.arrival >= month.begins, event.c.arrival < month.ends, event.c.arrival <= until, ours)
    ranked = (
        select(
            event.c.source,
            lag.label("lag"),
            func.row_number().over(partition_by=event.c.source, order_by=lag).label("place"),
            func.count().over(partition_by=event.c.source).label("n"),
        )
        .where(arrived)
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
    parts = [
        Part(source, sizes[source], lags[(source, middle)], lags[(source, high)])
        for source, (middle, high) in sorted(wanted.items())
    ]
    return Figure("lags", sum(sizes.values()), parts=parts)


def _lag(dialect: str) -> ColumnElement[Any]:
    """Whole seconds, alike on both databases."""
    return _second(dialect, event.c.arrival) - _second(dialect, event.c.time)


def _second(dialect: str, at: ColumnElement[Any]) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return cast(func.strftime("%s", at), BigInteger)
    return cast(func.floor(extract("epoch", at)), BigInteger)
