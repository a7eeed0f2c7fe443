"""The one loop of all sinks: read, write in one transaction, then commit."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from schemas.topics import named
from sinks import metrics
from sinks.sink import Record, Sink, SinkUnavailable

log = logging.getLogger(__name__)

BATCH = 2_000
POLL_MS = 500
WAIT_SECONDS = 1.0
Arrival = Callable[[int], datetime]


class Runner:
    """Runs one sink until it is told to stop. `read_until_ms`: everything appended before (broker time) has been written."""

    def __init__(self, sink: Sink, engine: Engine, brokers: str, prefix: str, arrival: Arrival) -> None:
        self.sink, self.engine, self.prefix, self.arrival = sink, engine, prefix, arrival
        self.brokers = brokers
        self.read_until_ms: int | None = None
        self._last: dict[TopicPartition, int] = {}
        self._unavailable = False

    def run(self, stop: threading.Event) -> None:
        """Read, write, commit; while Kafka or the database is away, say so once and wait."""
        while not stop.is_set():
            try:
                consumer = self._consumer()
            except KafkaError as error:
                self._wait("Kafka", error, stop)
                continue
            try:
                self._loop(consumer, stop)
            finally:
                consumer.close(timeout_ms=2000)

    def _consumer(self) -> Any:
        consumer = KafkaConsumer(
            bootstrap_servers=self.brokers.split(","),
            group_id=f"{self.prefix}reentry-sink-{self.sink.name}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH,
            max_poll_interval_ms=3_600_000,  # a batch may wait for its database
            session_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
        )
        consumer.subscribe([named(self.prefix, topic) for topic in self.sink.topics])
        return consumer

    def _loop(self, consumer: Any, stop: threading.Event) -> None:
        while not stop.is_set():
            asked = round(time.time() * 1000) - POLL_MS - 1000
            try:
                polled = consumer.poll(timeout_ms=POLL_MS)
            except KafkaError as error:
                self._wait("Kafka", error, stop)
                continue
            batch = [self._record(one) for records in polled.values() for one in records]
            if batch and not self._write(batch, stop):
                return
            for place, records in polled.items():
                self._last[place] = records[-1].timestamp
            if batch:
                self._commit(consumer)
            self.read_until_ms = self._frontier(consumer, asked)

    def _record(self, one: Any) -> Record:
        return Record(
            one.topic,
            one.partition,
            one.offset,
            one.key,
            one.value,
            one.headers or (),
            one.timestamp,
            self.arrival(one.timestamp),
        )

    def _write(self, batch: Sequence[Record], stop: threading.Event) -> bool:
        """Write until it is written. False: told to stop before."""
        while not stop.is_set():
            try:
                invalid = self._transaction(batch)
            except SinkUnavailable as error:
                self._wait("the database", error, stop)
                continue
            self._available()
            metrics.RECORDS.labels(self.sink.name, "written").inc(len(batch) - len(invalid))
            for record in invalid:
                log.error(
                    "%s: %s[%d]@%d cannot be read, passed over",
                    self.sink.name,
                    record.topic,
                    record.partition,
                    record.offset,
                )
                metrics.RECORDS.labels(self.sink.name, "invalid").inc()
            return True
        return False

    def _transaction(self, batch: Sequence[Record]) -> Sequence[Record]:
        try:
            with self.engine.begin() as connection:
                return self.sink.write(connection, batch)
        except (OperationalError, InterfaceError) as error:
            raise SinkUnavailable(type(error).__name__) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise SinkUnavailable(type(error).__name__) from error
            raise

    def _commit(self, consumer: Any) -> None:
        try:
            consumer.commit()
        except KafkaError as error:  # after a rebalance: somebody reads it again, and writes the same
            log.info("%s: not committed (%s)", self.sink.name, type(error).__name__)

    def _frontier(self, consumer: Any, asked_ms: int) -> int | None:
        """The least, over the partitions, of the last record's time, or of the instant of the fetch that found no more."""
        places = consumer.assignment()
        if not places:
            return None
        found = []
        for place in places:
            end = consumer.highwater(place)
            if end is None:
                return None
            found.append(asked_ms if consumer.position(place) >= end else self._last.get(place, 0))
        return min(found)

    def _wait(self, what: str, error: Exception, stop: threading.Event) -> None:
        if not self._unavailable:
            log.error("%s: %s does not answer (%s); waiting", self.sink.name, what, type(error).__name__)
        self._unavailable = True
        metrics.UNAVAILABLE.labels(self.sink.name).set(1)
        stop.wait(WAIT_SECONDS)

    def _available(self) -> None:
        if self._unavailable:
            log.warning("%s: goes on", self.sink.name)
        self._unavailable = False
        metrics.UNAVAILABLE.labels(self.sink.name).set(0)
