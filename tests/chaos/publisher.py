"""The city's publishers: each fact is sent when its instant comes, and again until a quorum of brokers has it."""

import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from cli.simulation.record import Record
from streams.clock import Clock

CONTENT_TYPE = [("content-type", b"application/cloudevents+json")]
UNSENT = 2_000  # records that may wait for their acknowledgement
PATIENCE_SECONDS = 3_600


class _Sent(NamedTuple):
    record: Record
    future: Any


class Publisher:
    """Publishes in a thread until told to stop. Nothing is given up: a broker that is away is waited for."""

    def __init__(self, brokers: str, partitions: int, records: Iterator[Record], clock: Clock) -> None:
        self.sent = 0
        self.failure: BaseException | None = None
        self._records, self._clock, self._partitions = records, clock, partitions
        self._waiting: deque[_Sent] = deque()
        self._stop, self._silent = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="publisher", daemon=True)  # a failed run ends
        self._producer = KafkaProducer(
            bootstrap_servers=brokers.split(","),
            acks="all",
            linger_ms=5,
            delivery_timeout_ms=PATIENCE_SECONDS * 1000,
            request_timeout_ms=10_000,
            max_block_ms=PATIENCE_SECONDS * 1000,
            allow_auto_create_topics=False,
            metadata_max_age_ms=10_000,
        )

    def stop(self) -> None:
        """Return when everything sent is acknowledged. Raise what ended the thread."""
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _guarded(self) -> None:
        try:
            self._run()
            self._settle(0)
        except BaseException as error:  # noqa: BLE001  # the run ends with it
            self.failure = error

    def _run(self) -> None:
        for record in self._records:
            while (left := self._due(record) - time.time()) > 0.02:
                if self._stop.wait(min(left, 0.2)):
                    return
            if self._stop.is_set():
                return
            self._send(record)
            self.sent += 1
            self._settle(UNSENT)

    def _due(self, record: Record) -> float:
        from schemas.instants import from_millis

        return self._clock.broker_ms(from_millis(record.received)) / 1000

    def _send(self, record: Record) -> None:
        partition = zlib.crc32(record.key.encode()) % self._partitions if record.misplaced else None
        future = self._producer.send(
            record.topic, key=record.key.encode(), value=record.value, headers=CONTENT_TYPE, partition=partition
        )
        self._waiting.append(_Sent(record, future))

    def _settle(self, most: int) -> None:
        """Send again what failed, wait while more than `most` are unacknowledged."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0].future.is_done):
            record, future = self._waiting.popleft()
            try:
                future.get(timeout=PATIENCE_SECONDS)
            except KafkaError:
                self._send(record)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        self._producer.close(timeout=5)
