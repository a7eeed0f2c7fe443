"""Header names that are not UTF-8: brokers take them from any C program, and aiokafka would fail at them again and again."""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from schemas.header_names import spell_names

_BATCH_HEAD = 12  # bytes: base offset and length of what follows


class KeptRecords(MemoryRecords):  # type: ignore[misc]
    """The records of one answer, which can be read once more."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class AnyNames(fetcher.PartitionRecords):  # type: ignore[misc]
    """Records of one partition: from the first on that aiokafka cannot read, by our own slower way."""

    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        aborted = list(self._aborted_transactions or ())
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            given = self.next_fetch_offset
            self._records: Any = _SlowRecords(self._records.data)
            self._aborted_transactions: Any = aborted  # read again from the first batch on
            self._aborted_producers.clear()
            for record in super()._unpack_records():
                if record.offset >= given:
                    yield record


class _SlowRecords:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = bytes(data), 0

    def has_next(self) -> bool:
        return self._at + _BATCH_HEAD < len(self._data) and self._end() <= len(self._data)

    def next_batch(self) -> "_SlowBatch":
        begin, self._at = self._at, self._end()
        return _SlowBatch(self._data[begin : self._at])

    def _end(self) -> int:
        return self._at + _BATCH_HEAD + int.from_bytes(self._data[self._at + 8 : self._at + _BATCH_HEAD], "big")


class _SlowBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _pos: int
    _buffer: bytearray

    def _read_msg(self, decode_varint: Any = decode_varint) -> Any:
        begin = self._pos
        try:
            return super()._read_msg(decode_varint)
        except UnicodeDecodeError:
            self._pos = begin
            self._buffer = bytearray(self._buffer)
            spell_names(self._buffer, begin, decode_varint)
            return super()._read_msg(decode_varint)


def read_any_header_name() -> None:
    """Let every consumer of this process do so."""
    fetcher.MemoryRecords, fetcher.PartitionRecords = KeptRecords, AnyNames
