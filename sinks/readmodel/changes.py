"""What changed, numbered, so that open pages can follow."""

from collections.abc import Sequence

from sqlalchemy import Connection

from sinks.readmodel.dialect import insert_new
from sinks.readmodel.tables import change


def record_changes(connection: Connection, kind: str, keys: Sequence[str]) -> None:
    """Number what changed, so that open pages can follow."""
    if keys:
        insert_new(connection, change, [{"kind": kind, "key": key} for key in keys])
