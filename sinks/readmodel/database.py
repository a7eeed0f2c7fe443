"""Opening the database and bringing its tables to the newest version."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, literal_column, make_url, select, table
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from sinks.readmodel.dialect import Patience, engine_options, is_one_file, is_server, limit_lock_waits

MIGRATIONS = Path(__file__).parent / "migrations"
FRESH_SECONDS = 5.0
LOCK_SECONDS = 10
_BUSY_SECONDS = 10.0
_RETURNED, _FILE = "returned", "file"


class NotMigrated(RuntimeError):
    """The database is not at the newest version; `handover sink --migrate` brings it there."""


class NewerTables(NotMigrated):
    """The tables were made by a newer program than this one; it would misread them."""


def connect(url: str, patience: Patience | None = None) -> Engine:
    """An engine; nothing is opened yet. SQLite: write-ahead log, one writer waits for another.

    Without `patience` it waits as the database does: who writes the read model has nothing better to do.
    """
    options = engine_options(make_url(url), patience) if patience is not None else {}
    engine = create_engine(url, json_serializer=_json, json_deserializer=orjson.loads, **options)
    if is_one_file(engine):
        busy = patience.lock if patience is not None else _BUSY_SECONDS
        event.listen(engine, "connect", partial(_prepare_sqlite, busy))
        _follow_the_file(engine)
    _ask_the_rested(engine)
    return engine


def limit_locks(engine: Engine) -> None:
    """Give up waiting for a lock after some seconds, where the database is a server."""
    limit_lock_waits(engine, LOCK_SECONDS)


def _follow_the_file(engine: Engine) -> None:
    """A connection to a file that was removed or replaced reads and writes what nobody else sees: it is opened anew."""

    def opened(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_FILE] = _inode(engine)

    def taken(_: Any, record: ConnectionPoolEntry, __: Any) -> None:
        if _inode(engine) != record.info.get(_FILE):
            raise InvalidatePoolError

    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", taken)


def _inode(engine: Engine) -> int | None:
    try:
        return Path(engine.url.database or "").stat().st_ino
    except OSError:
        return None


def _ask_the_rested(engine: Engine) -> None:
    """A pooled connection that has rested may be dead and is asked first; asking each time would cost a page more than some of its queries."""

    def returned(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()

    def taken(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get(_RETURNED, time.monotonic()) < FRESH_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others are as old: each is opened anew

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _prepare_sqlite(busy_seconds: float, connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    busy = f"busy_timeout={int(busy_seconds * 1000)}"
    for pragma in ("journal_mode=WAL", busy, "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version. Raise NewerTables."""
    if at_head(engine):
        return
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def refuse_loss(connection: Connection, *tables: str) -> None:
    """For the way back to an older version, which would drop tables. Raise RuntimeError where one of them holds rows."""
    for name in tables:
        if connection.execute(select(literal_column("1")).select_from(table(name)).limit(1)).first() is not None:
            raise RuntimeError(
                f"the older version has no table {name}, and it holds rows: back it up and empty it first"
            )


def at_head(engine: Engine) -> bool:
    """Whether the tables are at the newest version. Raise NewerTables."""
    scripts = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {one.revision for one in scripts.walk_revisions()}:
        raise NewerTables(f"the tables (version {current}) are newer than this program: update the program")
    return current == scripts.get_current_head()


def prepare(engine: Engine) -> None:
    """SQLite migrates itself; PostgreSQL only by command. Raise NotMigrated, NewerTables."""
    if at_head(engine):
        return
    if is_server(engine):
        raise NotMigrated("the database is not at the newest version: run `handover sink --migrate`")
    migrate(engine)
