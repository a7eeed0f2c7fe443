"""What differs between the databases: every comparison of a dialect in the product. Another database is another branch here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Float,
    LargeBinary,
    Table,
    bindparam,
    cast,
    column,
    event,
    extract,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)  # fmt: skip
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

_HOUR = "%Y-%m-%d %H"
_SECONDS_OF_DAY = 86_400
ZONE = "Asia/Shanghai"


def is_one_file(bind: Engine | Connection) -> bool:
    """Whether the database is one file on this machine (SQLite), which brings its own tables up to date, and has one writer."""
    return bind.dialect.name == "sqlite"


def is_server(bind: Engine | Connection) -> bool:
    """Whether the database is a server (PostgreSQL), whose tables are brought up to date by command only."""
    return bind.dialect.name == "postgresql"


def is_server_address(url: URL) -> bool:
    """Whether an address names a database server (PostgreSQL)."""
    return url.get_backend_name() == "postgresql"


# --- connections


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a reader waits: for a lock, for a statement, for a free connection, for a new one; and how many it opens."""

    lock: float
    statement: float
    pool: float
    connect: float
    connections: int


def engine_options(url: URL, patience: Patience) -> dict[str, Any]:
    """What the engine is made with; settings that stand in the address already stay."""
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        return {}  # one connection, which nobody waits for
    pool = {"pool_timeout": patience.pool, "pool_size": patience.connections, "max_overflow": 0}
    if not is_server_address(url):
        return pool
    told = url.query.get("options", "")
    wanted = {"lock_timeout": patience.lock, "statement_timeout": patience.statement}
    given = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in wanted.items())
    options = f"{given} {told if isinstance(told, str) else ' '.join(told)}".strip()
    return {**pool, "connect_args": {"options": options, "connect_timeout": max(2, round(patience.connect))}}


@contextmanager
def read_snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment, while others go on writing."""
    if is_one_file(engine):
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
        return
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


@contextmanager
def hold_alone(engine: Engine, key: int) -> Iterator[bool]:
    """Whether nobody else holds the key; held until the end. A file has one machine, and one sink on it."""
    if not is_server(engine):
        yield True
        return
    with engine.connect() as connection:
        locked = connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar_one()
        connection.commit()
        try:
            yield bool(locked)
        finally:
            if locked:
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
                connection.commit()


def limit_lock_waits(engine: Engine, seconds: int) -> None:
    """A statement waits for a lock for some seconds, then it fails as if the database was away, and is tried again."""
    if not is_server(engine):
        return

    def limit(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.execute(f"SET lock_timeout = '{seconds}s'")
        connection.commit()

    event.listen(engine, "connect", limit)


def sort_in_memory(connection: Connection, memory: str) -> None:
    """Let this transaction sort so much (as PostgreSQL writes it, "64MB") without the disk."""
    if is_server(connection):
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{memory}'")


# --- rows


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], guard: str | None) -> None:
    """Insert or update by primary key; with a guard column a row that is not newer is left alone. One row per key, please."""
    if not rows:
        return
    insert, values = insert_of(connection, table, rows)
    keys = [column.name for column in table.primary_key]
    new = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    where = insert.excluded[guard] > table.c[guard] if guard else None
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new, where=where), values)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert; rows whose key is known are left alone."""
    if rows:
        insert, values = insert_of(connection, table, rows)
        connection.execute(insert.on_conflict_do_nothing(), values)


def keep_least(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], column: str) -> None:
    """Insert; of a row whose key is known only one column is taken, if it is less. One row per key, please."""
    if rows:
        insert, values = insert_of(connection, table, rows)
        keys, new = [one.name for one in table.primary_key], insert.excluded[column]
        least = insert.on_conflict_do_update(index_elements=keys, set_={column: new}, where=new < table.c[column])
        connection.execute(least, values)


def insert_of(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> tuple[Any, Any]:
    """An insert of rows, and its values.

    PostgreSQL takes all rows as one JSON value: sending and planning each row by itself costs more than writing it. Rows with
    bytes, which JSON has not, go one by one.
    """
    if is_one_file(connection):
        return sqlite.insert(table), list(rows)
    names = list(rows[0])
    if any(isinstance(table.c[name].type, LargeBinary) for name in names):
        return postgresql.insert(table), list(rows)
    shape: Any = literal_column(f"NULL::{connection.dialect.identifier_preparer.quote(table.name)}")
    columns = [column(name, table.c[name].type) for name in names]
    told = func.json_populate_recordset(shape, bindparam("told", type_=JSON)).table_valued(*columns, name="told")
    return postgresql.insert(table).from_select(names, select(*told.c)), {"told": list(rows)}


# --- instants: hours, local days and lengths, said the way each database wants


def hour_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The hour of an instant as text; `read_hour` reads it."""
    if is_one_file(connection):
        return func.substr(column, 1, 13)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")


def read_hour(text: str) -> datetime:
    """The beginning of an hour that `hour_of` named."""
    return datetime.strptime(text, _HOUR).replace(tzinfo=UTC)


def day_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The local date of an instant, as ISO text."""
    if is_one_file(connection):
        return func.date(column, "+8 hours")
    return func.to_char(func.timezone(ZONE, column), "YYYY-MM-DD")


def seconds_between(
    connection: Connection, first: ColumnElement[Any], then: ColumnElement[Any]
) -> ColumnElement[float]:
    """How many seconds lie between two instants."""
    if is_one_file(connection):
        days = type_coerce(func.julianday(then), Float) - type_coerce(func.julianday(first), Float)
        return days * _SECONDS_OF_DAY
    return cast(extract("epoch", then - first), Float)


def second_of(connection: Connection, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The whole second of an instant since 1970, alike on both databases."""
    if is_one_file(connection):
        return cast(func.strftime("%s", at), BigInteger)
    return cast(func.floor(extract("epoch", at)), BigInteger)
