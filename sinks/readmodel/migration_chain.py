"""Bringing tables to the version that this program reads: a chain of migrations, of the read model or of the console."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, literal_column, select, table

from sinks.readmodel.dialect import is_server


class NotMigrated(RuntimeError):
    """The tables are not those that this program reads; `todo` says what brings them there."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}: {todo}")
        self.what, self.todo = what, todo


class NewerTables(NotMigrated):
    """The tables were made by a newer program than this one; it would misread them."""


class SupersededTables(NotMigrated):
    """The tables were made by migrations from before the first release, which are gone."""


PAGE = "docs/runbook/operations.md, Tables from before the first release"


@dataclass(frozen=True, slots=True)
class MigrationChain:
    """The migrations in a folder, whose version stands in a table of its own.

    `tables`: what they are, as messages name them; `upgrade`: the command that runs them; `superseded`: versions from before the first
    release, never to be used again.
    """

    folder: Path
    version_table: str
    tables: str
    upgrade: str
    superseded: frozenset[str]

    def config(self) -> Config:
        """Alembic's, without a connection."""
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        return config

    def is_at_head(self, engine: Engine) -> bool:
        """Whether the tables are at the newest version. Raise NewerTables, SupersededTables."""
        scripts = ScriptDirectory.from_config(self.config())
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": self.version_table})
            current = context.get_current_revision()
        if current in self.superseded:
            what = f"{self.tables} (version {current}) were made before the first release"
            raise SupersededTables(what, f"begin with an empty database, or see {PAGE}")
        if current is not None and current not in {one.revision for one in scripts.walk_revisions()}:
            what = f"{self.tables} (version {current}) are newer than this program"
            raise NewerTables(what, "update the program")
        return current == scripts.get_current_head()

    def migrate(self, engine: Engine) -> None:
        """Bring the tables to the newest version. Raise NewerTables, SupersededTables."""
        if self.is_at_head(engine):
            return
        config = self.config()
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def prepare(self, engine: Engine) -> None:
        """Bring tables in a file to the newest version; those of a server only by command. Raise NotMigrated."""
        if self.is_at_head(engine):
            return
        if is_server(engine):
            raise NotMigrated(f"{self.tables} are not at the newest version", f"run: {self.upgrade}")
        self.migrate(engine)


def refuse_loss(connection: Connection, *tables: str) -> None:
    """For the way back to an older version, which would drop tables. Raise RuntimeError where one of them holds rows."""
    for name in tables:
        if connection.execute(select(literal_column("1")).select_from(table(name)).limit(1)).first() is not None:
            raise RuntimeError(
                f"the older version has no table {name}, and it holds rows: back it up and empty it first"
            )
