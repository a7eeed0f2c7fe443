"""Instants in SQL: hours, local days and lengths, said the way each of the two databases wants."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, cast, extract, func, type_coerce

_HOUR = "%Y-%m-%d %H"
_SECONDS_OF_DAY = 86_400
ZONE = "Asia/Shanghai"


def hour_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The hour of an instant as text; `read_hour` reads it."""
    if connection.dialect.name == "sqlite":
        return func.substr(column, 1, 13)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")


def read_hour(text: str) -> datetime:
    """The beginning of an hour that `hour_of` named."""
    return datetime.strptime(text, _HOUR).replace(tzinfo=UTC)


def day_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The local date of an instant, as ISO text."""
    if connection.dialect.name == "sqlite":
        return func.date(column, "+8 hours")
    return func.to_char(func.timezone(ZONE, column), "YYYY-MM-DD")


def seconds_between(
    connection: Connection, first: ColumnElement[Any], then: ColumnElement[Any]
) -> ColumnElement[float]:
    """How many seconds lie between two instants."""
    if connection.dialect.name == "sqlite":
        days = type_coerce(func.julianday(then), Float) - type_coerce(func.julianday(first), Float)
        return days * _SECONDS_OF_DAY
    return cast(extract("epoch", then - first), Float)
