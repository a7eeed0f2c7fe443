"""What differs between the databases: every comparison of a dialect in the product. Another database is another branch here."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
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
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

_HOUR = "%Y-%m-%d %H"
_SECONDS_OF_DAY = 86_400
_FILE = "file"  # key of what a pooled connection remembers
ZONE = "Asia/Shanghai"


def is_known(url: URL) -> bool:
    """Whether the product knows the database of an address."""
    return url.get_backend_name() in ("sqlite", "postgresql")


def is_server(place: Engine | Connection | URL) -> bool:
    """Whether the database is a server (PostgreSQL): with users, TLS and several writers, and tables brought up to date by command only."""
    name = place.get_backend_name() if isinstance(place, URL) else place.dialect.name
    return name == "postgresql"


def _is_file(place: Engine | Connection) -> bool:
    """Whether the database is one file on this machine (SQLite), which brings its own tables up to date, and has one writer."""
    return place.dialect.name == "sqlite"


# --- connections


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a process waits: for a lock, for a statement, for a free connection, for a new one; and how many it opens.

    None: as long, or as many, as the database and its driver have it.
    """

    lock: float | None = None
    statement: float | None = None
    pool: float | None = None
    connect: float | None = None
    connections: int | None = None


_BUSY_SECONDS = 10.0  # how long one writer of a file waits for another, where nothing else was asked for


def engine_options(url: URL, patience: Patience) -> dict[str, Any]:
    """What the engine is made with; settings that stand in the address already stay."""
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        return {}  # one connection, which nobody waits for
    options: dict[str, Any] = {}
    if patience.pool is not None:
        options["pool_timeout"] = patience.pool
    if patience.connections is not None:
        options |= {"pool_size": patience.connections, "max_overflow": 0}
    if is_server(url) and (arguments := _server_arguments(url, patience)):
        options["connect_args"] = arguments
    return options


def _server_arguments(url: URL, patience: Patience) -> dict[str, Any]:
    limits = {"lock_timeout": patience.lock, "statement_timeout": patience.statement}
    own = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items() if seconds is not None]
    arguments: dict[str, Any] = {}
    if own:
        given = url.query.get("options", "")
        arguments["options"] = " ".join([*own, given if isinstance(given, str) else " ".join(given)]).strip()
    if patience.connect is not None:
        arguments["connect_timeout"] = max(2, round(patience.connect))
    return arguments


def prepare_connections(engine: Engine, patience: Patience) -> None:
    """Prepare each connection to a file: write-ahead log, one writer waits for another, a file that was replaced is opened anew."""
    if _is_file(engine):
        event.listen(
            engine, "connect", partial(_set_pragmas, patience.lock if patience.lock is not None else _BUSY_SECONDS)
        )
        _follow_file(engine)


