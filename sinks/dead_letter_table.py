"""Dead letters, to be looked at, redriven or dropped."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from sinks.sink import Record, insert_new
from sinks.tables import dead_letter


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Keep each; what an operator decided about it stays."""
    insert_new(connection, dead_letter, [_row(record) for record in batch])
    return ()


def _row(record: Record) -> dict[str, Any]:
    told = {name: value.decode(errors="replace") for name, value in record.headers}
    return {
        "partition": record.partition,
        "offset": record.offset,
        "reason": told.get("reentry.reason", "FAILED"),
        "original_topic": told.get("__streams.errors.topic", ""),
        "original_partition": int(told.get("__streams.errors.partition", -1)),
        "original_offset": int(told.get("__streams.errors.offset", -1)),
        "message": told.get("__streams.errors.message", ""),
        "key": record.key,
        "value": record.value,
        "received_at": record.arrival,
        "redrives": int(told.get("reentry.redrives", 0)),
        "state": "pending",
    }
