"""Writing to Kafka for requests that wait: each record is acknowledged by all replicas, or the request is told so. Bounded."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from brokers.connection import KafkaConnection
from schemas.topics import named

log = logging.getLogger(__name__)
SEND_SECONDS = 8.0  # until all records of a request are acknowledged
MOST_BYTES = 32 * 1024 * 1024  # of records that wait for their acknowledgement, of all requests
_AGAIN_SECONDS = 1.0


class LogUnavailable(Exception):
    """Nothing is acknowledged; what was sent may still be in the log. The same events sent again are the same facts."""


class LogBusy(Exception):
    """As many bytes wait as may wait."""


class TooLargeRecord(Exception):
    """The brokers take no record of this size."""


class Entry(NamedTuple):
    """What is to be written; the topic without prefix."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Written(NamedTuple):
    """Where it stands, and the broker's timestamp (ms)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class EventLog:
    """One producer of the process, which connects in the background for as long as it takes."""

    def __init__(self, kafka: KafkaConnection, prefix: str) -> None:
        self._kafka, self._prefix = kafka, prefix
        self._producer: AIOKafkaProducer | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting = 0
        self.is_away, self._is_said = True, False

    async def start(self) -> None:
        """Begin to connect."""
        self._connecting = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """End; what was answered with 202 is in the log already."""
        if self._connecting is not None:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
        if self._producer is not None:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._producer.stop(), SEND_SECONDS)

    async def append(self, entries: Sequence[Entry]) -> list[Written]:
        """Write all and return where they stand, once every one is acknowledged. Raise LogUnavailable, LogBusy, TooLargeRecord."""
        size = sum(len(one.value) + 1024 for one in entries)
        if self._waiting + size > MOST_BYTES:
            raise LogBusy
        producer = self._producer
        if producer is None:
            raise LogUnavailable
        self._waiting += size
        try:
            written = await asyncio.wait_for(self._send(producer, entries), SEND_SECONDS)
        except MessageSizeTooLargeError as error:
            raise TooLargeRecord from error
        except (KafkaError, TimeoutError) as error:
            self._note(is_away=True, why=type(error).__name__)
            raise LogUnavailable from error
        finally:
            self._waiting -= size
        self._note(is_away=False)
        return written

    async def _send(self, producer: AIOKafkaProducer, entries: Sequence[Entry]) -> list[Written]:
        futures = [
            await producer.send(named(self._prefix, one.topic), one.value, one.key, headers=list(one.headers))
            for one in entries
        ]
        told: list[Any] = await asyncio.gather(*futures)
        return [
            Written(entry.topic, one.partition, one.offset, one.timestamp)
            for entry, one in zip(entries, told, strict=True)
        ]

    async def _connect(self) -> None:
        while True:
            producer = AIOKafkaProducer(
                **self._kafka.client(), acks="all", request_timeout_ms=round(SEND_SECONDS * 1000), linger_ms=2
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                self._note(is_away=True, why=type(error).__name__)
                await producer.stop()
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._producer = producer
                self._note(is_away=False)
                return

    def _note(self, *, is_away: bool, why: str = "") -> None:
        if is_away and not self._is_said:
            log.warning("Kafka does not answer, events are refused with 503", extra={"error": why})
            self._is_said = True
        elif not is_away and self.is_away:
            log.info("Kafka answers")
            self._is_said = False
        self.is_away = is_away
