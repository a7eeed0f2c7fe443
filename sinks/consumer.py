"""What a sink is: topics, and a function that writes a batch of their records in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import JSON, Connection, LargeBinary, Table, bindparam, column, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from sinks.readmodel.tables import change


class SinkUnavailable(Exception):
    """The destination does not answer: wait, and write the same batch again."""


class Unwritable(Exception):
    """The destination refuses what it was given, and will refuse it again. The text names the kind of refusal, never a value."""


class Record(NamedTuple):
    """One record of a topic (without prefix); `arrival` is its broker timestamp, mapped to the time that facts are judged in."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int
    arrival: datetime


class Write(Protocol):
    """Writes a batch inside the caller's transaction. Writing it again changes nothing. Invalid records are returned, never raised."""

    def __call__(self, connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
        """Write; the records that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Sink:
    """One consumer group: its name, the topics it reads (without prefix), how it writes.

    `tables`: hold a row as soon as anything was written; `reckoned`: begin again when the topics are read from their beginning;
    `set_aside`: how a record that cannot be written is kept where the dead letter topic cannot take it;
    `unmarked`: take what bears no worker's mark on the workers' own topics too.
    """

    name: str
    topics: tuple[str, ...]
    write: Write
    tables: tuple[Table, ...] = ()
    reckoned: tuple[Table, ...] = ()
    set_aside: Callable[[Connection, Record, str], None] | None = None
    unmarked: bool = False


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], guard: str | None) -> None:
    """Insert or update by primary key; with a guard column a row that is not newer is left alone. One row per key, please."""
    if not rows:
        return
    insert, values = _insert(connection, table, rows)
    keys = [column.name for column in table.primary_key]
    new = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    where = insert.excluded[guard] > table.c[guard] if guard else None
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new, where=where), values)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert; rows whose key is known are left alone."""
    if rows:
        insert, values = _insert(connection, table, rows)
        connection.execute(insert.on_conflict_do_nothing(), values)


def keep_least(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], column: str) -> None:
    """Insert; of a row whose key is known only one column is taken, if it is less. One row per key, please."""
    if rows:
        insert, values = _insert(connection, table, rows)
        keys, new = [one.name for one in table.primary_key], insert.excluded[column]
        least = insert.on_conflict_do_update(index_elements=keys, set_={column: new}, where=new < table.c[column])
        connection.execute(least, values)


def changed(connection: Connection, kind: str, keys: Sequence[str]) -> None:
    """Number what changed, so that open pages can follow."""
    if keys:
        connection.execute(*_insert(connection, change, [{"kind": kind, "key": key} for key in keys]))


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> tuple[Any, Any]:
    """An insert of rows, and its values.

    PostgreSQL takes all rows as one JSON value: sending and planning each row by itself costs more than writing it. Rows with
    bytes, which JSON has not, go one by one.
    """
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table), list(rows)
    names = list(rows[0])
    if any(isinstance(table.c[name].type, LargeBinary) for name in names):
        return postgresql.insert(table), list(rows)
    shape: Any = literal_column(f"NULL::{connection.dialect.identifier_preparer.quote(table.name)}")
    columns = [column(name, table.c[name].type) for name in names]
    told = func.json_populate_recordset(shape, bindparam("told", type_=JSON)).table_valued(*columns, name="told")
    return postgresql.insert(table).from_select(names, select(*told.c)), {"told": list(rows)}
