"""Bringing the notifier's tables to the version that this program reads."""

from pathlib import Path

from sinks.readmodel.migration_chain import MigrationChain

CHAIN = MigrationChain(
    folder=Path(__file__).parent / "migrations",
    version_table="notices_version",
    tables="the notifier's tables",
    upgrade="handover notify --migrate",
    superseded=frozenset(),
)
