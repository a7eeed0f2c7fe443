"""The Faust app with our consumer, our producer and sends in batches."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import faust
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from brokers.connection import KafkaConnection
from streams.engine.brokertime import BrokerTime
from streams.engine.consumer import BatchConsumer
from streams.engine.records import read_any_header_name
from streams.reader import open_reader

Headers = Sequence[tuple[str, bytes | None]]  # a header may have no value

LARGEST = 1_000_000  # bytes of a value: brokers take 1,048,588 with key, headers and frame


class Output(NamedTuple):
    """One record to be written."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Written(NamedTuple):
    """Where a batch was written: `number` records from offset `base` on."""

    partition: int
    base: int
    number: int


class TooLarge(ValueError):
    """A value that a broker would refuse, again and again."""


def fitting(value: bytes) -> bytes:
    """The same, where a broker takes it. Raise TooLarge."""
    if len(value) > LARGEST:
        raise TooLarge(f"{len(value)} bytes, of at most {LARGEST}")
    return value


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Idempotent: a retried batch is written once, else our own retry would look like a foreign writer."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's transport with our parts."""

    Consumer, Producer = BatchConsumer, BatchProducer


def credentials(connection: KafkaConnection) -> Any:
    """The same connection as Faust names it; None without TLS. Raise OSError."""
    if connection.has_login:
        return faust.SASLCredentials(
            username=connection.username,
            password=connection.password,
            ssl_context=connection.tls,
            mechanism=connection.mechanism,
        )
    return faust.SSLCredentials(connection.tls) if connection.is_secured else None


class App(faust.App):  # type: ignore[misc]
    """Faust's app with our transport; `engine` is set before it starts."""

    engine: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Faust's; nothing is known of the brokers' clocks yet."""
        self.broker_time = BrokerTime()
        self.sending_since: float | None = None  # a write waits for the broker since then (monotonic s)
        self.stamping: frozenset[str] = (
            frozenset()
        )  # topics that we write and brokers stamp, unless they hold a recorded history
        super().__init__(*args, **kwargs)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_producer, self)

    async def send_batches(self, topic: str, outputs: Mapping[int, Sequence[Output]]) -> list[Written]:
        """Write records to partitions and wait for the broker's acknowledgement. Raise KafkaError."""
        self.sending_since = time.monotonic()
        try:
            return await self._send_batches(topic, outputs)
        finally:
            self.sending_since = None

    async def _send_batches(self, topic: str, outputs: Mapping[int, Sequence[Output]]) -> list[Written]:
        producer, sent = self.producer._producer, []
        for partition, records in outputs.items():
            at = 0
            while at < len(records):
                batch, first = producer.create_batch(), at
                while at < len(records) and _append(batch, records[at]):  # the first one always goes in
                    at += 1
                batch.close()
                sent.append((partition, at - first, await producer.send_batch(batch, topic, partition=partition)))
        found = []
        for partition, count, future in sent:
            written = await future
            if topic in self.stamping:
                self.broker_time.heard(written)
            found.append(Written(partition, written.offset, count))
        return found

    async def read(self, kafka: KafkaConnection, tp: TP, first: int, after: int) -> list[Any]:
        """Read the records of a partition with first <= offset < after, as far as there are any. Raise KafkaError.

        Not committed ones too: a foreign transaction that stays open would be waited for.
        """
        read_any_header_name()
        async with open_reader(kafka, isolation_level="read_uncommitted") as consumer:
            place = TopicPartition(tp.topic, tp.partition)
            consumer.assign([place])
            consumer.seek(place, first)
            found: list[Any] = []
            while await consumer.position(place) < after:
                for records in (await consumer.getmany(place, timeout_ms=1_000)).values():
                    found += [record for record in records if record.offset < after]
            return found


def _append(batch: Any, output: Output) -> bool:
    return batch.append(key=output.key, value=output.value, timestamp=None, headers=list(output.headers)) is not None
