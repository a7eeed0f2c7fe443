"""Every command that opens the database refuses tables that are not this program's in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.stack.ports import free_ports
from console.db import database as console
from sinks.readmodel import database as read_model
from sinks.readmodel.database import connect
from sinks.readmodel.migration_chain import MigrationChain

OLD = "handover: {tables} (version {version}) were made before the first release; begin with an empty database, or see docs/runbook/operations.md"
NEWER = "handover: {tables} (version {version}) are newer than this program; update the program"


def handover(url: str, *arguments: str) -> tuple[int, list[str]]:
    settings = {
        "REENTRY_DATABASE_URL": url,
        "REENTRY_WEB_PORT": str(free_ports(1)[0]),
        "REENTRY_BROKERS": "127.0.0.1:1",
    }
    found = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], env={**os.environ, **settings}, input="a password that is long\n",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return found.returncode, (found.stdout + found.stderr).splitlines()


@pytest.mark.parametrize(("version", "line"), [("old", OLD), ("9999", NEWER)])
@pytest.mark.parametrize(
    ("chain", "arguments"),
    [
        (read_model.CHAIN, ["sink"]),
        (read_model.CHAIN, ["sink", "--migrate"]),
        (read_model.CHAIN, ["rebuild", "sql"]),
        (read_model.CHAIN, ["console"]),
        (console.CHAIN, ["console"]),
        (console.CHAIN, ["console", "--migrate"]),
        (console.CHAIN, ["console", "--add-user", "one,county,COUNTY_JUSTICE-990102-01,990102"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.upgrade.split()[1],
)
def test_a_command_refuses_them(
    tmp_path: Path, chain: MigrationChain, arguments: list[str], version: str, line: str
) -> None:
    version = max(chain.superseded) if version == "old" else version
    url = f"sqlite:///{tmp_path / 'model.sqlite'}"
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {chain.version_table} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text(f"INSERT INTO {chain.version_table} VALUES ('{version}')"))
    engine.dispose()
    status, said = handover(url, *arguments)
    assert (status, len(said)) == (2, 1), said
    assert said[0].startswith(line.format(tables=chain.tables, version=version))
