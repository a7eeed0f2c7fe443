"""A record that any C program may write: its header's name is not UTF-8. Both clients must read it, and what follows."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from kafka.record import MemoryRecords, MemoryRecordsBuilder

from sinks import header_decoding
from streams.engine import records
from streams.engine.records import AnyNames, KeptRecords


class Name(str):
    """Not UTF-8 on the wire."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xc3\xfb\xb3\xc6"  # "name" in GB 18030


VALUES = [b"before", b"with the name", b"after"]
HEADERS = [[("a", b"1")], [(Name("x"), b"1"), ("none", None)], []]


def batch(compression: int, first: int = 0) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=compression, batch_size=100_000, offset=first)
    for value, headers in zip(VALUES, HEADERS, strict=True):
        builder.append(timestamp=1_000, key=b"k", value=value, headers=headers)
    builder.close()
    return bytes(builder.buffer())


@pytest.mark.parametrize("compression", [0, 1, 3, 4], ids=["plain", "gzip", "lz4", "zstd"])
def test_the_worker_reads_it_and_what_follows(compression: int) -> None:
    data = batch(compression) + batch(compression, first=3)
    found = list(AnyNames(TopicPartition("t", 0), KeptRecords(data), [], 0, None, None, True, 0))
    assert [(one.offset, one.value) for one in found] == list(enumerate([*VALUES, *VALUES]))
    assert list(found[1].headers) == [("????", b"1"), ("none", None)]


@pytest.mark.parametrize("compression", [0, 1, 3, 4], ids=["plain", "gzip", "lz4", "zstd"])
def test_sinks_and_commands_read_it_and_what_follows(compression: int) -> None:
    header_decoding.read_any_header_name()
    found = [one for one in MemoryRecords(batch(compression)).next_batch()]  # noqa: C416  # as its consumer does
    assert [one.value for one in found] == VALUES
    assert found[1].headers == [("????", b"1"), ("none", None)]


def test_every_consumer_of_a_worker_reads_this_way() -> None:
    records.read_any_header_name()
    assert (fetcher.MemoryRecords, fetcher.PartitionRecords) == (KeptRecords, AnyNames)


def transactional(first: int, values: list[tuple[bytes, list[tuple[str, Any]]]], producer: int) -> bytes:
    builder = MemoryRecordsBuilder(
        magic=2,
        compression_type=0,
        batch_size=100_000,
        transactional=True,
        producer_id=producer,
        producer_epoch=0,
        base_sequence=0,
    )
    for value, headers in values:
        builder.append(timestamp=1_000, key=b"k", value=value, headers=headers)
    builder.close()
    return first.to_bytes(8, "big") + bytes(builder.buffer())[8:]


def test_what_a_transaction_took_back_stays_away_where_a_later_name_is_read_the_slow_way() -> None:
    """Aborted 2 and 3; then a record whose header name is not UTF-8: the answer is read again from its first batch on."""
    data = (
        transactional(0, [(b"0", []), (b"1", [])], producer=1)
        + transactional(2, [(b"2", []), (b"3", [])], producer=7)
        + transactional(4, [(b"4", []), (b"5", [(Name("x"), b"1")])], producer=1)
    )
    found = list(AnyNames(TopicPartition("t", 0), KeptRecords(data), [(7, 2)], 0, None, None, True, READ_COMMITTED))
    assert [one.value for one in found] == [b"0", b"1", b"4", b"5"]
