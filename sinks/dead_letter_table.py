"""Dead letters, to be looked at, redriven or dropped."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from sinks.sink import Record, insert_new
from sinks.tables import dead_letter

_DIGITS = re.compile("[0-9]{1,18}")


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Keep each; what an operator decided about it stays."""
    insert_new(connection, dead_letter, [_row(record) for record in batch])
    return ()


def _row(record: Record) -> dict[str, Any]:
    told = {name: _text(value) for name, value in record.headers if value is not None}
    return {
        "partition": record.partition,
        "offset": record.offset,
        "reason": told.get("reentry.reason", "FAILED"),
        "original_topic": told.get("__streams.errors.topic", ""),
        "original_partition": _number(told.get("__streams.errors.partition"), -1),
        "original_offset": _number(told.get("__streams.errors.offset"), -1, below=2**63),
        "message": told.get("__streams.errors.message", ""),
        "key": record.key,
        "value": record.value,
        "received_at": record.arrival,
        "redrives": _number(told.get("reentry.redrives"), 0),
        "state": "pending",
    }


def _text(value: bytes) -> str:
    return value.decode(errors="replace").replace("\0", "\ufffd")  # which no database takes


def _number(text: str | None, otherwise: int, below: int = 2**31) -> int:
    """Whoever may write to the topic may write anything; a column takes only so much."""
    number = int(text) if text is not None and _DIGITS.fullmatch(text) else otherwise
    return number if number < below else otherwise
