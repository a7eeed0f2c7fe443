"""Sending records so that none is lost without a word: each is acknowledged by all replicas, or the command fails."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cli.kafka import clients
from cli.output import fail
from cli.runtime import no_broker, read_kafka

if TYPE_CHECKING:
    from cli.settings import Settings

_UNSENT = 20_000  # records that may wait for their acknowledgement


class Sender:
    """A Kafka producer that stops the command when the broker refuses a record."""

    def __init__(self, settings: Settings) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        self._prefix = settings.topic_prefix
        self._pending: list[Any] = []
        self._refusal: Exception | None = None
        kafka = read_kafka(settings)
        try:
            self._producer = KafkaProducer(
                **kafka.client(),
                bootstrap_timeout_ms=clients.BOOTSTRAP_MS,
                acks="all",
                linger_ms=5,
                batch_size=256 * 1024,
                allow_auto_create_topics=False,
                max_block_ms=20_000,
            )
        except (KafkaError, OSError):
            no_broker(kafka)

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes | None]] = (),
        misplaced: bool = False,
        timestamp_ms: int | None = None,
    ) -> None:
        """Send one record by its topic's name without prefix.

        `misplaced`: to where CRC32 of the key puts it, not murmur2. `timestamp_ms` counts only with CreateTime.
        """
        from kafka.errors import KafkaError, KafkaTimeoutError

        name = self._prefix + topic
        told = [(header, text or b"") for header, text in headers]  # kafka-python sends none without a value
        try:
            known = self._producer.partitions_for(name) if misplaced else None
            partition = zlib.crc32(key or b"") % len(known) if known else None
            future = self._producer.send(
                name, key=key, value=value, headers=told, partition=partition, timestamp_ms=timestamp_ms
            )
        except KafkaTimeoutError:
            fail(f"topic {name} does not exist or has no leader", "create the topics: handover topics apply")
        except KafkaError as error:
            fail(f"the broker refused a record: {type(error).__name__}", "look at it with: handover doctor")
        self._pending.append(future)
        if len(self._pending) >= _UNSENT:
            self.flush()

    def flush(self) -> None:
        """Wait until all that was sent is acknowledged."""
        from kafka.errors import KafkaError

        try:
            self._producer.flush()
            for future in self._pending:
                future.get(timeout=60)
        except KafkaError as error:
            fail(f"the broker did not acknowledge: {type(error).__name__}", "look at it with: handover doctor")
        self._pending.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or kind is KeyboardInterrupt:
                self.flush()
        finally:
            self._producer.close(timeout=5)
