"""The console's own tables: they have a chain of versions of their own, beside that of the read model."""

from pathlib import Path

from sqlalchemy import Engine

from sinks.readmodel.migration_chain import MigrationChain

CHAIN = MigrationChain(
    folder=Path(__file__).parent / "migrations",
    version_table="console_version",
    tables="the console's tables",
    upgrade="handover console --migrate",
    superseded=frozenset(f"{number:04}" for number in range(1, 5)),
)


def migrate(engine: Engine) -> None:
    """Bring the console's tables to the newest version. Raise NewerTables, SupersededTables."""
    CHAIN.migrate(engine)


def at_head(engine: Engine) -> bool:
    """Whether the console's tables are at the newest version. Raise NewerTables, SupersededTables."""
    return CHAIN.is_at_head(engine)


def prepare(engine: Engine) -> None:
    """Bring tables in a file to the newest version; those of a server only by command. Raise NotMigrated."""
    CHAIN.prepare(engine)