def _set_pragmas(busy_seconds: float, connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    busy = f"busy_timeout={int(busy_seconds * 1000)}"
    for pragma in ("journal_mode=WAL", busy, "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _follow_file(engine: Engine) -> None:
    """A connection to a file that was removed or replaced reads and writes what nobody else sees: it is opened anew."""

    def note_file(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_FILE] = _inode(engine)

    def compare_file(_: Any, record: ConnectionPoolEntry, __: Any) -> None:
        if _inode(engine) != record.info.get(_FILE):
            raise InvalidatePoolError

    event.listen(engine, "connect", note_file)
    event.listen(engine, "checkout", compare_file)


def _inode(engine: Engine) -> int | None:
    try:
        return Path(engine.url.database or "").stat().st_ino
    except OSError:
        return None


@contextmanager
def read_snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment, while others go on writing."""
    if _is_file(engine):
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


def sort_in_memory(connection: Connection, memory: str) -> None:
    """Let this transaction sort so much (as PostgreSQL writes it, "64MB") without the disk."""
    if is_server(connection):
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{memory}'")


# --- a shadow: a second, empty database beside the first, whose rows then go over


@contextmanager
def open_shadow(engine: Engine, name: str, connect: Callable[[str], Engine]) -> Iterator[Engine]:
    """An empty database beside another: a schema of a server, a file beside a file. It is gone afterwards."""
    if _is_file(engine):
        path = Path(f"{engine.url.database}.rebuild")
        url, drop = f"sqlite:///{path}", partial(_remove_file, path)
        drop()
    else:
        url, drop = engine.url.render_as_string(hide_password=False), partial(_drop_schema, engine, name)
        drop()
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
    shadow = connect(url)
    if is_server(shadow):
        event.listen(shadow, "connect", partial(_enter_schema, name))
    try:
        yield shadow
    finally:
        shadow.dispose()
        drop()


def _remove_file(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _drop_schema(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))


def _enter_schema(name: str, connection: Any, _: Any) -> None:
    connection.execute(f"SET search_path TO {name}")
    connection.commit()


@contextmanager
def attach_shadow(connection: Connection, shadow: Engine, name: str) -> Iterator[None]:
    """Inside, a connection reaches the tables of a shadow as `name`.table."""
    if is_server(connection):
        yield
        return
    connection.exec_driver_sql(f"ATTACH DATABASE ? AS {name}", (shadow.url.database,))
    connection.commit()
    try:
        yield
    finally:
        connection.exec_driver_sql(f"DETACH DATABASE {name}")
        connection.commit()


def lock_out_writers(connection: Connection, table: Table) -> None:
    """Let nobody else write a table until this transaction ends; readers go on. A file has one writer anyway."""
    if is_server(connection):
        name = connection.dialect.identifier_preparer.quote(table.name)
        connection.execute(text(f"LOCK TABLE {name} IN EXCLUSIVE MODE"))


# --- tables that are only added to


def append_only_statements(bind: Connection, tables: Sequence[str], reason: str) -> list[str]:
    """What makes the database itself refuse a change or a removal of rows, with a reason."""
    if _is_file(bind):
        return [
            f"CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, '{reason}'); END"
            for table in tables
            for what in ("update", "delete")
        ]
    function = (
        "CREATE FUNCTION audit_only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{reason}'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE PROCEDURE audit_only_added_to()"
        for table in tables
    ]


def drop_append_only(bind: Connection) -> list[str]:
    """What takes that back once the tables are gone."""
    return [] if _is_file(bind) else ["DROP FUNCTION audit_only_added_to()"]


# --- rows


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], guard: str | None) -> None:
    """Insert or update by primary key; with a guard column a row that is not newer is left alone. One row per key, please."""
    if not rows:
        return
    insert, values = _insert_of(connection, table, rows)
    keys = [column.name for column in table.primary_key]
    new = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    where = insert.excluded[guard] > table.c[guard] if guard else None
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new, where=where), values)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert; rows whose key is known are left alone."""
    if rows:
        insert, values = _insert_of(connection, table, rows)
        connection.execute(insert.on_conflict_do_nothing(), values)


def keep_least(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], column: str) -> None:
    """Insert; of a row whose key is known only one column is taken, if it is less. One row per key, please."""
    if rows:
        insert, values = _insert_of(connection, table, rows)
        keys, new = [one.name for one in table.primary_key], insert.excluded[column]
        least = insert.on_conflict_do_update(index_elements=keys, set_={column: new}, where=new < table.c[column])
        connection.execute(least, values)


def _insert_of(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> tuple[Any, Any]:
    """An insert of rows, and its values.

    PostgreSQL takes all rows as one JSON value: sending and planning each row by itself costs more than writing it. Rows with
    bytes, which JSON has not, go one by one.
    """
    if _is_file(connection):
        return sqlite.insert(table), list(rows)
    names = list(rows[0])
    if any(isinstance(table.c[name].type, LargeBinary) for name in names):
        return postgresql.insert(table), list(rows)
    shape: Any = literal_column(f"NULL::{connection.dialect.identifier_preparer.quote(table.name)}")
    columns = [column(name, table.c[name].type) for name in names]
    given = func.json_populate_recordset(shape, bindparam("given", type_=JSON)).table_valued(*columns, name="given")
    return postgresql.insert(table).from_select(names, select(*given.c)), {"given": list(rows)}


# --- instants: hours, local days and lengths, said the way each database wants


def hour_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The hour of an instant as text; `read_hour` reads it."""
    if _is_file(connection):
        return func.substr(column, 1, 13)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")


def read_hour(text: str) -> datetime:
    """The beginning of an hour that `hour_of` named."""
    return datetime.strptime(text, _HOUR).replace(tzinfo=UTC)


def day_of(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The local date of an instant, as ISO text."""
    if _is_file(connection):
        return func.date(column, "+8 hours")
    return func.to_char(func.timezone(ZONE, column), "YYYY-MM-DD")


def seconds_between(
    connection: Connection, first: ColumnElement[Any], then: ColumnElement[Any]
) -> ColumnElement[float]:
    """How many seconds lie between two instants."""
    if _is_file(connection):
        days = type_coerce(func.julianday(then), Float) - type_coerce(func.julianday(first), Float)
        return days * _SECONDS_OF_DAY
    return cast(extract("epoch", then - first), Float)


def second_of(connection: Connection, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The whole second of an instant since 1970, alike on both databases."""
    if _is_file(connection):
        return cast(func.strftime("%s", at), BigInteger)
    return cast(func.floor(extract("epoch", at)), BigInteger)
