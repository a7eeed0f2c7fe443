"""Opening the database with the console's own tables in it; they have a chain of versions of their own."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from sinks.readmodel.database import NotMigrated
from sinks.readmodel.dialect import is_server

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = "console_version"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(engine: Engine) -> None:
    """Bring the console's tables to the newest version."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def at_head(engine: Engine) -> bool:
    """Whether the console's tables are at the newest version."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"version_table": VERSIONS}).get_current_revision()
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def prepare(engine: Engine) -> None:
    """A file migrates itself; a server only by command. Raise NotMigrated."""
    if not is_server(engine):
        migrate(engine)
    elif not at_head(engine):
        raise NotMigrated("the console's tables are not at the newest version: run `handover console --migrate`")
