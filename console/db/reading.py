"""Reading rows as pages need them: with the names and types of their columns, so that a renamed column is found by the type checker.

A query is read with the shape that it has; columns that differ from it are refused at once.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select

Shape = TypeVar("Shape")


def read_all(connection: Connection, query: Select[Any], shape: type[Shape]) -> list[Shape]:
    """The rows of a query, each as a dict of this shape. Raise TypeError where its columns are others."""
    result = connection.execute(query)
    names = _check(result.keys(), shape)
    return [dict(zip(names, row, strict=True)) for row in result]  # type: ignore[misc]  # checked above


def read_first(connection: Connection, query: Select[Any], shape: type[Shape]) -> Shape | None:
    """The first row of a query; None where it has none. Raise TypeError where its columns are others."""
    result = connection.execute(query)
    names = _check(result.keys(), shape)
    row = result.first()
    return dict(zip(names, row, strict=True)) if row is not None else None  # type: ignore[return-value]  # checked above


def columns_of(table: FromClause, *shapes: type) -> list[ColumnElement[Any]]:
    """The columns of a table that these shapes name. Raise KeyError for one that it has not."""
    return [table.c[name] for shape in shapes for name in shape.__annotations__]


def _check(columns: Iterable[str], shape: type) -> tuple[str, ...]:
    names = tuple(columns)
    differing = shape.__annotations__.keys() ^ set(names)
    if differing:
        raise TypeError(f"{shape.__name__}: the query has other columns: {', '.join(sorted(differing))}")
    return names
