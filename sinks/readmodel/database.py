"""Opening the database and bringing its tables to the newest version."""

import time
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

from sinks.readmodel.dialect import Patience, engine_options, is_server, prepare_connections

MIGRATIONS = Path(__file__).parent / "migrations"
FRESH_SECONDS = 5.0
UNHURRIED = Patience()
WRITER = Patience(
    lock=10
)  # a statement that gets no lock in time fails as if the database was away, and is tried again
_RETURNED = "returned"


class NotMigrated(RuntimeError):
    """The database is not at the newest version; `handover sink --migrate` brings it there."""


class NewerTables(NotMigrated):
    """The tables were made by a newer program than this one; it would misread them."""


def connect(url: str, patience: Patience = UNHURRIED) -> Engine:
    """An engine; nothing is opened yet."""
    options = engine_options(make_url(url), patience)
    engine = create_engine(url, json_serializer=_json, json_deserializer=orjson.loads, **options)
    prepare_connections(engine, patience)
    _ask_rested(engine)
    return engine


def _ask_rested(engine: Engine) -> None:
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
    """A file migrates itself; a server only by command. Raise NotMigrated, NewerTables."""
    if at_head(engine):
        return
    if is_server(engine):
        raise NotMigrated("the database is not at the newest version: run `handover sink --migrate`")
    migrate(engine)
