"""Tables that are not those of this program are refused in one line that says what to do, and stay as they are."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from console.db import database as console
from console.db import tables as console_tables
from sinks.notifications import database as notifications
from sinks.notifications import tables as notice_tables
from sinks.readmodel import database as read_model
from sinks.readmodel import tables
from sinks.readmodel.migration_chain import MigrationChain, NewerTables, NotMigrated, SupersededTables

CHAINS = [read_model.CHAIN, console.CHAIN, notifications.CHAIN]
FROM_BEFORE = CHAINS[:2]  # that had tables before the first release
METADATA = {
    read_model.CHAIN: tables.metadata,
    console.CHAIN: console_tables.metadata,
    notifications.CHAIN: notice_tables.metadata,
}


def put_version(engine: Engine, chain: MigrationChain, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {chain.version_table} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text(f"INSERT INTO {chain.version_table} VALUES ('{version}')"))


def names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


@pytest.mark.parametrize("chain", FROM_BEFORE, ids=["read model", "console"])
def test_tables_from_before_the_first_release_are_refused_and_stay(empty: Engine, chain: MigrationChain) -> None:
    for version in sorted(chain.superseded):
        put_version(empty, chain, version)
        for look in (chain.is_at_head, chain.prepare, chain.migrate):
            with pytest.raises(
                SupersededTables, match=rf"{version}.* before the first release: .*operations\.md"
            ) as caught:
                look(empty)
            assert len(str(caught.value).splitlines()) == 1
        assert names(empty) == {chain.version_table}
        with empty.begin() as connection:
            connection.execute(text(f"DROP TABLE {chain.version_table}"))


@pytest.mark.parametrize("chain", CHAINS, ids=["read model", "console", "notices"])
def test_tables_of_a_newer_program_are_refused(empty: Engine, chain: MigrationChain) -> None:
    put_version(empty, chain, "9999")
    for look in (chain.is_at_head, chain.prepare, chain.migrate):
        with pytest.raises(NewerTables, match=r"9999.*newer than this program: update the program"):
            look(empty)
    assert names(empty) == {chain.version_table}


@pytest.mark.parametrize("chain", CHAINS, ids=["read model", "console", "notices"])
def test_the_migrations_make_what_the_program_reads(empty: Engine, chain: MigrationChain) -> None:
    metadata = METADATA[chain]

    def is_ours(item: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in metadata.tables

    chain.migrate(empty)
    with empty.connect() as connection:
        options: dict[str, Any] = {"version_table": chain.version_table, "include_object": is_ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    assert names(empty) == {*metadata.tables, chain.version_table}


@pytest.mark.parametrize("chain", FROM_BEFORE, ids=["read model", "console"])
def test_the_last_tables_from_before_are_taken_on_as_the_page_says(empty: Engine, chain: MigrationChain) -> None:
    config = chain.config()
    with empty.begin() as connection:  # tables that were made since the first release come after it
        config.attributes["connection"] = connection
        command.upgrade(config, "baseline")
    with empty.begin() as connection:
        connection.execute(text(f"UPDATE {chain.version_table} SET version_num = '{max(chain.superseded)}'"))
    with pytest.raises(NotMigrated):
        chain.prepare(empty)
    with empty.begin() as connection:
        connection.execute(text(f"UPDATE {chain.version_table} SET version_num = 'baseline'"))
    chain.migrate(empty)
    assert chain.is_at_head(empty)


@pytest.mark.parametrize("chain", CHAINS, ids=["read model", "console", "notices"])
def test_an_empty_database_can_be_left_empty_again(empty: Engine, chain: MigrationChain) -> None:
    for _ in range(2):
        chain.migrate(empty)
        config = chain.config()
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        assert names(empty) == {chain.version_table}


def test_users_are_not_dropped_on_the_way_back(empty: Engine) -> None:
    console.CHAIN.migrate(empty)
    values = "'u', 'l', 'county', 'a', '', 's', true, false"
    with empty.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO console_user (user_id, login, role, agency, prefix, staff, keys, closed) VALUES ({values})"
            )
        )
    config = console.CHAIN.config()
    with empty.connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(RuntimeError, match="holds rows"):
            command.downgrade(config, "base")
    assert "console_user" in names(empty)
