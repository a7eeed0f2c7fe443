"""What cannot be applied is kept, with the reason (contract.md section 2)."""

from importlib.metadata import version
from typing import Any

from schemas.deadletter import EXCEPTION, MESSAGE, OFFSET, OURS, PARTITION, REASON, REDRIVES, TOPIC
from schemas.deadletter import VERSION as VERSION_HEADER
from schemas.parse import Reason
from schemas.pii import mask_bytes
from streams.engine.transport import Output

VERSION = version("reentry-handover")


def dead_letter(record: Any, reason: Reason, message: str, exception: str = "InvalidEvent") -> Output:
    """The record untouched, but for numbers that must not be kept; where it stood and why it is here in the headers."""
    key, value, given = record.key, record.value, record.headers
    if reason == "PII_IN_TEXT":
        key, value = _masked(key), _masked(value)
        given = [(name, mask_bytes(text)) for name, text in given]
    kept = [(name, text) for name, text in given if not name.startswith(OURS)]
    told = [(name, text) for name, text in record.headers if name == REDRIVES]
    headers = {
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        EXCEPTION: exception,
        MESSAGE: message,
        REASON: reason,
        VERSION_HEADER: VERSION,
    }
    key = key if key is not None or value is not None else b""  # a record needs one of both
    return Output(key, value, [*kept, *told, *((name, text.encode()) for name, text in headers.items())])


def _masked(text: bytes | None) -> bytes | None:
    return None if text is None else mask_bytes(text)
