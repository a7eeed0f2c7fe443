"""Header names that are not UTF-8: brokers take them from any C program, and kafka-python would fail at them again and again."""

from typing import Any

from kafka.record import default_records
from kafka.record.util import decode_varint

_BEFORE_KEY = 4  # numbers of a record before its key: length, attributes, time and offset since the batch's first
_read = default_records.DefaultRecordBatch._read_msg  # noqa: SLF001  # the only place where a record is taken apart


def _read_any(batch: Any, *arguments: Any, **named: Any) -> Any:
    begin = batch._pos  # noqa: SLF001
    try:
        return _read(batch, *arguments, **named)
    except UnicodeDecodeError:
        batch._pos, batch._buffer = begin, bytearray(batch._buffer)  # noqa: SLF001
        _spell_names(batch._buffer, begin)  # noqa: SLF001
        return _read(batch, *arguments, **named)


def _spell_names(buffer: bytearray, at: int) -> None:
    """In ASCII, "?" for every other byte; lengths stay."""
    for _ in range(_BEFORE_KEY):
        _, at = decode_varint(buffer, at)
    for _ in ("key", "value"):
        size, at = decode_varint(buffer, at)
        at += max(0, size)
    count, at = decode_varint(buffer, at)
    for _ in range(count):
        size, at = decode_varint(buffer, at)
        name = bytes(buffer[at : at + size])
        buffer[at : at + size] = name.decode("ascii", "replace").encode("ascii", "replace")
        at += size
        size, at = decode_varint(buffer, at)
        at += max(0, size)


def read_any_header_name() -> None:
    """Let every consumer of this process do so."""
    default_records.DefaultRecordBatch._read_msg = _read_any  # noqa: SLF001
