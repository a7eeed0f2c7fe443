"""Opening the database and bringing its tables to the newest version."""

import time
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from sinks.readmodel.dialect import Patience, engine_options, prepare_connections
from sinks.readmodel.migration_chain import MigrationChain

CHAIN = MigrationChain(
    folder=Path(__file__).parent / "migrations",
    version_table="alembic_version",
    tables="the tables of the read model",
    upgrade="handover sink --migrate",
    superseded=frozenset(f"{number:04}" for number in range(1, 11)),
)
FRESH_SECONDS = 5.0
UNHURRIED = Patience()
WRITER = Patience(
    lock=10
)  # a statement that gets no lock in time fails as if the database was away, and is tried again
_RETURNED = "returned"


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


def at_head(engine: Engine) -> bool:
    """Whether the tables are at the newest version. Raise NewerTables, SupersededTables."""
    return CHAIN.is_at_head(engine)


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version. Raise NewerTables, SupersededTables."""
    CHAIN.migrate(engine)


def prepare(engine: Engine) -> None:
    """Bring tables in a file to the newest version; those of a server only by command. Raise NotMigrated."""
    CHAIN.prepare(engine)
