"""The receipts of one record, read from the log itself: nothing else is kept, so none can be lost."""

import threading
import time
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from brokers.connection import KafkaConnection
from brokers.offsets import read_ends, read_firsts
from gateway.receipts import make_receipt, read_signed, sign
from gateway.signing import Signer
from schemas.receipt import Receipt, SignedReceipt
from schemas.topics import RECEIPT, named, partition_of

SECONDS = 5.0
_POLL_MS = 200


class Looked(NamedTuple):
    """A record that is in the log: its receipt, and the one of a worker's decision once there is one."""

    in_log: SignedReceipt
    decided: SignedReceipt | None


class LookedTooLong(Exception):
    """The answer did not come in time."""


class ReceiptLookup:
    """One consumer, asked by one request after the other."""

    def __init__(self, kafka: KafkaConnection, prefix: str, signer: Signer) -> None:
        self._kafka, self._prefix, self._signer = kafka, prefix, signer
        self._lock = threading.Lock()
        self._consumer: Any = None

    def find(self, topic: str, partition: int, offset: int, source: str) -> Looked | None:
        """Return the receipts of a record; None where it is not there any more or another source has sent it.

        Raise KafkaError, OSError, LookedTooLong.
        """
        if not self._lock.acquire(timeout=SECONDS):
            raise LookedTooLong
        try:
            return self._find(topic, partition, offset, source)
        except (KafkaError, OSError):
            self._close()
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """End."""
        with self._lock:
            self._close()

    def _find(self, topic: str, partition: int, offset: int, source: str) -> Looked | None:
        end = time.monotonic() + SECONDS
        consumer = self._open()
        record = self._read_one(consumer, TopicPartition(named(self._prefix, topic), partition), offset, end)
        if record is None:
            return None
        receipt = make_receipt("in_log", (topic, partition, offset), record.timestamp, record.value, record.headers)
        if receipt.source != source:
            return None
        return Looked(sign(receipt, self._signer), self._find_decision(consumer, receipt, record.timestamp, end))

    def _read_one(self, consumer: Any, place: TopicPartition, offset: int, end: float) -> Any:
        if place.partition not in (consumer.partitions_for_topic(place.topic) or ()):
            return None
        consumer.assign([place])
        if not read_firsts(consumer, [place])[place] <= offset < read_ends(consumer, [place])[place]:
            return None
        consumer.seek(place, offset)
        while time.monotonic() < end:
            for records in consumer.poll(timeout_ms=_POLL_MS, max_records=1).values():
                return records[0] if records[0].offset == offset else None
        raise LookedTooLong

    def _find_decision(self, consumer: Any, receipt: Receipt, timestamp_ms: int, end: float) -> SignedReceipt | None:
        """The decision stands in the partition of the source, after the record itself."""
        topic = named(self._prefix, RECEIPT)
        count = len(consumer.partitions_for_topic(topic) or ())
        if not count:
            return None
        place = TopicPartition(topic, partition_of(receipt.source.encode(), count))
        consumer.assign([place])
        start = consumer.offsets_for_times({place: timestamp_ms}).get(place)
        if start is None:
            return None
        last = read_ends(consumer, [place])[place]
        consumer.seek(place, start.offset)
        while consumer.position(place) < last:
            if time.monotonic() > end:
                raise LookedTooLong
            for records in consumer.poll(timeout_ms=_POLL_MS).values():
                for record in records:
                    if found := _read(record.value, receipt.id):
                        return found
        return None

    def _open(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **self._kafka.reader(), group_id=None, enable_auto_commit=False, allow_auto_create_topics=False
            )
        return self._consumer

    def _close(self) -> None:
        if self._consumer is not None:
            self._consumer.close(autocommit=False, timeout_ms=2_000)
            self._consumer = None


def _read(value: bytes | None, id_: str) -> SignedReceipt | None:
    try:
        found = read_signed(value)
    except ValueError:
        return None
    return found if found.receipt.id == id_ else None
