"""The freeze: a month's obligations as known at noon of the third day after it are copied once, and never touched again."""

import logging
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, or_, select

from handover.analysis.obligation_history import freezes_at
from handover.calendar import due_day_of, months_on, start_of
from sinks.readmodel.tables import duty, frozen_duty, frozen_month

log = logging.getLogger(__name__)


def freeze_months(connection: Connection, until: datetime, book: str) -> list[str]:
    """Freeze every month whose instant has come and that is not frozen: their names."""
    first = connection.execute(select(func.min(duty.c.due_at))).scalar()
    if first is None:
        return []
    frozen = set(connection.execute(select(frozen_month.c.month)).scalars())
    month, done = due_day_of(first).replace(day=1), []
    while (known_at := freezes_at(month)) <= until:
        name = f"{month:%Y-%m}"
        if name not in frozen:
            _freeze_month(connection, month, name, known_at)
            connection.execute(insert(frozen_month), {"month": name, "known_at": known_at, "rule_book": book})
            done.append(name)
        month = months_on(month, 1)
    if done:
        log.info("months are frozen", extra={"months": ", ".join(done)})
    return done


def _freeze_month(connection: Connection, first: date, name: str, known_at: datetime) -> None:
    columns = [column.name for column in frozen_duty.c if column.name != "month"]
    rows = select(literal(name), *(duty.c[column] for column in columns)).where(
        as_of(known_at), due_in(duty.c.due_at, first)
    )
    connection.execute(insert(frozen_duty).from_select(["month", *columns], rows))


def as_of(at: datetime) -> ColumnElement[bool]:
    """Rows of `duty` as of an instant: each obligation once."""
    return and_(duty.c.known_from <= at, or_(duty.c.known_until.is_(None), duty.c.known_until > at))


def due_in(due_at: ColumnElement[Any], first: date) -> ColumnElement[bool]:
    """Due in the month that begins at `first`; the end of its last day is still in it."""
    return and_(due_at > start_of(first), due_at <= start_of(months_on(first, 1)))
