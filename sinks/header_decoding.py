"""Header names that are not UTF-8: brokers take them from any C program, and kafka-python would fail at them again and again."""

from typing import Any

from kafka.record import default_records
from kafka.record.util import decode_varint

from schemas.header_names import spell_names

_read = default_records.DefaultRecordBatch._read_msg  # noqa: SLF001  # the only place where a record is taken apart


def _read_any(batch: Any, *arguments: Any, **named: Any) -> Any:
    begin = batch._pos  # noqa: SLF001
    try:
        return _read(batch, *arguments, **named)
    except UnicodeDecodeError:
        batch._pos, batch._buffer = begin, bytearray(batch._buffer)  # noqa: SLF001
        spell_names(batch._buffer, begin, decode_varint)  # noqa: SLF001
        return _read(batch, *arguments, **named)


def read_any_header_name() -> None:
    """Let every consumer of this process do so."""
    default_records.DefaultRecordBatch._read_msg = _read_any  # noqa: SLF001
